"""Ballots: every allowed vote verifies; what is false, foreign, copied or spelled otherwise is refused by its rule."""

import itertools
import json
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any

import pytest

from crypto.ballot import (
    Ballot,
    ballot_tracker,
    check_ballot,
    make_ballot,
    max_ballot_size,
    parse_ballot,
    verify_ballot,
)
from crypto.checker import PlainChecker
from crypto.credentials import derive_public
from crypto.election import Election
from crypto.encoding import encode_json_bytes, sha256_base64
from crypto.errors import MalformedError, MisuseError, RejectedError
from crypto.questions import HomomorphicQuestion
from crypto.randomness import SeedCoins
from tests.crypto.cheating import changed, make_dishonest_ballot, mauled_ballot, sign_again
from tests.crypto.refusals import refused
from tests.simulator import (
    Path,
    Simulation,
    Spec,
    coins_for,
    json_at,
    json_paths,
    json_with,
    simulated,
    sound,
)

GROUPS = ("Ed25519", "BELENIOS-2048")
EVERY_GROUP = pytest.mark.parametrize("group", GROUPS)


def election_with(*questions: HomomorphicQuestion, group: str = "Ed25519", seed: int = 70) -> Simulation:
    return simulated(Spec(questions, group=group, voters=3, votes=(), stage="open", seed=seed))


def check(election: Election, raw: bytes) -> Ballot:
    return check_ballot(election, raw, PlainChecker(election.group))


# --- what is allowed ---------------------------------------------------------------------------------------------

# (answers, min, max, blank)
SHAPES = [
    (1, 0, 1, False),
    (1, 1, 1, False),
    (1, 0, 1, True),
    (2, 0, 0, False),
    (2, 1, 1, False),
    (2, 2, 2, True),
    (2, 0, 0, True),
    (3, 0, 3, False),
    (3, 1, 2, False),
    (3, 1, 2, True),
    (3, 0, 3, True),
]


def question_of(shape: tuple[int, int, int, bool]) -> HomomorphicQuestion:
    answers, minimum, maximum, blank = shape
    return HomomorphicQuestion(tuple("abc"[:answers]), minimum, maximum, "?", blank)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_vote_of_a_small_question(shape: tuple[int, int, int, bool]) -> None:
    """Allowed votes make ballots that verify and stay below the size limit; the others are the voter's mistake."""
    question = question_of(shape)
    election = (simulation := election_with(question)).election
    limit = max_ballot_size(election)
    allowed = 0
    for number, vote in enumerate(itertools.product((0, 1), repeat=question.choice_count)):
        chosen = sum(vote[int(question.blank) :])
        is_blank = bool(question.blank and vote[0])
        is_allowed = chosen == 0 if is_blank else question.minimum <= chosen <= question.maximum
        coins = coins_for(number, str(shape))
        if not is_allowed:
            with pytest.raises(MisuseError):
                make_ballot(election, simulation.credentials[0], [vote], coins)
            # A program that does not ask first cannot prove it either.
            with refused("B10" if is_blank else "B9", "does not hold", RejectedError):
                check(election, make_dishonest_ballot(election, simulation.credentials[0], [vote], coins))
            continue
        allowed += 1
        raw = make_ballot(election, simulation.credentials[0], [vote], coins)
        ballot = check(election, raw)
        assert ballot.credential == derive_public(election.group, election.uuid, simulation.credentials[0])
        assert len(raw) <= limit
        assert [len(answer.choices) for answer in ballot.answers] == [question.choice_count]
    assert allowed >= 1


@pytest.mark.parametrize("shape", [(2, 1, 1, False), (2, 0, 1, True)], ids=str)
def test_votes_in_a_multiplicative_group(shape: tuple[int, int, int, bool]) -> None:
    question = question_of(shape)
    simulation = election_with(question, group="BELENIOS-2048")
    for vote in ([0, 1], [1, 0]):
        row = [0, *vote] if question.blank else vote
        raw = make_ballot(simulation.election, simulation.credentials[1], [row], coins_for(1, str(vote)))
        check(simulation.election, raw)
        assert len(raw) <= max_ballot_size(simulation.election)


def test_the_size_limit_is_close_to_what_ballots_need() -> None:
    """A limit of many times a ballot would let one request fill the disk."""
    for kind in ("plain", "blank", "threshold", "belenios"):
        simulation = sound(kind)
        longest = max(len(ballot) for ballot in simulation.ballots)
        assert longest <= max_ballot_size(simulation.election) <= longest * 1.25 + 300


