"""The trustees' page, without a browser: what it takes for an answer, what it keeps, and what it says."""

import json
from typing import Any

import pytest

from tests.web.node import JsError, Node

UUID = "1" * 14
INBOX: dict[str, Any] = {
    "election": UUID,
    "election_name": "Officers",
    "state": "draft",
    "owner": 2,
    "trustees": 3,
    "name": None,
    "kind": "threshold",
    "index": 2,
    "size": 3,
    "threshold": 2,
    "step": "commitment",
    "acts": ["certificate", "commitment", "reveal", "share", "drill", "decryption"],
    "act": "commitment",
    "number": 2,
    "awaited": [{"owner": 1, "name": None}, {"owner": 3, "name": "Grace"}],
    "inputs": {"group": "Ed25519", "size": 3, "threshold": 2, "index": 2},
}
SINGLE = {
    "kind": "single",
    "index": None,
    "size": None,
    "threshold": None,
    "acts": ["commitment", "reveal", "drill", "decryption"],
    "number": 1,
}
HEX = "ab" * 32


def read(js: Node, value: Any) -> Any:
    return js.call("trusteeInbox", text=json.dumps(value), uuid=UUID)


@pytest.mark.parametrize(
    "change",
    [
        {},
        SINGLE,
        {"step": "wait-commitments", "act": "reveal", "number": 3},
        {"step": "done", "act": None, "number": None, "awaited": []},
        {"name": "Ada", "owner": 3},
    ],
)
def test_an_inbox_is_read(js: Node, change: dict[str, Any]) -> None:
    assert read(js, INBOX | change) == INBOX | change


def changed() -> list[dict[str, Any]]:
    """Every field that the page uses, absent or of every wrong type, and what does not fit together."""
    lies: list[dict[str, Any]] = []
    right: dict[str, tuple[type | None, ...]] = {"name": (str, type(None))}
    for name in (
        "election",
        "election_name",
        "owner",
        "trustees",
        "name",
        "kind",
        "step",
        "acts",
        "act",
        "number",
        "awaited",
        "size",
        "threshold",
    ):
        lies.append({key: value for key, value in INBOX.items() if key != name})
        for value in (None, 5.5, -1, 0, "x", True, [], {}, [5], [None], [{}]):
            if type(value) in right.get(name, ()) or (name, value) in (
                ("awaited", []),
                ("election_name", "x"),
            ):
                continue
            lies.append(INBOX | {name: value})
    together: tuple[dict[str, Any], ...] = (
        {"trustees": 1},
        {"threshold": 1},
        {"threshold": 4},
        {"size": 4},
        {"size": 2, "threshold": 2},
        {"threshold": None, "size": None},
        SINGLE | {"size": 3},
        SINGLE | {"threshold": 2},
        {"inputs": INBOX["inputs"] | {"threshold": 1}},
        {"inputs": INBOX["inputs"] | {"size": 4}},
        {"owner": 4},
        {"kind": "single"},
        {"kind": "toString"},
        {"acts": INBOX["acts"][::-1]},
        {"acts": INBOX["acts"][:-1]},
        {"act": "reveal", "number": 3},
        {"number": 1},
        {"step": "done"} | {"act": None},
        {"step": "wait-for-godot", "act": "reveal", "number": 3},
        {"step": "__proto__"},
        {"awaited": [{"owner": 4, "name": None}]},
        {"awaited": [{"owner": 1, "name": {}}]},
        {"awaited": {"length": 1, "0": {"owner": 1, "name": None}}},
    )
    return [*lies, *(INBOX | lie for lie in together)]


def test_what_is_no_inbox_is_no_answer(js: Node) -> None:
    """Nothing of it is shown, and nothing makes the page stop in the middle."""
    taken = [value for value in changed() if read(js, value) is not None]
    assert taken == []
    for text in ("", "<html>", "null", "[]", "5", '"x"', "{", "{}", json.dumps(INBOX)[:-1]):
        assert js.call("trusteeInbox", text=text, uuid=UUID) is None, text
    assert js.call("trusteeInbox", text=json.dumps(INBOX), uuid="2" * 14) is None


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "5", "<html>", "{}", '{"code":5}', '{"code":{}}', '{"code":null}']
)
def test_a_problem_that_is_none_has_no_code(js: Node, text: str) -> None:
    assert js.call("trusteeProblem", text=text, name="code") == ""


def test_the_code_of_a_problem_is_read(js: Node) -> None:
    assert js.call("trusteeProblem", text='{"code":"wrong-step"}', name="code") == "wrong-step"


# --- what the device keeps ---------------------------------------------------------------------------------------


def memory(line: int, *events: int, head: str = HEX) -> dict[str, Any]:
    return {
        "journal": {"height": line, "head": head},
        "box": [{"height": event, "head": head} for event in events],
    }


def write(js: Node, kind: str, *seen: dict[str, Any], between: str | None = None) -> Any:
    """Notes one after the other; `between`: what another tab writes while the first is compared."""
    return js.call("trusteeWrites", uuid=UUID, seen=seen, kind=kind, between=between)


@pytest.mark.parametrize("kind", ["working", "lockless"])
def test_what_was_seen_is_kept_under_the_election(js: Node, kind: str) -> None:
    found = write(js, kind, memory(3), memory(7, 4, 6))
    assert found == {
        "results": [{"isCompared": False, "isKept": True}, {"isCompared": True, "isKept": True}],
        "compared": [None, memory(3)],
        "memory": memory(7, 4, 6),
        "keys": [f"steward-trustee:{UUID}"],
    }


