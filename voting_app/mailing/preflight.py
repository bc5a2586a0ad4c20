"""Who would get a mail, and why a run is refused. Pure rules: what they judge was read before, and is shown as it is.

A mail with a credential goes out once. A wrong address is a vote in other hands, so whatever is doubtful stops the run
until somebody has looked: it is never skipped in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.writing import is_blank
from voting_app.mailing.addresses import AddressState, normalise


class Fault(StrEnum):
    """Why nobody can be mailed while this member is in the run."""

    NO_NAME = "no-name"
    NO_ADDRESS = "no-address"
    UNUSABLE = "unusable"
    # Another member of the roll has it too, and not both have confirmed it.
    SHARED = "shared"
    # Whoever reads mail there said that it is not the member's.
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member who may vote. is_waiting: a credential waits to be handed out, and no mail with it was begun."""

    roll_entry_id: int
    member_number: str
    name: str
    email: str
    state: AddressState
    is_waiting: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    unconfirmed: who gets a printed sheet, because the address was not confirmed; faults: why the run is refused.
    """

    recipients: tuple[Candidate, ...]
    unconfirmed: tuple[Candidate, ...]
    faults: tuple[tuple[Candidate, Fault], ...]

    @property
    def shown(self) -> str:
        """The hash of what a person was shown: a run that would do anything else is refused."""
        rows = [[r.roll_entry_id, r.member_number, r.name, r.email] for r in self.recipients]
        faults = [[c.roll_entry_id, fault.value] for c, fault in self.faults]
        return sha256_hex(encode_json_bytes({"recipients": rows, "faults": faults}))


def make_plan(members: Sequence[Candidate], *, is_confirming: bool) -> Plan:
    """Return what a run would do. members: everybody who may vote, because an address is shared with those too who have
    their credential; is_confirming: only confirmed addresses get one.
    """
    shared = _find_shared(members)
    recipients: list[Candidate] = []
    unconfirmed: list[Candidate] = []
    faults: list[tuple[Candidate, Fault]] = []
    for member in members:
        if not member.is_waiting:
            continue
        if is_confirming and member.state is not AddressState.CONFIRMED:
            unconfirmed.append(member)
        elif fault := _find_fault(member, shared):
            faults.append((member, fault))
        else:
            recipients.append(member)
    return Plan(tuple(recipients), tuple(unconfirmed), tuple(faults))


def _find_fault(member: Candidate, shared: set[str]) -> Fault | None:
    if is_blank(member.name):
        return Fault.NO_NAME
    if member.state is AddressState.MISSING:
        return Fault.NO_ADDRESS
    if member.state is AddressState.UNUSABLE:
        return Fault.UNUSABLE
    if member.state is AddressState.DENIED:
        return Fault.DENIED
    return Fault.SHARED if normalise(member.email) in shared else None


def _find_shared(members: Iterable[Candidate]) -> set[str]:
    """The addresses that several members have, and that not all of these have confirmed."""
    has: Counter[str] = Counter()
    confirmed: Counter[str] = Counter()
    for member in members:
        if member.email.strip():
            address = normalise(member.email)
            has[address] += 1
            confirmed[address] += member.state is AddressState.CONFIRMED
    return {address for address, count in has.items() if count > 1 and confirmed[address] < count}