def test_several_questions_in_one_ballot() -> None:
    for raw in sound("blank").ballots:
        assert len(check(sound("blank").election, raw).answers) == 2
    with pytest.raises(MisuseError):
        make_ballot(sound("blank").election, sound("blank").credentials[0], [[1, 0]], coins_for(1, "few"))


def test_equal_coins_give_equal_text_and_other_coins_hide_the_vote() -> None:
    simulation = election_with(question_of((2, 1, 1, False)))
    election, credential = simulation.election, simulation.credentials[0]

    def ballot(vote: list[int], seed: int) -> bytes:
        coins, signing = coins_for(seed, "equal"), coins_for((seed, *vote), "equal, signature")
        return make_ballot(election, credential, [vote], coins, signing)

    assert ballot([1, 0], 1) == ballot([1, 0], 1)
    different = {ballot(vote, seed) for vote in ([1, 0], [0, 1]) for seed in range(5)}
    assert len(different) == 10
    # Nothing but the credential, the uuid and the fingerprint repeats: no ciphertext and no number of a proof.
    values: list[str] = []
    for raw in (ballot([1, 0], seed) for seed in range(5)):
        value = json.loads(raw)
        values += [
            json_at(value, path)
            for path in json_paths(value)
            if path and path[-1] in {"alpha", "beta", "challenge", "response"}
        ]
    assert len(values) == len(set(values))


def test_the_tracker_is_the_hash_of_the_whole_text() -> None:
    for raw in sound("plain").ballots:
        assert check(sound("plain").election, raw).tracker == ballot_tracker(raw) == sha256_base64(raw)
        assert len(ballot_tracker(raw)) == 43


# --- refusals, each by its rule ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "blank", "belenios"])
def test_every_changed_value_is_refused_even_if_signed_again(kind: str, rng: Random, samples: int) -> None:
    """Any value of a ballot, changed by its own voter: no rule leaves a part of a ballot free."""
    simulation = sound(kind)
    election = simulation.election
    voters = {
        derive_public(election.group, election.uuid, text).text: text for text in simulation.credentials
    }
    raw = rng.choice(simulation.ballots)
    value = json.loads(raw)
    credential = voters[value["credential"]]
    paths = [path for path in json_paths(value) if path and path[0] != "signature"]
    for path in rng.sample(paths, min(samples, len(paths))):
        old = json_at(value, path)
        for new in _variations(old, election):
            wrong = sign_again(election, credential, json_with(value, path, new))
            with pytest.raises((MalformedError, RejectedError)) as caught:
                check(election, wrong)
            assert caught.value.rule in {"B1", "B2", "B3", "B5", "B7", "B8", "B9", "B10"}, (path, new)


def _variations(old: Any, election: Election) -> list[Any]:
    """Other values of the same and of another kind."""
    if isinstance(old, str) and old.isdigit() and len(old) < 100:
        return [
            str((int(old) + 1) % election.group.q),
            "0",
            f"0{old}",
            str(int(old) + election.group.q),
            None,
        ]
    if isinstance(old, str):
        return [election.group.generator.text, old + "0", "", None]
    if isinstance(old, list):
        return [old[:-1], [*old, old[0]], [], None, *([old[::-1]] if len(old) > 1 else [])]
    return [{**old, "extra": 1}, dict(reversed(list(old.items()))), {}, None, list(old.values())]


def test_the_unchanged_ballot_signed_again_is_accepted() -> None:
    """Without this the test above could pass because signing again is broken."""
    simulation = sound("plain")
    raw = simulation.ballots[0]
    check(simulation.election, sign_again(simulation.election, simulation.credentials[0], json.loads(raw)))


CHOICE: Path = ("answers", 0, "choices", 0)
PROOF: Path = ("answers", 0, "individual_proofs", 0, 0)
OVERALL: Path = ("answers", 0, "overall_proof", 0)
BLANK: Path = ("answers", 0, "blank_proof", 0)


def plus_one(text: str) -> str:
    return str(int(text) + 1)


