"""The booth's table of what may follow what, walked without a browser."""

from typing import Any

import pytest

from tests.web.node import Node

ONE = {"minimum": 1, "maximum": 1, "blank": False, "answers": 3}
SOME = {"minimum": 1, "maximum": 2, "blank": True, "answers": 4}
FREE = {"minimum": 0, "maximum": 1, "blank": False, "answers": 2}
BALLOT = {"text": "{}", "tracker": "T", "code": "1.T.SEED.0"}
RECEIPT = {"text": "{}", "tracker": "T", "height": 3, "isKept": True}

Event = tuple[str, dict[str, Any]]


def event(name: str, **values: Any) -> Event:
    return name, values


WELCOME = event("welcome", rules=[ONE, SOME])
TO_REVIEW = [
    WELCOME,
    event("begin"),
    event("touch", touched=2),
    event("goOn"),
    event("touch", touched=0),
    event("goOn"),
]
TO_BALLOT = [*TO_REVIEW, event("encrypt"), event("encrypted", ballot=BALLOT)]
# How to come to each view.
WAYS: dict[str, list[Event]] = {
    "opening": [],
    "code": [event("ask")],
    "intro": [WELCOME],
    "question": TO_REVIEW[:2],
    "review": TO_REVIEW,
    "encrypting": TO_BALLOT[:-1],
    "ballot": TO_BALLOT,
    "casting": [*TO_BALLOT, event("cast")],
    "receipt": [*TO_BALLOT, event("cast"), event("delivered", receipt=RECEIPT)],
    "challenging": [*TO_BALLOT, event("challenge")],
    "challenged": [*TO_BALLOT, event("challenge"), event("challenged")],
    "voted": [event("voted", tracker="T")],
    "stopped": [event("stop", reason="closed")],
}
# Every event that there is, with values that it can be read with.
EVENTS: dict[str, dict[str, Any]] = {
    "ask": {},
    "welcome": {"rules": [ONE]},
    "resume": {"ballot": BALLOT},
    "keep": {"receipt": RECEIPT},
    "voted": {"tracker": "T"},
    "other": {"tracker": "T"},
    "stop": {"reason": "closed"},
    "mistype": {"codeFault": {"wrong": "link"}},
    "typed": {},
    "begin": {},
    "touch": {"touched": 0},
    "goOn": {},
    "goBack": {},
    "change": {"question": 0},
    "encrypt": {},
    "progress": {"progress": 0.5},
    "encrypted": {"ballot": BALLOT},
    "cast": {},
    "challenge": {},
    "challenged": {},
    "queue": {},
    "send": {"isKept": True},
    "lose": {},
    "tryAgain": {},
    "delivered": {"receipt": RECEIPT},
    "spoiled": {},
    "again": {},
    "removed": {},
    "reopen": {},
}
# Where each of the events that decide something has its place, and nowhere else.
DECISIVE = {
    "cast": {"ballot"},
    "challenge": {"ballot"},
    "challenged": {"challenging"},
    "send": {"casting"},
    "delivered": {"casting"},
    "spoiled": {"casting"},
    "resume": {"opening"},
    "encrypt": {"review"},
    "encrypted": {"encrypting"},
    "welcome": {"opening"},
}


def walk(js: Node, events: list[Event]) -> list[Any]:
    states: list[Any] = js.call("voteWalk", events=events)
    return states


def test_there_is_a_way_to_every_view(js: Node) -> None:
    assert set(js.call("voteViews")) == set(WAYS)
    for view, way in WAYS.items():
        assert walk(js, way)[-1]["view"] == view


@pytest.mark.parametrize("view", WAYS)
def test_an_event_leads_to_a_view_that_exists_or_changes_nothing(js: Node, view: str) -> None:
    state = walk(js, WAYS[view])[-1]
    for name, values in EVENTS.items():
        after = js.call("voteWalk", start=state, events=[[name, values]])[-1]
        assert after["view"] in WAYS
        if name in DECISIVE and view not in DECISIVE[name]:
            assert after == state, name


def test_a_double_click_casts_once(js: Node) -> None:
    once, twice = (walk(js, [*TO_BALLOT, *[event("cast")] * times])[-1] for times in (1, 2))
    assert once == twice


def test_a_late_answer_changes_nothing(js: Node) -> None:
    """The voter went back while the ballot was being encrypted, or the receipt came twice."""
    done = WAYS["receipt"]
    other = {**RECEIPT, "tracker": "another"}
    for late in (event("delivered", receipt=other), event("lose"), event("stop", reason="closed")):
        assert walk(js, [*done, late])[-1] == walk(js, done)[-1]
    back = [*TO_BALLOT, event("challenge"), event("goBack")]
    assert walk(js, [*back, event("challenged")])[-1] == walk(js, back)[-1]


