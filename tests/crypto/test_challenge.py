"""Check instead of cast: the code, and the ballot that it opens. Whatever else a booth encrypted is named (V4)."""

import json
from random import Random
from typing import Any

import pytest

from crypto.ballot import Ballot, ballot_tracker, make_ballot, open_ballot, votes_from_choices
from crypto.challenge import Challenge, encode_challenge, parse_challenge
from crypto.checker import PlainChecker
from crypto.election import Election
from crypto.encoding import encode_base64, encode_json_bytes
from crypto.errors import MalformedError, MisuseError, RejectedError
from crypto.randomness import SeedCoins
from tests.crypto.cheating import changed, sign_again
from tests.crypto.refusals import refused
from tests.simulator import sound

SEED = bytes(range(32))
TRACKER = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
KINDS = pytest.mark.parametrize("kind", ["blank", "belenios"])
CHOICES: dict[str, list[Any]] = {"blank": [[0, 2], [1]], "belenios": [[1]]}


def make(kind: str, choices: Any = None, seed: bytes = SEED) -> bytes:
    election = sound(kind).election
    votes = votes_from_choices(election, choices or CHOICES[kind])
    return make_ballot(election, sound(kind).credentials[0], votes, SeedCoins(seed))


def opened(election: Election, raw: bytes, choices: Any, *, tracker: str = "", seed: bytes = SEED) -> Ballot:
    checker = PlainChecker(election.group)
    return open_ballot(election, raw, tracker or ballot_tracker(raw), seed, choices, checker)


# --- the code ----------------------------------------------------------------------------------------------------


def test_the_code_comes_back() -> None:
    code = encode_challenge(TRACKER, SEED, ["blank", [2, 0], [], [11]])
    assert code == f"1.{TRACKER}.{encode_base64(SEED)}.b;0,2;;11"
    assert parse_challenge(code) == Challenge(TRACKER, SEED, ("blank", (0, 2), (), (11,)))
    with pytest.raises(MisuseError):
        encode_challenge(TRACKER, SEED[1:], [[0]])


@pytest.mark.parametrize(
    "change",
    [
        lambda code: code[:-1] + "x",
        lambda code: "2" + code[1:],
        lambda code: code + "\n",
        lambda code: " " + code,
        lambda code: code + ";,",
        lambda code: code + ";00",
        lambda code: code + ";1,",
        lambda code: code + ";bb",
        lambda code: code + ";b,1",
        lambda code: code + ";99999",
        lambda code: code + ";٣",
        lambda code: code.replace(".", ",", 1),
        lambda code: code[:30] + code[31:],
        lambda code: code[:44] + "V" + code[45:],  # bits of the last character that no byte uses
        lambda code: "",
    ],
)
def test_a_code_has_one_spelling(change: Any) -> None:
    code = encode_challenge("A" * 43, bytes(32), [[0]])
    parse_challenge(code)
    with refused("V4", kind=MalformedError):
        parse_challenge(change(code))


# --- the ballot --------------------------------------------------------------------------------------------------


@KINDS
def test_a_ballot_is_opened_by_seed_and_choices(kind: str) -> None:
    raw = make(kind)
    ballot = opened(sound(kind).election, raw, CHOICES[kind])
    assert (ballot.raw, ballot.tracker) == (raw, ballot_tracker(raw))


def test_every_kind_of_vote_is_opened(rng: Random) -> None:
    election = sound("blank").election
    for choices in (["blank", [0]], [[], [1]], [[0], [0]], [[0, 1], [1]], [[2], [0]]):
        seed = rng.randbytes(32)
        opened(election, make("blank", choices, seed), choices, seed=seed)


@KINDS
def test_other_choices_than_were_encrypted_are_found_out(kind: str) -> None:
    """Without it: a booth could encrypt a vote of its own and show the voter's."""
    raw = make(kind)
    others: dict[str, list[Any]] = {
        "blank": [["blank", [1]], [[0], [1]], [[0, 2], [0]], [[], [1]]],
        "belenios": [[[0]]],
    }
    for choices in others[kind]:
        with refused("V4", "question", RejectedError):
            opened(sound(kind).election, raw, choices)


def test_another_seed_or_tracker_is_found_out() -> None:
    election, raw = sound("blank").election, make("blank")
    with refused("V4", "choice 1"):
        opened(election, raw, CHOICES["blank"], seed=bytes(32))
    with refused("V4", "tracker"):
        opened(election, raw, CHOICES["blank"], tracker=TRACKER)
    with refused("V4", "tracker"):
        opened(election, make("blank"), CHOICES["blank"], tracker=ballot_tracker(raw))


@pytest.mark.parametrize("choices", [[], [[0]], [[0], [0], [0]], [[7], [0]], [[0, 0], [0]], [[0], "blank"]])
def test_choices_that_the_ballot_does_not_offer(choices: Any) -> None:
    with refused("V4", "cannot be in a ballot", RejectedError):
        opened(sound("blank").election, make("blank"), choices)


def test_a_proof_that_the_seed_does_not_tell_is_a_hidden_message() -> None:
    """A valid ballot with the right ciphertexts and other proofs: the proofs' coins would carry what nobody sees."""
    election, credential = sound("blank").election, sound("blank").credentials[0]
    first, second = json.loads(make("blank")), json.loads(make("blank", seed=bytes(32)))
    for part, words in (
        ("individual_proofs", "individual proofs"),
        ("overall_proof", "overall proof"),
        ("blank_proof", "blank proof"),
    ):
        answer = {**first["answers"][0], part: second["answers"][0][part]}
        raw = sign_again(election, credential, {**first, "answers": [answer, first["answers"][1]]})
        with refused("V4", f"question 1: {words}"):
            opened(election, raw, CHOICES["blank"])


def test_only_the_signature_is_free_and_it_must_hold() -> None:
    election, credential = sound("blank").election, sound("blank").credentials[0]
    value = json.loads(make("blank"))
    opened(election, sign_again(election, credential, value, seed=5), CHOICES["blank"])
    with refused("B7"):
        raw = encode_json_bytes(changed(make("blank"), ("signature", "proof", "response"), "12345"))
        opened(election, raw, CHOICES["blank"])
    with refused("B6"):
        raw = encode_json_bytes(changed(make("blank"), ("signature", "hash"), TRACKER))
        opened(election, raw, CHOICES["blank"])
    with refused("V4"):
        # Somebody else's signature means somebody else's proofs.
        other = sign_again(election, sound("blank").credentials[1], value)
        stolen = {**json.loads(other), "credential": json.loads(sound("blank").ballots[1])["credential"]}
        opened(election, sign_again(election, sound("blank").credentials[1], stolen), CHOICES["blank"])


def test_a_ballot_of_another_election() -> None:
    raw = make("blank")
    with refused("B2"):
        opened(sound("plain").election, raw, [[0]])
    with refused("B1"):
        opened(sound("blank").election, raw + b" ", CHOICES["blank"])