@pytest.mark.parametrize(
    "rule, path, new",
    [
        ("B1", ("answers", 0, "choices"), []),
        ("B1", ("answers", 0, "individual_proofs"), []),
        ("B1", ("answers",), []),
        ("B1", ("answers", 0), None),
        ("B1", (*PROOF, "response"), 5),
        ("B1", (*PROOF, "response"), "007"),
        ("B1", (*PROOF, "response"), "-1"),
        ("B5", CHOICE, None),
        ("B2", ("election_uuid",), "AAAAAAAAAAAAAA"),
        ("B2", ("election_uuid",), None),
        ("B3", ("election_hash",), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"),
        ("B5", ("credential",), "0" * 63 + "1"),
        ("B5", ("credential",), str.upper),
        ("B5", (*CHOICE, "alpha"), "0" * 63 + "1"),
        ("B5", (*CHOICE, "beta"), "0" * 64),
        ("B8", (*PROOF, "response"), plus_one),
        ("B8", (*PROOF, "challenge"), plus_one),
        ("B8", ("answers", 0, "individual_proofs", 0), lambda proofs: proofs[:1]),
        ("B8", ("answers", 0, "individual_proofs", 0), lambda proofs: [*proofs, proofs[0]]),
        ("B9", (*OVERALL, "response"), plus_one),
        ("B9", (*OVERALL, "challenge"), plus_one),
        ("B9", ("answers", 0, "overall_proof"), lambda proofs: proofs[:-1]),
        ("B10", (*BLANK, "response"), plus_one),
        ("B10", (*BLANK, "challenge"), plus_one),
        ("B10", ("answers", 0, "blank_proof"), lambda proofs: proofs[:1]),
        ("B10", ("answers", 0, "blank_proof"), []),
    ],
)
def test_each_refusal_names_its_rule(rule: str, path: Path, new: Any) -> None:
    simulation = sound("blank")
    value = changed(simulation.ballots[2], path, new)
    with refused(rule):
        check(simulation.election, sign_again(simulation.election, simulation.credentials[2], value))


def test_the_hash_in_the_signature_is_the_ballots() -> None:
    simulation = sound("plain")
    other = json.loads(simulation.ballots[1])["signature"]["hash"]
    with refused("B6"):
        check(
            simulation.election,
            encode_json_bytes(changed(simulation.ballots[0], ("signature", "hash"), other)),
        )


@pytest.mark.parametrize("key", ["challenge", "response"])
def test_the_signature_must_hold(key: str) -> None:
    simulation = sound("plain")
    q = simulation.group.q
    value = changed(simulation.ballots[0], ("signature", "proof", key), lambda t: str((int(t) + 1) % q))
    with refused("B7"):
        check(simulation.election, encode_json_bytes(value))


def test_nobody_signs_for_somebody_else() -> None:
    simulation = sound("plain")
    value = json.loads(simulation.ballots[0])
    with refused("B7"):
        check(simulation.election, sign_again(simulation.election, simulation.credentials[1], value))


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\n",
        lambda raw: raw + b" ",
        lambda raw: b" " + raw,
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b",", b", ", 1),
        lambda raw: raw.replace(b'{"election_uuid"', b'{"x":1,"election_uuid"', 1),
        lambda raw: raw.replace(b'"election_uuid":', b'"election_uuid":"A","election_uuid":', 1),
        lambda raw: raw.replace(b'"answers"', b'"\\u0061nswers"', 1),
        lambda raw: json.dumps(json.loads(raw)).encode(),
        lambda raw: encode_json_bytes(dict(reversed(json.loads(raw).items()))),
        lambda raw: encode_json_bytes([json.loads(raw)]),
        lambda raw: b"",
        lambda raw: b"{}",
        lambda raw: b"null",
        lambda raw: raw.decode().encode("utf-16"),
        lambda raw: raw + b"\x00",
    ],
)
def test_another_text_of_the_same_ballot_is_refused(change: Any) -> None:
    """A second spelling would be a second tracker for one vote, and room for hidden messages."""
    simulation = sound("plain")
    with refused("B1", kind=MalformedError):
        parse_ballot(simulation.election, change(simulation.ballots[0]))


def test_a_ballot_of_another_election_is_refused() -> None:
    first, second = sound("plain"), sound("revotes")
    with refused("B2"):
        check(second.election, first.ballots[0])
    # Same uuid, other text of the election: the fingerprint differs.
    renamed = simulated(
        Spec(first.spec.questions, votes=first.spec.votes, seed=first.spec.seed, name="Other")
    )
    assert renamed.election.uuid == first.election.uuid
    with refused("B3"):
        check(renamed.election, first.ballots[0])


