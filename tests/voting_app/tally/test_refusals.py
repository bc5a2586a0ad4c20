"""Decryptions that are false, early or repeated; ballots in flight at the close; and the missing trustee."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from crypto.groups import get_group
from crypto.record import BoxState
from tests.voting_app.api import Api, Run
from voting_app.app import create_app
from voting_app.booth import service as booth
from voting_app.booth.models import CastingInFlight
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.ledger import service as ledger
from voting_app.tally import service

GROUP = get_group("Ed25519")
TWO_OF_THREE = {"singles": 0, "threshold": {"size": 3, "threshold": 2}}


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    return Api(context, app.test_client())


def refuse(run: Run, owner: int, status: int, code: str, body: Any) -> Any:
    token = run.trustees[owner - 1].token
    return run.api.refuse(status, code, f"{run.base}/trustee/decryption", body, token=token)


def closed(run: Run) -> Run:
    """Closed and counted: any request does what is due."""
    run.close()
    assert run.status()["box"]["state"] == "counted"
    return run


def test_false_decryptions_are_refused_and_named_and_t_good_ones_suffice(api: Api) -> None:
    """ATTACKS 22: two of five are bad, the tally succeeds."""
    run = Run(api).set_up(trustees={"singles": 0, "threshold": {"size": 5, "threshold": 3}})
    run.cast("M1", [[0], [0]])
    closed(run)
    length = run.status()["box"]["length"]
    for owner in (1, 2):
        good = run.make_decryption(run.trustees[owner - 1])
        other = run.make_decryption(run.trustees[2])
        partial, strong = good["partial_decryption"], good["strong_proofs"]
        factors = [row[:] for row in partial["decryption_factors"]]
        factors[0][0] = GROUP.power_g(5).text
        for body, rule in [
            (good | {"partial_decryption": partial | {"decryption_factors": factors}}, "D3"),
            (good | {"partial_decryption": other["partial_decryption"]}, "D3"),
            (good | {"partial_decryption": partial | {"decryption_proofs": []}}, "D2"),
            (good | {"partial_decryption": {}}, "D2"),
            (good | {"strong_proofs": other["strong_proofs"]}, "D4"),
            (good | {"strong_proofs": strong | {"owner": 3}}, "D4"),
            (good | {"strong_proofs": strong | {"owner": True}}, "D4"),
            (good | {"strong_proofs": {}}, "D4"),
        ]:
            problem = refuse(run, owner, 422, "bad-decryption", body)
            assert (problem["owner"], problem["rule"]) == (owner, rule)
    assert run.status()["box"]["length"] == length
    run.decrypt(3, 4, 5)
    assert run.result() == [[0, 1, 0], [1, 0]]


def test_strong_proofs_are_required(api: Api) -> None:
    run = closed(Run(api).set_up())
    body = run.make_decryption(run.trustees[0])
    problem = refuse(run, 1, 422, "invalid-field", {"partial_decryption": body["partial_decryption"]})
    assert problem["field"] == "strong_proofs"


def test_a_second_decryption_of_an_owner_is_refused(api: Api) -> None:
    run = closed(Run(api).set_up(trustees=TWO_OF_THREE))
    run.decrypt(1)
    refuse(run, 1, 409, "already-decrypted", run.make_decryption(run.trustees[0]))
    run.decrypt(2)
    assert run.status()["state"] == "tallied"
    refuse(run, 3, 409, "wrong-state", run.make_decryption(run.trustees[2]))


def test_a_decryption_before_the_close_is_refused(api: Api) -> None:
    run = Run(api).set_up()
    body: dict[str, Any] = {"partial_decryption": {}, "strong_proofs": {}}
    refuse(run, 1, 409, "wrong-state", body)


def test_two_equal_requests_at_once_are_appended_once(each_context: Context) -> None:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    run = closed(Run(Api(each_context, app.test_client())).set_up(trustees=TWO_OF_THREE))
    trustee = run.trustees[0]
    bodies = [run.make_decryption(trustee) for _ in range(4)]
    barrier = Barrier(4)

    def send(body: Any) -> int:
        client = app.test_client()
        barrier.wait()
        headers = {"Authorization": f"Bearer {trustee.token}"}
        return client.post(f"{run.base}/trustee/decryption", json=body, headers=headers).status_code

    app.json.sort_keys = False  # type: ignore[attr-defined]
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, bodies)) == [200, 409, 409, 409]
    with each_context.database.read() as session:
        box_id = ledger.get_box_id(session, run.uuid)
        assert len(ledger.read_data(session, box_id, "PartialDecryption")) == 1


def test_workers_at_once_count_and_open_once(each_context: Context) -> None:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    run = Run(Api(each_context, app.test_client())).set_up()
    run.cast("M1", [[0], [0]])
    run.close()
    barrier = Barrier(4)

    def advance(_: int) -> BoxState:
        barrier.wait()
        return service.advance(each_context, run.uuid)

    with ThreadPoolExecutor(4) as pool:
        assert BoxState.COUNTED in set(pool.map(advance, range(4)))
    run.decrypt()
    assert run.status()["state"] == "tallied"
    assert run.result() == [[0, 1, 0], [1, 0]]


def test_a_dead_workers_claim_runs_out(api: Api, clock: Any) -> None:
    run = Run(api).set_up()
    run.close()
    with service._claim(api.context, run.uuid) as claim:
        assert claim is not None
        assert run.status()["box"]["state"] == "ended"
        clock.advance(seconds=service.CLAIM_TIME.total_seconds() + 1)
        assert run.status()["box"]["state"] == "counted"


# --- in flight -----------------------------------------------------------------------------------------------


def announce(context: Context, uuid: str) -> None:
    with context.database.relaxed() as session:
        session.add(CastingInFlight(id="ab" * 16, box_id=ledger.get_box_id(session, uuid)))


def test_the_box_is_not_ended_while_a_ballot_is_in_flight(api: Api, clock: Any) -> None:
    run = Run(api).set_up()
    ballot = run.make_ballot("M2", [[1], [1]])
    announce(api.context, run.uuid)
    arrived_at = clock.now()
    clock.advance(seconds=1)
    run.close()
    # A ballot that comes now is late, at once.
    api.refuse(409, "closed", f"{run.base}/ballots", ballot)
    assert run.status()["box"]["state"] == "voting"
    with api.context.database.write() as session:
        # The one that came in time is appended although the election is closed.
        assert elections.require_open(session, run.uuid, arrived_at).state == "closed"
        ledger.append(session, ledger.get_box_id(session, run.uuid), "Ballot", [ballot])
    # Whoever announced it may have died: it is waited for no longer than the lease, and forgotten.
    clock.advance(seconds=59)
    assert run.status()["box"]["state"] == "voting"
    clock.advance(seconds=1)
    assert run.status()["box"]["state"] == "counted"
    with api.context.database.read() as session:
        assert booth.in_flight(session, ledger.get_box_id(session, run.uuid)) == 0
    run.decrypt()
    assert run.result() == [[0, 0, 1], [0, 1]]


def test_the_box_is_ended_only_after_a_moment_of_grace(api: Api, clock: Any) -> None:
    """A ballot that arrived in the last moment must have the time to be announced as in flight."""
    run = Run(api).set_up()
    patient = replace(api.context, settings=replace(api.context.settings, closing_grace_seconds=2))
    with api.context.database.read() as session:
        closes_at = elections.election_for_box(session, run.uuid).closes_at
    clock.moment = closes_at
    assert service.advance(patient, run.uuid) is BoxState.VOTING
    clock.advance(seconds=1.9)
    assert service.advance(patient, run.uuid) is BoxState.VOTING
    clock.advance(seconds=0.1)
    assert service.advance(patient, run.uuid) is BoxState.COUNTED


# --- the missing trustee -------------------------------------------------------------------------------------


def test_untalliable_is_declared_with_the_tally_as_evidence(api: Api) -> None:
    run = Run(api).set_up()
    announce(api.context, run.uuid)
    run.close()
    body = {"reason": "The trustee lost her key in a fire."}
    api.refuse(409, "not-counted-yet", f"{run.base}/untalliable", body, role="committee")
    api.context.clock.moment += timedelta(seconds=61)  # type: ignore[attr-defined]
    run.status()
    assert run.committee("untalliable", body)["state"] == "untalliable"
    refuse(run, 1, 409, "wrong-state", run.make_decryption(run.trustees[0]))
    api.refuse(409, "wrong-state", f"{run.base}/cancel", body, role="committee")


def test_certifying_needs_a_result_and_a_statement(api: Api) -> None:
    run = closed(Run(api).set_up())
    body = {"statement": "We certify."}
    api.refuse(409, "wrong-state", f"{run.base}/certify", body, role="committee")
    run.decrypt()
    api.refuse(422, "invalid-field", f"{run.base}/certify", {"statement": " "}, role="committee")
    run.committee("certify", body)
    api.refuse(409, "wrong-state", f"{run.base}/certify", body, role="committee")
    api.refuse(409, "wrong-state", f"{run.base}/cancel", {"reason": "x"}, role="committee")
