"""The field `steward` of election data: read strictly, each language complete, nothing in it that cannot be seen."""

import json
from dataclasses import replace
from typing import Any

import pytest

from crypto.election import encode_election, parse_election
from crypto.encoding import encode_json_bytes
from crypto.presentation import (
    Candidate,
    Majority,
    Order,
    Presentation,
    RecordTerms,
    carry_candidates,
    is_language,
    make_candidates,
    make_orders,
)
from crypto.questions import HomomorphicQuestion
from tests.crypto.refusals import refused
from tests.simulator import Path, json_with, sound


def data() -> dict[str, Any]:
    """Questions: BOARD (blank, up to two of three) and YES_NO."""
    value: dict[str, Any] = json.loads(sound("presented").election.raw)
    return value


def read(value: dict[str, Any]) -> Presentation:
    presentation = parse_election(encode_json_bytes(value)).presentation
    assert presentation is not None
    return presentation


def with_steward(**fields: Any) -> dict[str, Any]:
    """Election data whose field has these parts and no others."""
    return {**data(), "steward": {"version": 1, "language": "en", **fields}}


def test_it_comes_back() -> None:
    election = sound("presented").election
    presentation = read(data())
    key = sound("presented").service_key.public
    plain = sound("presented").spec.presentation
    assert plain is not None
    assert presentation == replace(plain, record=RecordTerms(key, revotes=False))
    assert presentation.languages == ("en", "es", "fr")
    assert presentation.rules == (Majority.PLURALITY, Majority.TWO_THIRDS)
    assert presentation.quorum_percent == 50
    french = presentation.find_translation("fr")
    assert french is not None
    assert french.questions[1].answers == ("Oui", "Non")
    assert presentation.find_translation("en") is None
    assert presentation.find_translation("de") is None
    assert election.unknown_fields == ()
    middle = f'"record":{{"service_key":"{key}","revotes":false}},"orders":["rotated","fixed"],'
    assert middle.encode() in election.raw
    assert election.raw.endswith('{"statement":{"fr":"- Soudeuse\\n- Déléguée"}}],[]]}}'.encode())
    again = encode_election(
        uuid=election.uuid,
        name=election.name,
        description=election.description,
        group_name=election.group.name,
        public_key=election.public_key,
        questions=election.homomorphic_questions,
        administrator=election.administrator,
        credential_authority=election.credential_authority,
        presentation=presentation,
    )
    assert again == election.raw


def test_elections_of_others_have_none() -> None:
    assert sound("plain").election.presentation is None


def test_the_language_may_be_unknown_where_the_record_is_told() -> None:
    """Whoever creates an election need not say its language; the key for receipts is fixed all the same."""
    record = {"service_key": "A" * 43, "revotes": True}
    alone = Presentation(record=RecordTerms("A" * 43, revotes=True))
    assert read({**data(), "steward": {"version": 1, "record": record}}) == alone
    assert alone.encode() == {"version": 1, "record": record}
    with_quorum = {"version": 1, "quorum": {"percent": 9}, "record": record}
    assert read({**data(), "steward": with_quorum}) == replace(alone, quorum_percent=9)
    # No text is in "another" language than an unknown one.
    texts = data()["steward"]["texts"]
    with refused("S1", "language"):
        read({**data(), "steward": {"version": 1, "texts": texts, "record": record}})


def test_everything_but_the_language_may_be_missing() -> None:
    assert read(with_steward()) == Presentation("en")
    assert read(with_steward(quorum={"percent": 100})).quorum_percent == 100
    rules = read(with_steward(rules=[{"majority": "plurality"}, {"majority": "majority"}])).rules
    assert rules == (Majority.PLURALITY, Majority.MAJORITY)


def test_it_is_the_last_of_the_known_fields() -> None:
    value = data()
    moved = {"steward": value.pop("steward"), **value}
    with refused("S1", "order"):
        parse_election(encode_json_bytes(moved))


STEWARD: Path = ("steward",)
SPANISH: Path = ("steward", "texts", "es")
RECORD: Path = ("steward", "record")
CANDIDATES: Path = ("steward", "candidates")
STATEMENT: Path = (*CANDIDATES, 0, 0, "statement")
PHOTO: Path = (*CANDIDATES, 0, 0, "photo")


