"""The key ceremony over HTTP: the order is enforced, and whoever cheats is named."""

from typing import Any

import pytest
from flask import Flask

from crypto.groups import get_group
from crypto.pedersen import coefficient_commitment, make_certificate, make_coefficients
from crypto.randomness import new_trustee_seed
from crypto.trustees import generate_key
from tests.voting_app.api import COINS, Api, Run
from voting_app.context import Context

GROUP = get_group("Ed25519")
MIXED = {"singles": 1, "threshold": {"size": 3, "threshold": 2}}


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    return Api(context, app.test_client())


@pytest.fixture
def run(api: Api) -> Run:
    """One single trustee (owner 1) and a 2-of-3 group (owners 2 to 4), seated."""
    return Run(api).create(trustees=MIXED).seat()


def refuse(run: Run, owner: int, status: int, code: str, what: str, body: Any) -> Any:
    token = run.trustees[owner - 1].token
    return run.api.refuse(status, code, f"{run.base}/trustee/{what}", body, token=token)


def change_proof(proof: dict[str, str]) -> dict[str, str]:
    return proof | {"response": str((int(proof["response"]) + 1) % GROUP.q)}


def test_seats_are_made_once(run: Run) -> None:
    assert [(t.owner, t.kind) for t in run.trustees] == [(1, "single")] + [
        (n, "threshold") for n in (2, 3, 4)
    ]
    run.api.refuse(409, "trustees-exist", f"{run.base}/trustees", role="committee")


def test_a_trustee_of_another_election_is_refused(run: Run) -> None:
    other = Run(run.api).create().seat()
    run.api.refuse(
        403, "not-your-election", f"{run.base}/trustee", method="GET", token=other.trustees[0].token
    )
    stranger = run.api.make_token("trustee")
    run.api.refuse(403, "not-your-election", f"{run.base}/trustee", method="GET", token=stranger)


def test_nobody_may_reveal_before_the_last_commitment(run: Run) -> None:
    run.certify_seats()
    for trustee in run.trustees[:-1]:
        run.send(trustee, "commitment", {"commitment": run.make_commitment(trustee)})
    for trustee in run.trustees[:-1]:
        problem = refuse(run, trustee.owner, 409, "wrong-step", "reveal", trustee.message)
        assert problem["step"] == "wait-commitments"
    run.send(run.trustees[-1], "commitment", {"commitment": run.make_commitment(run.trustees[-1])})
    run.reveal()


def test_steps_out_of_order_say_what_is_next(run: Run) -> None:
    assert refuse(run, 2, 409, "wrong-step", "share", {})["step"] == "certificate"
    assert refuse(run, 1, 409, "wrong-step", "certificate", {})["step"] == "commitment"
    run.send(run.trustees[1], "certificate", run.make_certificate(run.trustees[1]))
    assert refuse(run, 2, 409, "wrong-step", "commitment", {"commitment": "00" * 32})["step"] == (
        "wait-certificates"
    )


def test_certificates_are_checked(run: Run) -> None:
    def certificate(seed: str, size: int, threshold: int, index: int) -> dict[str, Any]:
        return make_certificate(GROUP, seed, size, threshold, index, COINS)

    good = certificate(run.trustees[1].seed, 3, 2, 1)
    bad = [
        certificate(run.trustees[1].seed, 3, 2, 2),
        certificate(run.trustees[1].seed, 3, 3, 1),
        certificate(run.trustees[1].seed, 4, 2, 1),
        good | {"signature": change_proof(good["signature"])},
        good | {"message": good["message"].replace("1", "2")},
        good | {"more": 1},
        {},
    ]
    for body in bad:
        problem = refuse(run, 2, 422, "bad-certificate", "certificate", body)
        assert problem["owner"] == 2
        assert problem["rule"] == "T2"
    run.send(run.trustees[1], "certificate", good)
    # The same keys for another seat would let one person hold two.
    same = certificate(run.trustees[1].seed, 3, 2, 2)
    assert "another trustee" in refuse(run, 3, 422, "bad-certificate", "certificate", same)["title"]


def test_commitments_must_be_hashes_and_different(run: Run) -> None:
    refuse(run, 1, 422, "bad-commitment", "commitment", {"commitment": "A" * 64})
    run.send(run.trustees[0], "commitment", {"commitment": "ab" * 32})
    run.certify_seats()
    refuse(run, 2, 409, "commitment-used", "commitment", {"commitment": "ab" * 32})
    assert refuse(run, 1, 409, "wrong-step", "commitment", {"commitment": "cd" * 32})["step"] == (
        "wait-commitments"
    )


def test_what_is_revealed_must_be_what_was_committed_to(run: Run) -> None:
    run.certify_seats().commit()
    other_key = generate_key(GROUP, COINS)[1].encode()
    problem = refuse(run, 1, 422, "bad-reveal", "reveal", other_key)
    assert (problem["owner"], problem["rule"]) == (1, "T1")
    inputs = run.inbox(run.trustees[1])["inputs"]
    other = make_coefficients(GROUP, run.trustees[1].seed, inputs["certificates"], 2, 1, COINS)
    problem = refuse(run, 2, 422, "bad-reveal", "reveal", other)
    assert (problem["owner"], problem["rule"]) == (2, "T3")
    # Committed to as they should be, but without a signature of the certificates that holds.
    message = run.trustees[1].message
    changed = message | {"signature": change_proof(message["signature"])}
    assert refuse(run, 2, 422, "bad-reveal", "reveal", changed)["rule"] == "T4"
    refuse(run, 2, 422, "bad-reveal", "reveal", {})
    refuse(run, 2, 422, "bad-reveal", "reveal", {"coefexps": [1]})


