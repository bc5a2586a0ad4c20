"""What stands in a mail to a member: in which language, and what the election is called there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from voting_app.languages import LANGUAGES, SOURCE


class Presented(Protocol):
    """An election as it is shown: an `ElectionView`, or what else has these."""

    @property
    def name(self) -> str: ...

    @property
    def presentation(self) -> Mapping[str, Any] | None: ...


def choose_mail_language(wanted: str, view: Presented) -> str:
    """The language of a member's mail: the member's own if we write it, else the election's, else English."""
    election = (view.presentation or {}).get("language", "")
    for tag in (wanted, election):
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return SOURCE


def get_election_name(view: Presented, language: str) -> str:
    """The election's name in this language; its own name, if it has none in this one. An election that only tries
    things out says so before everything else.
    """
    presentation = view.presentation or {}
    texts = presentation.get("texts", {})
    names = [str(texts[tag]["name"]) for tag in texts if tag.partition("-")[0] == language]
    name = names[0] if names else view.name
    return f"TEST: {name}" if presentation.get("test") else name