@pytest.mark.parametrize(
    "path, new, words",
    [
        (STEWARD, None, "object"),
        (STEWARD, {}, "version"),
        (STEWARD, {"version": 1}, "language"),
        (STEWARD, {"language": "en", "version": 1}, "order"),
        (STEWARD, {"version": 1, "language": "en", "colour": 1}, "colour"),
        (STEWARD, {"version": 1, "language": "en", "quorum": {"percent": 1}, "rules": []}, "order"),
        (("steward", "version"), 2, "version 1"),
        (("steward", "version"), True, "version 1"),
        (("steward", "language"), None, "tag"),
        (("steward", "language"), "english", "tag"),
        (("steward", "language"), "es", "another language"),
        (("steward", "texts"), {}, "at least one"),
        (("steward", "texts"), [], "object"),
        (("steward", "texts"), None, "object"),
        (SPANISH, None, "object"),
        (SPANISH, {"name": "n", "description": "d"}, "questions"),
        ((*SPANISH, "name"), "", "missing"),
        ((*SPANISH, "name"), " ", "missing"),
        ((*SPANISH, "name"), 5, "text"),
        ((*SPANISH, "description"), "", "missing"),
        ((*SPANISH, "questions"), [], "2 items"),
        ((*SPANISH, "questions", 0), {"answers": ["a", "b", "c"], "question": "?"}, "order"),
        ((*SPANISH, "questions", 0, "question"), "", "missing"),
        ((*SPANISH, "questions", 0, "answers"), ["Ada", "Björn"], "3 items"),
        ((*SPANISH, "questions", 0, "answers"), ["Ada", "Björn", "Ç", "D"], "3 items"),
        ((*SPANISH, "questions", 0, "answers"), ["Ada", "Ada", "Ç"], "alike"),
        ((*SPANISH, "questions", 0, "answers", 1), "", "missing"),
        ((*SPANISH, "questions", 0, "answers", 1), None, "text"),
        (("steward", "rules"), [], "2 items"),
        (("steward", "rules"), {}, "array"),
        (("steward", "rules", 0), "plurality", "object"),
        (("steward", "rules", 0), {"majority": "plurality", "seats": 2}, "seats"),
        (("steward", "rules", 1, "majority"), "Plurality", "not known"),
        (("steward", "rules", 1, "majority"), None, "not known"),
        (("steward", "rules", 1, "majority"), ["majority"], "not known"),
        # BOARD has two seats: the sums do not tell how many ballots chose anybody.
        (("steward", "rules", 0, "majority"), "majority", "several seats"),
        (("steward", "rules", 0, "majority"), "two-thirds", "several seats"),
        (("steward", "quorum"), 50, "object"),
        (("steward", "quorum"), {}, "percent"),
        (("steward", "quorum", "percent"), 0, "range"),
        (("steward", "quorum", "percent"), 101, "range"),
        (("steward", "quorum", "percent"), True, "integer"),
        (
            STEWARD,
            {"version": 1, "language": None, "record": {"service_key": "A" * 43, "revotes": True}},
            "tag",
        ),
        (
            STEWARD,
            {"version": 1, "language": "", "record": {"service_key": "A" * 43, "revotes": True}},
            "tag",
        ),
        (
            STEWARD,
            {"version": 1, "record": {"service_key": "A" * 43, "revotes": True}, "language": "en"},
            "order",
        ),
        (RECORD, None, "object"),
        (RECORD, {}, "service_key"),
        (RECORD, {"service_key": "A" * 43}, "revotes"),
        (RECORD, {"revotes": True}, "service_key"),
        (RECORD, {"revotes": True, "service_key": "A" * 43}, "order"),
        (RECORD, {"service_key": "A" * 43, "revotes": True, "until": "noon"}, "until"),
        ((*RECORD, "service_key"), None, "base64"),
        ((*RECORD, "service_key"), "", "32 bytes"),
        ((*RECORD, "service_key"), "A" * 42, "32 bytes"),
        ((*RECORD, "service_key"), "A" * 42 + "B", "32 bytes"),
        ((*RECORD, "service_key"), "A" * 43 + "=", "32 bytes"),
        ((*RECORD, "service_key"), "-" * 43, "base64"),
        ((*RECORD, "revotes"), 0, "true or false"),
        ((*RECORD, "revotes"), None, "true or false"),
        ((*RECORD, "revotes"), "false", "true or false"),
        (STEWARD, {"version": 1, "language": "en", "test": False}, "left out"),
        (STEWARD, {"version": 1, "language": "en", "test": None}, "left out"),
        (STEWARD, {"version": 1, "language": "en", "test": 1}, "left out"),
        (STEWARD, {"version": 1, "test": True}, "language"),
        (("steward", "orders"), None, "array"),
        (("steward", "orders"), ["rotated"], "2 items"),
        (("steward", "orders"), ["rotated", "drawn"], "fixed or rotated"),
        (("steward", "orders"), ["rotated", True], "fixed or rotated"),
        (("steward", "orders"), ["rotated", ["fixed"]], "fixed or rotated"),
        (("steward", "orders"), ["fixed", "fixed"], "left out"),
        (CANDIDATES, None, "array"),
        (CANDIDATES, [], "2 items"),
        (CANDIDATES, [[], []], "left out"),
        (CANDIDATES, [[{}, {}, {}], []], "left out"),
        ((*CANDIDATES, 1), [{}, {}], "left out"),
        ((*CANDIDATES, 1), {}, "array"),
        ((*CANDIDATES, 0), [{"photo": "00" * 32}], "3 items"),
        ((*CANDIDATES, 0, 1), None, "object"),
        ((*CANDIDATES, 0, 1), {"name": "Ada"}, "name"),
        ((*CANDIDATES, 0, 0), {"photo": "00" * 32, "statement": {"en": "Yes"}}, "order"),
        (STATEMENT, None, "object"),
        (STATEMENT, "Vote for me", "object"),
        (STATEMENT, {}, "at least one"),
        (STATEMENT, {"es": "a", "en": "b"}, "sorted"),
        (STATEMENT, {"de": "a"}, "language"),
        (STATEMENT, {"": "a"}, "language"),
        (STATEMENT, {"en": ""}, "empty"),
        (STATEMENT, {"en": " \n"}, "empty"),
        (STATEMENT, {"en": 5}, "text"),
        (STATEMENT, {"en": "a\u202eb"}, "U+202E"),
        (PHOTO, None, "SHA-256"),
        (PHOTO, "", "SHA-256"),
        (PHOTO, "AB" * 32, "SHA-256"),
        (PHOTO, "ab" * 31, "SHA-256"),
        (PHOTO, "ab" * 32 + "\n", "SHA-256"),
    ],
)
def test_what_does_not_fit_is_refused(path: Path, new: Any, words: str) -> None:
    with refused("S1", words):
        parse_election(encode_json_bytes(json_with(data(), path, new)))


