"""Ballots: the same text from both languages, and both accept and refuse the same."""

import json
import random
from hashlib import sha256
from typing import Any

import pytest

from crypto.ballot import (
    ballot_tracker,
    check_ballot,
    make_ballot,
    open_ballot,
    parse_ballot,
    votes_from_choices,
)
from crypto.challenge import encode_challenge, parse_challenge
from crypto.checker import PlainChecker
from crypto.credentials import derive_secret
from crypto.election import Election, encode_election, parse_election
from crypto.encoding import encode_base64, encode_json_bytes, sha256_base64
from crypto.proofs import schnorr
from crypto.questions import HomomorphicQuestion
from crypto.randomness import SeedCoins
from crypto.transcript import ballot_signature
from tests.crypto import edwards
from tests.simulator import BOARD, OFFICERS, YES_NO, sound
from tests.web.agreeing import mutations, some_mutations, vectors, verdict
from tests.web.node import Node

CREDENTIAL = "ABCDE-FGHJKL-MNPQR-STUVWX"
GROUP = sound("plain").group

# minimum, maximum, number of answers, blank: each kind of overall and blank proof
SHAPES = [
    (1, 1, 2, False),
    (0, 1, 1, False),
    (0, 0, 1, False),
    (0, 3, 3, False),
    (2, 2, 3, False),
    (1, 3, 4, False),
    (0, 2, 3, True),
    (1, 1, 2, True),
    (2, 3, 3, True),
    (0, 0, 1, True),
]


def election_of(*questions: HomomorphicQuestion) -> Election:
    return parse_election(
        encode_election(
            uuid="KatE1ection111",
            name="Officers «é» 😀",
            description="",
            group_name="Ed25519",
            public_key=GROUP.power_g(987654321),
            questions=questions,
        )
    )


def question_of(shape: tuple[int, int, int, bool]) -> HomomorphicQuestion:
    minimum, maximum, count, blank = shape
    return HomomorphicQuestion(tuple(f"answer {n}" for n in range(count)), minimum, maximum, "Who?", blank)


def some_choices(election: Election, rng: random.Random) -> list[Any]:
    choices: list[Any] = []
    for question in election.homomorphic_questions:
        if question.blank and rng.random() < 0.4:
            choices.append("blank")
        else:
            chosen = rng.randint(question.minimum, question.maximum)
            choices.append(rng.sample(range(len(question.answers)), chosen))
    return choices


def js_ballot(js: Node, election: Election, votes: Any, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = js.call(
        "makeBallot", election=election.raw.hex(), credential=CREDENTIAL, votes=votes, **more
    )
    return answer


def judged(js: Node, election: Election, raw: bytes) -> tuple[Any, Any]:
    """What Python and JavaScript say of a ballot."""
    ours = verdict(lambda: check_ballot(election, raw, PlainChecker(election.group)).tracker)
    return ours, verdict(lambda: js.call("checkBallot", election=election.raw.hex(), ballot=raw.hex()))


# --- making ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_same_coins_make_the_same_ballot(
    js: Node, rng: random.Random, shape: tuple[int, int, int, bool]
) -> None:
    election = election_of(question_of(shape))
    possible = [some_choices(election, rng) for _ in range(3)]
    for choices in [*possible, *([["blank"]] if shape[3] else [])]:
        votes = votes_from_choices(election, choices)
        assert js.call("votes", election=election.raw.hex(), choices=choices) == votes
        seed, signing = rng.randbytes(32), rng.randbytes(32)
        expected = make_ballot(election, CREDENTIAL, votes, SeedCoins(seed), SeedCoins(signing))
        made = js_ballot(js, election, votes, seed=seed.hex(), signing=signing.hex())
        assert made["ballot"].encode() == expected
        assert judged(js, election, expected) == (("value", ballot_tracker(expected)),) * 2


