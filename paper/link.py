"""The address by which a member votes: on the sheet's QR code, and in any other place that hands out a credential."""

from __future__ import annotations

import re

# Plain http only for this very computer: in a network anybody on the way could change the page that takes the code.
_SITE = re.compile(
    r"(https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|http://(localhost|127\.0\.0\.1|\[::1\]))"
    r"(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*",
    re.ASCII,
)
_ELECTION = re.compile(r"/elections/[1-9A-HJ-NP-Za-km-z]+$", re.ASCII)


def parse_site(text: str) -> str:
    """The address of a Steward site, or of an election's page on it → the site's, without a slash at its end.

    Raises ValueError with a sentence. Nothing but letters that need no escape, so that what is printed, what is scanned
    and what is typed are one address.
    """
    site = _ELECTION.sub("", text.strip().rstrip("/"))
    if not _SITE.fullmatch(site):
        raise ValueError(f"{text[:200]!r} is not an address such as https://vote.example.org")
    return site


def make_link(site: str, uuid: str, credential: str, fingerprint: str) -> str:
    """The voting link. What stands behind the # is never sent to a server."""
    return f"{site}/elections/{uuid}/vote#{credential}.{fingerprint}"