def test_a_test_says_so() -> None:
    presentation = read(with_steward(test=True))
    assert presentation.is_test
    assert presentation.encode() == {"version": 1, "language": "en", "test": True}
    assert not read(with_steward()).is_test


def test_a_statement_is_in_a_language_that_the_election_has() -> None:
    """Not in every one: candidates write their own, and nobody puts words into their mouths."""
    with refused("S1", "language"):
        read(with_steward(candidates=[[{}, {"statement": {"es": "Sí"}}, {}], []]))
    read(with_steward(candidates=[[{}, {"statement": {"en": "Yes"}}, {}], []]))
    record = {"service_key": "A" * 43, "revotes": True}
    with refused("S1", "language"):
        nameless = {"version": 1, "record": record, "candidates": [[], [{"statement": {"": "Yes"}}, {}]]}
        read({**data(), "steward": nameless})


def test_every_reader_gets_a_statement() -> None:
    presentation = read(data())
    ada, nobody, french = (presentation.find_candidate(0, place) for place in range(3))
    languages = presentation.languages
    assert ada.find_statement(languages, "es-MX") == ("es", "Tesorera **desde 2019**.")
    assert ada.find_statement(languages, "fr") == ada.find_statement(languages, "de") == ada.statements[0]
    assert french.find_statement(languages, "en") == french.statements[0]
    assert nobody.find_statement(languages, "en") is None
    assert presentation.find_candidate(1, 1) == Candidate()
    assert presentation.photos == ("0a" * 32,)
    assert Presentation("en").photos == ()
    assert [presentation.is_rotated(number) for number in (0, 1)] == [True, False]
    assert not Presentation("en").is_rotated(0)