def test_several_questions_share_one_row_of_coins(js: Node, rng: random.Random) -> None:
    election = election_of(BOARD, YES_NO, OFFICERS, question_of((2, 3, 3, True)))
    for _ in range(3):
        votes = votes_from_choices(election, some_choices(election, rng))
        seed, signing = rng.randbytes(32), rng.randbytes(32)
        expected = make_ballot(election, CREDENTIAL, votes, SeedCoins(seed), SeedCoins(signing))
        made = js_ballot(js, election, votes, seed=seed.hex(), signing=signing.hex())
        assert made["ballot"].encode() == expected
        done = [step for step, _ in made["progress"]]
        assert done == sorted(set(done))
        assert {total for _, total in made["progress"]} == {done[-1]}


def test_the_signature_has_a_coin_that_no_seed_tells(js: Node) -> None:
    election = sound("plain").election
    first, second = (js_ballot(js, election, [[1, 0]], seed="11" * 32)["ballot"] for _ in range(2))
    a, b = json.loads(first), json.loads(second)
    assert a["signature"]["proof"] != b["signature"]["proof"]
    assert a["signature"]["hash"] == b["signature"]["hash"]
    assert {**a, "signature": None} == {**b, "signature": None}
    # The hole that ADR 0006 closed: no coin of the seed is the signature's.
    coins = SeedCoins(bytes([0x11]) * 32)
    secret = derive_secret(GROUP, election.uuid, CREDENTIAL)
    challenge, response = (int(a["signature"]["proof"][key]) for key in ("challenge", "response"))
    w = (response + secret * challenge) % GROUP.q
    assert w not in [coins.scalar(GROUP.q) for _ in range(100)]


def test_the_seeds_coins_must_not_sign(js: Node) -> None:
    election = sound("plain").election
    assert verdict(lambda: js_ballot(js, election, [[1, 0]], seed="11" * 32, same=True)) == (
        "MisuseError",
        None,
    )


def test_ballots_with_chance_of_the_platform_differ_and_hold(js: Node, rng: random.Random) -> None:
    election = election_of(BOARD, YES_NO)
    made = [js_ballot(js, election, votes_from_choices(election, ["blank", [0]]))["ballot"] for _ in range(2)]
    assert made[0] != made[1]
    for text in made:
        assert judged(js, election, text.encode())[0][0] == "value"


@pytest.mark.parametrize(
    "choices",
    [
        [[0]],
        [[0], [0], [0]],
        [[0], "blank"],
        [[3], [0]],
        [[-1], [0]],
        [[0, 0], [0]],
        [[0], []],
        [[0, 1, 2], [0]],
        [[0.5], [0]],
    ],
    ids=str,
)
def test_choices_that_the_ballot_does_not_offer(js: Node, choices: Any) -> None:
    election = election_of(BOARD, YES_NO)
    refused = ("MisuseError", None)
    assert verdict(lambda: votes_from_choices(election, choices)) == refused
    assert verdict(lambda: js.call("votes", election=election.raw.hex(), choices=choices)) == refused


@pytest.mark.parametrize(
    "votes",
    [
        [],
        [[1, 0]],
        [[0, 1, 0, 0], [1, 1]],
        [[1, 1, 0, 0], [1, 0]],
        [[0, 1, 1, 1], [1, 0]],
        [[0, 2, 0, 0], [1, 0]],
        [[0], [1, 0]],
    ],
    ids=str,
)
def test_votes_that_the_ballot_does_not_offer(js: Node, votes: Any) -> None:
    election = election_of(BOARD, YES_NO)
    refused = ("MisuseError", None)
    assert verdict(lambda: make_ballot(election, CREDENTIAL, votes, SeedCoins(bytes(32)))) == refused
    assert verdict(lambda: js_ballot(js, election, votes)) == refused


# --- reading and verifying ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "blank", "weighted", "threshold", "presented"])
def test_ballots_of_the_simulator_are_read_alike(js: Node, kind: str) -> None:
    simulation = sound(kind)
    for raw in simulation.ballots:
        ballot = parse_ballot(simulation.election, raw)
        found = js.call("readBallot", election=simulation.election.raw.hex(), ballot=raw.hex())
        assert found == [ballot.credential.text, ballot.hash, ballot.tracker, ballot.tracker]
        assert judged(js, simulation.election, raw) == (("value", ballot.tracker),) * 2


