"""Threshold keys made by trustees of whom some use the browser's modules and some steward-trustee, and the lies of a
server that both must see through.
"""

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.keyfile import parse_key_file
from audit.runner import audit
from audit.trustee import cli
from crypto.encoding import encode_json, sha256_hex
from crypto.pedersen import make_vinput
from tests.belenios import Tool
from tests.flows.elections import SHARED, HeldElection
from tests.flows.serving import Installation, running_installation
from tests.simulator import sound
from tests.web.node import JsError, Node
from voting_app.demo.people import base

STEPS = ("certificate", "commitment", "reveal", "share")
Program = str  # "js" or "command"


class Holder:
    """A trustee with one key file, who takes each step with the program that is named."""

    def __init__(self, js: Node, election: HeldElection, owner: int, token: str, folder: Path) -> None:
        self.js, self.election, self.owner, self.token = js, election, owner, token
        self.folder = folder
        self.file = folder / f"{owner}.key"

    def inbox(self) -> Any:
        return self.election.client.get(f"{base(self.election.uuid)}/trustee", self.token)

    def send(self, act: str, body: bytes) -> None:
        self.election.client.post(f"{base(self.election.uuid)}/trustee/{act}", body, self.token)

    def take(self, act: str, program: Program) -> None:
        inbox = self.inbox()
        assert inbox["step"] == act
        self.send(act, (self._js if program == "js" else self._command)(act, inbox))

    def _js(self, act: str, inbox: Any) -> bytes:
        file = self.file.read_text() if self.file.exists() else None
        given = {"inbox": encode_json(inbox), "file": file}
        if act == "drill":
            given |= self._record()
        elif act == "decryption":
            given = {"archive": self._record()["archive"], "file": file}
        case = {"drill": "takeDrill", "decryption": "decryptTally"}.get(act, "takeStep")
        done = self.js.call(case, **given)
        self.file.write_text(done["file"])
        return str(done["body"]).encode()

    def _record(self) -> dict[str, str]:
        archive = self.election.download_archive(self.folder / "copy.bel").read_bytes()
        journal = self.election.download_journal(self.folder / "copy.journal").read_bytes()
        return {"archive": archive.hex(), "journal": journal.hex()}

    def _command(self, act: str, inbox: Any) -> bytes:
        path = self.folder / "inbox"
        path.write_text(encode_json(inbox))
        inputs = inbox["inputs"]
        words: dict[str, list[Any]] = {
            "certificate": [
                "certificate",
                *(word for n in ("size", "threshold", "index") for word in (f"--{n}", inputs.get(n))),
            ],
            "commitment": ["commit", "--inbox", path],
            "reveal": ["reveal", "--inbox", path],
            "share": ["share", "--inbox", path],
            "drill": ["drill", "--fingerprint", inputs.get("fingerprint"), "--nonce", inputs.get("nonce")],
            "decryption": ["decrypt", "--yes", "--jobs", "1", "--journal", self.folder / "copy.journal"],
        }
        more: list[Any] = [self.file]
        if act == "decryption":
            self._record()
            more.append(self.folder / "copy.bel")
        if act == "commitment" and inbox["kind"] == "single" and not self.file.exists():
            assert CliRunner().invoke(cli, ["keygen", str(self.file)]).exit_code == 0
        result = CliRunner().invoke(cli, [str(word) for word in [*words[act], *more]])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout.encode()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running_installation(tmp_path_factory.mktemp("installation")) as running:
        yield running


def hold(
    js: Node,
    installation: Installation,
    folder: Path,
    programs: Callable[[int, str], Program],
    **what: Any,
) -> HeldElection:
    """An election whose trustees take each act with the program that `programs(owner, act)` names."""
    with installation.client() as client:
        election = HeldElection(installation, client, members=2, **SHARED | what)
        election.create().freeze().issue().seat()
        holders = [
            Holder(js, election, trustee.owner, trustee.token, folder) for trustee in election.trustees
        ]
        shared = election.threshold < election.trustee_count
        for act in STEPS if shared else ("commitment", "reveal"):
            for holder in holders:
                holder.take(act, programs(holder.owner, act))
        election.act("keys")
        for holder in holders:
            holder.take("drill", programs(holder.owner, "drill"))
        election.open()
        election.vote("M1", [0], [1]).vote("M2", "blank", [1])
        election.close()
        for holder in holders[-election.threshold :]:
            holder.take("decryption", programs(holder.owner, "decryption"))
        election._wait(lambda status: status["state"] == "tallied")
        election.download_archive(folder / f"{election.uuid}.bel")
        election.download_journal(folder / "journal")
        for holder in holders:
            key = parse_key_file(holder.file.read_bytes(), holder.file.name)
            assert key.fingerprint == election.parameters.fingerprint
        return election