def test_who_casts_can_open_the_ballot_no_more(js: Node) -> None:
    assert walk(js, WAYS["ballot"])[-1]["ballot"]["code"] == BALLOT["code"]
    assert walk(js, WAYS["casting"])[-1]["ballot"]["code"] is None


@pytest.mark.parametrize(
    "end", [event("delivered", receipt=RECEIPT), event("voted", tracker="T"), event("stop", reason="closed")]
)
def test_choices_are_forgotten_at_the_end(js: Node, end: Event) -> None:
    before, after = walk(js, [*WAYS["casting"], end])[-2:]
    assert before["choices"] == [[2], [0]]
    assert (after["choices"], after["ballot"]) == ([], None)


def test_a_changed_answer_leads_back_to_the_review(js: Node) -> None:
    change = [event("change", question=0), event("touch", touched=1)]
    assert walk(js, [*TO_REVIEW, *change, event("goOn")])[-1]["view"] == "review"
    assert walk(js, [*TO_REVIEW, *change, event("goOn")])[-1]["choices"] == [[1], [0]]
    # A choice that is not allowed cannot be taken along.
    wrong = [event("change", question=1), event("touch", touched=0)]
    assert walk(js, [*TO_REVIEW, *wrong, event("goBack")])[-1]["view"] == "question"


def test_going_back_and_forth_keeps_the_choices(js: Node) -> None:
    states = walk(js, [*TO_REVIEW, event("goBack"), event("goBack"), event("goBack"), event("begin")])
    assert [state["view"] for state in states[-5:]] == ["review", "question", "question", "intro", "question"]
    assert states[-1]["choices"] == [[2], [0]]


def test_a_fault_is_told_at_the_end_of_the_question_and_untold_when_it_is_mended(js: Node) -> None:
    states = walk(js, [WELCOME, event("begin"), event("goOn"), event("touch", touched=0)])
    assert [state["fault"] for state in states[2:]] == [None, {"fault": "none", "chosen": 0}, None]


def test_a_ballot_that_was_opened_elsewhere_leads_back_to_the_choices(js: Node) -> None:
    assert walk(js, [*WAYS["casting"], event("spoiled")])[-1]["view"] == "review"
    resumed = [event("resume", ballot=BALLOT), event("spoiled")]
    assert walk(js, resumed)[-1]["stop"]["reason"] == "spoiled"


def test_only_who_was_casting_is_told_that_nothing_was_cast(js: Node) -> None:
    stop = event("stop", reason="closed")
    assert walk(js, [*WAYS["casting"], stop])[-1]["stop"]["wasCasting"] is True
    assert walk(js, [stop])[-1]["stop"]["wasCasting"] is False
    assert walk(js, [event("stop", reason="paused", wasCasting=True)])[-1]["stop"]["wasCasting"] is True


def test_tries_are_counted_and_pauses_grow(js: Node) -> None:
    states = walk(js, [*WAYS["casting"], *[event("lose"), event("tryAgain")] * 6])
    pauses = [s["delivery"]["pause"] for s in states if s["view"] == "casting" and s["delivery"]["pause"]]
    assert pauses == [1, 2, 4, 8, 16, 30]
    assert states[-1]["delivery"]["tries"] == 6
    assert js.call("votePause", tries=1, wanted=7) == 7
    assert js.call("votePause", tries=6, wanted=0) == 30
    assert js.call("votePause", tries=1, wanted=86_400) == 300


@pytest.mark.parametrize(
    "rules,choice,touched,expected",
    [
        (ONE, None, 1, [1]),
        (ONE, [1], 2, [2]),
        (SOME, [2], 0, [0, 2]),
        (SOME, [0, 2], 0, [2]),
        (SOME, [0], "blank", "blank"),
        (SOME, "blank", 3, [3]),
        (SOME, "blank", "blank", None),
        (ONE, [1], "blank", None),
        (FREE, [1], "nothing", []),
    ],
)
def test_touching(js: Node, rules: Any, choice: Any, touched: Any, expected: Any) -> None:
    assert js.call("voteTouch", rules=rules, choice=choice, touched=touched) == expected


