"""Which signs may stand in what people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.presentation import _HIDDEN
from crypto.writing import are_told_apart, is_blank, is_sign_of_writing, is_writing

FRENCH = "Êtes-vous pour\u202f? Oui\u00a0: 2\u00a0%"
PERSIAN = "انتخابات هیئت\u200cمدیره"
HINDI = "क्\u200dष"


@pytest.mark.parametrize("text", [FRENCH, PERSIAN, HINDI, "日本\u3000語", "Łódź 🗳", "👩\u200d🏭", ""])
def test_what_people_write(text: str) -> None:
    assert is_writing(text)


@pytest.mark.parametrize(
    "sign",
    "\x00\n\t\r\x1b\x7f\x85\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff\ud800",
)
def test_what_controls_or_turns_round_or_hides(sign: str) -> None:
    assert not is_sign_of_writing(sign)
    assert not is_writing(f"Ada{sign}Lovelace")


@given(st.characters())
def test_nothing_is_writing_that_an_election_may_not_say(sign: str) -> None:
    """Otherwise an election could be created whose data the protocol refuses."""
    assert not (is_sign_of_writing(sign) and _HIDDEN.search(sign))


def test_every_sign_that_election_data_refuse_is_refused_before() -> None:
    refused = [chr(number) for number in range(0x110000) if _HIDDEN.fullmatch(chr(number))]
    assert len(refused) > 100
    assert not [sign for sign in refused if is_sign_of_writing(sign)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u00a0\u202f\u3000",
        "\u200c\u200d",
        "\u200d \u200c",
        "\u3164",
        "\u2800\uffa0",
        "\u115f\u1160\u034f",
    ],
)
def test_what_shows_nothing_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(f"{text}x")


@pytest.mark.parametrize("other", ["A\u200dda", "A\u034fda", "\u115fAda", "Ada ", " Ada"])
@pytest.mark.parametrize("end", ["", *"\u200c\u00a0\u3164\u2800\ufe0f\u17b5\u180b\U000e0100"])
def test_what_differs_in_signs_that_nobody_sees_is_alike(other: str, end: str) -> None:
    assert not are_told_apart(["Ada", "Grace", other + end])
    assert are_told_apart(["Ada", "Grace", f"{other}{end}1"])
    assert not are_told_apart(["Ada\u202fL.", "Ada L."])


def test_an_accent_that_is_a_sign_of_its_own_looks_the_same() -> None:
    assert not are_told_apart(["Jos\u00e9", "Jose\u0301"])
    assert are_told_apart(["José", "Jose"])
