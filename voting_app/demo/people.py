"""The people of an election, each with what only that person holds, acting over HTTP.

Nothing secret of one of them is in another one's object, and the application gets from each what it would get from
that person's own computer: the registrar's list, a trustee's messages, a voter's encrypted ballot.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from crypto.archive import RecordParser
from crypto.ballot import ballot_tracker, make_ballot, votes_from_choices
from crypto.credentials import derive_public, encode_credential_list, new_credential_text
from crypto.decryption import make_partial_decryption, make_strong_proofs
from crypto.election import Election
from crypto.encoding import encode_json_bytes, parse_json, sha256_hex
from crypto.groups import Group, get_group
from crypto.pedersen import (
    coefficient_commitment,
    make_certificate,
    make_coefficients,
    make_voutput,
    open_private_key,
)
from crypto.questions import HomomorphicQuestion
from crypto.randomness import SystemCoins, new_trustee_seed
from crypto.receipt import Receipt, parse_receipt, verify_receipt
from crypto.record import Entry, EntryReader
from crypto.tally import EncryptedTally, parse_encrypted_tally
from crypto.trustees import generate_key, make_drill
from voting_app.demo.client import Client, RefusedError
from voting_app.demo.files import Vote

COINS = SystemCoins()
_TRIES_WHEN_BUSY = 20
_PIECE = 1 << 20


def base(uuid: str) -> str:
    """Where an election's JSON interface lies."""
    return f"/api/v1/elections/{uuid}"


@dataclass(frozen=True)
class Plan:
    """What the committee decides. threshold = trustees makes each of them hold a whole key of its own."""

    name: str
    description: str
    questions: tuple[HomomorphicQuestion, ...]
    group_name: str
    trustees: int
    threshold: int
    revoting: bool
    closes_at: datetime
    # Of the request that creates the election: language, texts, rules, quorum, or nothing.
    presentation: dict[str, Any] = field(default_factory=dict)

    @property
    def has_threshold_key(self) -> bool:
        """Whether fewer than all trustees can decrypt."""
        return self.threshold < self.trustees

    def encode(self) -> dict[str, Any]:
        """The request that creates the election."""
        shared = {"size": self.trustees, "threshold": self.threshold}
        return {
            "name": self.name,
            "description": self.description,
            "questions": [question.encode() for question in self.questions],
            "group": self.group_name,
            "revoting": self.revoting,
            "credential_mode": "registrar",
            "closes_at": self.closes_at.strftime("%Y-%m-%dT%H:%MZ"),
            "trustees": (
                {"singles": 0, "threshold": shared} if self.has_threshold_key else {"singles": self.trustees}
            ),
            **self.presentation,
        }


# --- committee and registrar -------------------------------------------------------------------------


@dataclass(frozen=True)
class Committee:
    """Runs the calendar."""

    client: Client
    token: str
    # Of the member who agrees to what the first one does; without it the election must be run by one alone.
    second: str = ""

    def create(self, plan: Plan) -> str:
        """A new election; its uuid."""
        return str(self.client.post("/api/v1/elections", plan.encode(), self.token)["uuid"])

    def freeze_roll(self, uuid: str, roll: bytes) -> str:
        """Upload the roll and fix it; its published hash."""
        self.client.post(f"{base(uuid)}/roll", roll, self.token)
        return str(self.act(uuid, "roll/freeze")["roll"])

    def seat_trustees(self, uuid: str) -> list["Trustee"]:
        """Make the trustees' seats; each trustee with the token that it alone gets."""
        seats = self.client.post(f"{base(uuid)}/trustees", None, self.token)["trustees"]
        return [
            Trustee(self.client, uuid, seat["owner"], seat["kind"] == "threshold", seat["token"])
            for seat in seats
        ]

    def check_privacy(self, uuid: str) -> list[dict[str, Any]]:
        """What the result would tell of its voters, as the application reckons it before voting."""
        report = self.client.get(f"{base(uuid)}/privacy", self.token)
        return list(report["findings"])

    def act(self, uuid: str, what: str, body: Any = None) -> Any:
        """Do `what` ("keys", "open", "close", "certify"), both members if two are needed."""
        answer = self.client.post(f"{base(uuid)}/{what}", body, self.token)
        if self.second and "expires_at" in answer:
            answer = self.client.post(f"{base(uuid)}/{what}", body, self.second)
        return answer


@dataclass(frozen=True)
class Registrar:
    """Makes the credentials on its own computer."""

    client: Client
    token: str

    def issue(self, uuid: str, group_name: str, weights: Mapping[str, int]) -> dict[str, str]:
        """Make a credential for each member and publish the public halves; member number -> credential."""
        group = get_group(group_name)
        credentials = {number: new_credential_text() for number in weights}
        is_weighted = any(weight != 1 for weight in weights.values())
        public = [
            (derive_public(group, uuid, text), weights[number] if is_weighted else None)
            for number, text in credentials.items()
        ]
        raw = encode_credential_list(group, public)
        self.client.post(f"{base(uuid)}/credentials", raw, self.token, method="PUT")
        return credentials


# --- trustees ----------------------------------------------------------------------------------------