def assert_sound(election: HeldElection, folder: Path, tool: Tool) -> None:
    report = audit(folder / f"{election.uuid}.bel", folder / "journal")
    assert report.verdict == "sound"
    assert report.result == [[1, 1, 0], [0, 2]]
    (folder / "copy.bel").unlink()
    tool.run("election", "verify", "--dir", str(folder))


@pytest.mark.whole_election
@pytest.mark.parametrize("programs", list(product(("js", "command"), repeat=3)), ids="-".join)
def test_every_mixture_makes_a_key_that_decrypts(
    js: Node, installation: Installation, tmp_path: Path, belenios33: Tool, programs: tuple[Program, ...]
) -> None:
    election = hold(js, installation, tmp_path, lambda owner, _: programs[owner - 1])
    assert_sound(election, tmp_path, belenios33)


@pytest.mark.parametrize("first", [0, 1])
def test_one_key_file_is_used_by_both_programs_in_turn(
    js: Node, installation: Installation, tmp_path: Path, belenios33: Tool, first: int
) -> None:
    acts = (*STEPS, "drill", "decryption")
    election = hold(
        js,
        installation,
        tmp_path,
        lambda owner, act: ("js", "command")[(acts.index(act) + owner + first) % 2],
    )
    assert_sound(election, tmp_path, belenios33)


@pytest.mark.parametrize("first", [0, 1])
def test_single_trustees(
    js: Node, installation: Installation, tmp_path: Path, belenios33: Tool, first: int
) -> None:
    acts = ("commitment", "reveal", "drill", "decryption")
    election = hold(
        js,
        installation,
        tmp_path,
        lambda owner, act: ("js", "command")[(acts.index(act) + owner + first) % 2],
        trustee_count=2,
        threshold=2,
    )
    assert_sound(election, tmp_path, belenios33)


# --- a server that lies ------------------------------------------------------------------------------------------


class Desk:
    """A server in a test's hands: three threshold trustees, of whom two are needed, up to any step."""

    def __init__(self, js: Node) -> None:
        self.js = js
        self.files: dict[int, str] = {}
        self.bodies: dict[str, dict[int, Any]] = {step: {} for step in STEPS}

    def inbox(self, owner: int, step: str, **lies: Any) -> Any:
        inputs: dict[str, Any] = {"group": "Ed25519", "size": 3, "threshold": 2, "index": owner}
        if step != "certificate":
            inputs["certificates"] = list(self.bodies["certificate"].values())
        if step == "reveal":
            inputs["commitments"] = {
                str(n): body["commitment"] for n, body in self.bodies["commitment"].items()
            }
        if step == "share":
            inputs["vinput"] = make_vinput(list(self.bodies["reveal"].values()), owner)
        return {"kind": "threshold", "step": step, "owner": owner, "inputs": inputs | lies}

    def take(self, owner: int, step: str, file: str | None = None, **lies: Any) -> Any:
        """The step's result; the file and the message are kept if the server does not lie."""
        given = encode_json(self.inbox(owner, step, **lies))
        done = self.js.call("takeStep", inbox=given, file=file or self.files.get(owner))
        if not lies and file is None:
            self.files[owner], self.bodies[step][owner] = done["file"], json.loads(done["body"])
        return done

    def go(self, *steps: str) -> "Desk":
        for step in steps:
            for owner in (1, 2, 3):
                self.take(owner, step)
        return self

    def refused(self, owner: int, step: str, family: str, words: str, **lies: Any) -> JsError:
        file = self.files[owner]
        with pytest.raises(JsError) as caught:
            self.take(owner, step, **lies)
        assert (caught.value.family, words in caught.value.message) == (family, True), caught.value.message
        assert self.files[owner] == file
        return caught.value


@pytest.fixture
def desk(js: Node) -> Desk:
    return Desk(js)