def test_a_single_key_needs_its_proof_of_knowledge(run: Run) -> None:
    """ATTACKS 7: a key computed from the others' keys has no proof of its own."""
    trustee = run.trustees[0]
    run.certify_seats()
    run.make_commitment(trustee)
    trustee.message["pok"] = generate_key(GROUP, COINS)[1].encode()["pok"]
    from crypto.encoding import encode_json_bytes, sha256_hex

    run.send(trustee, "commitment", {"commitment": sha256_hex(encode_json_bytes(trustee.message))})
    for other in run.trustees[1:]:
        run.send(other, "commitment", {"commitment": run.make_commitment(other)})
    problem = refuse(run, 1, 422, "bad-reveal", "reveal", trustee.message)
    assert (problem["owner"], problem["rule"]) == (1, "T1")


def test_two_singles_cannot_have_one_key(api: Api) -> None:
    from crypto.encoding import encode_json_bytes, sha256_hex
    from crypto.trustees import make_trustee_key

    run = Run(api).create(trustees={"singles": 2}).seat()
    secret, key = generate_key(GROUP, COINS)
    messages = [key.encode(), make_trustee_key(GROUP, secret, COINS).encode()]
    for trustee, message in zip(run.trustees, messages, strict=True):
        run.send(trustee, "commitment", {"commitment": sha256_hex(encode_json_bytes(message))})
    run.send(run.trustees[0], "reveal", messages[0])
    assert refuse(run, 2, 422, "bad-reveal", "reveal", messages[1])["rule"] == "S6"


def test_shares_are_checked(run: Run) -> None:
    run.certify_seats().commit().reveal()
    good = run.make_share(run.trustees[1])
    other = run.make_share(run.trustees[2])
    key = good["public_key"]
    for body, rule in [
        (other, "T5"),
        (good | {"public_key": key | {"pok": change_proof(key["pok"])}}, "T5"),
        (good | {"public_key": key | {"signature": change_proof(key["signature"])}}, "T6"),
        (good | {"public_key": {n: v for n, v in key.items() if n != "signature"}}, "T6"),
        ({"public_key": key}, "T5"),
    ]:
        problem = refuse(run, 2, 422, "bad-share", "share", body)
        assert (problem["owner"], problem["rule"]) == (2, rule)
    run.send(run.trustees[1], "share", good)


def test_keys_are_not_ready_too_early(run: Run) -> None:
    path = f"{run.base}/keys"
    fresh = Run(run.api).create().freeze()
    run.api.refuse(409, "trustees-missing", f"{fresh.base}/keys", role="committee")
    run.freeze()
    problem = run.api.refuse(409, "keys-incomplete", path, role="committee")
    assert problem["owners"] == [1, 2, 3, 4]
    run.certify_seats().commit().reveal()
    assert run.api.refuse(409, "keys-incomplete", path, role="committee")["owners"] == [2, 3, 4]
    run.share()
    run.api.refuse(409, "credentials-missing", path, role="committee")
    run.generate().ready()
    run.api.refuse(409, "wrong-state", path, role="committee")
    refuse(run, 1, 409, "wrong-state", "commitment", {"commitment": "00" * 32})


def test_a_restart_gives_a_new_token_and_drops_what_was_revealed(run: Run) -> None:
    run.freeze().generate().ceremony()
    old_commitment = coefficient_commitment(run.trustees[1].message["coefexps"])
    old_token = run.trustees[1].token
    seat = run.committee("trustees/2/restart", {"reason": "The trustee's computer was stolen."})
    assert (seat["owner"], seat["kind"]) == (2, "threshold")
    run.api.refuse(401, "not-authenticated", f"{run.base}/trustee", method="GET", token=old_token)
    progress = run.api.get(f"{run.base}/trustees/progress", role="committee")["trustees"]
    assert not any(p["certified"] or p["committed"] or p["revealed"] or p["shared"] for p in progress)
    run.trustees[1].token = seat["token"]
    for trustee in run.trustees:
        trustee.seed = new_trustee_seed()
    run.certify_seats()
    refuse(run, 3, 409, "commitment-used", "commitment", {"commitment": old_commitment})
    run.commit().reveal().share().ready().drill().open()
    run.api.refuse(409, "wrong-state", f"{run.base}/trustees/2/restart", {"reason": "x"}, role="committee")


def test_a_restart_names_an_existing_seat(run: Run) -> None:
    path = f"{run.base}/trustees/9/restart"
    run.api.refuse(404, "unknown-trustee", path, {"reason": "x"}, role="committee")


def test_drills_are_checked_and_counted(run: Run) -> None:
    run.freeze().generate().ceremony()
    run.api.refuse(409, "wrong-state", f"{run.base}/trustee/drill", {}, token=run.trustees[0].token)
    run.ready()
    drills = [run.make_drill(trustee) for trustee in run.trustees]
    for body in (change_proof(drills[0]), drills[1], {}):
        problem = refuse(run, 1, 422, "bad-drill", "drill", body)
        assert (problem["owner"], problem["rule"]) == (1, "J7")
    for owner in (2, 3):
        run.send(run.trustees[owner - 1], "drill", drills[owner - 1])
        assert run.status()["keys_drilled"] is False
    run.send(run.trustees[0], "drill", drills[0])
    assert run.status()["keys_drilled"] is True
    refuse(run, 1, 409, "already-drilled", "drill", drills[0])
    # The fourth trustee is on holiday: two of three of the group are enough.
    run.open()