@pytest.mark.parametrize(
    "rules,choice,fault",
    [
        (ONE, None, "none"),
        (ONE, [], "none"),
        (ONE, [0], None),
        (ONE, "blank", "none"),
        (SOME, None, "none"),
        (SOME, [0, 1], None),
        (SOME, [0, 1, 2], "many"),
        (SOME, "blank", None),
        # Who chooses nothing says so, where a radio button can say it.
        (FREE, None, "none"),
        (FREE, [], None),
        ({**FREE, "maximum": 2}, None, None),
        ({**ONE, "minimum": 2, "maximum": 3}, [1], "few"),
    ],
)
def test_what_may_be_chosen(js: Node, rules: Any, choice: Any, fault: str | None) -> None:
    found = js.call("voteFault", rules=rules, choice=choice)
    assert (found and found["fault"]) == fault


@pytest.mark.parametrize(
    "status,body,meaning",
    [
        (201, {"tracker": "T"}, "done"),
        (200, {"tracker": "T"}, "done"),
        (200, None, "lost"),
        (0, None, "lost"),
        (204, {}, "lost"),
        (302, {}, "lost"),
        (500, {"code": "internal-error"}, "lost"),
        (503, {"code": "overloaded"}, "lost"),
        (408, {"code": "timeout"}, "lost"),
        (429, {"code": "slow-down"}, "lost"),
        # The page of a proxy or of a café's network is no refusal of ours.
        (403, None, "lost"),
        (404, {"error": "no"}, "lost"),
        (409, {"code": "already-voted"}, "already-voted"),
        (422, {"code": "bad-proof"}, "bad-proof"),
    ],
)
def test_what_an_answer_means(js: Node, status: int, body: Any, meaning: str) -> None:
    assert js.call("voteAnswer", status=status, body=body) == meaning


@pytest.mark.parametrize(
    "state,reason",
    [
        ("open", None),
        ("draft", "not-open"),
        ("roll-frozen", "not-open"),
        ("keys-ready", "not-open"),
        ("paused", "paused"),
        ("closed", "closed"),
        ("tallied", "closed"),
        ("certified", "closed"),
        ("cancelled", "cancelled"),
        ("untalliable", "untalliable"),
    ],
)
def test_where_an_election_stands(js: Node, state: str, reason: str | None) -> None:
    assert js.call("voteStop", state=state) == reason


@pytest.mark.parametrize(
    "text,expected",
    [
        ("CODE", {"credential": "CODE", "fingerprint": None}),
        (f"CODE.{'+' * 43}", {"credential": "CODE", "fingerprint": "+" * 43}),
        ("CODE.", None),
        (f"CODE.{'+' * 42}", None),
        (f"CODE.{'+' * 43}.more", None),
        (f"CODE.{'-' * 43}", None),
        ("", {"credential": "", "fingerprint": None}),
    ],
)
def test_a_link_names_code_and_fingerprint(js: Node, text: str, expected: Any) -> None:
    """Whoever can cut a link's fingerprint off by half must not thereby switch the comparison off."""
    assert js.call("voteFragment", text=text) == expected


def test_a_whole_link_may_be_typed(js: Node) -> None:
    assert js.call("voteTyped", text=" https://vote.example/elections/U/vote?lang=es#AB CD ") == "AB CD"
    assert js.call("voteTyped", text="AB-CD") == "AB-CD"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[]",
        "null",
        "5",
        '{"version":2,"kept":{"credential":"C","tracker":"T","text":"x"}}',
        '{"version":1,"kept":{"credential":"C","tracker":5,"text":"x"}}',
        '{"version":1,"sending":{"credential":"C","tracker":"T","text":"x","after":"T"}}',
        '{"version":1,"sending":{"credential":"C","tracker":"T","text":"x","after":[5]}}',
        '{"version":1,"sending":"x"}',
    ],
)
def test_what_others_stored_is_nothing(js: Node, text: str | None) -> None:
    assert js.call("voteKept", text=text) == {"sending": None, "kept": None}


def test_what_was_kept_is_read(js: Node) -> None:
    part = '{"credential":"C","tracker":"T","text":"x"}'
    read = {"credential": "C", "tracker": "T", "text": "x"}
    assert js.call("voteKept", text=f'{{"version":1,"sending":{part}}}') == {"sending": read, "kept": None}
    assert js.call("voteKept", text=f'{{"version":1,"kept":{part}}}') == {"sending": None, "kept": read}
    later = part.replace('"x"', '"x","after":["T0"]')
    read_later = {**read, "after": ["T0"]}
    assert js.call("voteKept", text=f'{{"version":1,"sending":{later}}}')["sending"] == read_later
