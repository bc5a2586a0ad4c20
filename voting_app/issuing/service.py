"""What the registrar's browser needs to make codes and print sheets by itself. No code comes here.

The list that it makes is published as that of `steward-registrar` is (`registrar.service.publish_credentials`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from paper.sheets import Occasion, write_content
from paper.words import WORDS, find_words
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.errors import Problem
from voting_app.registrar import service as registrar
from voting_app.roll import service as roll
from voting_app.sheets.service import make_occasion

# In place of the fingerprint: the browser reckons it from the election data, and believes no other one.
_NO_FINGERPRINT = "A" * 43


class Step(StrEnum):
    """What can be done at this time. SERVER: the server makes the codes; ROLL: the roll comes first; MAKE: make and
    publish; KEYS: the trustees' keys come first; PRINT; OVER: nothing any more.
    """

    SERVER = "server"
    ROLL = "roll"
    MAKE = "make"
    KEYS = "keys"
    PRINT = "print"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Issuing:
    """Where the registrar stands. credentials: the published list's hash (hex)."""

    step: Step
    credentials: str | None


def find_step(view: ElectionView, *, is_published: bool) -> Step:
    """The step for an election in this state."""
    if view.credential_mode != registrar.REGISTRAR_MODE:
        return Step.SERVER
    if view.state is State.DRAFT:
        return Step.ROLL
    if view.state is State.ROLL_FROZEN:
        return Step.KEYS if is_published else Step.MAKE
    return Step.PRINT if view.state in (State.KEYS_READY, State.OPEN, State.PAUSED) else Step.OVER


def get_issuing(context: Context, uuid: str) -> Issuing:
    """Where the registrar stands; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        published = registrar.find_hash(session, uuid)
    return Issuing(find_step(view, is_published=published is not None), published)


def describe(context: Context, uuid: str) -> dict[str, Any]:
    """Who may vote, and what stands on sheets besides the code, for the registrar's browser.

    Problems: 404 ``unknown-election``; 409 ``credential-mode``, ``roll-not-frozen``, ``no-site``.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
    if view.credential_mode != registrar.REGISTRAR_MODE:
        raise Problem(
            409, "credential-mode", "The server makes the credentials of this election, not the registrar."
        )
    occasion = make_occasion(context, view, _NO_FINGERPRINT)
    return {
        "election": uuid,
        "site": occasion.site,
        "members": [
            {
                "number": member.member_number,
                "name": member.name,
                "address": member.address,
                "unit": member.unit,
                "weight": member.weight,
                "language": find_words(member.language, occasion.language),
            }
            for member in roll.get_frozen_roll(context, uuid)
        ],
        "contents": {language: _encode_content(occasion, language) for language in WORDS},
    }


def _encode_content(occasion: Occasion, language: str) -> dict[str, Any]:
    content = write_content(occasion, language)
    return {
        "organisation": content.organisation,
        "election": content.election,
        "member_number": content.member_number,
        "closes": content.closes,
        "phone": list(content.phone),
        "any_device": list(content.any_device),
        "code": list(content.code),
        "fingerprint": list(content.fingerprint),
        "advice": list(content.advice),
        "short_fingerprint": content.short_fingerprint,
        "short_advice": list(content.short_advice),
    }