def test_a_step_that_was_not_sent_gives_the_same_file_again(desk: Desk) -> None:
    """Page closed after saving: whoever chooses the saved file again sends the same, and no second key is made."""
    for step in STEPS:
        for owner in (1, 2, 3):
            first = desk.take(owner, step)
            again = desk.take(owner, step)
            assert again["file"] == first["file"] or step == "certificate"
            if step in ("commitment", "reveal"):
                assert again["body"] == first["body"]
    for owner in (1, 2, 3):
        sent = desk.bodies["share"][owner]["public_key"]["public_key"]
        assert json.loads(desk.take(owner, "share")["body"])["public_key"]["public_key"] == sent
        assert parse_key_file(desk.files[owner].encode(), "key").private_key


def test_the_seed_decides_the_certificate(desk: Desk) -> None:
    first = json.loads(json.loads(desk.take(1, "certificate")["body"])["message"])
    again = json.loads(json.loads(desk.take(1, "certificate")["body"])["message"])
    assert first == again


def test_the_key_of_another_seat_or_kind_is_refused(desk: Desk, js: Node) -> None:
    desk.go("certificate", "commitment")
    desk.refused(1, "reveal", "Refusal", "another trustee's key", index=2)
    desk.refused(1, "reveal", "Refusal", "another trustee's key", size=4)
    desk.refused(1, "reveal", "Refusal", "another group", group="BELENIOS-2048")
    other = encode_json({**desk.inbox(1, "reveal"), "kind": "single"})
    with pytest.raises(JsError, match="another kind of trustee"):
        js.call("takeStep", inbox=other, file=desk.files[1])
    with pytest.raises(JsError, match="computes in Ed25519 only"):
        js.call("takeStep", inbox=encode_json(desk.inbox(1, "certificate", group="RFC-3526-2048")), file=None)
    with pytest.raises(JsError, match="nothing to do"):
        js.call("takeStep", inbox=encode_json(desk.inbox(1, "wait-close")), file=desk.files[1])


def test_other_certificates_are_refused_once_they_are_known(desk: Desk) -> None:
    desk.go("certificate", "commitment")
    certificates = list(desk.bodies["certificate"].values())
    stranger = Desk(desk.js).go("certificate").bodies["certificate"]
    other = [*certificates[:2], stranger[3]]
    desk.refused(1, "commitment", "Refusal", "another ceremony", certificates=other)
    desk.go("reveal")
    desk.refused(1, "share", "Refusal", "other certificates than before", certificates=other)
    desk.refused(1, "share", "MalformedError", "3 items were expected", certificates=certificates[:2])
    # A key that committed begins nothing new, and one that revealed commits to nothing.
    desk.refused(1, "certificate", "Refusal", "another ceremony")
    desk.refused(1, "commitment", "Refusal", "another ceremony")


def test_nothing_is_revealed_before_everybody_has_committed(desk: Desk) -> None:
    desk.go("certificate", "commitment")
    commitments = {str(n): body["commitment"] for n, body in desk.bodies["commitment"].items()}
    for lie in (
        {},
        {"1": commitments["1"]},
        {"1": commitments["2"], "2": commitments["1"], "3": commitments["3"]},
        {"1": commitments["1"], "2": commitments["2"]},
    ):
        desk.refused(1, "reveal", "Refusal", "commitment is missing", commitments=lie)
    for lie in ([commitments["1"]], "x", None, {"1": commitments["1"], "3": commitments["2"]}, {"1": 5}):
        desk.refused(1, "reveal", "MalformedError", "T8", commitments=lie)
    desk.take(1, "reveal")
    changed = commitments | {"2": "0" * 64}
    desk.refused(1, "reveal", "Refusal", "other commitments than before", commitments=changed)


def test_what_is_revealed_was_committed_to(desk: Desk) -> None:
    """Trustee 3 draws another polynomial after having seen the others': properly signed, but not committed to."""
    desk.go("certificate", "commitment")
    fresh = json.loads(desk.files[3])
    del fresh["message"], fresh["certificates"]
    desk.go("reveal")
    second = desk.js.call("takeStep", inbox=encode_json(desk.inbox(3, "commitment")), file=json.dumps(fresh))
    desk.bodies["reveal"][3] = json.loads(second["file"])["message"]
    error = desk.refused(1, "share", "RejectedError", "trustee 3 revealed something not committed to")
    assert error.rule == "J6"


