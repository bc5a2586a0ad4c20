"""The journal: the chain of people's acts beside the ballot box (DESIGN §4, §11; rules J1–J6, J10).

One canonical JSON line per act. Each line names the line before it and the head of the ballot box
at that time, so neither chain can be rewritten without the other. Every change of state is
followed by a *seal*, a signature of the service key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from crypto.encoding import (
    encode_json_bytes,
    is_uuid,
    parse_base64,
    parse_json,
    require_fields,
    require_int,
    require_list,
    require_sha256_hex,
    require_text,
    sha256_hex,
)
from crypto.errors import MalformedError, MisuseError, RejectedError
from crypto.receipt import ServiceKey, verify_signature

FORMAT_VERSION = 1
SERVICE = "service:0"
_ORDER = ("height", "parent", "box_height", "box_head", "kind", "actor", "payload")
_ACTOR = re.compile(r"([a-z]+):(0|[1-9][0-9]{0,9})", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]Z", re.ASCII
)
_LONGEST_TEXT = 2000
# An address below the site's, as a browser asks for it: visible ASCII.
_PATH = re.compile(r"/[!-~]{0,499}", re.ASCII)
_MOST_FILES = 1000


# --- the table of kinds --------------------------------------------------------------------------


def _hash(value: Any, what: str) -> None:
    require_sha256_hex(value, "J3", what)


def _count(value: Any, what: str) -> None:
    require_int(value, "J3", what)


def _owner(value: Any, what: str) -> None:
    require_int(value, "J3", what, 1)


def _text(value: Any, what: str) -> None:
    if len(require_text(value, "J3", what)) > _LONGEST_TEXT:
        raise MalformedError("J3", f"{what}: longer than {_LONGEST_TEXT} characters")


def _words(value: Any, what: str) -> None:
    """A text that may be empty."""
    if value != "":
        _text(value, what)


def _time(value: Any, what: str) -> None:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise MalformedError("J3", f"{what}: a time to the minute like 2026-11-22T12:51Z was expected")


def _uuid(value: Any, what: str) -> None:
    if not is_uuid(value):
        raise MalformedError("J3", f"{what}: not an election's uuid")


def _flag(value: Any, what: str) -> None:
    if not isinstance(value, bool):
        raise MalformedError("J3", f"{what}: true or false was expected")


def _one_of(*allowed: Any) -> Callable[[Any, str], None]:
    def check(value: Any, what: str) -> None:
        if isinstance(value, bool) or value not in allowed:
            raise MalformedError("J3", f"{what}: one of {', '.join(map(str, allowed))} was expected")

    return check


def _key(value: Any, what: str) -> None:
    parse_base64(value, "J3", 32, what)


def _signature(value: Any, what: str) -> None:
    parse_base64(value, "J3", 64, what)


def _nonce(value: Any, what: str) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{32,128}", value, re.ASCII):
        raise MalformedError("J3", f"{what}: 16 to 64 bytes in hex were expected")


def _decimal_proof(value: Any, what: str) -> None:
    fields = require_fields(value, ("challenge", "response"), "J3")
    for key in fields:
        require_text(fields[key], "J3", f"{what}: {key}")


def _proof_rows(value: Any, what: str) -> None:
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise MalformedError("J3", f"{what}: rows of proofs were expected")
    for row in value:
        for item in row:
            _decimal_proof(item, what)


def _files(value: Any, what: str) -> None:
    """``[[PATH, HASH]…]``, sorted by path, none twice."""
    items = require_list(value, "J3", what=what)
    if not 1 <= len(items) <= _MOST_FILES:
        raise MalformedError("J3", f"{what}: 1 to {_MOST_FILES} files were expected")
    paths = []
    for item in items:
        path, digest = require_list(item, "J3", 2, f"{what}: path and hash")
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            raise MalformedError("J3", f"{what}: a path of visible letters that begins with / was expected")
        require_sha256_hex(digest, "J3", what)
        paths.append(path)
    if any(a >= b for a, b in pairwise(paths)):
        raise MalformedError("J3", f"{what}: paths are not sorted, or one stands twice")


@dataclass(frozen=True, slots=True)
class Kind:
    """Payload fields in order with their checks, and the roles that may write such a line."""

    fields: dict[str, Callable[[Any, str], None]]
    roles: tuple[str, ...]


_PEOPLE = ("committee",)
_SERVICE = ("service",)
_EITHER = ("committee", "service")
# Acts of the committee that more than one of them must want (rule J10); CERTIFIED by as many as certify.
CERTIFIED = "certified"
SHARED_ACTS = (
    "roll-frozen",
    "opened",
    "paused",
    "resumed",
    "extended",
    "closed",
    "cancelled",
    "untalliable",
    CERTIFIED,
)
KINDS: dict[str, Kind] = {
    "journal": Kind({"version": _one_of(FORMAT_VERSION), "election": _uuid, "service_key": _key}, _SERVICE),
    # how many of the committee each act needs, and a certification; reason: why one alone may act, else ""
    "officers": Kind({"needed": _one_of(1, 2), "certifiers": _owner, "reason": _words}, _PEOPLE),
    # stands right before the act; subject: what `act_subject` makes of the act's payload
    "approval": Kind({"act": _one_of(*SHARED_ACTS), "subject": _hash}, _PEOPLE),
    "roll-frozen": Kind({"at": _time, "roll": _hash, "members": _count}, _PEOPLE),
    "credentials-published": Kind(
        {"credentials": _hash, "count": _count, "mode": _one_of("server", "registrar")}, ("registrar",)
    ),
    # replaced: how many members got a new credential in place of one that was lost
    "credentials-replaced": Kind({"credentials": _hash, "replaced": _owner}, ("registrar",)),
    "trustee-committed": Kind({"owner": _owner, "commitment": _hash}, ("trustee",)),
    "trustee-revealed": Kind({"owner": _owner}, ("trustee",)),
    "trustees-restarted": Kind({"reason": _text}, _PEOPLE),
    "keys-ready": Kind({"at": _time, "trustees": _hash, "fingerprint": _key}, _EITHER),
    "key-drill": Kind({"owner": _owner, "nonce": _nonce, "proof": _decimal_proof}, ("trustee",)),
    # what the pages are made of on which people vote: path and SHA-256 of each file
    "booth-files": Kind({"files": _files}, _SERVICE),
    # revotes: whether a later ballot replaces an earlier one, or every vote is final
    "opened": Kind({"at": _time, "closes_at": _time, "revotes": _flag}, _EITHER),
    "paused": Kind({"at": _time, "reason": _text}, _PEOPLE),
    "resumed": Kind({"at": _time}, _PEOPLE),
    "extended": Kind({"at": _time, "closes_at": _time, "reason": _text}, _PEOPLE),
    "closed": Kind({"at": _time}, _EITHER),
    "cancelled": Kind({"at": _time, "reason": _text}, _PEOPLE),
    "untalliable": Kind({"at": _time, "reason": _text}, _PEOPLE),
    "strong-decryption": Kind({"owner": _owner, "proofs": _proof_rows}, ("trustee",)),
    "tallied": Kind({"result": _hash}, _SERVICE),
    "ballot-challenged": Kind({"tracker": _key}, _SERVICE),
    "complaint": Kind({"at": _time, "number": _owner, "text": _text}, _PEOPLE),
    "complaint-resolved": Kind({"at": _time, "number": _owner, "text": _text}, _PEOPLE),
    "tie-draw": Kind({"at": _time, "question": _owner, "seed": _text}, _PEOPLE),
    # report: the hash of the committee's report (crypto.report), before the result is certified
    "reported": Kind({"report": _hash}, _PEOPLE),
    "certified": Kind({"at": _time, "box_head": _hash, "result": _hash, "statement": _text}, _PEOPLE),
    "seal": Kind({"signature": _signature}, _SERVICE),
}

# The states of an election (DESIGN §3): kind → (the states in which it may come, the state after).
# Kinds that are not listed change nothing; RESTRICTED says in which states some of them may come.
BEFORE_CERTIFIED = ("draft", "roll frozen", "keys ready", "open", "paused", "closed", "tallied")
STATE_CHANGES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "roll-frozen": (("draft",), "roll frozen"),
    "keys-ready": (("roll frozen",), "keys ready"),
    "opened": (("keys ready",), "open"),
    "paused": (("open",), "paused"),
    "resumed": (("paused",), "open"),
    "extended": (("open", "paused"), None),
    "closed": (("open", "paused"), "closed"),
    "tallied": (("closed",), "tallied"),
    "certified": (("tallied",), "certified"),
    "untalliable": (("closed",), "untalliable"),
    "cancelled": (BEFORE_CERTIFIED, "cancelled"),
}
RESTRICTED: dict[str, tuple[str, ...]] = {
    "credentials-published": ("roll frozen",),
    "credentials-replaced": ("roll frozen",),
    "trustee-committed": ("draft", "roll frozen"),
    "trustee-revealed": ("draft", "roll frozen"),
    "trustees-restarted": ("draft", "roll frozen"),
    "key-drill": ("keys ready",),
    "booth-files": ("keys ready", "open", "paused"),
    "strong-decryption": ("closed",),
    "ballot-challenged": ("open", "paused"),
    "reported": ("tallied",),
}


# --- lines ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One act. ``box_height`` is -1 and ``box_head`` None before the box's Setup."""

    height: int
    parent: str | None
    box_height: int
    box_head: str | None
    kind: str
    actor: str
    payload: dict[str, Any]

    def encode(self) -> bytes:
        """The line's text without the newline; its hash is the next line's parent."""
        value: dict[str, Any] = {"height": self.height}
        if self.parent is not None:
            value["parent"] = self.parent
        value["box_height"] = self.box_height
        if self.box_head is not None:
            value["box_head"] = self.box_head
        return encode_json_bytes(value | {"kind": self.kind, "actor": self.actor, "payload": self.payload})


