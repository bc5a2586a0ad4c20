"""Requests about elections: untrusted JSON -> typed values, or a Problem that names the field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crypto.errors import ProtocolError
from crypto.presentation import Presentation, parse_presentation
from crypto.questions import HomomorphicQuestion, parse_questions, sort_question_fields
from crypto.writing import are_told_apart, is_blank, is_writing
from voting_app.approvals.proposals import Officers
from voting_app.elections.limits import (
    CREDENTIAL_MODES,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_REASON,
    MAX_ANSWERS,
    MAX_CERTIFIERS,
    MAX_LANGUAGES,
    MAX_QUESTIONS,
    MAX_TRUSTEES,
)
from voting_app.elections.service import NewElection, TrusteePlan
from voting_app.elections.times import YEARS, list_zone_names
from voting_app.json_body import get_bool, get_choice, get_int, get_object, get_text, invalid, parse_body

GROUPS = ("Ed25519", "BELENIOS-2048", "RFC-3526-2048")
# Together the field `steward` of the election data; crypto.presentation has their rules.
_PRESENTATION = ("language", "texts", "rules", "quorum", "test", "orders", "candidates")
LONGEST_STATEMENT = 3000

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def parse_new_election(raw: bytes) -> NewElection:
    """The body of ``POST /elections`` and ``PUT /elections/<uuid>``."""
    return read_new_election(
        parse_body(
            raw,
            required=("name", "questions", "closes_at", "trustees"),
            optional=(
                "description",
                "group",
                "revoting",
                "time_zone",
                "credential_mode",
                "unit",
                "certifiers",
                "single_officer",
                *_PRESENTATION,
            ),
        )
    )


def read_new_election(body: dict[str, Any]) -> NewElection:
    """The fields of such a body; the office's form makes them too, so that both are judged alike."""
    name = get_text(body, "name", longest=LONGEST_NAME)
    description = get_text(body, "description", longest=LONGEST_DESCRIPTION, default="", is_long=True)
    questions = _parse_questions(body["questions"])
    return NewElection(
        name=name,
        description=description,
        questions=questions,
        group_name=get_choice(body, "group", GROUPS, "Ed25519"),
        # A cast vote is final unless the committee decides otherwise (LMRDA profile).
        revoting=get_bool(body, "revoting", False),
        closes_at=parse_time(body["closes_at"], "closes_at"),
        time_zone=_parse_time_zone(body.get("time_zone", "UTC")),
        trustees=_parse_plan(get_object(body, "trustees")),
        credential_mode=get_choice(body, "credential_mode", CREDENTIAL_MODES, "registrar"),
        unit=get_text(body, "unit", longest=200, default=""),
        presentation=_parse_presentation(body, name, description, questions),
        officers=_parse_officers(body),
    )


def _parse_officers(body: dict[str, Any]) -> Officers | None:
    """How many officers must want each act: two, unless an organisation that has only one says so, with a reason.

    None if nothing is said.
    """
    if not {"certifiers", "single_officer"} & set(body):
        return None
    if "single_officer" not in body:
        return Officers(2, get_int(body, "certifiers", 2, MAX_CERTIFIERS, 2), "")
    reason = get_text(body, "single_officer", longest=LONGEST_REASON, is_long=True)
    if body.get("certifiers", 1) != 1:
        raise invalid("certifiers", "Where one officer acts alone, one certifies.")
    return Officers(1, 1, reason)


