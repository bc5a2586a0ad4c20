"""Where a voting code is, in words."""

from __future__ import annotations

from flask_babel import gettext

from voting_app.languages import N_
from voting_app.registrar.vault import Held, Way

_WAYS = {
    Way.PRINTED: N_("Printed"),
    Way.MAILED: N_("Sent by mail"),
    Way.PROGRAM: N_("Taken by the registrar's program"),
    Way.EXPIRED: N_("Not handed out before voting ended, and erased"),
}


def describe_way(way: str) -> str:
    """How credentials were handed out, or why they are gone."""
    return gettext(_WAYS[Way(way)])


def describe_held(member: Held) -> str:
    """Where a member's credential is."""
    if member.is_sealed and member.is_delivered:
        return gettext("Sent by mail, and kept for a while to be sent again")
    if member.is_sealed:
        return gettext("Waits to be handed out")
    return describe_way(member.way) if member.way else gettext("There is none on this server")
