"""Election data: what is voted on, under which key (PROTOCOL §4; rule S1).

The *fingerprint* is the hash of the very bytes of the election data; every ballot and every
decryption names it. Hence the bytes are kept as they came and never written anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto.encoding import encode_json_bytes, is_uuid, parse_json, require_text, sha256_base64
from crypto.errors import MalformedError, MisuseError
from crypto.groups import Element, Group, get_group
from crypto.presentation import Presentation, RecordTerms, parse_presentation
from crypto.questions import (
    HomomorphicQuestion,
    ListsQuestion,
    NonHomomorphicQuestion,
    Question,
    parse_questions,
)

_REQUIRED = ("version", "description", "name", "group", "public_key", "questions", "uuid")
_TEXTS = ("administrator", "credential_authority")
_OPTIONAL = (*_TEXTS, "steward")
RULE = "S1"


@dataclass(frozen=True)
class Election:
    """Parsed election data. ``raw`` are the published bytes, ``fingerprint`` their hash (base64)."""

    uuid: str
    name: str
    description: str
    group: Group
    public_key: Element
    questions: tuple[Question, ...]
    administrator: str | None
    credential_authority: str | None
    unknown_fields: tuple[str, ...]
    raw: bytes
    fingerprint: str
    # Languages, rules of decision, quorum, terms of the record: None in elections that other programs made.
    presentation: Presentation | None = None

    @property
    def is_homomorphic(self) -> bool:
        """Whether every question is counted by adding: no shuffles, and no lists."""
        return all(isinstance(question, HomomorphicQuestion) for question in self.questions)

    @property
    def shuffled_questions(self) -> tuple[int, ...]:
        """The places of the questions whose ballots are shuffled and opened one by one."""
        return tuple(
            place
            for place, question in enumerate(self.questions)
            if isinstance(question, NonHomomorphicQuestion)
        )

    @property
    def has_lists(self) -> bool:
        """Whether a question is one of lists."""
        return any(isinstance(question, ListsQuestion) for question in self.questions)

    @property
    def record_terms(self) -> RecordTerms | None:
        """The service key, and whether votes are final; None where the election data do not fix them."""
        return None if self.presentation is None else self.presentation.record

    @property
    def homomorphic_questions(self) -> tuple[HomomorphicQuestion, ...]:
        """All questions, for callers who know that there is no other kind."""
        result = tuple(q for q in self.questions if isinstance(q, HomomorphicQuestion))
        if len(result) != len(self.questions):
            raise MisuseError("the election has questions of other kinds")
        return result


def encode_election(  # noqa: PLR0913  one for each field
    *,
    uuid: str,
    name: str,
    description: str,
    group_name: str,
    public_key: Element,
    questions: Sequence[Question],
    administrator: str | None = None,
    credential_authority: str | None = None,
    presentation: Presentation | None = None,
) -> bytes:
    """The bytes of election data; their hash becomes the fingerprint."""
    value: dict[str, Any] = {
        "version": 1,
        "description": description,
        "name": name,
        "group": group_name,
        "public_key": public_key.text,
        "questions": [question.encode() for question in questions],
        "uuid": uuid,
    }
    if administrator is not None:
        value["administrator"] = administrator
    if credential_authority is not None:
        value["credential_authority"] = credential_authority
    if presentation is not None:
        value["steward"] = presentation.encode()
    return encode_json_bytes(value)


def parse_election(raw: bytes) -> Election:
    """Reads election data; unknown top-level fields are kept in ``unknown_fields`` for a warning."""
    value = parse_json(raw, RULE)
    if not isinstance(value, dict):
        raise MalformedError(RULE, "election data: an object was expected")
    for key in _REQUIRED:
        if key not in value:
            raise MalformedError(RULE, f"election data: field {key!r} is missing")
    known = [key for key in value if key in _REQUIRED or key in _OPTIONAL]
    if known != [key for key in (*_REQUIRED, *_OPTIONAL) if key in value]:
        raise MalformedError(RULE, "election data: fields are not in their order")
    if value["version"] != 1 or isinstance(value["version"], bool):
        raise MalformedError(RULE, "election data: only protocol version 1 is known")
    if not is_uuid(value["uuid"]):
        raise MalformedError(RULE, "election data: the uuid must be 14 or more Base58 characters")
    group = get_group(value["group"], RULE)
    texts = {
        key: require_text(value[key], RULE, key) for key in ("name", "description", *_TEXTS) if key in value
    }
    questions = parse_questions(value["questions"], RULE)
    for number, question in enumerate(questions, 1):
        if isinstance(question, NonHomomorphicQuestion) and len(question.answers) > group.most_integers:
            raise MalformedError(
                RULE,
                f"question {number}: ranks or grades of {len(question.answers)} answers do not fit into an element"
                f" of {group.name}, which holds {group.most_integers}",
            )
    presentation = None
    if "steward" in value:
        presentation = parse_presentation(
            value["steward"], texts["name"], texts["description"], questions, RULE
        )
    return Election(
        uuid=value["uuid"],
        name=texts["name"],
        description=texts["description"],
        group=group,
        public_key=group.decode(value["public_key"], RULE, "election public key", allow_identity=False),
        questions=questions,
        administrator=texts.get("administrator"),
        credential_authority=texts.get("credential_authority"),
        unknown_fields=tuple(key for key in value if key not in known),
        raw=raw,
        fingerprint=sha256_base64(raw),
        presentation=presentation,
    )