def test_a_choice_that_is_neither_zero_nor_one_cannot_be_proved() -> None:
    """Two votes for one candidate and minus one for the other keep the sum allowed."""
    simulation = election_with(question_of((2, 1, 1, False)))
    for vote in ([2, -1], [-1, 2]):
        raw = make_dishonest_ballot(
            simulation.election, simulation.credentials[0], [vote], coins_for(1, str(vote))
        )
        with refused("B8", "choice", RejectedError):
            check(simulation.election, raw)


# --- attacks -----------------------------------------------------------------------------------------------------


@EVERY_GROUP
@pytest.mark.parametrize("blank", [False, True])
def test_a_mauled_ballot_is_refused(group: str, blank: bool) -> None:
    """ATTACKS 1. Re-randomised with adapted proofs: valid wherever the statement is not hashed."""
    simulation = election_with(question_of((2, 0, 1, blank)), group=group)
    election = simulation.election
    raw = make_ballot(
        election, simulation.credentials[0], [[0, 1, 0] if blank else [1, 0]], coins_for(1, "maul")
    )
    check(election, raw)
    for own in (None, simulation.credentials[1]):
        mauled = mauled_ballot(election, simulation.credentials[0], raw, own_credential=own)
        assert _commitments(election, mauled) == _commitments(election, raw)
        with refused("B8", "does not hold"):
            check(election, mauled)


def _commitments(election: Election, raw: bytes) -> list[str]:
    """What the verifier hashes after the prefixes, for all choices of question 1: the maul must leave it alone."""
    group = election.group
    answer = parse_ballot(election, raw).answers[0]
    texts = []
    for choice, proofs in zip(answer.choices, answer.individual_proofs, strict=True):
        for m, proof in enumerate(proofs):
            beta = group.divide(choice.beta, group.power_g(m))
            for base, element in ((group.generator, choice.alpha), (election.public_key, beta)):
                texts.append(
                    group.product_of_powers([(base, proof.response), (element, proof.challenge)]).text
                )
    return texts


@EVERY_GROUP
def test_an_answer_copied_from_another_ballot_is_refused(group: str) -> None:
    """ATTACKS 2. Every proof is bound to the credential, so B cannot repeat what A voted."""
    simulation = election_with(question_of((2, 1, 1, False)), group=group)
    election = simulation.election
    first, second = (
        json.loads(make_ballot(election, credential, [vote], coins_for(credential, "copy")))
        for credential, vote in zip(simulation.credentials, ([1, 0], [0, 1]), strict=False)
    )
    copied = {**second, "answers": first["answers"]}
    with refused("B8"):
        check(election, sign_again(election, simulation.credentials[1], copied))
    stolen = {**first, "credential": second["credential"]}
    with refused("B8"):
        check(election, sign_again(election, simulation.credentials[1], stolen))


def test_a_key_computed_to_fit_a_signature_is_no_voter() -> None:
    """ATTACKS 5. vk' = (A·g^-r')^(1/c) fits the numbers of a signature, but the ballot names its credential."""
    simulation = sound("plain")
    election, group = simulation.election, simulation.group
    ballot = parse_ballot(election, simulation.ballots[0])
    c, r, shift = ballot.signature.challenge, ballot.signature.response, 99
    commitment = group.product_of_powers([(group.generator, r), (ballot.credential, c)])
    other = group.power(group.divide(commitment, group.power_g(r + shift)), pow(c, -1, group.q))
    assert group.product_of_powers([(group.generator, r + shift), (other, c)]) == commitment
    value = json.loads(simulation.ballots[0])
    value["signature"]["proof"]["response"] = str((r + shift) % group.q)
    value["credential"] = other.text
    with refused("B6"):
        check(election, encode_json_bytes(value))
    unsigned = {key: item for key, item in value.items() if key != "signature"}
    value["signature"]["hash"] = sha256_base64(encode_json_bytes(unsigned))
    with refused("B7"):
        check(election, encode_json_bytes(value))