def require_payload(kind: str, actor: str, payload: Any) -> None:
    """Rule J3: the kind is known, its payload has exactly its fields, its actor may write it."""
    if kind not in KINDS:
        raise MalformedError("J3", f"unknown kind of line {str(kind)[:40]!r}")
    entry = KINDS[kind]
    fields = require_fields(payload, tuple(entry.fields), "J3")
    for name, check in entry.fields.items():
        check(fields[name], f"{kind}: {name}")
    match = _ACTOR.fullmatch(actor)
    if match is None:
        raise MalformedError("J3", f"{kind}: the actor must be a role and a number")
    if match[1] not in entry.roles:
        raise RejectedError("J3", f"{kind}: not written by {' or '.join(entry.roles)} but by {match[1]}")
    # The last line is covered by nothing that follows it, so nothing in it may be free.
    if match[1] == "service" and actor != SERVICE:
        raise RejectedError("J3", f"{kind}: the service is {SERVICE}")


def parse_line(raw: bytes) -> JournalLine:
    """Rules J1 (canonical text, fields) and J3; ``raw`` without the newline."""
    fields = require_fields(
        parse_json(raw, "J1"), ("height", "box_height", "kind", "actor", "payload"), "J1", order=_ORDER
    )
    box_height = require_int(fields["box_height"], "J1", "box_height", -1)
    if ("box_head" in fields) != (box_height >= 0):
        raise MalformedError("J1", "box_head must be there exactly when the box has an event")
    require_payload(
        require_text(fields["kind"], "J1", "kind"),
        require_text(fields["actor"], "J1", "actor"),
        fields["payload"],
    )
    return JournalLine(
        require_int(fields["height"], "J1", "height"),
        require_sha256_hex(fields["parent"], "J1", "parent") if "parent" in fields else None,
        box_height,
        require_sha256_hex(fields["box_head"], "J1", "box_head") if "box_head" in fields else None,
        fields["kind"],
        fields["actor"],
        fields["payload"],
    )