def _parse_questions(value: Any) -> tuple[HomomorphicQuestion, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_QUESTIONS:
        raise invalid("questions", f"An array of 1 to {MAX_QUESTIONS} questions is expected.")
    try:
        questions = parse_questions([sort_question_fields(item) for item in value])
    except ProtocolError as error:
        raise invalid("questions", f"The questions are not usable: {error.detail}.") from error
    supported: list[HomomorphicQuestion] = []
    for number, question in enumerate(questions, start=1):
        if not isinstance(question, HomomorphicQuestion):
            raise invalid("questions", f"Question {number} is of a kind that this version cannot run.")
        texts = (question.question, *question.answers)
        if not all(is_writing(text.replace("\n", " ")) for text in texts):
            # Among them are signs that turn the writing round: voters would read another name.
            raise invalid("questions", f"Question {number} has a character that cannot be printed.")
        if any(map(is_blank, texts)):
            raise invalid("questions", f"Question {number} has a text in which nothing can be seen.")
        if not are_told_apart(question.answers):
            raise invalid("questions", f"Question {number} has two answers that look alike.")
        if len(question.answers) > MAX_ANSWERS:
            raise invalid("questions", f"Question {number} has more than {MAX_ANSWERS} answers.")
        supported.append(question)
    return tuple(supported)


def _parse_presentation(
    body: dict[str, Any], name: str, description: str, questions: tuple[HomomorphicQuestion, ...]
) -> Presentation | None:
    """Languages, rules and quorum; None if the body has none of them. Its own language is English if not said."""
    given = {field: body[field] for field in _PRESENTATION if field in body}
    if not given:
        return None
    texts = given.get("texts")
    if isinstance(texts, dict):
        if len(texts) > MAX_LANGUAGES:
            raise invalid("texts", f"At most {MAX_LANGUAGES} other languages are allowed.")
        given["texts"] = {language: _sort_texts(texts[language]) for language in sorted(texts)}
    _leave_out_what_says_nothing(given)
    fields: dict[str, Any] = {"version": 1, "language": given.pop("language", "en")}
    presentation = Presentation()
    # One after the other, so that the refusal names the field. Statements need the languages that come before them.
    for field in ("language", *given):
        if field != "language":
            fields[field] = given[field]
        try:
            presentation = parse_presentation(fields, name, description, questions)
        except ProtocolError as error:
            raise invalid(field, f"This field is not usable: {error.detail}.") from error
    for translation in presentation.translations:
        if len(translation.name) > LONGEST_NAME or len(translation.description) > LONGEST_DESCRIPTION:
            raise invalid("texts", f"The name or the description in {translation.language} is too long.")
        for number, translated in enumerate(translation.questions, start=1):
            if not are_told_apart(translated.answers):
                raise invalid(
                    "texts", f"Question {number} has two answers that look alike in {translation.language}."
                )
    _require_usable_candidates(presentation)
    return presentation


def _leave_out_what_says_nothing(given: dict[str, Any]) -> None:
    """The election data have one way to say it; people may spell it out: no test, all orders fixed, no candidate."""
    if given.get("test") is False:
        del given["test"]
    orders = given.get("orders")
    if isinstance(orders, list) and orders and all(order == "fixed" for order in orders):
        del given["orders"]
    groups = given.get("candidates")
    if isinstance(groups, list) and all(isinstance(group, list) for group in groups):
        groups = [group if any(one != {} for one in group) else [] for group in groups]
        given["candidates"] = [
            [
                one | {"statement": dict(sorted(one["statement"].items()))}
                if isinstance(one, dict) and isinstance(one.get("statement"), dict)
                else one
                for one in group
            ]
            for group in groups
        ]
        if not any(groups):
            del given["candidates"]


def _require_usable_candidates(presentation: Presentation) -> None:
    if presentation.photos:
        # Only what this service has made small and clean itself is shown to voters.
        raise invalid("candidates", "Photos are uploaded to the election after it was created.")
    for group in presentation.candidates or ():
        for _, text in (statement for one in group for statement in one.statements):
            if len(text) > LONGEST_STATEMENT:
                raise invalid("candidates", f"A statement has more than {LONGEST_STATEMENT} characters.")


def _sort_texts(value: Any) -> Any:
    """Texts as a person wrote them, fields in any order -> the protocol's order; anything else as it is."""

    def in_order(item: Any, names: tuple[str, ...]) -> Any:
        if not isinstance(item, dict):
            return item
        return {
            key: item[key] for key in (*(n for n in names if n in item), *(k for k in item if k not in names))
        }

    texts = in_order(value, ("name", "description", "questions"))
    if isinstance(texts, dict) and isinstance(texts.get("questions"), list):
        texts["questions"] = [in_order(item, ("question", "answers")) for item in texts["questions"]]
    return texts


def _parse_plan(value: dict[str, Any]) -> TrusteePlan:
    unknown = set(value) - {"singles", "threshold"}
    if unknown:
        raise invalid("trustees", "The fields are singles and threshold.")
    singles = get_int(value, "singles", 0, MAX_TRUSTEES, 0)
    size = threshold = None
    if value.get("threshold") is not None:
        group = get_object(value, "threshold")
        if set(group) != {"size", "threshold"}:
            raise invalid("trustees", "The fields of threshold are size and threshold.")
        size = get_int(group, "size", 2, MAX_TRUSTEES)
        # All of n is what Singles do; t = n here would only look safer against a lost key.
        threshold = get_int(group, "threshold", 1, size)
    plan = TrusteePlan(singles, size, threshold)
    if not 1 <= plan.seats <= MAX_TRUSTEES:
        raise invalid("trustees", f"An election has 1 to {MAX_TRUSTEES} trustees.")
    return plan


def _parse_time_zone(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid("time_zone", "The name of a time zone is expected, such as America/Chicago.")
    if value not in list_zone_names():
        raise invalid("time_zone", "This time zone is not known; one such as America/Chicago is.")
    return value


def parse_time(value: Any, field: str) -> datetime:
    """An RFC 3339 time on a whole minute, as aware UTC: the journal names minutes, nothing finer."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise invalid(field, "A time such as 2026-11-22T18:00:00Z is expected.")
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise invalid(field, "This time does not exist.") from error
    if moment.year not in YEARS:
        raise invalid(field, f"The year must be from {YEARS[0]} to {YEARS[-1]}.")
    if moment.second or moment.microsecond:
        raise invalid(field, "The time must be a whole minute.")
    return moment


def parse_reason(raw: bytes) -> str:
    """A body with the one field ``reason``, which the public will read."""
    return get_text(parse_body(raw, required=("reason",)), "reason", longest=LONGEST_REASON, is_long=True)


@dataclass(frozen=True, slots=True)
class Extension:
    """A later closing time and why."""

    closes_at: datetime
    reason: str


def parse_extension(raw: bytes) -> Extension:
    """The body of ``POST …/extend``."""
    body = parse_body(raw, required=("closes_at", "reason"))
    return Extension(
        parse_time(body["closes_at"], "closes_at"),
        get_text(body, "reason", longest=LONGEST_REASON, is_long=True),
    )


def parse_opening(raw: bytes) -> datetime | None:
    """The body of ``POST …/open``: a new closing time, or nothing for the one announced."""
    body = parse_body(raw, optional=("closes_at",))
    return parse_time(body["closes_at"], "closes_at") if "closes_at" in body else None


def require_empty(raw: bytes) -> None:
    """A body that must be empty or ``{}``."""
    parse_body(raw)