def test_answers_of_two_questions_cannot_change_places() -> None:
    """Two questions of one shape: a voter's Yes to one must not become a Yes to the other."""
    yes_no = question_of((2, 1, 1, False))
    simulation = election_with(yes_no, HomomorphicQuestion(("x", "y"), 1, 1, "!"), seed=71)
    election = simulation.election
    value = json.loads(
        make_ballot(election, simulation.credentials[0], [[1, 0], [0, 1]], coins_for(1, "swap"))
    )
    swapped = {**value, "answers": value["answers"][::-1]}
    # The voter can swap the own answers and sign; anybody else cannot.
    check(election, sign_again(election, simulation.credentials[0], swapped))
    with refused("B6"):
        check(election, encode_json_bytes(swapped))


def test_choices_of_one_question_cannot_change_places() -> None:
    simulation = election_with(question_of((2, 1, 1, False)))
    election = simulation.election
    raw = make_ballot(election, simulation.credentials[0], [[1, 0]], coins_for(1, "swap"))
    value = json.loads(raw)
    answer = value["answers"][0]
    swapped = {
        **value,
        "answers": [
            {
                **answer,
                "choices": answer["choices"][::-1],
                "individual_proofs": answer["individual_proofs"][::-1],
            }
        ],
    }
    with refused("B9"):
        check(election, sign_again(election, simulation.credentials[0], swapped))


@EVERY_GROUP
def test_an_opened_ballot_does_not_tell_the_credential(group: str) -> None:
    """Who is shown seed and choices ("check instead of cast") must not be able to vote in the voter's place.

    A signature's coin w gives the secret s = (w - response) / challenge away, so that no coin of the seed may sign.
    """
    simulation = election_with(question_of((2, 0, 1, True)), group=group)
    election, q = simulation.election, simulation.group.q
    seed = bytes(range(32))
    raw = make_ballot(election, simulation.credentials[0], [[0, 1, 0]], SeedCoins(seed))
    ballot = check(election, raw)
    revealed = SeedCoins(seed)
    inverse = pow(ballot.signature.challenge, -1, q)
    guesses = [(revealed.scalar(q) - ballot.signature.response) * inverse % q for _ in range(100)]
    assert ballot.credential not in [simulation.group.power_g(guess) for guess in guesses]


def test_a_ballot_signed_twice_is_the_same_but_for_the_signature() -> None:
    """What is checked instead of cast is recomputed up to the signature; its coin is another each time."""
    simulation = election_with(question_of((2, 1, 1, False)))
    first, second = (
        json.loads(
            make_ballot(simulation.election, simulation.credentials[0], [[1, 0]], SeedCoins(bytes(32)))
        )
        for _ in range(2)
    )
    proofs = [value["signature"].pop("proof") for value in (first, second)]
    assert first == second
    assert proofs[0]["challenge"] != proofs[1]["challenge"]


def test_the_coins_of_the_encryption_cannot_sign() -> None:
    simulation, coins = election_with(question_of((2, 1, 1, False))), SeedCoins(bytes(32))
    with pytest.raises(MisuseError, match="coins of its own"):
        make_ballot(simulation.election, simulation.credentials[0], [[1, 0]], coins, coins)


@cache
def _noisy() -> bytes:
    return sound("plain").ballots[0]


def test_no_altered_byte_of_a_ballot_passes(rng: Random, samples: int) -> None:
    election, raw = sound("plain").election, _noisy()
    for _ in range(samples):
        place, bit = rng.randrange(len(raw)), 1 << rng.randrange(8)
        broken = bytearray(raw)
        broken[place] ^= bit
        with pytest.raises((MalformedError, RejectedError)):
            check(election, bytes(broken))


def test_verifying_leaves_the_decision_to_the_checker() -> None:
    """Every group equation of a ballot must go through the checker, or a batching engine would skip some."""
    election = sound("blank").election
    group = election.group

    class Counting(PlainChecker):
        def __init__(self) -> None:
            super().__init__(group)
            self.rules: list[str] = []

        def commitment(self, terms: Sequence[tuple[Any, int]], rule: str) -> str:
            self.rules.append(rule)
            return super().commitment(terms, rule)

    checker = Counting()
    verify_ballot(election, parse_ballot(election, sound("blank").ballots[0]), checker)
    # BOARD: 4 choices, 0 to 2 or blank; YES_NO: 2 choices, exactly 1. Two equations a branch, one for the signature.
    assert {rule: checker.rules.count(rule) for rule in ("B7", "B8", "B9", "B10")} == {
        "B7": 1,
        "B8": 2 * 2 * (4 + 2),
        "B9": 2 * (4 + 1),
        "B10": 2 * 2,
    }
