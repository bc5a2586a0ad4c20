"""What a voter is told about a tracker: where it is, and what that means in each state of the election."""

import json
from typing import Any

import pytest

from tests.web.node import Node
from voting_app.elections.states import State

LAST, FIRST, OTHER = "A" * 43, "b" * 43, "+/" * 21 + "z"
LIST = f"1 {FIRST} replaced\n2 {OTHER}\n3 {LAST}\n"
AFTER_OPENING = [state for state in State if state not in (State.DRAFT, State.ROLL_FROZEN, State.KEYS_READY)]
WITHOUT_RESULT = {State.CANCELLED: "has cancelled the election", State.UNTALLIABLE: "Too few trustees"}


def explain(js: Node, found: str, status: Any) -> tuple[str, str, str]:
    """(kind, title, advice)."""
    answer = js.call("trackerExplain", found=found, status=status)
    return answer["kind"], answer["title"], " ".join(answer["advice"])


@pytest.mark.parametrize(
    "text",
    [OTHER, f" {OTHER[:20]} \u200b{OTHER[20:]}\n", f"{OTHER}=", json.dumps({"height": 3, "tracker": OTHER})],
)
def test_a_tracker_is_read_however_it_was_copied(js: Node, text: str) -> None:
    assert js.call("trackerRead", text=text) == OTHER


@pytest.mark.parametrize("text", ["", "hello", OTHER[:-1], f"{OTHER}x", "A" * 42 + "ä", "{}"])
def test_anything_else_is_no_tracker(js: Node, text: str) -> None:
    assert js.call("trackerRead", text=text) is None


def test_a_tracker_is_found_whole_or_not_at_all(js: Node) -> None:
    found = {tracker: js.call("trackerFind", list=LIST, tracker=tracker) for tracker in (FIRST, OTHER, LAST)}
    assert found == {FIRST: "replaced", OTHER: "there", LAST: "there"}
    for missing in ("replaced", "2", LAST[:-1] + "B", FIRST.upper()):
        assert js.call("trackerFind", list=LIST, tracker=missing) == "missing"


@pytest.mark.parametrize(
    "state,sentence",
    [
        (State.OPEN, "It will be counted after the voting closes."),
        (State.PAUSED, "It will be counted after the voting closes."),
        (State.CLOSED, "your ballot is being counted"),
        (State.TALLIED, "It was counted. The committee has still to certify"),
        (State.CERTIFIED, "It was counted, and the committee has certified"),
    ],
)
def test_a_ballot_that_counts(js: Node, state: State, sentence: str) -> None:
    kind, title, advice = explain(js, "there", {"state": state, "revoting": False})
    assert (kind, title) == ("good", "Your ballot is in the ballot box.")
    assert advice.startswith("It is exactly as your device made it.")
    assert sentence in advice


def test_where_one_may_vote_again_only_the_last_ballot_counts(js: Node) -> None:
    _, _, advice = explain(js, "there", {"state": "open", "revoting": True})
    assert "unless you vote once more" in advice
    _, _, advice = explain(js, "there", {"state": "certified", "revoting": True})
    assert "once more" not in advice


@pytest.mark.parametrize("state,why", WITHOUT_RESULT.items())
@pytest.mark.parametrize("found", ["there", "replaced"])
def test_without_a_result_nothing_counts(js: Node, state: State, why: str, found: str) -> None:
    kind, title, advice = explain(js, found, {"state": state, "revoting": True})
    assert kind == "warning"
    assert title.startswith({"there": "Your", "replaced": "This"}[found])
    assert "o ballot of this election counts" in title
    assert why in advice
    assert "counted" not in advice


def test_a_later_ballot_counts_instead(js: Node) -> None:
    kind, title, advice = explain(js, "replaced", {"state": "open", "revoting": True})
    assert (kind, title) == (
        "info",
        "This ballot is in the ballot box, but a later one of the same voter counts instead.",
    )
    assert "tell the election committee" in advice


def test_a_missing_tracker(js: Node) -> None:
    for state in AFTER_OPENING:
        kind, title, advice = explain(js, "missing", {"state": state, "revoting": False})
        assert (kind, title) == ("warning", "This tracker is not in the list.")
        assert "it proves that the ballot was taken" in advice
        # While ballots may still arrive, a minute may help.
        assert ("wait a minute" in advice) == (state in (State.OPEN, State.PAUSED, State.CLOSED))
        assert (state in WITHOUT_RESULT) == ("another vote" in advice)


@pytest.mark.parametrize(
    "status", [None, {}, [], "open", 7, {"state": 7}, {"state": "later"}, {"state": None}]
)
def test_of_an_unknown_state_nothing_is_promised(js: Node, status: Any) -> None:
    assert explain(js, "there", status) == (
        "good",
        "Your ballot is in the ballot box.",
        "It is exactly as your device made it.",
    )
    assert "wait a minute" in explain(js, "missing", status)[2]