@dataclass
class Trustee:
    """A trustee at its own computer; `_seed` and `_secret` never leave it."""

    client: Client
    uuid: str
    owner: int
    is_threshold: bool
    token: str
    _seed: str = field(default_factory=new_trustee_seed, repr=False)
    _secret: int = field(default=0, repr=False)
    _message: dict[str, Any] = field(default_factory=dict, repr=False)

    def inbox(self) -> Any:
        """What the application asks of this trustee next."""
        return self.client.get(f"{base(self.uuid)}/trustee", self.token)

    def send_certificate(self) -> None:
        """The keys by which threshold trustees know each other's messages."""
        group, inputs = self._inputs()
        size, threshold, index = inputs["size"], inputs["threshold"], inputs["index"]
        self._send("certificate", make_certificate(group, self._seed, size, threshold, index, COINS))

    def send_commitment(self) -> None:
        """Draw the key and bind to it by its hash, before anybody's key is known."""
        group, inputs = self._inputs()
        if self.is_threshold:
            threshold, index = inputs["threshold"], inputs["index"]
            certificates = inputs["certificates"]
            self._message = make_coefficients(group, self._seed, certificates, threshold, index, COINS)
            commitment = coefficient_commitment(self._message["coefexps"])
        else:
            self._secret, key = generate_key(group, COINS)
            self._message = key.encode()
            commitment = sha256_hex(encode_json_bytes(self._message))
        self._send("commitment", {"commitment": commitment})

    def send_reveal(self) -> None:
        """Show what the commitment bound."""
        self._send("reveal", self._message)

    def send_share(self) -> None:
        """Check every other trustee's share of the threshold key and publish the own part."""
        group, inputs = self._inputs()
        certificates, vinput = inputs["certificates"], inputs["vinput"]
        threshold, index = inputs["threshold"], inputs["index"]
        share = make_voutput(group, self._seed, certificates, threshold, vinput, index, COINS)
        self._send("share", share)

    def send_drill(self) -> None:
        """Prove that the key is at hand."""
        group, inputs = self._inputs()
        if self.is_threshold:
            self._secret = open_private_key(group, self._seed, inputs["private_key"])
        proof = make_drill(group, inputs["fingerprint"], self._secret, inputs["nonce"], COINS)
        self._send("drill", proof)

    def send_decryption(self, election: Election, tally: EncryptedTally) -> None:
        """Apply the key to the tally, which this trustee has from the verified record, with proofs."""
        partial = make_partial_decryption(election, tally, self._secret, COINS)
        body = {
            "partial_decryption": parse_json(partial, "D2"),
            "strong_proofs": make_strong_proofs(election, tally, self._secret, self.owner, COINS),
        }
        self._send("decryption", body)

    def _inputs(self) -> tuple[Group, Any]:
        inputs = self.inbox()["inputs"]
        return get_group(inputs["group"]), inputs

    def _send(self, what: str, body: Any) -> None:
        self.client.post(f"{base(self.uuid)}/trustee/{what}", body, self.token)


def read_tally(archive: Path, election: Election) -> EncryptedTally:
    """The encrypted tally of a copy of the record."""
    for entry in _read_entries(archive, election):
        if entry.event.type == "EncryptedTally":
            return parse_encrypted_tally(election, entry.data[0])
    raise LookupError("the archive has no encrypted tally")


# --- voters ------------------------------------------------------------------------------------------


def cast_vote(client: Client, election: Election, credential: str, vote: Vote) -> Receipt:
    """Encrypt one member's vote on the member's side and send it; the receipt that comes back."""
    choices = votes_from_choices(election, [c if c == "blank" else list(c) for c in vote.choices])
    ballot = make_ballot(election, credential, choices, COINS)
    for _ in range(_TRIES_WHEN_BUSY):
        try:
            answer = client.post(f"{base(election.uuid)}/ballots", ballot)
            return parse_receipt(encode_json_bytes(answer["receipt"]))
        except RefusedError as error:
            if error.code != "overloaded":
                raise
            # The very same ballot may be sent again; it cannot be counted twice.
            time.sleep(1)
    raise RefusedError(503, {"code": "overloaded", "title": "The application is too busy for a ballot."})


def find_missing_receipts(
    archive: Path, election: Election, receipts: Sequence[Receipt], service_key: str
) -> list[Receipt]:
    """The receipts whose ballot is not where they say. ProtocolError if a signature is wrong."""
    for receipt in receipts:
        verify_receipt(receipt, service_key)
    places = {
        (entry.event.height, entry.hash, ballot_tracker(entry.payload))
        for entry in _read_entries(archive, election)
        if entry.event.type == "Ballot"
    }
    return [r for r in receipts if (r.height, r.event, r.tracker) not in places]


def _read_entries(archive: Path, election: Election) -> Iterator[Entry]:
    parser, entries = RecordParser(largest=archive.stat().st_size), EntryReader()
    with archive.open("rb") as file:
        while chunk := file.read(_PIECE):
            for record in parser.feed(chunk):
                for entry in entries.feed(record):
                    if entry.event.type == "Setup":
                        entries.cursor = entries.cursor.with_election(election)
                    yield entry
    parser.close()
    entries.close()