def act_subject(kind: str, payload: dict[str, Any]) -> str:
    """What people agree to before an act: the SHA-256 (hex) of its payload without the time at which it happens."""
    return sha256_hex(encode_json_bytes({name: payload[name] for name in KINDS[kind].fields if name != "at"}))


# --- writing -------------------------------------------------------------------------------------


def first_line(election: str, service_key: str) -> bytes:
    """Line 0: format version, election, and the service key that will seal and sign receipts."""
    payload = {"version": FORMAT_VERSION, "election": election, "service_key": service_key}
    require_payload("journal", SERVICE, payload)
    return JournalLine(0, None, -1, None, "journal", SERVICE, payload).encode()


def next_line(
    previous: bytes, *, box_height: int, box_head: str | None, kind: str, actor: str, payload: dict[str, Any]
) -> bytes:
    """The line after ``previous`` (both without newline); a payload that breaks J3 is our mistake."""
    try:
        require_payload(kind, actor, payload)
    except (MalformedError, RejectedError) as error:
        raise MisuseError(f"a journal line that nobody would accept: {error}") from error
    height = parse_line(previous).height + 1
    return JournalLine(height, sha256_hex(previous), box_height, box_head, kind, actor, payload).encode()


def _seal_message(parent: str) -> bytes:
    return parent.encode()