SMALL = election_of(
    HomomorphicQuestion(("Ada", "Björn"), 1, 1, "Who?", blank=True), question_of((0, 1, 1, False))
)


def small_ballot() -> bytes:
    coins = SeedCoins(sha256(b"small").digest()), SeedCoins(sha256(b"signature").digest())
    return make_ballot(SMALL, CREDENTIAL, [[0, 1, 0], [1]], *coins)


def signed_again(value: Any) -> bytes:
    """The ballot with its hash and signature made anew, as its voter could."""
    unsigned = {key: item for key, item in value.items() if key != "signature"}
    digest = sha256_base64(encode_json_bytes(unsigned))
    secret = derive_secret(GROUP, SMALL.uuid, CREDENTIAL)
    coins = SeedCoins(sha256(b"again").digest())
    proof = schnorr.prove(GROUP, ballot_signature(digest), (GROUP.generator,), secret, coins)
    return encode_json_bytes({**unsigned, "signature": {"hash": digest, "proof": proof.encode()}})


def test_every_change_of_a_ballot_is_refused_by_the_same_rule(
    js: Node, rng: random.Random, samples: int
) -> None:
    raw = small_ballot()
    assert judged(js, SMALL, raw)[1][0] == "value"
    rules = set()
    changed = list(mutations(json.loads(raw)))
    assert len(changed) > 400
    for where, value in rng.sample(changed, min(len(changed), 8 * samples)):
        ours, theirs = judged(js, SMALL, encode_json_bytes(value))
        assert ours == theirs, where
        assert ours[0] in ("MalformedError", "RejectedError"), where
        rules.add(ours[1])
    assert rules >= {"B1", "B2", "B3", "B5", "B6", "B7"}


def test_every_change_that_a_voter_signs_is_refused_by_the_same_rule(
    js: Node, rng: random.Random, samples: int
) -> None:
    value = json.loads(small_ballot())
    rules = set()
    inside = [
        (where, other)
        for where, other in mutations(value)
        if where.startswith("answers/") and isinstance(other, dict)
    ]
    for where, other in rng.sample(inside, min(len(inside), 4 * samples)):
        ours, theirs = judged(js, SMALL, signed_again(other))
        assert ours == theirs, where
        assert ours[0] in ("MalformedError", "RejectedError"), where
        rules.add(ours[1])
    assert rules >= {"B1", "B5", "B8", "B9"}


def test_each_proof_stands_for_its_rule(js: Node) -> None:
    value = json.loads(small_ballot())
    for part, rule in (("individual_proofs", "B8"), ("overall_proof", "B9"), ("blank_proof", "B10")):
        other = json.loads(json.dumps(value))
        proofs = other["answers"][0][part]
        proof = proofs[0][0] if part == "individual_proofs" else proofs[0]
        proof["response"] = str((int(proof["response"]) + 1) % GROUP.q)
        assert judged(js, SMALL, signed_again(other)) == (("RejectedError", rule),) * 2
        other["answers"][0][part] = [] if part != "individual_proofs" else [[], *proofs[1:]]
        assert judged(js, SMALL, signed_again(other)) == (("RejectedError", rule),) * 2


def test_a_ballot_of_another_election_or_text(js: Node) -> None:
    raw = small_ballot()
    for wrong in (
        b"",
        b"{}",
        raw + b"\n",
        b" " + raw,
        raw[:-1],
        b"\xff" + raw,
        raw.replace(b'","', b'", "', 1),
    ):
        assert judged(js, SMALL, wrong) == (("MalformedError", "B1"),) * 2
    other = election_of(YES_NO)
    assert judged(js, other, raw) == (("RejectedError", "B3"),) * 2
    assert judged(js, sound("plain").election, raw) == (("RejectedError", "B2"),) * 2


