"""What an election fixes beside its questions: languages, rules of decision, quorum, how its votes are recorded, and
how its choices are shown (rule S1, ADR 0005, ADR 0009, ADR 0012).

It is the optional field ``steward`` of the election data::

    {"version":1,"language":"en"?,
     "texts":{"es":{"name","description","questions":[{"question","answers":[…]}…]}…}?,
     "rules":[{"majority":"plurality"|"majority"|"two-thirds"}…]?,
     "quorum":{"percent":1…100}?,
     "record":{"service_key":BASE64,"revotes":true|false}?,
     "test":true?,
     "orders":["fixed"|"rotated"…]?,
     "candidates":[[{"statement":{"en":"…"}?,"photo":HEX?}…]…]?}

``language`` is that of the election's own texts; ``texts`` are the others, sorted, each complete. A member that would
say nothing is left out, so that there is one way to write each election down.
The field is covered by the fingerprint, so that a voter's language is as safe as the questions, and a receipt's
signature is worth as much as the sheet on which the fingerprint stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from crypto.encoding import parse_base64, require_fields, require_int, require_list, require_text
from crypto.errors import MalformedError
from crypto.questions import HomomorphicQuestion, Question

VERSION = 1
_MEMBERS = ("language", "texts", "rules", "quorum", "record", "test", "orders", "candidates")
# Language, script, region: what BCP 47 says of nearly all written languages, in its usual spelling.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
# Controls but LF, line and paragraph separators, and everything that turns writing round or cannot be
# seen, so that what is shown is what was hashed. Written out: Unicode's own classes change with its version.
_HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


class Majority(StrEnum):
    """When a choice has won; crypto.counting says it exactly."""

    PLURALITY = "plurality"
    MAJORITY = "majority"
    TWO_THIRDS = "two-thirds"


class Order(StrEnum):
    """How the answers of a question stand on a voter's screen. On the ballot their order is always that of the data."""

    FIXED = "fixed"
    # The first answer is drawn by each voter's browser; the others follow it in their order, round the end.
    ROTATED = "rotated"


@dataclass(frozen=True, slots=True)
class QuestionTexts:
    """One question in one language, answers in the order of the ballot."""

    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """All texts of an election in one language."""

    language: str
    name: str
    description: str
    questions: tuple[QuestionTexts, ...]

    def is_in(self, language: str) -> bool:
        """Whether this is that language, as any country writes it; so is what nobody has said the language of."""
        return not self.language or _primary(self.language) == _primary(language)

    def encode(self) -> dict[str, Any]:
        """The value in ``texts``, without the language, which is its key."""
        return {
            "name": self.name,
            "description": self.description,
            "questions": [{"question": q.question, "answers": list(q.answers)} for q in self.questions],
        }


@dataclass(frozen=True, slots=True)
class RecordTerms:
    """The member ``record``: under which key the service signs receipts and seals (base64), and whether a later ballot
    replaces an earlier one (otherwise every vote is final)."""

    service_key: str
    revotes: bool

    def encode(self) -> dict[str, Any]:
        return {"service_key": self.service_key, "revotes": self.revotes}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is shown beside an answer: a statement in some of the election's languages, sorted by their tags, in the
    markup of crypto.markup, and the SHA-256 of a photo's file in hex, empty where there is none."""

    statements: tuple[tuple[str, str], ...] = ()
    photo: str = ""

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(language for language, _ in self.statements)

    def find_statement(self, languages: Sequence[str], wanted: str) -> tuple[str, str] | None:
        """Tag and text for a reader of ``wanted`` in an election of these languages: his or her own, or else the
        election's own, or else the first; None without any."""
        order = (choose_language(languages, wanted), languages[0], *self.languages)
        texts = dict(self.statements)
        return next(((tag, texts[tag]) for tag in order if tag in texts), None)

    def encode(self) -> dict[str, Any]:
        value: dict[str, Any] = {}
        if self.statements:
            value["statement"] = dict(self.statements)
        if self.photo:
            value["photo"] = self.photo
        return value