def test_shares_that_changed_after_the_key_was_put_together_are_refused(desk: Desk) -> None:
    desk.go("certificate", "commitment", "reveal", "share")
    other = json.loads(desk.files[1]) | {"private_key": json.loads(desk.files[1])["message"]["secrets"][0]}
    with pytest.raises(JsError) as caught:
        desk.take(1, "share", file=json.dumps(other))
    assert caught.value.family in ("MalformedError", "RejectedError")


# --- drill and tally ---------------------------------------------------------------------------------------------


@pytest.fixture
def drilled(js: Node) -> Callable[..., Any]:
    """Drills the only trustee of the simulator's election "plain"."""
    simulation = sound("plain")
    fingerprint = simulation.election.fingerprint
    key = json.loads(simulation.entries[0].body("trustees"))[0][1]
    file = {
        "version": 1,
        "kind": "single",
        "group": "Ed25519",
        "secret": str(simulation.secrets[1]),
        "message": key,
        "commitments": {"1": sha256_hex(encode_json(key).encode())},
    }

    def drill(*, known: dict[str, Any] | None = None, **lies: Any) -> Any:
        inputs = {"group": "Ed25519", "fingerprint": fingerprint, "nonce": "ab" * 16} | lies
        inbox = encode_json({"kind": "single", "step": "drill", "owner": 1, "inputs": inputs})
        content = json.dumps(file | (known or {}))
        record = {"archive": simulation.archive.hex(), "journal": simulation.journal.hex()}
        return js.call("takeDrill", inbox=inbox, file=content, **record)

    return drill


def test_the_drill_notes_what_is_published(drilled: Callable[..., Any]) -> None:
    key = json.loads(drilled()["file"])
    lines = sound("plain").journal_lines
    assert key["fingerprint"] == sound("plain").election.fingerprint
    assert key["journal"] == {"height": len(lines) - 1, "head": sha256_hex(lines[-1])}
    earlier = {"height": 3, "head": sha256_hex(lines[3])}
    again = json.loads(drilled(known={"journal": earlier, "fingerprint": key["fingerprint"]})["file"])
    assert again["journal"] == earlier


@pytest.mark.parametrize(
    "known,lies,words",
    [
        ({}, {"fingerprint": "A" * 43}, "another election than the published one"),
        ({}, {"fingerprint": "x"}, "J7"),
        ({}, {"nonce": "ab"}, "16 to 64 bytes"),
        ({}, {"nonce": 5}, "16 to 64 bytes"),
        ({"fingerprint": "A" * 43}, {}, "not the one that this key was drilled for"),
        ({"secret": "5"}, {}, "none of|not one of"),
        ({"commitments": {"1": "ab" * 32}}, {}, "not those that the trustees committed to"),
        ({"commitments": {}}, {}, "an older copy"),
        ({"certificates": [5]}, {}, "other certificates"),
        ({"journal": {"height": 3, "head": "ab" * 32}}, {}, "not the one that was seen before"),
    ],
)
def test_the_drill_refuses(
    drilled: Callable[..., Any], known: dict[str, Any], lies: dict[str, Any], words: str
) -> None:
    with pytest.raises(JsError, match=words):
        drilled(known=known, **lies)


def test_a_second_tally_is_refused(js: Node) -> None:
    simulation = sound("plain")
    entries = [e for e in simulation.entries if e.type not in ("PartialDecryption", "Result")]
    archive = simulation.with_entries(entries).archive.hex()
    file = {"version": 1, "kind": "single", "group": "Ed25519", "secret": str(simulation.secrets[1])}
    done = js.call("decryptTally", archive=archive, file=json.dumps(file))
    again = js.call("decryptTally", archive=archive, file=done["file"])
    assert again["file"] == done["file"]
    with pytest.raises(JsError, match="another tally already"):
        js.call("decryptTally", archive=archive, file=json.dumps(file | {"decrypted": "ab" * 32}))
    with pytest.raises(JsError, match="drilled for"):
        js.call("decryptTally", archive=archive, file=json.dumps(file | {"fingerprint": "A" * 43}))
    with pytest.raises(JsError, match="not one of"):
        js.call("decryptTally", archive=archive, file=json.dumps(file | {"secret": "7"}))
