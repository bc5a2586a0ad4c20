"""A trustee's device uses no key, not even at the drill, where journal and election data name different keys."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crypto.encoding import encode_json
from crypto.receipt import ServiceKey
from tests.simulator import YES_NO, Simulation, Spec, simulated
from tests.web.node import Node
from tests.web.test_trustee_worker import Desk


def drilling() -> Simulation:
    """An election whose trustee has not shown yet that the key is at hand."""
    whole = simulated(Spec((YES_NO,), stage="setup", votes=(), is_bound=True, seed=23))
    return whole.with_acts(act for act in whole.acts if act.kind != "key-drill")


@pytest.fixture
def desk(js: Node, tmp_path: Path) -> Iterator[Desk]:
    yield Desk(js, tmp_path)
    js.call("trusteeClose")


def begin(simulation: Simulation) -> tuple[str, dict[str, Any]]:
    inputs = {"group": "Ed25519", "fingerprint": simulation.election.fingerprint, "nonce": "ab" * 16}
    inbox = {"kind": "single", "step": "drill", "owner": 1, "inputs": inputs}
    committed = [act.payload for act in simulation.acts if act.kind == "trustee-committed"]
    commitments = {str(payload["owner"]): payload["commitment"] for payload in committed}
    key = {
        "version": 1,
        "kind": "single",
        "group": "Ed25519",
        "secret": str(simulation.secrets[1]),
        "commitments": commitments,
    }
    uuid = simulation.election.uuid
    return "begin", {"inbox": encode_json(inbox), "file": encode_json(key), "uuid": uuid, "memory": None}


def test_the_drill_compares_the_service_key(desk: Desk) -> None:
    simulation = drilling()
    desk.show(simulation)
    [made] = desk.call(begin(simulation))
    assert made["result"]["fingerprint"] == simulation.election.fingerprint
    forger = ServiceKey(b"\x07" * 32)
    [first, *acts] = simulation.acts
    other = replace(first, payload={**first.payload, "service_key": forger.public})
    desk.show(replace(simulation.with_acts([other, *acts]), service_key=forger))
    assert desk.refused(begin(simulation)) == ("RejectedError", "J9")