@dataclass(frozen=True, slots=True)
class Presentation:
    """The field ``steward``. ``language`` is empty where it is not known; ``rules`` has one for each question, or there
    are none; ``record`` is None in elections that were set up before there was this member. ``orders`` has one for each
    question, or there are none and all are fixed; so has ``candidates``, each a candidate for each answer, or empty."""

    language: str = ""
    translations: tuple[Texts, ...] = ()
    rules: tuple[Majority, ...] | None = None
    quorum_percent: int | None = None
    record: RecordTerms | None = None
    # An election for practice: same steps, no consequence. Marked as such wherever it is shown.
    is_test: bool = False
    orders: tuple[Order, ...] | None = None
    candidates: tuple[tuple[Candidate, ...], ...] | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The election's own language first, then the others in their order."""
        return (self.language, *(texts.language for texts in self.translations))

    def find_translation(self, language: str) -> Texts | None:
        """The texts that a reader of a language gets; None where these are the election's own."""
        chosen = choose_language(self.languages, language)
        return next((texts for texts in self.translations if texts.language == chosen), None)

    def is_rotated(self, question: int) -> bool:
        """Whether the answers of this question, counted from 0, are shown from another one on to each voter."""
        return self.orders is not None and self.orders[question] is Order.ROTATED

    def find_candidate(self, question: int, answer: int) -> Candidate:
        """What is shown beside an answer, both counted from 0; an empty one where there is nothing."""
        found = self.candidates[question] if self.candidates is not None else ()
        return found[answer] if found else Candidate()

    @property
    def photos(self) -> tuple[str, ...]:
        """The SHA-256 of all photos, in the order of the answers, none twice."""
        found = (one.photo for group in self.candidates or () for one in group if one.photo)
        return tuple(dict.fromkeys(found))

    def encode(self) -> dict[str, Any]:
        value: dict[str, Any] = {"version": VERSION}
        if self.language:
            value["language"] = self.language
        if self.translations:
            value["texts"] = {texts.language: texts.encode() for texts in self.translations}
        if self.rules is not None:
            value["rules"] = [{"majority": rule.value} for rule in self.rules]
        if self.quorum_percent is not None:
            value["quorum"] = {"percent": self.quorum_percent}
        if self.record is not None:
            value["record"] = self.record.encode()
        if self.is_test:
            value["test"] = True
        if self.orders is not None:
            value["orders"] = [order.value for order in self.orders]
        if self.candidates is not None:
            value["candidates"] = [[one.encode() for one in group] for group in self.candidates]
        return value


def make_orders(orders: Sequence[Order]) -> tuple[Order, ...] | None:
    """``orders`` as the election data have them: None where all are fixed."""
    return tuple(orders) if Order.ROTATED in orders else None


def make_candidates(groups: Sequence[Sequence[Candidate]]) -> tuple[tuple[Candidate, ...], ...] | None:
    """``candidates`` as the election data have them: a question is empty where nothing is shown beside its answers, and
    None stands for all where that is so everywhere."""
    made = tuple(tuple(group) if any(one != Candidate() for one in group) else () for group in groups)
    return made if any(made) else None


def carry_candidates(
    before: Presentation,
    questions_before: Sequence[HomomorphicQuestion],
    after: Presentation,
    questions: Sequence[HomomorphicQuestion],
) -> Presentation:
    """``after``, which replaces ``before``, with what stood beside the answers: where question and answer have the very
    same words still, in whatever order. Statements in languages that the election has no more are left out; those of
    ``after`` take the place of all that there were, photos stay."""
    kept = {
        (question.question, answer): before.find_candidate(number, place)
        for number, question in enumerate(questions_before)
        for place, answer in enumerate(question.answers)
    }

    def carry(number: int, place: int) -> Candidate:
        old = kept.get((questions[number].question, questions[number].answers[place]), Candidate())
        new = after.find_candidate(number, place)
        statements = old.statements if after.candidates is None else new.statements
        return Candidate(
            tuple((tag, text) for tag, text in statements if tag in after.languages), new.photo or old.photo
        )

    groups = [
        [carry(number, place) for place in range(len(question.answers))]
        for number, question in enumerate(questions)
    ]
    return replace(after, candidates=make_candidates(groups))


def is_language(text: Any) -> bool:
    """Whether ``text`` is a tag such as ``en``, ``pt-BR`` or ``zh-Hant``."""
    return isinstance(text, str) and _LANGUAGE.fullmatch(text) is not None


def choose_language(languages: Sequence[str], wanted: str) -> str:
    """Of an election's languages, its own first, the one for a reader of another tag: the very one, or as another
    country writes it, or the election's own."""
    if wanted in languages:
        return wanted
    return next((tag for tag in languages if _primary(tag) == _primary(wanted)), languages[0])


