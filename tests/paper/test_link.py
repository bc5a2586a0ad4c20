"""The address on a sheet leads to the election's own site and nowhere else."""

import pytest

from paper.link import make_link, parse_site


@pytest.mark.parametrize(
    "text, site",
    [
        ("https://vote.example.org", "https://vote.example.org"),
        (" https://vote.example.org/ ", "https://vote.example.org"),
        ("https://vote.example.org:8443/local-12/", "https://vote.example.org:8443/local-12"),
        ("https://vote.example.org/elections/AbCdEfGhJkLmNp", "https://vote.example.org"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_addresses_of_sites_are_read(text: str, site: str) -> None:
    assert parse_site(text) == site


@pytest.mark.parametrize(
    "text",
    ["", "vote.example.org", "http://vote.example.org", "http://localhost.example.org", "https://", "https://a b.org",
     "https://user:secret@example.org", "https://example.org?x=1", "https://example.org#x", "https://example.org//x",
     "https://example.org/\nx", "https://exämple.org", "https://example.org\\@evil.org", "javascript:alert(1)",
     "https://-example.org", "https://example.org/%2e", "ftp://example.org"],
)  # fmt: skip
def test_what_is_no_address_of_a_site_is_refused(text: str) -> None:
    """Plain http above all: anybody on the way could read the code that is typed there."""
    with pytest.raises(ValueError, match="is not an address such as"):
        parse_site(text)


def test_the_code_stands_behind_what_is_sent() -> None:
    """Browsers send nothing from the # on."""
    link = make_link("https://vote.example.org", "AbCdEfGhJkLmNp", "CODE", "FINGERPRINT")
    assert link == "https://vote.example.org/elections/AbCdEfGhJkLmNp/vote#CODE.FINGERPRINT"