def test_candidates_stay_with_their_answers() -> None:
    def question(*answers: str, title: str = "Board") -> HomomorphicQuestion:
        return HomomorphicQuestion(answers, 0, 1, title)

    ada = Candidate((("en", "Treasurer"), ("es", "Tesorera")), "0a" * 32)
    joan = Candidate((("en", "Welder"),))
    texts = read(data()).translations
    before = Presentation("en", texts, candidates=((ada, joan), ()))
    questions = [question("Ada", "Joan"), question("Yes", "No", title="Dues")]

    def carried(after: Presentation, *new: HomomorphicQuestion) -> Any:
        return carry_candidates(before, questions, after, new).candidates

    # Drawn by lot, another question before them, one more answer.
    turned = [question("Yes", "No", title="Dues"), question("Joan", "Eve", "Ada")]
    assert carried(Presentation("en", texts), *turned) == ((), (joan, Candidate(), ada))
    # Another name is another person, and so is the same name in another question.
    assert carried(Presentation("en", texts), question("Eve", "Joan")) == ((Candidate(), joan),)
    assert carried(Presentation("en", texts), question("Ada", "Joan", title="Auditors")) is None
    # Without Spanish.
    assert carried(Presentation("en"), *questions) == (
        (replace(ada, statements=ada.statements[:1]), joan),
        (),
    )
    # New statements take the place of all; photos are not statements.
    after = Presentation("en", texts, candidates=((Candidate(), Candidate((("en", "New"),))), ()))
    assert carried(after, *questions) == (
        (Candidate(photo=ada.photo), Candidate((("en", "New"),))),
        (),
    )


def test_what_says_nothing_is_left_out() -> None:
    someone = Candidate(photo="00" * 32)
    assert make_candidates([[Candidate(), Candidate()], []]) is None
    assert make_candidates([[Candidate()], [someone, Candidate()]]) == ((), (someone, Candidate()))
    assert make_orders([Order.FIXED, Order.FIXED]) is None
    assert make_orders([Order.FIXED, Order.ROTATED]) == (Order.FIXED, Order.ROTATED)


def test_languages_are_sorted() -> None:
    value = data()
    texts = value["steward"]["texts"]
    with refused("S1", "sorted"):
        read(with_steward(texts=dict(reversed(texts.items()))))
    read(with_steward(texts=texts))


def test_a_text_is_empty_exactly_where_the_translated_one_is() -> None:
    value = json_with(data(), ("description",), "")
    with refused("S1", "nothing that it translates"):
        parse_election(encode_json_bytes(value))
    for language in ("es", "fr"):
        value = json_with(value, ("steward", "texts", language, "description"), "")
    read(value)


# Turned round, invisible, or breaking the line where nobody expects it.
HIDDEN = "\x00\t\r\x1b\x7f\x85\u00ad\u061c\u200b\u200e\u200f\u2028\u202a\u202e\u2066\u2069\ufeff\U000e0041"


@pytest.mark.parametrize("sign", HIDDEN, ids=ascii)
@pytest.mark.parametrize(
    "path",
    [
        ("name",),
        ("description",),
        ("questions", 0, "question"),
        ("questions", 0, "answers", 2),
        (*SPANISH, "name"),
        (*SPANISH, "questions", 1, "answers", 0),
    ],
)
def test_no_character_is_hidden(path: Path, sign: str) -> None:
    """Also not in the election's own texts: other programs' elections may have them, ours say that they do not."""
    with refused("S1", f"U+{ord(sign):04X}"):
        parse_election(encode_json_bytes(json_with(data(), path, f"Ada{sign}Eve")))


@pytest.mark.parametrize("text", ["Ada\nEve", "Zoë 👩🏽‍⚖️", "علی‌رضا", "क्‍ष", "李 — 王", " x"])
def test_every_writing_is_welcome(text: str) -> None:
    """Joiners too: Persian and Hindi words are not the same without them."""
    assert read(json_with(data(), (*SPANISH, "name"), text)).translations[0].name == text


@pytest.mark.parametrize("tag", ["en", "es", "yue", "pt-BR", "zh-Hant", "zh-Hant-TW", "es-419"])
def test_language_tags(tag: str) -> None:
    assert is_language(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "EN",
        "en-",
        "en-us",
        "pt_BR",
        "en-US-",
        "en\n",
        "zh-hant",
        "de-1996",
        "x-y",
        "éé",
        None,
        5,
        ["en"],
    ],
)
def test_what_is_no_language_tag(tag: Any) -> None:
    assert not is_language(tag)


def test_unsupported_questions_have_no_presentation_yet() -> None:
    ranked = {"type": "NonHomomorphic", "value": {"answers": ["a"], "question": "?"}}
    value = json_with(with_steward(), ("questions",), [*data()["questions"], ranked])
    with refused("S1", "sums"):
        parse_election(encode_json_bytes(value))