def _primary(tag: str) -> str:
    return tag.partition("-")[0]


def _require_shown(value: Any, rule: str, what: str) -> str:
    text = require_text(value, rule, what)
    if found := _HIDDEN.search(text):
        raise MalformedError(rule, f"{what}: the character U+{ord(found[0]):04X} cannot be seen")
    return text


def _require_translated(value: Any, main: str, rule: str, what: str) -> str:
    """A text that is empty exactly where the one that it translates is."""
    text = _require_shown(value, rule, what)
    if bool(text.strip()) != bool(main.strip()):
        raise MalformedError(rule, f"{what}: a text is missing, or has nothing that it translates")
    return text


def _parse_question(value: Any, main: HomomorphicQuestion, rule: str, what: str) -> QuestionTexts:
    fields = require_fields(value, ("question", "answers"), rule)
    items = require_list(fields["answers"], rule, len(main.answers), f"{what}: answers")
    answers = tuple(
        _require_translated(item, answer, rule, f"{what}, answer {number}")
        for number, (item, answer) in enumerate(zip(items, main.answers, strict=True), 1)
    )
    if len(set(answers)) != len(answers):
        # Two choices with one text: the voters of this language could not tell which is which.
        raise MalformedError(rule, f"{what}: two answers are alike")
    return QuestionTexts(_require_translated(fields["question"], main.question, rule, what), answers)


def _parse_texts(
    language: str, value: Any, main: Texts, questions: Sequence[HomomorphicQuestion], rule: str
) -> Texts:
    what = f"texts in {language}"
    fields = require_fields(value, ("name", "description", "questions"), rule)
    items = require_list(fields["questions"], rule, len(questions), f"{what}: questions")
    return Texts(
        language,
        _require_translated(fields["name"], main.name, rule, f"{what}: name"),
        _require_translated(fields["description"], main.description, rule, f"{what}: description"),
        tuple(
            _parse_question(item, question, rule, f"{what}: question {number}")
            for number, (item, question) in enumerate(zip(items, questions, strict=True), 1)
        ),
    )


def _parse_rules(value: Any, questions: Sequence[HomomorphicQuestion], rule: str) -> tuple[Majority, ...]:
    rules = []
    for number, (item, question) in enumerate(
        zip(require_list(value, rule, len(questions), "steward: rules"), questions, strict=True), 1
    ):
        word = require_fields(item, ("majority",), rule)["majority"]
        if not isinstance(word, str) or word not in tuple(Majority):
            raise MalformedError(rule, f"steward: the rule of question {number} is not known")
        if word != Majority.PLURALITY and question.maximum > 1:
            # The sums do not tell how many ballots chose anybody, so a share of ballots is not known.
            raise MalformedError(
                rule, f"steward: question {number} has several seats, which only plurality decides"
            )
        rules.append(Majority(word))
    return tuple(rules)


def _parse_translations(
    value: Any, main: Texts, questions: Sequence[HomomorphicQuestion], rule: str
) -> tuple[Texts, ...]:
    if not isinstance(value, dict) or not value:
        raise MalformedError(rule, "steward: texts must be an object with at least one language")
    if list(value) != sorted(value):
        raise MalformedError(rule, "steward: the languages of the texts are not sorted")
    for language in value:
        if not is_language(language) or language == main.language:
            raise MalformedError(rule, f"steward: {language[:40]!r} is not another language's tag")
    return tuple(_parse_texts(language, item, main, questions, rule) for language, item in value.items())


def _parse_record(value: Any, rule: str) -> RecordTerms:
    fields = require_fields(value, ("service_key", "revotes"), rule)
    parse_base64(fields["service_key"], rule, 32, "steward: service key")
    if not isinstance(fields["revotes"], bool):
        raise MalformedError(rule, "steward: revotes must be true or false")
    return RecordTerms(fields["service_key"], fields["revotes"])


def _parse_language(fields: dict[str, Any], rule: str) -> str:
    """The language of the election's own texts, empty where nobody said it: only beside ``record``, and without
    ``texts``, which would be in "another" language than an unknown one."""
    if "language" not in fields and "record" in fields and "texts" not in fields:
        return ""
    language = fields.get("language")
    if not is_language(language):
        raise MalformedError(rule, "steward: language must be a tag such as en or pt-BR")
    return str(language)


