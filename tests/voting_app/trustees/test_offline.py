"""The offline commands of trustees and registrar against the running application: their files fit as they are."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from audit.registrar import cli as registrar
from audit.trustee import cli as trustee_cli
from tests.voting_app.api import Api, Run, Trustee
from voting_app.context import Context

ROLL = "name,member_number,weight,standing\nA,M1,2,good\nB,M2,1,suspended\nC,M3,1,\nD,M4,1,\n"


class Machine:
    """A trustee's machine without network: a folder, and files that are carried to and fro."""

    def __init__(self, run: Run, trustee: Trustee, folder: Path) -> None:
        self.run, self.trustee = run, trustee
        self.folder = folder / f"trustee-{trustee.owner}"
        self.folder.mkdir()
        self.key = self.folder / "key.json"

    def call(self, *words: str | Path) -> bytes:
        done = CliRunner().invoke(trustee_cli, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout_bytes

    def inbox(self) -> Path:
        path = self.folder / "inbox.json"
        path.write_bytes(self.run.api.send("GET", f"{self.run.base}/trustee", token=self.trustee.token).data)
        return path

    def inputs(self) -> dict[str, str]:
        inputs: dict[str, str] = json.loads(self.inbox().read_bytes())["inputs"]
        return inputs

    def send(self, what: str, body: bytes) -> None:
        self.run.api.post(f"{self.run.base}/trustee/{what}", body, token=self.trustee.token)


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    return Api(context, app.test_client())


def test_an_election_with_offline_trustees_and_registrar(api: Api, tmp_path: Path) -> None:
    plan = {"singles": 1, "threshold": {"size": 3, "threshold": 2}}
    run = Run(api).create(trustees=plan, credential_mode="registrar").freeze(ROLL).seat()

    roll = tmp_path / "roll.csv"
    roll.write_bytes(api.send("GET", f"{run.base}/roll", role="registrar").data)
    done = CliRunner().invoke(
        registrar, ["generate", "--election", run.uuid, "--out", str(tmp_path), str(roll)]
    )
    assert done.exit_code == 0, done.output
    public = (tmp_path / "public-credentials.json").read_bytes()
    api.post(f"{run.base}/credentials", public, method="PUT", role="registrar")
    lines = (tmp_path / "credentials.csv").read_text().splitlines()[1:]
    run.credentials = dict(line.split(",") for line in lines)
    assert sorted(run.credentials) == ["M1", "M3", "M4"]

    machines = [Machine(run, trustee, tmp_path) for trustee in run.trustees]
    single, *group = machines
    single.call("keygen", single.key)
    for index, machine in enumerate(group, 1):
        words = ["--size", "3", "--threshold", "2", "--index", str(index)]
        machine.send("certificate", machine.call("certificate", *words, machine.key))
    for machine in machines:
        machine.send("commitment", machine.call("commit", "--inbox", machine.inbox(), machine.key))
    for machine in machines:
        machine.send("reveal", machine.call("reveal", "--inbox", machine.inbox(), machine.key))
    for machine in group:
        machine.send("share", machine.call("share", "--inbox", machine.inbox(), machine.key))
    run.ready()
    for machine in machines:
        inputs = machine.inputs()
        words = ["--fingerprint", inputs["fingerprint"], "--nonce", inputs["nonce"]]
        machine.send("drill", machine.call("drill", *words, machine.key))
    run.open()

    assert run.cast("M1", [[0], [1]]).status_code == 201
    assert run.cast("M3", ["blank", [0]]).status_code == 201
    run.close()
    assert run.status()["box"]["state"] == "counted"
    archive, journal = tmp_path / f"{run.uuid}.bel", tmp_path / f"{run.uuid}.journal.jsonl"
    for machine in (single, group[0], group[2]):
        for file in (archive, journal):
            file.write_bytes(api.client.get(f"/elections/{run.uuid}/{file.name}").data)
        words = ["--yes", "--jobs", "1", "--journal", journal]
        machine.send("decryption", machine.call("decrypt", *words, machine.key, archive))
    assert run.result() == [[1, 2, 0], [1, 2]]
