"""The journal (rules J1–J10): the chain of acts, and that it tells the same as the ballot box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audit.checks import OFFICERS
from audit.checks.setup import SetupFacts
from audit.findings import Findings
from crypto.checker import PlainChecker
from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.errors import MalformedError, ProtocolError, RejectedError
from crypto.journal import JournalLine, JournalReader
from crypto.pedersen import coefficient_commitment
from crypto.trustees import TrusteeKey, verify_drill

_LONGEST_LINE = 16 * 1024 * 1024


@dataclass
class BoxFacts:
    """What reading the ballot box told that the journal must agree with."""

    uuid: str
    heads: dict[int, str] = field(default_factory=dict)
    first_ballot: int | None = None
    end_ballots: int | None = None
    revoted_at: int | None = None
    result_height: int | None = None
    result_hash: str | None = None
    last_ballot: int | None = None
    challenged_at: int | None = None
    decrypted: set[int] = field(default_factory=set)
    height: int = -1


def read_journal(path: Path, findings: Findings) -> tuple[JournalReader, list[JournalLine]]:
    """Reads all lines (rules J1–J6 and J10)."""
    reader = JournalReader()
    lines: list[JournalLine] = []
    with findings.stage("J1", "J2", "J3", "J4", "J5", "J6"), path.open("rb") as file:
        while raw := file.readline(_LONGEST_LINE):
            if not raw.endswith(b"\n"):
                raise MalformedError("J1", "the last line is cut off", f"journal line {len(lines)}")
            lines.append(reader.feed(raw[:-1]))
        reader.close()
    if reader.officers is None:
        findings.not_applicable("the journal does not say how many of the committee act", *OFFICERS)
    else:
        findings.passed(*OFFICERS)
        if reader.officers["needed"] == 1:
            findings.warn(f"one officer alone ran this election: {reader.officers['reason']}")
    if reader.lines_since_seal:
        findings.warn(f"the last {reader.lines_since_seal} journal lines are not sealed yet")
    return reader, lines


def wanted_heads(lines: list[JournalLine]) -> set[int]:
    """The heights at which the journal names the box's head."""
    return {line.box_height for line in lines if line.box_height >= 0}


def challenged_ballots(lines: list[JournalLine]) -> set[str]:
    """The trackers of ballots that were opened to check them, and must never be cast."""
    return {line.payload["tracker"] for line in lines if line.kind == "ballot-challenged"}


def strong_proofs(lines: list[JournalLine]) -> dict[int, object]:
    """Owner → payload of the strong decryption proofs; a second one of an owner is a finding (J9)."""
    result: dict[int, object] = {}
    for line in lines:
        if line.kind == "strong-decryption":
            result.setdefault(line.payload["owner"], line.payload)
    return result


def list_commitments(setup: SetupFacts) -> list[str]:
    """What each owner must have committed to, from the published keys."""
    result: list[str] = []
    for item in setup.trustees.items:
        if isinstance(item, TrusteeKey):
            result.append(sha256_hex(encode_json_bytes(item.encode())))
        else:
            result += [coefficient_commitment(c.signed.encode()) for c in item.coefficients]
    return result


def _check_heads(lines: list[JournalLine], box: BoxFacts) -> None:
    """Rule J8."""
    for line in lines:
        where = f"journal line {line.height}"
        if line.box_height > box.height:
            raise RejectedError("J8", "it names an event that the ballot box does not have", where)
        if line.box_height >= 0 and box.heads[line.box_height] != line.box_head:
            raise RejectedError("J8", f"the ballot box has another event at {line.box_height}", where)


def _check_drills(setup: SetupFacts, lines: list[JournalLine]) -> None:
    """Rule J7: before opening, every single trustee and t of each threshold group."""
    election = setup.election
    checker = PlainChecker(election.group)
    drilled: set[int] = set()
    for line in lines:
        where = f"journal line {line.height}"
        if line.kind == "key-drill":
            payload = line.payload
            owner = payload["owner"]
            if owner > len(setup.trustees.owners):
                raise RejectedError("J7", f"there is no trustee {owner}", where)
            key = setup.trustees.owners[owner - 1].public_key
            checker.record = where
            verify_drill(
                election.group, election.fingerprint, key, payload["nonce"], payload["proof"], checker
            )
            drilled.add(owner)
        elif line.kind == "opened" and not setup.trustees.is_enough(drilled):
            raise RejectedError("J7", "opened before enough trustees had passed the key drill", where)
    checker.finish()


def _check_line(setup: SetupFacts, line: JournalLine, box: BoxFacts, members: int | None) -> None:
    """Rule J9 for one line."""
    payload, kind = line.payload, line.kind
    terms = setup.election.record_terms
    if kind == "journal":
        if payload["election"] != box.uuid:
            raise RejectedError("J9", "the journal belongs to another election")
        if terms is not None and payload["service_key"] != terms.service_key:
            raise RejectedError("J9", "its service key is not the one that the election data name")
    if kind == "credentials-published":
        if payload["count"] != len(setup.credentials):
            raise RejectedError("J9", "the published credentials are not those of the ballot box")
        if members is not None and payload["count"] != members:
            raise RejectedError("J9", f"{payload['count']} credentials for a roll of {members} members")
    if kind == "keys-ready" and (payload["trustees"], payload["fingerprint"]) != (
        setup.trustees_hash,
        setup.election.fingerprint,
    ):
        raise RejectedError("J9", "the keys declared ready are not those of the ballot box")
    if kind == "opened":
        if line.box_height != 0:
            raise RejectedError("J9", "opened when the ballot box was not fresh")
        if terms is not None and payload["revotes"] != terms.revotes:
            raise RejectedError("J9", "it does not say what the election data say of final votes")
        if not payload["revotes"] and box.revoted_at is not None:
            raise RejectedError(
                "J9", f"votes are final, but the ballot at height {box.revoted_at} replaces another"
            )
    if kind == "tallied" and payload["result"] != box.result_hash:
        raise RejectedError("J9", "the tallied result is not the one in the ballot box")
    if kind == "strong-decryption" and payload["owner"] not in box.decrypted:
        raise RejectedError("J9", f"a strong proof of trustee {payload['owner']}, who did not decrypt")
    if kind == "certified" and (payload["result"], payload["box_head"]) != (box.result_hash, line.box_head):
        raise RejectedError("J9", "the certified result or head is not the one in the ballot box")