def make_seal(previous: bytes, key: ServiceKey, *, box_height: int, box_head: str | None) -> bytes:
    """A seal after ``previous``: the service key's signature of its hash (the 64 hex digits)."""
    payload = {"signature": key.sign(_seal_message(sha256_hex(previous)))}
    return next_line(
        previous, box_height=box_height, box_head=box_head, kind="seal", actor=SERVICE, payload=payload
    )


# --- verifying -----------------------------------------------------------------------------------


@dataclass
class _Keys:
    """Rule J6's memory: nobody reveals before all have committed, and nobody commits twice."""

    committed: dict[int, str] = field(default_factory=dict)
    revealed: set[int] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def feed(self, line: JournalLine) -> None:
        payload = line.payload
        if line.kind == "trustees-restarted":
            self.committed, self.revealed = {}, set()
        elif line.kind == "trustee-committed":
            owner, commitment = payload["owner"], payload["commitment"]
            if self.revealed:
                raise RejectedError("J6", f"trustee {owner} committed after another one had revealed")
            if owner in self.committed:
                raise RejectedError("J6", f"trustee {owner} committed twice")
            if commitment in self.used:
                raise RejectedError("J6", f"trustee {owner} repeats a commitment")
            self.committed[owner] = commitment
            self.used.add(commitment)
        elif line.kind == "trustee-revealed":
            owner = payload["owner"]
            if owner not in self.committed or owner in self.revealed:
                raise RejectedError("J6", f"trustee {owner} revealed without a commitment, or twice")
            self.revealed.add(owner)
        elif line.kind == "keys-ready" and (
            not self.revealed
            or set(self.committed) != self.revealed
            or self.revealed != set(range(1, len(self.revealed) + 1))
        ):
            raise RejectedError("J6", "keys were declared ready before every trustee had revealed")


@dataclass
class _Officers:
    """Rule J10's memory: how many must want an act, and who has just said so."""

    terms: dict[str, Any] | None = None
    given: list[JournalLine] = field(default_factory=list)
    closes_at: str = ""

    def feed(self, line: JournalLine) -> None:
        if line.kind == "officers":
            self._set_terms(line)
        elif line.kind == "approval":
            self._add(line)
        else:
            if self.terms is not None and line.kind in SHARED_ACTS:
                self._require_enough(line, self.terms)
            elif self.given:
                raise RejectedError("J10", f"{line.kind!r} stands between an approval and its act")
            self.given = []
            self.closes_at = line.payload.get("closes_at", self.closes_at)

    def _set_terms(self, line: JournalLine) -> None:
        if line.height != 1:
            raise RejectedError("J10", "how many of the committee act is said in line 1, once, or not at all")
        payload = line.payload
        is_alone = payload["needed"] == 1
        if is_alone != bool(payload["reason"]) or is_alone != (payload["certifiers"] == 1):
            raise RejectedError(
                "J10", "one officer acts alone for a reason, and certifies alone; otherwise none does"
            )
        self.terms = payload

    def _add(self, line: JournalLine) -> None:
        if self.terms is None:
            raise RejectedError("J10", "an approval, and no line says how many of the committee act")
        if self.given and self.given[0].payload != line.payload:
            raise RejectedError("J10", "two approvals in a row are of different acts")
        if line.actor in {other.actor for other in self.given}:
            raise RejectedError("J10", f"{line.actor} approves the same act twice")
        self.given.append(line)

    def _require_enough(self, line: JournalLine, terms: dict[str, Any]) -> None:
        if line.actor == SERVICE:
            # The service may only end the voting when its time is over; nobody has to want that once more.
            if line.kind != "closed" or not self.closes_at or line.payload["at"] < self.closes_at:
                raise RejectedError(
                    "J10", f"{line.kind!r} by the service, before its time or without the committee"
                )
            needed = 0
        else:
            needed = terms["certifiers" if line.kind == CERTIFIED else "needed"] - 1
        if len(self.given) != needed:
            raise RejectedError(
                "J10", f"{line.kind!r} needs {needed} approvals before it and has {len(self.given)}"
            )
        if not self.given:
            return
        if self.given[0].payload != {"act": line.kind, "subject": act_subject(line.kind, line.payload)}:
            raise RejectedError("J10", f"what was approved is not this {line.kind!r}")
        if line.actor in {other.actor for other in self.given}:
            raise RejectedError("J10", f"{line.actor} approves its own act")


