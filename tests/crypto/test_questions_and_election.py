"""Election data: hashed as bytes, read strictly, with every rule of a question obeyed by who votes."""

import itertools
import json
from typing import Any

import pytest

from crypto.ballot import votes_from_choices
from crypto.election import encode_election, parse_election
from crypto.encoding import encode_json_bytes
from crypto.errors import MalformedError, MisuseError
from crypto.questions import HomomorphicQuestion, parse_questions, sort_question_fields
from tests.crypto.refusals import refused
from tests.simulator import base64_text, json_with, sound

QUESTION = {"answers": ["a", "b"], "blank": True, "min": 0, "max": 2, "question": "?"}


def data(kind: str = "blank") -> dict[str, Any]:
    value: dict[str, Any] = json.loads(sound(kind).election.raw)
    return value


def test_election_data_come_back() -> None:
    election = sound("blank").election
    assert parse_election(election.raw) == election
    again = encode_election(
        uuid=election.uuid,
        name=election.name,
        description=election.description,
        group_name=election.group.name,
        public_key=election.public_key,
        questions=election.homomorphic_questions,
        administrator=election.administrator,
        credential_authority=election.credential_authority,
    )
    assert again == election.raw


def test_the_fingerprint_is_the_hash_of_the_very_bytes() -> None:
    import hashlib

    election = sound("blank").election
    assert election.fingerprint == base64_text(hashlib.sha256(election.raw).digest())
    assert len(election.fingerprint) == 43


def test_an_unknown_field_is_kept_for_a_warning() -> None:
    value = {**data(), "language": ["fr", "ltr"]}
    assert parse_election(encode_json_bytes(value)).unknown_fields == ("language",)
    assert sound("blank").election.unknown_fields == ()


@pytest.mark.parametrize(
    "field", ["version", "description", "name", "group", "public_key", "questions", "uuid"]
)
def test_no_field_may_be_missing(field: str) -> None:
    value = data()
    del value[field]
    with refused("S1", field):
        parse_election(encode_json_bytes(value))


@pytest.mark.parametrize("field", ["administrator", "credential_authority"])
def test_some_fields_may_be_missing(field: str) -> None:
    value = data()
    del value[field]
    assert getattr(parse_election(encode_json_bytes(value)), field) is None


@pytest.mark.parametrize(
    "path, new",
    [
        (("version",), 2),
        (("version",), 0),
        (("version",), True),
        (("version",), "1"),
        (("name",), 5),
        (("name",), None),
        (("description",), []),
        (("administrator",), None),
        (("administrator",), 1),
        (("group",), "ed25519"),
        (("group",), None),
        (("group",), ["Ed25519"]),
        (("uuid",), "short"),
        (("uuid",), "0" * 14),
        (("uuid",), 12345678901234),
        (("public_key",), "0" * 63 + "1"),
        (("public_key",), "00"),
        (("public_key",), None),
        (("questions",), []),
        (("questions",), {}),
        (("questions",), None),
        (("questions", 0), "q"),
        (("questions", 0, "answers"), []),
        (("questions", 0, "answers"), "abc"),
        (("questions", 0, "answers", 0), 7),
        (("questions", 0, "answers", 0), None),
        (("questions", 0, "blank"), 1),
        (("questions", 0, "blank"), None),
        (("questions", 0, "min"), -1),
        (("questions", 0, "min"), 3),
        (("questions", 0, "min"), True),
        (("questions", 0, "max"), 4),
        (("questions", 0, "max"), "2"),
        (("questions", 0, "question"), None),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(path: Any, new: Any) -> None:
    with refused("S1"):
        parse_election(encode_json_bytes(json_with(data(), path, new)))


def test_other_orders_and_spellings_are_refused() -> None:
    value = data()
    swapped = {"description": value["description"], "version": 1, **value}
    with refused("S1", "order"):
        parse_election(encode_json_bytes(swapped))
    with refused("S1"):
        parse_election(json.dumps(value, indent=1).encode())
    with refused("S1"):
        parse_election(sound("blank").election.raw + b"\n")
    with refused("S1"):
        parse_election(b"[]")


# --- questions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"type": "Homomorphic"},
        {"type": None},
        {"type": ["Lists"]},
        {"answers": None},
    ],
)
def test_a_question_with_other_fields_is_refused(change: dict[str, Any]) -> None:
    with refused("S1"):
        parse_questions([{**QUESTION, **change}])


def test_the_order_of_a_questions_fields_is_fixed() -> None:
    with refused("S1", "order"):
        parse_questions([{"blank": True, **QUESTION}])


def test_blank_false_is_as_good_as_absent() -> None:
    without = {key: value for key, value in QUESTION.items() if key != "blank"}
    assert parse_questions([{**QUESTION, "blank": False}]) == parse_questions([without])


RANKED = {"type": "NonHomomorphic", "value": {"answers": ["a", "b"], "question": "?"}}
LISTS = {"type": "Lists", "value": {"answers": [["l", "c"], ["m"]], "question": "?"}}


@pytest.mark.parametrize("question", [RANKED, {**RANKED, "extra": {"method": "Schulze"}}, LISTS])
def test_questions_of_other_kinds_come_back(question: dict[str, Any]) -> None:
    election = parse_election(encode_json_bytes(json_with(data(), ("questions",), [QUESTION, question])))
    assert election.questions[1].encode() == question
    assert election.shuffled_questions == ((1,) if question["type"] == "NonHomomorphic" else ())
    assert not election.is_homomorphic
    with pytest.raises(MisuseError):
        _ = election.homomorphic_questions