def _check_lists(setup: SetupFacts, lines: list[JournalLine]) -> None:
    """Rule J9 for the lists of credentials: the last one is that of the ballot box, and each replacement has a list of
    its own.

    Those before were never more than hashes in the journal: two lists would tell whose credential was replaced.
    """
    present: str | None = None
    for line in lines:
        payload, where = line.payload, f"journal line {line.height}"
        if line.kind == "credentials-replaced":
            if present is None:
                raise RejectedError("J9", "credentials were replaced before they were published", where)
            if payload["credentials"] == present:
                raise RejectedError("J9", "credentials were replaced, but the list is the same", where)
            if payload["replaced"] > len(setup.credentials):
                raise RejectedError("J9", "more credentials were replaced than there are", where)
        elif line.kind != "credentials-published":
            continue
        elif present is not None and payload["credentials"] != present:
            raise RejectedError("J9", "other credentials were published, but not as a replacement", where)
        present = payload["credentials"]
    if present is None:
        raise RejectedError("J9", "the journal does not say who published the credentials")
    if present != setup.credentials_hash:
        raise RejectedError("J9", "the published credentials are not those of the ballot box")


def _ballot(height: int) -> str:
    return f"ballot at height {height}"


def late_ballots(lines: list[JournalLine], box: BoxFacts) -> int:
    """How many ballots stand after the line that closed voting: they had arrived before, says the service."""
    closed = [line.box_height for line in lines if line.kind in ("closed", "cancelled")]
    if not closed or box.last_ballot is None:
        return 0
    return max(0, box.last_ballot - closed[0])


def _check_story(setup: SetupFacts, reader: JournalReader, lines: list[JournalLine], box: BoxFacts) -> None:
    """Rule J9."""
    members: int | None = None
    for line in lines:
        if line.kind == "roll-frozen":
            members = line.payload["members"]
        try:
            _check_line(setup, line, box, members)
        except ProtocolError as error:
            raise error.at(f"journal line {line.height}") from error
    proved = [line.payload["owner"] for line in lines if line.kind == "strong-decryption"]
    if len(set(proved)) != len(proved):
        # Only one of them could be checked (D4).
        raise RejectedError("J9", "a trustee gave strong decryption proofs twice")
    kinds = {line.kind for line in lines}
    if "keys-ready" not in kinds:
        raise RejectedError(
            "J9", "the ballot box is set up, but the journal does not say that keys are ready"
        )
    _check_lists(setup, lines)
    if box.first_ballot is not None and "opened" not in kinds:
        raise RejectedError("J9", "there are ballots, but the journal does not say that voting was opened")
    closed = [line for line in lines if line.kind in ("closed", "cancelled")]
    if box.end_ballots is not None and not closed:
        raise RejectedError("J9", "the ballot box has ended, but the journal does not say who closed it")
    if box.result_height is not None and "tallied" not in kinds:
        raise RejectedError("J9", "the ballot box has a result, but the journal does not know of it")
    if box.challenged_at is not None:
        raise RejectedError(
            "J9", "a ballot that had been opened to check it was cast", _ballot(box.challenged_at)
        )
    expected = dict(enumerate(list_commitments(setup), 1))
    if reader.commitments != expected:
        raise RejectedError("J9", "the trustees' keys are not those that they committed to")


def _lacks_first_list(lines: list[JournalLine]) -> bool:
    """Whether voting was opened before the journal said of which files the voters' pages consist."""
    kinds = [line.kind for line in lines]
    return "opened" in kinds and "booth-files" not in kinds[: kinds.index("opened")]


def check_journal(
    setup: SetupFacts, reader: JournalReader, lines: list[JournalLine], box: BoxFacts, findings: Findings
) -> None:
    """Rules J7–J9, once the whole ballot box was read."""
    if setup.election.record_terms is None:
        findings.warn(
            "the election data name no service key: the fingerprint does not cover the key of receipts and seals,"
            " so compare it with copies of the journal from elsewhere"
        )
    if _lacks_first_list(lines):
        findings.warn(
            "the journal does not say before voting was opened what the voters' pages consist of (no line booth-files),"
            " so nobody can tell whether the first of them were shown other pages"
        )
    if late := late_ballots(lines, box):
        count = "1 ballot was" if late == 1 else f"{late} ballots were"
        findings.warn(f"{count} appended after voting had been closed; the service says that it came in time")
    checks: tuple[tuple[str, Callable[[], None]], ...] = (
        ("J8", lambda: _check_heads(lines, box)),
        ("J7", lambda: _check_drills(setup, lines)),
        ("J9", lambda: _check_story(setup, reader, lines, box)),
    )
    for rule, check in checks:
        try:
            check()
        except ProtocolError as error:
            findings.failed(error)
        else:
            findings.passed(rule)
