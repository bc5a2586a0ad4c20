"""Elections for the browser to look at, driven over HTTP by the people of the demo up to the state that is wanted."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from crypto.election import Election, parse_election
from crypto.receipt import Receipt
from tests.flows.serving import Installation
from tests.voting_app.api import ALONE
from voting_app.clock import SystemClock
from voting_app.demo.client import Client
from voting_app.demo.files import Vote
from voting_app.demo.people import Committee, Registrar, Trustee, base, cast_vote, read_tally

_PATIENCE_SECONDS = 60

QUESTIONS: list[dict[str, Any]] = [
    {"question": "President", "answers": ["Ada Lovelace", "Grace Hopper"], "min": 1, "max": 1, "blank": True},
    {"question": "Raise the dues by 2 %?", "answers": ["Yes", "No"], "min": 1, "max": 1},
]


SHARED: dict[str, Any] = {"trustee_count": 3, "threshold": 2}


@dataclass
class HeldElection:
    """One election and the people in it. Each step returns the election, so that steps can be chained."""

    server: Installation
    client: Client
    name: str = "Officers of Local 12"
    members: int = 8
    # How many trustees, and how many of them are needed; as many as there are gives each a key of its own. To make keys
    # together takes most of the time that an election needs: SHARED is for tests that look at it.
    trustee_count: int = 1
    threshold: int = 1
    # What else the request to create the election says, such as revoting or texts.
    more: dict[str, Any] = field(default_factory=dict)

    uuid: str = ""
    credentials: dict[str, str] = field(default_factory=dict)
    trustees: list[Trustee] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its public page."""
        return f"{self.server.url}/elections/{self.uuid}"

    @property
    def committee(self) -> Committee:
        """Who runs the calendar."""
        return Committee(self.client, self.server.tokens["committee"])

    @property
    def parameters(self) -> Election:
        """The published election data."""
        return parse_election(self.client.get_bytes(f"{base(self.uuid)}/election"))

    def status(self) -> Any:
        """What the application says of it."""
        return self.client.get(f"{base(self.uuid)}/status")

    def act(self, what: str, body: Any = None) -> "HeldElection":
        """An act of the committee, such as "pause"."""
        self.committee.act(self.uuid, what, body)
        return self

    # --- the calendar --------------------------------------------------------------------------------

    def create(self) -> "HeldElection":
        closes_at = (SystemClock().now() + timedelta(days=2)).replace(second=0, microsecond=0)
        shared = {"size": self.trustee_count, "threshold": self.threshold}
        is_shared = self.threshold < self.trustee_count
        body = {
            "name": self.name,
            "description": "We elect the officers of Local 12 for the next two years.",
            "questions": QUESTIONS,
            "credential_mode": "registrar",
            "closes_at": closes_at.strftime("%Y-%m-%dT%H:%MZ"),
            "trustees": {"singles": 0, "threshold": shared} if is_shared else {"singles": self.trustee_count},
            **ALONE,
            **self.more,
        }
        # What a test takes away, such as the officer who may act alone.
        body = {name: value for name, value in body.items() if value is not None}
        self.uuid = self.client.post("/api/v1/elections", body, self.committee.token)["uuid"]
        return self

    def freeze(self) -> "HeldElection":
        rows = "".join(f"Member {number},M{number}\n" for number in range(1, self.members + 1))
        self.committee.freeze_roll(self.uuid, f"name,member_number\n{rows}".encode())
        return self

    def issue(self) -> "HeldElection":
        registrar = Registrar(self.client, self.server.tokens["registrar"])
        weights = {f"M{number}": 1 for number in range(1, self.members + 1)}
        self.credentials = registrar.issue(self.uuid, self.more.get("group", "Ed25519"), weights)
        return self

    def seat(self) -> "HeldElection":
        self.trustees = self.committee.seat_trustees(self.uuid)
        return self

    def make_keys(self) -> "HeldElection":
        """Every trustee's part in the ceremony, with programs; then the keys are ready."""
        shared = ("certificate", "commitment", "reveal", "share")
        for act in shared if self.threshold < self.trustee_count else ("commitment", "reveal"):
            for trustee in self.trustees:
                getattr(trustee, f"send_{act}")()
        return self.act("keys")

    def drill(self) -> "HeldElection":
        for trustee in self.trustees:
            trustee.send_drill()
        return self

    def open(self) -> "HeldElection":
        return self.act("open")

    def set_up(self) -> "HeldElection":
        """From nothing to an open election."""
        return self.create().freeze().issue().seat().make_keys().drill().open()

    def vote(self, member: str, *choices: Any) -> "HeldElection":
        """Cast with a program. A choice for each question: numbers of answers from 0 on, or "blank"."""
        vote = Vote(member, tuple(c if c == "blank" else tuple(c) for c in choices))
        self.receipts.append(cast_vote(self.client, self.parameters, self.credentials[member], vote))
        return self

    def close(self) -> "HeldElection":
        """Close, and wait for the encrypted tally."""
        return self.act("close").wait_for_tally()

    def wait_for_tally(self) -> "HeldElection":
        """Until the closed election's ballots are added up."""
        return self._wait(lambda status: status["box"]["state"] not in ("voting", "ended"))

    def decrypt(self, *owners: int) -> "HeldElection":
        """These trustees (default: as many as are needed) open the tally; then wait for the result, if it follows."""
        wanted = owners or tuple(trustee.owner for trustee in self.trustees[: self.threshold])
        archive = self.server.folder / f"{self.uuid}.copy.bel"
        tally = read_tally(self.download_archive(archive), self.parameters)
        archive.unlink()
        for trustee in self.trustees:
            if trustee.owner in wanted:
                trustee.send_decryption(self.parameters, tally)
        if len(wanted) >= self.threshold:
            self.wait_for_result()
        return self

    def wait_for_result(self) -> "HeldElection":
        """Until the decryptions are put together, which nobody has to ask for."""
        return self._wait(lambda status: status["state"] == "tallied")

    def certify(self) -> "HeldElection":
        return self.act("certify", {"statement": "We certify this result."})

    # --- the published record ------------------------------------------------------------------------

    def download_archive(self, target: Path) -> Path:
        self.client.download(f"/elections/{self.uuid}/{self.uuid}.bel", target)
        return target

    def download_journal(self, target: Path) -> Path:
        self.client.download(f"/elections/{self.uuid}/{self.uuid}.journal.jsonl", target)
        return target

    def _wait(self, is_done: Callable[[Any], bool]) -> "HeldElection":
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_done(status := self.status()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the election stays as it is: {status}")
            time.sleep(0.05)
        return self