class JournalReader:
    """Reads a journal line by line; each feed raises or returns the line.

    Rules J1 (text), J2 (chain), J3 (kinds), J4 (seals), J5 (states), J6 (commit before reveal), J10 (as many of
    the committee as were announced). That ``box_head`` fits the ballot box is for whoever has the box (rule J8).
    """

    def __init__(self) -> None:
        self._previous: JournalLine | None = None
        self._head: str | None = None
        self._keys = _Keys()
        self._officers = _Officers()
        self._unsealed = False
        self.election = ""
        self.service_key = ""
        self.state = "draft"
        self.lines_since_seal = 0

    @property
    def commitments(self) -> dict[int, str]:
        """Owner → commitment, as of the last restart."""
        return dict(self._keys.committed)

    @property
    def officers(self) -> dict[str, Any] | None:
        """The payload of the line ``officers``; None where the journal says nothing of it, and J10 was not checked."""
        return self._officers.terms

    def feed(self, raw: bytes) -> JournalLine:
        """``raw`` without its newline."""
        height = 0 if self._previous is None else self._previous.height + 1
        try:
            line = parse_line(raw)
            self._require_chained(line, height)
            self._require_sealed(line)
            self._require_state(line)
            self._keys.feed(line)
            self._officers.feed(line)
        except (MalformedError, RejectedError) as error:
            raise error.at(f"journal line {height}") from error
        self._previous, self._head = line, sha256_hex(raw)
        return line

    def close(self) -> None:
        """The end of the journal: there was a first line, and the last change of state is sealed."""
        if self._previous is None:
            raise MalformedError("J1", "the journal is empty")
        where = f"journal line {self._previous.height}"
        if self._unsealed:
            raise RejectedError("J4", "a change of state is not followed by a seal", where)
        if self._officers.given:
            raise RejectedError("J10", "an approval is not followed by its act", where)

    def _require_chained(self, line: JournalLine, height: int) -> None:
        if line.height != height or line.parent != self._head:
            raise RejectedError("J2", "height or parent does not follow from the line before")
        if (line.kind == "journal") != (height == 0):
            raise RejectedError("J2", "the first line, and only it, announces the journal")
        before = self._previous.box_height if self._previous else -1
        if line.box_height < before:
            raise RejectedError("J2", "the ballot box became shorter")
        if self._previous and line.box_height == before and line.box_head != self._previous.box_head:
            raise RejectedError("J2", "two lines name different heads of the same ballot box")
        if height == 0:
            self.election = line.payload["election"]
            self.service_key = line.payload["service_key"]

    def _require_sealed(self, line: JournalLine) -> None:
        if line.kind == "seal":
            message = _seal_message(line.parent or "")
            verify_signature(self.service_key, message, line.payload["signature"], "J4", "the seal")
            self._unsealed, self.lines_since_seal = False, 0
            return
        if self._unsealed:
            raise RejectedError("J4", "a change of state is not followed by a seal")
        self._unsealed = line.kind in STATE_CHANGES
        self.lines_since_seal += 1

    def _require_state(self, line: JournalLine) -> None:
        # Both are of one format, in which the order of texts is the order of times.
        if "closes_at" in line.payload and line.payload["closes_at"] <= line.payload["at"]:
            raise RejectedError("J5", f"{line.kind!r}: voting would close before that")
        if line.kind in STATE_CHANGES:
            allowed, after = STATE_CHANGES[line.kind]
            if self.state not in allowed:
                raise RejectedError("J5", f"{line.kind!r} cannot come when the election is {self.state}")
            self.state = after or self.state
        elif line.kind in RESTRICTED and self.state not in RESTRICTED[line.kind]:
            raise RejectedError("J5", f"{line.kind!r} cannot come when the election is {self.state}")
