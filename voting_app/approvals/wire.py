"""Forms of acts: untrusted fields -> what an officer wants, as `service.propose_or_agree` takes it, or a Problem."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from voting_app.approvals.proposals import SHARED
from voting_app.elections.limits import LONGEST_REASON
from voting_app.elections.states import Act
from voting_app.elections.times import encode_minute, read_local
from voting_app.errors import Problem
from voting_app.json_body import get_text

# The fields of each act's form. `which` says which of two is meant, on the night on which clocks are put back.
FIELDS: dict[Act, tuple[str, ...]] = {
    Act.FREEZE_ROLL: (),
    Act.OPEN: ("closes_at", "which"),
    Act.PAUSE: ("reason",),
    Act.RESUME: (),
    Act.EXTEND: ("closes_at", "which", "reason"),
    Act.CLOSE: (),
    Act.CERTIFY: ("statement",),
    Act.UNTALLIABLE: ("reason",),
    Act.CANCEL: ("reason",),
}
# Without them the act cannot be done; the others may stay empty.
_NEEDED = {Act.EXTEND: ("closes_at",)}


def parse_act(text: str) -> Act:
    """The act in an address; Problem 404 ``not-found`` for what is none of those that officers do together."""
    if text not in SHARED:
        raise Problem(404, "not-found", "There is nothing at this address.")
    return Act(text)


def parse_wish(act: Act, fields: Mapping[str, str], time_zone: str) -> dict[str, Any]:
    """What people decide of an act.

    Problems: 422 ``reason-missing``, ``bad-time``; ``skipped-time`` [before, after] and ``twice`` [first, second] for
    a time of the night on which the clocks are put forward or back.
    """
    wish: dict[str, Any] = {}
    if "closes_at" in FIELDS[act] and (fields["closes_at"] or "closes_at" in _NEEDED.get(act, ())):
        wish["closes_at"] = encode_minute(_parse_time(fields["closes_at"], fields["which"], time_zone))
    for name in ("reason", "statement"):
        if name in FIELDS[act]:
            wish[name] = _parse_words(fields[name], name)
    return wish


def _parse_time(text: str, which: str, time_zone: str) -> datetime:
    try:
        # Some browsers add seconds.
        local = read_local(text.strip()[:16].replace(" ", "T"), time_zone)
    except (ValueError, OverflowError) as error:
        raise Problem(422, "bad-time", "Date and time are needed, as 2026-11-22 18:00.") from error
    if local.jump is not None:
        before, after = local.jump
        raise Problem(
            422,
            "skipped-time",
            "In that night the clocks are put forward, and this time is left out. Choose an earlier or a later one.",
            extra={"before": f"{before:%H:%M}", "after": f"{after:%H:%M}"},
        )
    if len(local.moments) == 1:
        return local.moments[0]
    if which not in ("1", "2"):
        raise Problem(
            422,
            "twice",
            "In that night the clocks are put back, and this time comes twice. Say which one you mean.",
            extra={"moments": list(local.moments)},
        )
    return local.moments[int(which) - 1]


def _parse_words(text: str, name: str) -> str:
    try:
        # Browsers end the lines of a form with two signs.
        return get_text({name: text.replace("\r\n", "\n")}, name, longest=LONGEST_REASON, is_long=True)
    except Problem as problem:
        raise (
            Problem(
                422, "reason-missing", "A reason is needed, of at most 2000 signs. Everybody can read it."
            )
            if name == "reason"
            else Problem(
                422,
                "statement-missing",
                "A statement is needed, of at most 2000 signs. Everybody can read it.",
            )
        ) from problem