def test_elements_that_are_no_members_are_refused(js: Node) -> None:
    """Points with a part of small order, other spellings, the identity: in every place of a ballot."""
    value = json.loads(small_ballot())
    mixed = edwards.encode(edwards.add(edwards.multiply(edwards.BASE, 5), edwards.TORSION[1]))
    texts = [raw[::-1].hex() for raw in (mixed, edwards.LOW_ORDER[1], edwards.NON_CANONICAL[0])]
    texts += [GROUP.identity.text, GROUP.generator.text.upper(), "00" * 31]
    for text in texts:
        changed = [{**value, "credential": text}]
        for part in ("alpha", "beta"):
            other = json.loads(json.dumps(value))
            other["answers"][0]["choices"][1][part] = text
            changed.append(other)
        for other in changed:
            ours, theirs = judged(js, SMALL, signed_again(other))
            assert ours == theirs
            assert ours[0] in ("MalformedError", "RejectedError")


# --- check instead of cast ---------------------------------------------------------------------------------------


def both_opened(js: Node, election: Election, raw: bytes, seed: bytes, choices: Any, tracker: str) -> Any:
    """What Python and JavaScript say of a ballot and a code."""
    code = encode_challenge(tracker, seed, choices)

    def ours() -> str:
        shown = parse_challenge(code)
        checker = PlainChecker(election.group)
        return open_ballot(election, raw, shown.tracker, shown.seed, shown.choices, checker).tracker

    def theirs() -> Any:
        return js.call("openChallenge", election=election.raw.hex(), ballot=raw.hex(), code=code)["tracker"]

    found = verdict(ours)
    assert verdict(theirs) == found
    return found


def opened(
    js: Node, election: Election, raw: bytes, seed: bytes, choices: Any, tracker: str | None = None
) -> Any:
    code = js.call("challengeCode", tracker=tracker or ballot_tracker(raw), seed=seed.hex(), choices=choices)
    return verdict(lambda: js.call("openChallenge", election=election.raw.hex(), ballot=raw.hex(), code=code))


def test_a_ballot_is_opened_by_its_code(js: Node, rng: random.Random) -> None:
    election = election_of(BOARD, YES_NO, OFFICERS)
    for choices in (["blank", [0], [0, 2]], [[], [1], []], [[0, 2], [0], [1]]):
        seed = rng.randbytes(32)
        raw = make_ballot(election, CREDENTIAL, votes_from_choices(election, choices), SeedCoins(seed))
        kind, found = opened(js, election, raw, seed, choices)
        assert kind == "value"
        assert found["choices"] == choices
        assert found["tracker"] == ballot_tracker(raw)
        assert found["credential"] == parse_ballot(election, raw).credential.text


def test_the_code(js: Node) -> None:
    seed, tracker = bytes(range(32)), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
    choices: list[Any] = ["blank", [2, 0], [], [11]]
    code = js.call("challengeCode", tracker=tracker, seed=seed.hex(), choices=choices)
    assert code == encode_challenge(tracker, seed, choices)
    assert code == f"1.{tracker}.{encode_base64(seed)}.b;0,2;;11"
    assert js.call("readChallengeCode", code=code) == {
        "tracker": tracker,
        "seed": seed.hex(),
        "choices": ["blank", [0, 2], [], [11]],
    }


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
        lambda code: code + ";99999",
        lambda code: code.replace(".", ",", 1),
        lambda code: code[:30] + code[31:],
        lambda code: code[:44] + "V" + code[45:],  # bits of the last character that no byte uses
        lambda code: "",
    ],
)
def test_a_code_has_one_spelling(js: Node, change: Any) -> None:
    code = js.call("challengeCode", tracker="A" * 43, seed="00" * 32, choices=[[0]])
    js.call("readChallengeCode", code=code)
    assert verdict(lambda: js.call("readChallengeCode", code=change(code))) == ("MalformedError", "V4")
    assert verdict(lambda: parse_challenge(change(code))) == ("MalformedError", "V4")


