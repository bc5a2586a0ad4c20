"""Check instead of cast: a ballot is given up, so that its voter can have it opened on a second device.

It is verified like one that is cast. Then, under the same lock of the box under which ballots are appended, it is
either cast, or challenged, or new. So of a cast and a challenge of one ballot exactly one happens, whichever
comes first.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crypto.ballot import ballot_tracker
from crypto.encoding import encode_base64, is_sha256_hex, sha256_hex
from voting_app.booth.challenges import add_challenged, count_challenged, find_challenged, read_challenged
from voting_app.booth.service import Counter, Desk, get_counter, require_listed
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.states import State
from voting_app.errors import Problem
from voting_app.ledger import service as ledger
from voting_app.ledger.trackers import find_last_ballot


@dataclass(frozen=True, slots=True)
class Challenge:
    """A ballot that can never be cast. is_new: false if it was challenged before."""

    tracker: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the public record says of a public credential. tracker: of its last ballot."""

    is_listed: bool
    tracker: str | None


def challenge_ballot(
    context: Context, desk: Desk, uuid: str, raw: bytes, credential: str, arrived_at: datetime
) -> Challenge:
    """Give up the ballot `raw` (its exact text), durably and for everybody to see.

    Refused like a cast (ProtocolError, Problem); besides Problem 409 `already-cast` for a ballot in the box, and
    `too-many-challenges`.
    """
    counter = get_counter(context, desk, uuid)
    require_listed(counter, credential)
    tracker, digest = ballot_tracker(raw), sha256_hex(raw)
    with context.database.read() as session:
        if _is_challenged(session, context, counter, digest, credential, arrived_at):
            return Challenge(tracker, is_new=False)
    desk.verify(counter, raw, credential)
    with context.database.write() as session:
        ledger.lock_box(session, counter.box_id)
        # What this look says decides; the first one was there to spare the verification.
        if _is_challenged(session, context, counter, digest, credential, arrived_at):
            return Challenge(tracker, is_new=False)
        add_challenged(session, counter.box_id, digest, credential, raw)
    return Challenge(tracker, is_new=True)


def _is_challenged(
    session: Session, context: Context, counter: Counter, digest: str, credential: str, arrived_at: datetime
) -> bool:
    """Whether this very ballot was challenged already; a Problem if it may not be."""
    box_id, uuid = counter.box_id, counter.election.uuid
    if find_challenged(session, box_id, [digest]):
        return True
    if ledger.find_ballot(session, box_id, digest) is not None:
        raise Problem(
            409, "already-cast", "This ballot is in the ballot box; only one that was not cast can be opened."
        )
    calendar = elections.require_open(session, uuid, arrived_at)
    if calendar.state not in (State.OPEN, State.PAUSED):
        # Unlike a ballot, a challenge that arrived in time is not waited for: after the line of the journal that
        # closes the voting there is no place for it (rule J5), and the voter can still be shown the ballot.
        raise Problem(409, "closed", "The election closed before this ballot was verified.")
    if not counter.may_revote(calendar) and ledger.has_voted(session, box_id, credential):
        raise Problem(
            409,
            "already-voted",
            "A ballot was cast with this credential before, and votes are final in this election.",
        )
    limit = context.settings.max_challenges
    if count_challenged(session, box_id, credential) >= limit:
        raise Problem(
            409,
            "too-many-challenges",
            f"With this credential {limit} ballots were opened; no more than that can be.",
            extra={"limit": limit},
        )
    return False


def get_challenged_ballot(context: Context, uuid: str, digest: str) -> bytes:
    """Return the exact text of a challenged ballot by its SHA-256 in hex; Problem 404."""
    with context.database.read() as session:
        box_id = ledger.get_box_id(session, uuid)
        raw = read_challenged(session, box_id, digest) if is_sha256_hex(digest) else None
    if raw is None:
        raise Problem(404, "not-found", "No ballot with this hash was opened in this election.")
    return raw


def look_up_credential(context: Context, desk: Desk, uuid: str, credential: str) -> Lookup:
    """Return what anybody can find in the published files about a public credential.

    ProtocolError for a text that is no element of the group; Problem 404 `unknown-election`, `not-set-up`.
    """
    counter = desk.find_counter(uuid)
    if counter is None:
        raise Problem(404, "not-set-up", "The election is not set up yet.")
    element = counter.election.group.decode(credential, "B5", "credential", allow_identity=False)
    if counter.credentials.find(element) is None:
        return Lookup(is_listed=False, tracker=None)
    with context.database.read() as session:
        digest = find_last_ballot(session, counter.box_id, credential)
    tracker = None if digest is None else encode_base64(bytes.fromhex(digest))
    return Lookup(is_listed=True, tracker=tracker)
