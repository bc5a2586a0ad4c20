"""What an election fixes beside its questions: languages, rules of decision, quorum, and how its votes are recorded
(rule S1, ADR 0005, ADR 0009).

It is the optional field ``steward`` of the election data::

    {"version":1,"language":"en"?,
     "texts":{"es":{"name","description","questions":[{"question","answers":[…]}…]}…}?,
     "rules":[{"majority":"plurality"|"majority"|"two-thirds"}…]?,
     "quorum":{"percent":1…100}?,
     "record":{"service_key":BASE64,"revotes":true|false}?}

``language`` is that of the election's own texts; ``texts`` are the others, sorted, each complete.
The field is covered by the fingerprint, so that a voter's language is as safe as the questions, and a receipt's
signature is worth as much as the sheet on which the fingerprint stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crypto.encoding import parse_base64, require_fields, require_int, require_list, require_text
from crypto.errors import MalformedError
from crypto.questions import HomomorphicQuestion, Question

VERSION = 1
# Language, script, region: what BCP 47 says of nearly all written languages, in its usual spelling.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?", re.ASCII)
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
class Presentation:
    """The field ``steward``. ``language`` is empty where it is not known; ``rules`` has one for each question, or there
    are none; ``record`` is None in elections that were set up before there was this member."""

    language: str = ""
    translations: tuple[Texts, ...] = ()
    rules: tuple[Majority, ...] | None = None
    quorum_percent: int | None = None
    record: RecordTerms | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The election's own language first, then the others in their order."""
        return (self.language, *(texts.language for texts in self.translations))

    def find_translation(self, language: str) -> Texts | None:
        """The texts that a reader of a language gets; None where these are the election's own."""
        chosen = choose_language(self.languages, language)
        return next((texts for texts in self.translations if texts.language == chosen), None)

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
        return value


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


def parse_presentation(
    value: Any, name: str, description: str, questions: Sequence[Question], rule: str = "S1"
) -> Presentation:
    """The value of ``steward`` → Presentation; the others are the election's own texts. MalformedError."""
    fields = require_fields(value, ("version",), rule, ("language", "texts", "rules", "quorum", "record"))
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
    return Presentation(
        language,
        _parse_translations(fields["texts"], own, known, rule) if "texts" in fields else (),
        _parse_rules(fields["rules"], known, rule) if "rules" in fields else None,
        quorum,
        _parse_record(fields["record"], rule) if "record" in fields else None,
    )
