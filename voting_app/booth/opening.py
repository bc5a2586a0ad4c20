"""Opening an election, with the files of its booth in the journal; and a new list when the program has others."""

import json
from datetime import datetime

from crypto.encoding import sha256_hex
from voting_app.accounts.service import Actor
from voting_app.booth.files import Files, list_files
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ActResult
from voting_app.elections.states import State
from voting_app.ledger import service as ledger

KIND = "booth-files"

# What this process has seen stand in the journal as the last word, once: of two versions of the program that run side
# by side for a while, each writes its list one time instead of both in turn for ever.
_settled: set[tuple[str, str, str]] = set()


def open_election(
    context: Context, uuid: str, actor: Actor, closes_at: datetime | None, agreeing_to: str | None = None
) -> ActResult:
    """elections.service.open_election with the files of the booth."""
    with context.database.read() as session:
        state = elections.election_for_box(session, uuid).state
    # Where it cannot be opened there may be no page yet either; the refusal is for the service to say.
    files = list_files(context, uuid) if state is State.KEYS_READY else ()
    return elections.open_election(context, uuid, actor, closes_at, files, agreeing_to)


def write_changed_files(context: Context, uuid: str) -> bool:
    """Write the list of files again if the journal's last one is another; whether it did."""
    files = list_files(context, uuid)
    key = (str(context.database.url), uuid, sha256_hex(json.dumps(files).encode()))
    if key in _settled:
        return False
    has_written = False
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        if election.state not in (State.OPEN.value, State.PAUSED.value):
            return False
        lines = ledger.read_journal(session, ledger.get_box_id(session, uuid), kinds=[KIND])
        if not lines or _parse(lines[-1]) != files:
            elections.write_files(session, context, election, files)
            has_written = True
    _settled.add(key)
    return has_written


def _parse(line: bytes) -> Files:
    return tuple((path, digest) for path, digest in json.loads(line)["payload"]["files"])
