"""The Worker and its client: operations as a page asks for them."""

import json
from itertools import combinations
from typing import Any

import pytest

from crypto.ballot import check_ballot
from crypto.checker import PlainChecker
from crypto.credentials import derive_public
from crypto.encoding import encode_json
from crypto.randomness import new_credential_text
from crypto.trustees import Trustees, parse_trustees
from tests.simulator import sound
from tests.web.node import Node

ELECTION = sound("presented").election
CREDENTIAL = sound("presented").credentials[0]
PREPARE = {"op": "prepare", "args": {"election": ELECTION.raw.decode(), "fingerprint": ELECTION.fingerprint}}


def prepared(js: Node, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What each call gave after `prepare`."""
    asked = [PREPARE, *({"op": op, "args": args} for op, args in calls)]
    first, *rest = js.call("workerCalls", calls=asked)
    assert first["result"]["uuid"] == ELECTION.uuid
    return rest


def test_prepare_tells_what_the_page_shows(js: Node) -> None:
    (found,) = js.call("workerCalls", calls=[PREPARE])
    result = found["result"]
    assert result["fingerprint"] == ELECTION.fingerprint
    assert result["questions"] == [
        {"minimum": q.minimum, "maximum": q.maximum, "blank": q.blank} for q in ELECTION.homomorphic_questions
    ]
    assert [texts["language"] for texts in result["texts"]] == ["en", "es", "fr"]
    assert (result["rules"], result["quorumPercent"]) == (["plurality", "two-thirds"], 50)


def test_election_data_that_were_altered_are_refused(js: Node) -> None:
    """Another key, question or text under the fingerprint of link or sheet: nothing can be encrypted then."""
    value = json.loads(ELECTION.raw)
    encrypt = {"op": "encrypt", "args": {"credential": CREDENTIAL, "choices": [[0], [0]]}}
    for key, other in (
        ("name", "Another"),
        ("public_key", ELECTION.group.generator.text),
        ("questions", value["questions"][:1]),
    ):
        altered = {**value, key: other}
        altered.pop("steward")
        args = {"election": encode_json(altered), "fingerprint": ELECTION.fingerprint}
        refused, then = js.call("workerCalls", calls=[{"op": "prepare", "args": args}, encrypt])
        assert (refused["name"], refused["family"], refused["rule"]) == ("CallError", "RejectedError", "B3")
        assert then["family"] == "MisuseError"


def count_needed(trustees: Trustees) -> int:
    """The size of the smallest group that can decrypt, found by trying all."""
    owners = range(1, len(trustees.owners) + 1)
    groups = (group for size in owners for group in combinations(owners, size))
    return next(len(group) for group in groups if trustees.is_enough(group))


@pytest.mark.parametrize("kind", ["presented", "threshold", "mixed"])
def test_ballots_are_encrypted_for_the_trustees(js: Node, kind: str) -> None:
    """A server that showed its own key could otherwise read every ballot."""
    simulation = sound(kind)
    prepare = {"op": "prepare", "args": {"election": simulation.election.raw.decode()}}
    raw = simulation.entries[0].body("trustees").decode()
    other = sound("revotes").entries[0].body("trustees").decode()
    calls = [{"op": "checkTrustees", "args": {"trustees": text}} for text in (raw, other, raw[:-1], "[]")]
    _, good, *wrong = js.call("workerCalls", calls=[prepare, *calls])
    assert good["result"] == {"needed": count_needed(parse_trustees(simulation.election.group, raw.encode()))}
    assert [answer["rule"] for answer in wrong] == ["S5", "S3", "S3"]


def test_what_is_encrypted_is_what_was_chosen_and_the_code_opens_it(js: Node) -> None:
    choices = ["blank", [1]]
    (made,) = prepared(js, ("encrypt", {"credential": CREDENTIAL.replace("-", " "), "choices": choices}))
    result = made["result"]
    ballot = check_ballot(ELECTION, result["ballot"].encode(), PlainChecker(ELECTION.group))
    assert ballot.tracker == result["tracker"]
    assert ballot.credential == derive_public(ELECTION.group, ELECTION.uuid, CREDENTIAL)
    done = [step for step, _ in made["progress"]]
    assert done == sorted(set(done))
    assert made["progress"][-1][0] == made["progress"][-1][1]
    checked, verified, other = prepared(
        js,
        ("checkChallenge", {"ballot": result["ballot"], "code": result["code"]}),
        ("checkBallot", {"ballot": result["ballot"]}),
        ("checkChallenge", {"ballot": result["ballot"], "code": result["code"].replace(".b;1", ".b;0")}),
    )
    assert checked["result"]["choices"] == choices
    assert verified["result"]["tracker"] == result["tracker"]
    assert other["rule"] == "V4"


def test_two_ballots_of_one_voter_share_no_seed(js: Node) -> None:
    args = {"credential": CREDENTIAL, "choices": [[0], [1]]}
    first, second = prepared(js, ("encrypt", args), ("encrypt", args))
    assert first["result"]["code"].split(".")[2] != second["result"]["code"].split(".")[2]
    assert first["result"]["tracker"] != second["result"]["tracker"]


def test_public_credentials(js: Node) -> None:
    typed = [CREDENTIAL, new_credential_text(), CREDENTIAL[:-1]]
    first, second, wrong = prepared(js, *(("publicCredential", {"credential": text}) for text in typed))
    for found, text in ((first, typed[0]), (second, typed[1])):
        assert found["result"]["credential"] == derive_public(ELECTION.group, ELECTION.uuid, text).text
    assert (wrong["family"], wrong["rule"]) == ("MalformedError", "B4")


def test_receipts_and_journals(js: Node) -> None:
    simulation = sound("presented")
    receipt = simulation.receipts[0]
    text, key = encode_json(receipt.encode()), simulation.service_key.public
    args = {"receipt": text, "serviceKey": key}
    plain, exact, other, journal, broken = prepared(
        js,
        ("verifyReceipt", args),
        ("verifyReceipt", {**args, "election": ELECTION.uuid, "tracker": receipt.tracker}),
        ("verifyReceipt", {**args, "election": ELECTION.uuid, "tracker": "A" * 43}),
        ("readJournal", {"journal": simulation.journal.decode()}),
        ("readJournal", {"journal": simulation.journal.decode()[1:]}),
    )
    assert plain["result"] == exact["result"]
    assert plain["result"]["height"] == receipt.height
    assert other["rule"] == "V2"
    assert journal["result"]["state"] == "tallied"
    assert journal["result"]["serviceKey"] == key
    assert len(journal["result"]["lines"]) == len(simulation.journal_lines)
    assert broken["rule"] == "J1"


def test_errors_name_no_secret(js: Node) -> None:
    wrong = prepared(
        js,
        ("encrypt", {"credential": CREDENTIAL[:-1], "choices": [[0], [0]]}),
        ("encrypt", {"credential": CREDENTIAL.replace(CREDENTIAL[0], "0"), "choices": [[0], [0]]}),
        ("encrypt", {"credential": CREDENTIAL, "choices": [[0]]}),
        ("encrypt", {"credential": CREDENTIAL}),
        ("encrypt", {}),
    )
    for answer in wrong:
        assert "result" not in answer
        assert CREDENTIAL[7:12] not in answer["message"]


@pytest.mark.parametrize("op", ["constructor", "toString", "__proto__", "", "decrypt"])
def test_unknown_operations(js: Node, op: str) -> None:
    (answer,) = js.call("workerCalls", calls=[{"op": op, "args": {}}])
    assert answer["family"] == "MisuseError"


def test_answers_find_their_callers(js: Node) -> None:
    credentials = [new_credential_text() for _ in range(5)]
    calls = [PREPARE, *({"op": "publicCredential", "args": {"credential": text}} for text in credentials)]
    _, *answers = js.call("workerTogether", calls=calls)
    for answer, text in zip(answers, credentials, strict=True):
        assert answer["result"]["credential"] == derive_public(ELECTION.group, ELECTION.uuid, text).text


def test_nobody_waits_for_a_closed_worker(js: Node) -> None:
    for answer in js.call("workerClosed", calls=[PREPARE, PREPARE]):
        assert answer["family"] == "Closed"


def test_nobody_waits_for_a_worker_that_cannot_be_loaded(js: Node) -> None:
    for address in ("missing.js", "../node.py"):
        (answer,) = js.call("workerCalls", calls=[PREPARE], address=address)
        assert answer["family"] == "WorkerFailed"