def test_both_name_what_differs_by_the_same_rule(js: Node, rng: random.Random, samples: int) -> None:
    seed, choices = rng.randbytes(32), [[0], [0]]
    raw = make_ballot(SMALL, CREDENTIAL, votes_from_choices(SMALL, choices), SeedCoins(seed))
    assert both_opened(js, SMALL, raw, seed, choices, ballot_tracker(raw)) == ("value", ballot_tracker(raw))
    assert both_opened(js, SMALL, raw, seed, choices, "A" * 43) == ("RejectedError", "V4")
    for other in ([["blank"], [0]], [[1], [0]], [[0], []], [[0]], [[0, 1], [0]], [[0], [5]]):
        given = ["blank" if chosen == ["blank"] else chosen for chosen in other]
        assert both_opened(js, SMALL, raw, seed, given, ballot_tracker(raw)) == ("RejectedError", "V4")
    unsigned = raw.split(b',"signature"')[0]
    for where, value in some_mutations(json.loads(raw), rng, samples):
        for text in (encode_json_bytes(value), signed_again(value) if isinstance(value, dict) else b"{}"):
            found = both_opened(js, SMALL, text, seed, choices, ballot_tracker(text))
            # Hash and signature made anew around an unchanged ballot are as good as the first.
            assert found[0] != "value" or text.startswith(unsigned + b',"signature"'), where


def test_a_ballot_with_another_choice_than_was_shown_is_found_out(js: Node, rng: random.Random) -> None:
    election = election_of(BOARD, YES_NO)
    seed, choices = rng.randbytes(32), [[0], [1]]
    wrong = ("RejectedError", "V4")
    # The booth encrypted something else than it says, with the seed that it tells.
    for other in ([[1], [1]], [[0], [0]], ["blank", [1]], [[], [1]]):
        raw = make_ballot(election, CREDENTIAL, votes_from_choices(election, other), SeedCoins(seed))
        assert opened(js, election, raw, seed, choices) == wrong
    raw = make_ballot(election, CREDENTIAL, votes_from_choices(election, choices), SeedCoins(seed))
    assert opened(js, election, raw, seed, choices)[0] == "value"
    assert opened(js, election, raw, rng.randbytes(32), choices) == wrong
    assert opened(js, election, raw, seed, choices, tracker="A" * 43) == wrong
    for never in ([[0]], [[0, 1, 2], [1]], [[0, 0], [1]], [[0], "blank"], [[0], [9]]):
        assert opened(js, election, raw, seed, never) == wrong


class Miscounting(SeedCoins):
    """Coins of which one is another than the seed tells."""

    def __init__(self, seed: bytes, wrong: int) -> None:
        super().__init__(seed)
        self._place, self._wrong = 0, wrong

    def scalar(self, q: int) -> int:
        coin = super().scalar(q) + (self._place == self._wrong)
        self._place += 1
        return coin


def test_each_coin_is_compared(js: Node, rng: random.Random) -> None:
    """A booth that leaks the choice through any proof is found out, not only one that encrypts something else."""
    election = election_of(HomomorphicQuestion(("Ada", "Björn"), 1, 1, "Who?", blank=True))
    seed, votes = rng.randbytes(32), [[0, 1, 0]]
    counted = Miscounting(seed, -1)
    make_ballot(election, CREDENTIAL, votes, counted)
    assert counted._place == 18
    for wrong in range(counted._place):
        raw = make_ballot(election, CREDENTIAL, votes, Miscounting(seed, wrong))
        check_ballot(election, raw, PlainChecker(GROUP))
        assert opened(js, election, raw, seed, [[0]]) == ("RejectedError", "V4"), wrong


def test_the_checked_ballot_is_signed(js: Node, rng: random.Random) -> None:
    election = election_of(YES_NO)
    seed = rng.randbytes(32)
    value = json.loads(make_ballot(election, CREDENTIAL, [[1, 0]], SeedCoins(seed)))
    value["signature"]["proof"]["response"] = "5"
    assert opened(js, election, encode_json_bytes(value), seed, [[0]]) == ("RejectedError", "B7")


def test_vectors_of_ballots(js: Node) -> None:
    cases = [case for case in vectors("ballots.json") if '"group":"Ed25519"' in case["election"]]
    assert len(cases) > 4
    for case in cases:
        raw = case["ballot"].encode()
        election = parse_election(case["election"].encode())
        choices = case["choices"]
        assert js.call("votes", election=election.raw.hex(), choices=choices) == case["votes"]
        assert judged(js, election, raw) == (("value", case["tracker"]),) * 2
        kind, found = opened(js, election, raw, bytes.fromhex(case["seed"]), choices)
        assert (kind, found["choices"]) == ("value", choices)
