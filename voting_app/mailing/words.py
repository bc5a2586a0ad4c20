"""What pages say about addresses and mails."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext

from voting_app.languages import N_
from voting_app.mailing.addresses import AddressState
from voting_app.mailing.members import Only, Standing
from voting_app.mailing.models import DeliveryState
from voting_app.mailing.preflight import Fault


@dataclass(frozen=True, slots=True)
class Words:
    """badge: a few words; tone: the colour beside them; sentence: what it means and what to do."""

    badge: str
    tone: str
    sentence: str


_ADDRESSES = {
    AddressState.MISSING: (N_("No mail address"), "", N_("This member needs a printed sheet.")),
    AddressState.UNUSABLE: (
        N_("Address cannot be used"),
        "warning",
        N_("No mail can be written to this address. The member needs a printed sheet."),
    ),
    AddressState.UNASKED: (N_("Not asked yet"), "", N_("Nobody has asked whether this address is right.")),
    AddressState.ASKED: (
        N_("Asked"),
        "info",
        N_("The member was asked by mail and has not answered yet."),
    ),
    AddressState.EXPIRED: (
        N_("No answer"),
        "warning",
        N_("The link to answer is too old, or the answer is. The member can be asked again."),
    ),
    AddressState.CONFIRMED: (N_("Confirmed"), "good", N_("The member has confirmed this address.")),
    AddressState.DENIED: (
        N_("Not this member’s"),
        "danger",
        N_("Whoever reads mail there said: that is not me. Ask the member for the right address."),
    ),
}
_DELIVERIES = {
    DeliveryState.WAITING: (N_("Will be sent"), "info", N_("The mail waits for its turn.")),
    DeliveryState.SENDING: (N_("Will be sent"), "info", N_("The mail waits for its turn.")),
    DeliveryState.HANDING: (N_("Being sent"), "info", N_("The mail server hears it at this moment.")),
    DeliveryState.SENT: (
        N_("Sent"),
        "good",
        N_("The mail server has taken it. If the member cannot find it: it may lie among the spam."),
    ),
    DeliveryState.REFUSED: (
        N_("Not taken"),
        "danger",
        N_("The mail server refused the mail. Send it again, or print a sheet for this member."),
    ),
    DeliveryState.BOUNCED: (
        N_("Came back"),
        "danger",
        N_("The mail came back. If the code is still here, send it again or print a sheet."),
    ),
    DeliveryState.UNCLEAR: (
        N_("Unclear"),
        "warning",
        N_(
            "The connection or the program broke off while it was sent, so nobody here knows whether it arrived. "
            "Ask the member, then say below that it arrived, or send it again: it is the same code, and it counts once."
        ),
    ),
}
_WAYS = {
    "printed": (N_("Printed"), "good", N_("A sheet was printed for this member.")),
    "mailed": (N_("Sent"), "good", N_("The code was sent by mail.")),
    "program": (N_("Handed over"), "good", N_("A program of the registrar has handed it over.")),
    "expired": (N_("Not handed over"), "", N_("Voting ended before the code was handed over.")),
}
_WAITING = (N_("Waits"), "", N_("The code was not handed over yet, neither by mail nor on a sheet."))
_NONE = (N_("No code yet"), "", N_("The codes of this election were not made yet, or not here."))
_FAULTS = {
    Fault.NO_NAME: N_("has no name on the roll"),
    Fault.NO_ADDRESS: N_("has no mail address"),
    Fault.UNUSABLE: N_("has an address to which no mail can be written"),
    Fault.SHARED: N_("shares the address with another member, and not both have confirmed it"),
    Fault.DENIED: N_("is not who reads mail at this address"),
}
_FILTERS = {
    Only.ALL: N_("Everybody"),
    Only.UNCONFIRMED: N_("Address not confirmed"),
    Only.WAITING: N_("Code waits to be handed over"),
    Only.ON_ITS_WAY: N_("Mail on its way"),
    Only.SENT: N_("Mail sent"),
    Only.TROUBLE: N_("Mail that was not taken, came back or is unclear"),
}


def describe_address(state: AddressState) -> Words:
    """What is known of an address."""
    return _say(_ADDRESSES[state])


def describe_delivery(standing: Standing) -> Words:
    """What became of a member's code."""
    if standing.delivery is not None:
        return _say(_DELIVERIES[standing.delivery])
    if standing.has_credential:
        return _say(_WAITING)
    return _say(_WAYS.get(standing.way or "", _NONE))


def describe_fault(fault: Fault) -> str:
    """After a member's name."""
    return gettext(_FAULTS[fault])


def list_filters() -> list[tuple[str, str]]:
    """Code and name of each filter."""
    return [(only.value, gettext(words)) for only, words in _FILTERS.items()]


def _say(words: tuple[str, str, str]) -> Words:
    return Words(gettext(words[0]), words[1], gettext(words[2]))