def _parse_orders(value: Any, questions: Sequence[HomomorphicQuestion], rule: str) -> tuple[Order, ...]:
    words = require_list(value, rule, len(questions), "steward: orders")
    if not all(isinstance(word, str) and word in tuple(Order) for word in words):
        raise MalformedError(rule, "steward: an order is fixed or rotated")
    orders = make_orders([Order(word) for word in words])
    if orders is None:
        raise MalformedError(rule, "steward: the orders are left out where all are fixed")
    return orders


def _parse_statements(
    value: Any, languages: Sequence[str], rule: str, what: str
) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not value or list(value) != sorted(value):
        raise MalformedError(
            rule, f"{what}: a statement must be an object with sorted languages, at least one"
        )
    if not all(tag and tag in languages for tag in value):
        raise MalformedError(rule, f"{what}: a statement in a language that the election does not have")
    statements = tuple((tag, _require_shown(text, rule, what)) for tag, text in value.items())
    if not all(text.strip() for _, text in statements):
        raise MalformedError(rule, f"{what}: a statement is empty")
    return statements


def _parse_candidate(value: Any, languages: Sequence[str], rule: str, what: str) -> Candidate:
    fields = require_fields(value, (), rule, ("statement", "photo"))
    photo = fields.get("photo")
    if "photo" in fields and (not isinstance(photo, str) or _HASH.fullmatch(photo) is None):
        raise MalformedError(rule, f"{what}: photo must be a SHA-256 in 64 small hex digits")
    return Candidate(
        _parse_statements(fields["statement"], languages, rule, what) if "statement" in fields else (),
        photo or "",
    )


def _parse_candidates(
    value: Any, questions: Sequence[HomomorphicQuestion], languages: Sequence[str], rule: str
) -> tuple[tuple[Candidate, ...], ...]:
    groups = []
    for number, (items, question) in enumerate(
        zip(require_list(value, rule, len(questions), "steward: candidates"), questions, strict=True), 1
    ):
        what = f"candidates of question {number}"
        if items != []:
            require_list(items, rule, len(question.answers), what)
        groups.append(
            tuple(
                _parse_candidate(item, languages, rule, f"{what}, answer {place}")
                for place, item in enumerate(items, 1)
            )
        )
    if make_candidates(groups) != tuple(groups):
        raise MalformedError(rule, "steward: candidates are left out where nothing is shown beside answers")
    return tuple(groups)


def parse_presentation(
    value: Any, name: str, description: str, questions: Sequence[Question], rule: str = "S1"
) -> Presentation:
    """The value of ``steward`` → Presentation; the others are the election's own texts. MalformedError."""
    fields = require_fields(value, ("version",), rule, _MEMBERS)
    if fields["version"] != VERSION or isinstance(fields["version"], bool):
        raise MalformedError(rule, "steward: only version 1 is known")
    language = _parse_language(fields, rule)
    known = tuple(question for question in questions if isinstance(question, HomomorphicQuestion))
    if len(known) != len(questions):
        raise MalformedError(rule, "steward: version 1 is defined for questions that are counted by sums")
    own = Texts(
        language,
        _require_shown(name, rule, "name"),
        _require_shown(description, rule, "description"),
        tuple(
            QuestionTexts(
                _require_shown(question.question, rule, f"question {number}"),
                tuple(_require_shown(a, rule, f"an answer of question {number}") for a in question.answers),
            )
            for number, question in enumerate(known, 1)
        ),
    )
    quorum = None
    if "quorum" in fields:
        percent = require_fields(fields["quorum"], ("percent",), rule)["percent"]
        quorum = require_int(percent, rule, "steward: percent of the quorum", 1, 100)
    if fields.get("test", True) is not True:
        raise MalformedError(rule, "steward: test is true, or left out")
    translations = _parse_translations(fields["texts"], own, known, rule) if "texts" in fields else ()
    languages = (language, *(texts.language for texts in translations))
    return Presentation(
        language,
        translations,
        _parse_rules(fields["rules"], known, rule) if "rules" in fields else None,
        quorum,
        _parse_record(fields["record"], rule) if "record" in fields else None,
        "test" in fields,
        _parse_orders(fields["orders"], known, rule) if "orders" in fields else None,
        _parse_candidates(fields["candidates"], known, languages, rule) if "candidates" in fields else None,
    )