@pytest.mark.parametrize(
    "question",
    [
        {"type": "Ranked", "value": RANKED["value"]},
        {"type": None, "value": RANKED["value"]},
        {"type": "NonHomomorphic"},
        {"type": "NonHomomorphic", "value": {}},
        {"type": "NonHomomorphic", "value": {"answers": [], "question": "?"}},
        {"type": "NonHomomorphic", "value": {"answers": [1], "question": "?"}},
        {"type": "NonHomomorphic", "value": {"answers": [["a"]], "question": "?"}},
        {"type": "NonHomomorphic", "value": {"question": "?", "answers": ["a"]}},
        {"type": "NonHomomorphic", "value": {"answers": ["a"], "question": "?", "min": 1}},
        {**RANKED, "extra": None},
        {"value": RANKED["value"], "type": "NonHomomorphic"},
        {**RANKED, "blank": True},
        {**LISTS, "extra": {}},
        {"type": "Lists", "value": {"answers": [], "question": "?"}},
        {"type": "Lists", "value": {"answers": [[]], "question": "?"}},
        {"type": "Lists", "value": {"answers": ["l"], "question": "?"}},
        {"type": "Lists", "value": {"answers": [["l", 2]], "question": "?"}},
    ],
)
def test_questions_of_other_kinds_have_their_fields_only(question: dict[str, Any]) -> None:
    with refused("S1"):
        parse_questions([question])


def test_more_answers_than_an_element_holds_are_refused() -> None:
    for count, fits in ((30, True), (31, False)):
        answers = [f"a{n}" for n in range(count)]
        question = {"type": "NonHomomorphic", "value": {"answers": answers, "question": "?"}}
        raw = encode_json_bytes(json_with(data(), ("questions",), [question]))
        if fits:
            assert parse_election(raw).shuffled_questions == (0,)
        else:
            with refused("S1", "holds 30"):
                parse_election(raw)


@pytest.mark.parametrize("vote", [[], [1], [1, 2, 3], [0, 256], [-1, 1]])
def test_a_ranked_vote_is_a_byte_for_each_answer(vote: list[int]) -> None:
    [question] = parse_questions([RANKED])
    with pytest.raises(MisuseError):
        question.make_vote(vote, "q")
    assert question.make_vote([0, 255], "q") == [0, 255]
    with pytest.raises(MisuseError):
        question.make_vote("blank", "q")
    with pytest.raises(MisuseError):
        parse_questions([LISTS])[0].make_vote(vote, "q")


@pytest.mark.parametrize("blank", [True, False])
@pytest.mark.parametrize("minimum, maximum", [(0, 0), (0, 1), (1, 1), (1, 2), (0, 3), (3, 3)])
def test_the_rule_of_a_question_over_all_votes(blank: bool, minimum: int, maximum: int) -> None:
    question = HomomorphicQuestion(("a", "b", "c"), minimum, maximum, "?", blank)
    for vote in itertools.product((0, 1), repeat=question.choice_count):
        chosen = vote[int(blank) :]
        allowed = not any(chosen) if blank and vote[0] else minimum <= sum(chosen) <= maximum
        if allowed:
            question.require_vote(list(vote), "q")
        else:
            with pytest.raises(MisuseError):
                question.require_vote(list(vote), "q")


@pytest.mark.parametrize("vote", [[], [1], [1, 0, 0, 0], [2, 0, 0], [-1, 1, 1], ["1", 0, 0], [None, 0, 0]])
def test_a_vote_is_a_row_of_zeros_and_ones(vote: list[Any]) -> None:
    question = HomomorphicQuestion(("a", "b", "c"), 0, 3, "?")
    with pytest.raises(MisuseError):
        question.require_vote(vote, "q")


def test_choices_become_votes() -> None:
    election = sound("blank").election  # BOARD (blank, up to two of three), YES_NO
    assert votes_from_choices(election, ["blank", [1]]) == [[1, 0, 0, 0], [0, 1]]
    assert votes_from_choices(election, [[2, 0], [0]]) == [[0, 1, 0, 1], [1, 0]]
    assert votes_from_choices(election, [[], [0]]) == [[0, 0, 0, 0], [1, 0]]


@pytest.mark.parametrize(
    "choices",
    [
        [],
        [[0]],
        [[0], [0], [0]],
        [[0, 0], [0]],
        [[3], [0]],
        [[-1], [0]],
        [[0, 1, 2], [0]],
        [[0], []],
        [[0], [0, 1]],
        [[0], "blank"],
        [["0"], [0]],
        [[0.0], [0]],
        [[0], [None]],
    ],
)
def test_choices_that_the_ballot_does_not_offer_are_refused(choices: Any) -> None:
    with pytest.raises(MisuseError):
        votes_from_choices(sound("blank").election, choices)


def test_a_person_may_write_the_fields_of_a_question_in_any_order() -> None:
    """Hashes need one order; whoever writes a question by hand need not know it. Unknown fields stay refused."""
    written = {"question": "Q", "max": 1, "blank": True, "min": 0, "answers": ["a", "b"]}
    [question] = parse_questions([sort_question_fields(written)])
    assert list(question.encode()) == ["answers", "blank", "min", "max", "question"]
    with pytest.raises(MalformedError, match="colour"):
        parse_questions([sort_question_fields({**written, "colour": "red"})])
    for other in ("text", 5, None, [1]):
        assert sort_question_fields(other) == other