def test_the_sum_is_remembered(js: Node) -> None:
    seen = memory(7, 4) | {"tally": HEX}
    assert write(js, "working", seen)["memory"] == seen
    text = json.dumps({"version": 1, **seen, "tally": 5})
    assert js.call("trusteeMemory", text=text) == memory(7, 4)


def test_what_another_tab_has_seen_meanwhile_is_compared_too(js: Node) -> None:
    """Nothing is replaced that the record was not compared with."""
    other = json.dumps({"version": 1, **memory(9, 8)})
    found = write(js, "working", memory(7, 4), between=other)
    assert found["compared"] == [None, memory(9, 8)]
    assert found["results"] == [{"isCompared": True, "isKept": True}]


def test_what_does_not_go_on_is_not_noted(js: Node) -> None:
    with pytest.raises(JsError, match="changed"):
        js.call("trusteeContradicts", uuid=UUID, text=json.dumps({"version": 1, **memory(9, 8)}))


@pytest.mark.parametrize("kind", ["forgetful", "full", "forbidden"])
def test_a_browser_that_keeps_nothing_is_noticed(js: Node, kind: str) -> None:
    found = write(js, kind, memory(7, 4))
    assert found["results"] == [{"isCompared": False, "isKept": False}]
    assert found["memory"] is None


def test_nothing_false_is_said_of_earlier_visits(js: Node) -> None:
    said = {
        (is_compared, is_kept): js.call("trusteeVisit", isCompared=is_compared, isKept=is_kept)
        for is_compared in (True, False)
        for is_kept in (True, False)
    }
    assert "goes on from what this device saw before" in said[True, True]
    assert said[True, False] == said[True, True]
    assert "will compare at your next visit" in said[False, True]
    assert "keeps nothing between visits" in said[False, False]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "null",
        "5",
        "[]",
        "{}",
        '{"version":1}',
        json.dumps({"version": 2, **memory(1, 1)}),
        json.dumps({"version": 1, "journal": None, "box": memory(1, 1)["box"]}),
        json.dumps({"version": 1, "journal": {"height": -1, "head": HEX}}),
        json.dumps({"version": 1, "journal": {"height": "1", "head": HEX}}),
        json.dumps({"version": 1, "journal": {"height": 1, "head": HEX.upper()}}),
        json.dumps({"version": 1, "journal": {"height": 1}}),
    ],
)
def test_what_others_have_written_is_no_memory(js: Node, text: str | None) -> None:
    assert js.call("trusteeMemory", text=text) is None


@pytest.mark.parametrize(
    "box, events",
    [
        (None, []),
        ({"height": 4, "head": HEX}, [4]),
        ([{"height": 4, "head": HEX}, None, 5, {"height": 6, "head": HEX}], [4, 6]),
    ],
)
def test_events_are_read_as_earlier_programs_wrote_them(js: Node, box: Any, events: list[int]) -> None:
    text = json.dumps({**memory(9), "version": 1, "box": box})
    assert js.call("trusteeMemory", text=text) == memory(9, *events)


def test_a_changed_record_is_told_as_what_it_is(js: Node) -> None:
    told = js.call("trusteeFault", family="RejectedError", rule="T9", message="")
    assert told["isSerious"] is True
    assert "changed or taken back" in told["title"]
    assert "tell the other trustees and the observers" in told["advice"]
    assert js.call("trusteeFault", family="Refusal", rule="bad-answer", message="")["isSerious"] is False


@pytest.mark.parametrize("step", ["wait-result", "done"])
def test_done_is_not_said_on_the_server_s_word(js: Node, step: str) -> None:
    said = {
        part: js.call("trusteeWaiting", inbox=INBOX | {"step": step}, part=part)["title"]
        for part in ("seen", "missing", "without", "not-needed")
    }
    assert said["missing"] == "Your part is not in the published record."
    assert said["without"] == "The result was opened without your part."
    assert said["not-needed"] == "Nothing more is asked of you."
    assert said["seen"] in ("You have done your part in opening the result.", "Nothing more is asked of you.")


@pytest.mark.parametrize(
    "change, said",
    [
        ({}, "2 of 3 trustees open the result."),
        (
            {"threshold": 1, "inputs": INBOX["inputs"] | {"threshold": 1}},
            "One of 3 trustees is enough to open the result, and single ballots too.",
        ),
        (SINGLE, "All 3 trustees are needed to open the result."),
        (SINGLE | {"trustees": 1, "owner": 1, "awaited": []}, "You alone open the result."),
        # One with a whole key beside a group.
        (SINGLE | {"size": 2, "threshold": 1}, "2 of 3 trustees open the result."),
    ],
)
def test_how_many_trustees_open_the_result_is_told(js: Node, change: dict[str, Any], said: str) -> None:
    assert js.call("trusteeQuorum", inbox=read(js, INBOX | change)) == said


def test_whether_the_device_remembers_when_the_key_was_shown(js: Node) -> None:
    def remembers(known: dict[str, Any] | None, line: int | None) -> Any:
        return js.call("trusteeRemembers", memory=known, line=line)

    assert remembers(None, 5) is False
    assert remembers(memory(9) | {"since": 9}, 5) is False
    assert remembers(memory(9) | {"since": 5}, 5) is False
    assert remembers(memory(9) | {"since": 4}, 5) is True
    assert remembers(None, None) is True
    found = write(js, "working", memory(9) | {"since": 4})
    assert found["memory"] == memory(9) | {"since": 4}
