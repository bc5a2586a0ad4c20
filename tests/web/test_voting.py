"""The booth without a browser: what may follow what, what is kept, and what is said of which answer."""

import json
from typing import Any

import pytest

from crypto.presentation import choose_language
from tests.web.node import JsError, Node

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
    "overtaken": {"tracker": "T2", "unsent": "T"},
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


def test_nothing_is_said_of_a_ballot_of_which_no_event_says_it(js: Node) -> None:
    """That nothing was cast is said where it is certain, and so never by default."""
    assert walk(js, [*WAYS["casting"], event("stop", reason="closed")])[-1]["stop"]["fate"] is None
    certain = event("stop", reason="closed", fate="not-cast", hasVoted=True, tracker="T2", unsent="T")
    state = walk(js, [*WAYS["casting"], certain])[-1]
    assert state["stop"] == {"reason": "closed", "fate": "not-cast", "detail": "", "hasVoted": True}
    assert (state["tracker"], state["unsent"]) == ("T2", "T")


@pytest.mark.parametrize("view", WAYS)
def test_what_cannot_be_shown_ends_in_words_from_every_view(js: Node, view: str) -> None:
    state = js.call("voteGiveUp", state=walk(js, WAYS[view])[-1])
    assert state["view"] == "stopped"
    assert state["stop"]["reason"] == "unreadable"
    # A ballot that is on its way may arrive nevertheless.
    assert state["stop"]["fate"] == ("unknown" if view == "casting" else None)
    assert walk(js, WAYS[view])[-1]["view"] == view


def test_a_ballot_that_was_overtaken_is_named_until_another_one_is_cast(js: Node) -> None:
    resumed = event("resume", ballot=BALLOT)
    overtaken = [resumed, event("overtaken", tracker="T2", unsent="T")]
    for found in (event("ask"), event("stop", reason="closed"), event("keep", receipt=RECEIPT)):
        state = walk(js, [*overtaken, found])[-1]
        assert (state["tracker"], state["unsent"]) == ("T2", "T")
    again = [*overtaken, event("welcome", rules=[FREE], tracker="T2")]
    assert walk(js, again)[-1]["unsent"] == "T"
    again += [event("begin"), event("touch", touched=0), event("goOn"), event("encrypt")]
    again += [event("encrypted", ballot={**BALLOT, "tracker": "T3"}), event("cast")]
    assert walk(js, [*again, event("delivered", receipt=RECEIPT)])[-1]["unsent"] is None


def test_a_receipt_that_nobody_has_claimed_is_not_called_the_readers(js: Node) -> None:
    assert walk(js, WAYS["receipt"])[-1]["isFound"] is False
    found = walk(js, [event("keep", receipt=RECEIPT, isFound=True)])
    assert found[-1]["isFound"] is True
    # And who then votes has a receipt of their own.
    assert (
        js.call("voteWalk", start=found[-1], events=[["reopen", {}], *WAYS["receipt"]])[-1]["isFound"]
        is False
    )


def test_a_final_vote_from_elsewhere_names_the_ballot_that_was_not_taken(js: Node) -> None:
    state = walk(js, [*WAYS["casting"], event("voted", tracker="T2", unsent="T")])[-1]
    assert (state["view"], state["tracker"], state["unsent"]) == ("voted", "T2", "T")


@pytest.mark.parametrize(
    "where", [event("ask", shelf=["T1", "T2"]), event("stop", reason="closed", shelf=["T1", "T2"])]
)
def test_receipts_of_several_voters_are_listed_until_they_are_removed_or_one_is_asked_for(
    js: Node, where: Event
) -> None:
    assert walk(js, [where])[-1]["shelf"] == ["T1", "T2"]
    assert walk(js, [where, event("removed")])[-1]["shelf"] == []
    assert walk(js, [where, event("reopen")])[-1] == walk(js, [])[-1]


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
    refused = part.replace('"x"', '"x","refused":true')
    assert js.call("voteKept", text=f'{{"version":1,"sending":{refused}}}')["sending"] == {
        **read,
        "refused": True,
    }


# --- the places of several voters -------------------------------------------------------------------------------------


def place(**parts: Any) -> str:
    return json.dumps({"version": 1, **parts}, separators=(",", ":"))


def part(voter: str, tracker: str, **more: Any) -> dict[str, Any]:
    return {"credential": voter, "tracker": tracker, "text": "x", **more}


def pending(voter: str, tracker: str, fingerprint: str = "F", **more: Any) -> dict[str, Any]:
    """A ballot on its way, as far as the booth reads it again."""
    text = json.dumps({"election_hash": fingerprint, "credential": voter})
    return {**part(voter, tracker, **more), "text": text}


def test_each_voter_has_a_place(js: Node) -> None:
    """The second one's ballot and receipt never replace the first one's."""
    found = js.call(
        "voteStore",
        items={"steward:U2:A": place(kept=part("A", "T9"))},
        calls=[
            ["write", "B", {"sending": part("B", "T2")}],
            ["write", "A", {"kept": part("A", "T1")}],
            ["readAll"],
            ["write", "B", {"sending": None, "kept": part("B", "T2")}],
            ["read", "A"],
            ["read", "B"],
            ["read", "C"],
        ],
    )
    nothing = {"sending": None, "kept": None}
    first = {**nothing, "kept": part("A", "T1")}
    both = [first, {**nothing, "sending": part("B", "T2")}]
    second = {**nothing, "kept": part("B", "T2")}
    assert found["results"] == [True, True, both, True, first, second, nothing]
    assert set(found["items"]) == {"steward:U2:A", "steward:U:A", "steward:U:B"}


def test_a_part_in_the_place_of_another_voter_is_nothing(js: Node) -> None:
    found = js.call("voteStore", items={"steward:U:A": place(kept=part("B", "T"))}, calls=[["read", "A"]])
    assert found["results"] == [{"sending": None, "kept": None}]


@pytest.mark.parametrize(
    "tracker,left", [("T1", {"A": ["sending"], "B": ["kept"]}), (None, {"A": ["sending"]}), ("T3", None)]
)
def test_receipts_are_removed_and_never_a_ballot_on_its_way(
    js: Node, tracker: str | None, left: dict[str, list[str]] | None
) -> None:
    items = {
        "steward:U:A": place(sending=part("A", "T3"), kept=part("A", "T1")),
        "steward:U:B": place(kept=part("B", "T2")),
    }
    found = js.call("voteStore", items=items, calls=[["removeReceipts", tracker]])["items"]
    kept = {key[-1]: sorted(set(json.loads(text)) - {"version"}) for key, text in found.items()}
    assert kept == (left or {"A": ["kept", "sending"], "B": ["kept"]})


OPENED = "steward-opened:U:A:T2"


def test_ballots_that_were_handed_over_are_remembered_for_their_voter(js: Node) -> None:
    """Also without storage, as long as the page is there; and until the voter's receipt is removed."""
    asked = [["hasOpened", voter, tracker] for voter, tracker in (("A", "T2"), ("A", "T1"), ("B", "T2"))]
    for items in ({}, None):
        found = js.call("voteStore", items=items, calls=[["noteOpened", "A", "T2"], *asked, ["readAll"]])
        assert found["results"] == [None, True, False, False, []]
    found = js.call("voteStore", items={OPENED: ""}, calls=[*asked, ["hasOpened", "A", None]])
    assert found["results"] == [True, False, False, False]
    others = {"steward-opened:U:AB:T2": "", "steward-opened:U2:A:T2": ""}
    receipts = {f"steward:U:{voter}": place(kept=part(voter, f"T-{voter}")) for voter in ("A", "B")}
    found = js.call("voteStore", items={OPENED: "", **others, **receipts}, calls=[["removeReceipts", "T-A"]])
    assert set(found["items"]) == {*others, "steward:U:B"}
    # Who has not voted yet may still need it.
    found = js.call("voteStore", items={OPENED: "", **others}, calls=[["removeReceipts", None]])
    assert set(found["items"]) == {OPENED, *others}


def test_what_an_earlier_version_kept_moves_to_its_voters(js: Node) -> None:
    old = place(sending=part("B", "T2", after=["T0"]), kept=part("A", "T1"))
    found = js.call("voteStore", items={"steward:U": old}, calls=[["moveFromOldPlace"], ["moveFromOldPlace"]])
    assert found["items"] == {
        "steward:U:A": place(kept=part("A", "T1")),
        "steward:U:B": place(sending=part("B", "T2", after=["T0"])),
    }
    # What is in a place of its own is the later one.
    items = {"steward:U": place(kept=part("A", "T1")), "steward:U:A": place(kept=part("A", "T5"))}
    found = js.call("voteStore", items=items, calls=[["moveFromOldPlace"]])
    assert found["items"] == {"steward:U:A": place(kept=part("A", "T5"))}


def test_without_storage_nothing_is_kept_and_nothing_breaks(js: Node) -> None:
    calls = [
        ["moveFromOldPlace"],
        ["readAll"],
        ["read", "A"],
        ["write", "A", {"kept": part("A", "T")}],
        ["removeReceipts", None],
    ]
    found = js.call("voteStore", items=None, calls=calls)
    assert found["results"] == [None, [], {"sending": None, "kept": None}, False, None]


@pytest.mark.parametrize(
    "visitor,expected",
    [
        ({"voter": "B"}, "T2"),
        ({"voter": "C"}, None),
        # Nobody knows who reads: neither the first one's nor the second one's is called "yours".
        ({}, None),
        ({"picked": "T1"}, "T1"),
        ({"picked": "T9"}, None),
    ],
)
def test_whose_receipt_is_shown(js: Node, visitor: dict[str, str], expected: str | None) -> None:
    nobody = {"voter": "", "isAnother": False, "picked": None}
    both = [part("A", "T1"), part("B", "T2")]
    assert js.call("voteReceipt", receipts=both, visitor={**nobody, **visitor}) == expected


def test_the_only_receipt_is_shown_until_somebody_wants_to_vote_with_another_code(js: Node) -> None:
    nobody = {"voter": "", "isAnother": False, "picked": None}
    assert js.call("voteReceipt", receipts=[part("A", "T1")], visitor=nobody) == "T1"
    assert js.call("voteReceipt", receipts=[part("A", "T1")], visitor={**nobody, "isAnother": True}) is None


# --- the election's own words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "languages,wanted,chosen",
    [
        (["en", "es"], "es", "es"),
        (["en", "es"], "fr", "en"),
        # A country's Spanish is Spanish, whichever of the two sides names the country.
        (["es-ES"], "es", "es-ES"),
        (["en", "es-MX"], "es", "es-MX"),
        (["en", "es"], "es-MX", "es"),
        (["en", "es-AR"], "es-MX", "es-AR"),
        (["zh-Hant-TW", "en"], "zh", "zh-Hant-TW"),
        # The very one that is wanted, then the election's own, then the first.
        (["es-ES", "es", "es-MX"], "es-MX", "es-MX"),
        (["es-MX", "es"], "es", "es"),
        (["es-ES", "en", "es-MX"], "es", "es-ES"),
        (["en", "es-AR", "es-MX"], "es", "es-AR"),
        # Another language that begins alike is another language.
        (["en", "est"], "es", "en"),
        ([""], "es", ""),
        ([""], "", ""),
    ],
)
def test_a_reader_gets_the_election_in_the_nearest_language(
    js: Node, languages: list[str], wanted: str, chosen: str
) -> None:
    assert choose_language(languages, wanted) == chosen
    assert js.call("voteTexts", languages=languages, wanted=wanted) == chosen


# --- what the server answers ----------------------------------------------------------------------------------------

STATUS: dict[str, Any] = {
    "uuid": "U",
    "group": "Ed25519",
    "state": "open",
    "service_key": "K",
    "revoting": False,
    "credential_mode": "registrar",
    "time_zone": "Europe/Madrid",
    "closes_at": "2027-01-01T18:00:00Z",
    "closed_at": None,
    "trustees": {"singles": 0, "threshold": {"size": 3, "threshold": 2}},
    "box": {"state": "voting"},
}
MALFORMED: list[tuple[str, Any]] = [
    ("uuid", 5),
    ("group", None),
    ("state", ["open"]),
    ("service_key", None),
    ("revoting", "no"),
    ("time_zone", None),
    ("time_zone", {}),
    ("closes_at", None),
    ("closes_at", "soon"),
    ("closes_at", 5),
    ("closed_at", ""),
    ("box", None),
    ("box", {}),
]


def test_a_status_is_read(js: Node) -> None:
    for change in (
        {},
        {"closed_at": "2027-01-01T18:00:00Z"},
        # What is not read from it may be anything.
        {"trustees": None, "credential_mode": 5},
    ):
        assert js.call("voteStatus", value={**STATUS, **change}) == {**STATUS, **change}


@pytest.mark.parametrize(
    "value", [None, [], "open", 5, *({**STATUS, name: value} for name, value in MALFORMED)]
)
def test_a_status_that_is_none_is_refused(js: Node, value: Any) -> None:
    with pytest.raises(JsError, match="status: "):
        js.call("voteStatus", value=value)
    said = js.call("voteOpening", answers={**ANSWERS, "status": [200, json.dumps(value)]})
    assert (said["type"], said["reason"]) == ("stop", "unreadable")
    assert said["detail"].startswith("status: ")


ANSWERS: dict[str, Any] = {
    "status": [200, json.dumps(STATUS)],
    "election": [200, "{}"],
    "trustees": [200, "[]"],
    "credentials/lookup": [200, '{"listed":true,"tracker":null}'],
}


@pytest.mark.parametrize(
    "value", [None, [], {}, {"listed": 1, "tracker": None}, {"listed": True, "tracker": "T"}]
)
def test_a_lookup_that_is_none_is_refused(js: Node, value: Any) -> None:
    with pytest.raises(JsError, match="lookup"):
        js.call("voteStanding", value=value)
    tracker = "+" * 43
    assert (
        js.call("voteStanding", value={"listed": True, "tracker": tracker, "more": 1})["tracker"] == tracker
    )


def test_an_election_that_answers_is_asked_for_the_code(js: Node) -> None:
    assert js.call("voteOpening", answers=ANSWERS) == {"type": "ask", "shelf": []}


@pytest.mark.parametrize(
    "name,answer,reason",
    [
        ("status", [200, "<html>Sign in to our network</html>"], "unreadable"),
        ("status", [200, ""], "unreadable"),
        ("status", [500, "{}"], "unreachable"),
        ("election", [404, "<html>"], "unreachable"),
        ("election", [404, '{"code":"unknown-election"}'], "unreachable"),
        ("trustees", [409, '{"code":"not-set-up"}'], "not-set-up"),
        ("status", [404, '{"code":5}'], "unreachable"),
    ],
)
def test_every_answer_at_the_opening_ends_in_words(
    js: Node, name: str, answer: list[Any], reason: str
) -> None:
    said = js.call("voteOpening", answers={**ANSWERS, name: answer})
    assert (said["type"], said["reason"], said["fate"]) == ("stop", reason, None)
    # "Nothing was sent" is not said where a ballot is on its way.
    kept = {"steward:U:A": place(sending=pending("A", "T1"))}
    said = js.call("voteOpening", answers={**ANSWERS, name: answer}, kept=kept)
    assert said["fate"] == (None if reason == "not-set-up" else "unknown")


def test_receipts_of_several_voters_are_offered_in_an_order_that_tells_nothing(js: Node) -> None:
    kept = {f"steward:U:{voter}": place(kept=part(voter, f"T{9 - n}")) for n, voter in enumerate("CAB")}
    assert js.call("voteOpening", answers=ANSWERS, kept=kept) == {"type": "ask", "shelf": ["T7", "T8", "T9"]}
    closed = [200, json.dumps({**STATUS, "state": "closed"})]
    said = js.call("voteOpening", answers={**ANSWERS, "status": closed}, kept=kept)
    assert (said["reason"], said["shelf"]) == ("closed", ["T7", "T8", "T9"])


@pytest.mark.parametrize("code", ["CODE", ""])
@pytest.mark.parametrize(
    "last,with_code,without",
    [
        # The one that this device has a receipt for.
        ("1", "welcome", "keep"),
        # A later one, cast from elsewhere.
        ("2", "welcome", "keep"),
        # The one that it has replaced, and nothing at all: the server has dropped a ballot that it signed for.
        ("0", "contradiction", "contradiction"),
        (None, "contradiction", "contradiction"),
    ],
)
def test_where_one_may_vote_again_a_dropped_last_vote_is_noticed(
    js: Node, code: str, last: str | None, with_code: str, without: str
) -> None:
    answers = {
        **ANSWERS,
        "status": [200, json.dumps({**STATUS, "state": "open", "revoting": True})],
        "credentials/lookup": [200, json.dumps({"listed": True, "tracker": last and last * 43})],
    }
    kept = {"steward:U:A": place(kept=part("A", "1" * 43, after=["9" * 43, "0" * 43]))}
    said = js.call("voteOpening", answers=answers, kept=kept, code=code, revotes=True)
    assert said.get("reason", said["type"]) == (with_code if code else without)
    if "reason" in said:
        assert said["receipt"]["text"] == "x"


@pytest.mark.parametrize("answer", [[400, '{"code":"malformed"}'], [429, '{"code":"slow-down"}']])
def test_a_server_that_refuses_to_look_makes_nobody_forget_a_ballot(js: Node, answer: list[Any]) -> None:
    """It may have taken the ballot and lost the answer on purpose; only what this program never wrote is removed."""
    answers = {
        **ANSWERS,
        "status": [200, json.dumps({**STATUS, "state": "open"})],
        "credentials/lookup": answer,
    }
    kept = {"steward:U:A": place(sending=pending("A", "T1"))}
    said = js.call("voteOpening", answers=answers, kept=kept, code="CODE", wants_kept=True)
    assert (said["reason"], said["fate"], said["kept"]) == ("unreachable", "unknown", kept)
    for strange in (part("A", "T1"), {**pending("B", "T1"), "credential": "A"}):
        items = {"steward:U:A": place(sending=strange)}
        said = js.call("voteOpening", answers=answers, kept=items, code="CODE", wants_kept=True)
        assert (said["reason"], said["fate"], said["kept"]) == ("unreachable", None, {})


@pytest.mark.parametrize("state", ["open", "paused"])
def test_a_ballot_on_its_way_knows_its_election(js: Node, state: str) -> None:
    """Where no link names the fingerprint, a server could show other data, whose key signs a receipt for nothing."""
    answers = {**ANSWERS, "status": [200, json.dumps({**STATUS, "state": state})]}
    own = {"steward:U:A": place(sending=pending("A", "T1", "G"))}
    for code in ("", "CODE"):
        said = js.call("voteOpening", answers=answers, kept=own, code=code)
        assert (said["type"], said["reason"], said["fate"], said["unsent"]) == (
            "stop",
            "other-data",
            "unknown",
            "T1",
        )
    # Another voter's, too, is a reason not to believe what nothing else vouches for.
    other = {"steward:U:B": place(sending=pending("B", "T2", "G"))}
    said = js.call("voteOpening", answers=answers, kept=other, code="CODE")
    assert (said["reason"], said["fate"], said.get("unsent"), said.get("others")) == (
        "other-data",
        None,
        None,
        None,
    )
    # Whose link names these data goes on; that ballot is not sent under a key that is not its own.
    said = js.call("voteOpening", answers=answers, kept=other, code="CODE", named="F")
    assert (said.get("reason") in (None, "paused"), said.get("others")) == (True, None)
    same = {"steward:U:B": place(sending=pending("B", "T2", "F"))}
    said = js.call("voteOpening", answers=answers, kept=same, code="CODE")
    assert said.get("others") == (["T2"] if state == "open" else None)


@pytest.mark.parametrize("state", ["open", "paused", "closed"])
@pytest.mark.parametrize("revotes", [True, False])
@pytest.mark.parametrize("kept", [{}, {"kept": part("A", "1" * 43)}, {"sending": pending("A", "3" * 43)}])
def test_a_ballot_that_was_opened_here_and_is_in_the_box_is_the_servers_doing(
    js: Node, state: str, revotes: bool, kept: dict[str, Any]
) -> None:
    """Nobody calls it the voter's own, one that may be replaced, or one from another phone."""
    answers = {
        **ANSWERS,
        "status": [200, json.dumps({**STATUS, "state": state, "revoting": revotes})],
        "credentials/lookup": [200, json.dumps({"listed": True, "tracker": "2" * 43})],
    }
    items = {f"steward-opened:U:A:{'2' * 43}": "", **({"steward:U:A": place(**kept)} if kept else {})}
    said = js.call("voteOpening", answers=answers, kept=items, code="CODE", revotes=revotes)
    assert (said["type"], said["reason"], said["tracker"]) == ("stop", "opened", "2" * 43)
    # What the voter did cast can still be proved, and what was on its way is named.
    assert (said.get("receipt") or {}).get("tracker") == ("1" * 43 if "kept" in kept else None)
    assert (said.get("unsent"), said.get("fate")) == (
        ("3" * 43, "unknown") if "sending" in kept else (None, None)
    )


@pytest.mark.parametrize(
    "standing,refused,fate",
    [("null", {}, "unknown"), ("null", {"refused": True}, "not-cast"), (f'"{"+" * 43}"', {}, None)],
)
def test_in_a_pause_only_what_is_certain_is_said_of_a_ballot(
    js: Node, standing: str, refused: dict[str, bool], fate: str | None
) -> None:
    """A ballot that had arrived before the pause is still put into the box."""
    answers = {
        **ANSWERS,
        "status": [200, json.dumps({**STATUS, "state": "paused"})],
        "credentials/lookup": [200, f'{{"listed":true,"tracker":{standing}}}'],
    }
    kept = {"steward:U:A": place(sending=pending("A", "T1", **refused))}
    said = js.call("voteOpening", answers=answers, kept=kept)
    # With a ballot in the box it is for the next try to bring its receipt, or to say which one counts.
    assert said.get("fate") == fate
    assert said["type"] == ("stop" if fate else "resume")


def test_a_zone_that_an_old_phone_does_not_know_keeps_nobody_from_voting(js: Node) -> None:
    def say(zone: str) -> str:
        return " ".join(js.call("moment", moment="2027-01-01T18:00:00Z", zone=zone).split())

    assert say("Europe/Madrid") == "Friday, January 1, 2027 at 7:00 PM (Central European Standard Time)"
    for zone in ("Mars/Olympus", "", "Europe/Madrid; x"):
        assert say(zone) == "Friday, January 1, 2027 at 6:00 PM (Coordinated Universal Time)"
    own = [js.call("ownMoment", moment="2027-01-01T18:00:00Z", zone=zone) for zone in ("Mars/Olympus", "UTC")]
    assert own[0] == own[1]


# --- the way of a ballot into the box --------------------------------------------------------------------------------

OWN = part("A", "T1", after=["T0"])
DONE = [201, {"receipt": {}}]
LOST = [0, None]


def refusal(code: str) -> list[Any]:
    return [409, {"code": code}]


def bring(js: Node, **how: Any) -> Any:
    usual = {
        "part": OWN,
        "isNew": False,
        "revotes": False,
        "posts": [DONE],
        "standings": [None],
        "states": [["open", "voting"]],
    }
    return js.call("voteDeliver", **{**usual, **how})


def test_the_same_bytes_are_sent_until_there_is_a_receipt(js: Node) -> None:
    found = bring(js, isNew=True, posts=[LOST, LOST, DONE])
    assert found["event"] == {
        "type": "delivered",
        "receipt": {"text": "{}", "tracker": "T1", "height": 7, "isKept": True},
    }
    assert found["tries"] == 2
    kept = {"sending": None, "kept": {"credential": "A", "tracker": "T1", "text": "{}", "after": ["T0"]}}
    assert found["log"] == [["post", "x"]] * 3 + [["keep", kept]]


def test_a_receipt_remembers_what_its_ballot_has_replaced(js: Node) -> None:
    found = bring(js, isNew=True, revotes=True)
    assert found["log"][-1][1]["kept"]["after"] == ["T0"]


def test_an_answer_that_decides_nothing_is_no_lost_connection(js: Node) -> None:
    """The time is over, and the box, which may still take what came in time, has not ended."""
    found = bring(
        js,
        isNew=True,
        posts=[LOST, refusal("closed"), refusal("closed")],
        states=[["closed", "voting"], ["closed", "ended"]],
    )
    assert found["answered"] == [False, True]
    waiting = [*WAYS["casting"], event("lose", isAnswered=True), event("lose", isAnswered=False)]
    assert [state["delivery"]["isAnswered"] for state in walk(js, waiting)[-2:]] == [True, False]
    assert [js.call("voteLoss", state=state) for state in walk(js, waiting)[-2:]] == [
        "The server has not confirmed your ballot yet.",
        "There is no connection to the server at the moment.",
    ]


def test_a_receipt_that_could_not_be_verified_is_fetched_again(js: Node) -> None:
    """A Worker that ended says nothing about the receipt: the server is accused of what it has done only."""
    assert bring(js, receipts=["WorkerFailed", "Closed", "good"])["event"]["type"] == "delivered"
    found = bring(js, receipts=["RejectedError"])
    assert (found["event"]["type"], found["event"]["reason"]) == ("stop", "bad-receipt")
    assert [entry for entry in found["log"] if entry[0] == "keep"] == []


def test_a_final_vote_from_another_device_is_the_end_of_this_one(js: Node) -> None:
    told = {"type": "voted", "tracker": "T2", "unsent": "T1"}
    for is_new in (True, False):
        found = bring(js, isNew=is_new, posts=[refusal("already-voted")], standings=["T2"])
        assert found["event"] == told
        assert found["log"][-1] == ["keep", {"sending": None}]
    # In a pause, and after the closing, too.
    for code, state in (("not-open", "paused"), ("closed", "closed")):
        found = bring(js, posts=[refusal(code)], standings=["T2"], states=[[state, "ended"]])
        assert found["event"] == told


def test_a_ballot_that_was_opened_here_is_no_vote_from_another_device(js: Node) -> None:
    """A server that casts what it was only shown is named, where the voter's own ballot is refused for it."""
    forged = {"type": "stop", "reason": "opened", "tracker": "T2", "unsent": "T1"}
    lie: dict[str, Any] = {"opened": [["A", "T2"]], "standings": ["T2"]}
    found = bring(js, isNew=True, posts=[refusal("already-voted")], **lie)
    assert found["event"] == {**forged, "detail": "already-voted", "fate": "not-cast"}
    assert found["log"][-1] == ["keep", {"sending": None}]
    # It is neither a later ballot of the voter's, to which this one gives way: what they cast is kept.
    found = bring(js, revotes=True, **lie)
    assert (found["event"], found["log"]) == ({**forged, "fate": "unknown"}, [["settle"]])
    closed: dict[str, Any] = {"posts": [refusal("not-open")], "states": [["paused", "voting"]]}
    found = bring(
        js,
        revotes=True,
        posts=[LOST, refusal("not-open")],
        states=[["paused", "voting"]],
        opened=lie["opened"],
        standings=[None, "T2"],
    )
    assert found["event"]["fate"] == "unknown"
    assert ["keep", {"sending": None}] not in found["log"]
    found = bring(js, isNew=True, revotes=True, **lie, **closed)
    assert found["event"]["fate"] == "not-cast"
    # Another voter's check on the same device accuses nobody.
    found = bring(js, isNew=True, posts=[refusal("already-voted")], standings=["T2"], opened=[["B", "T2"]])
    assert found["event"]["type"] == "voted"


def test_where_one_may_vote_again_a_later_ballot_is_not_replaced(js: Node) -> None:
    found = bring(js, revotes=True, standings=["T2"])
    assert found["event"] == {"type": "overtaken", "tracker": "T2", "unsent": "T1"}
    assert found["log"] == [["settle"], ["keep", {"sending": None}]]
    # An earlier one is, and so is nothing.
    for earlier in (None, "T0"):
        assert bring(js, revotes=True, standings=[earlier])["event"]["type"] == "delivered"
    # It was this one that came into the box meanwhile.
    assert bring(js, revotes=True, standings=["T2", "T1"])["event"]["type"] == "delivered"
    # Where nobody can tell, nothing is sent.
    found = bring(js, revotes=True, standings=["away", "away", "T2"])
    assert found["event"]["type"] == "overtaken"
    assert ["post", "x"] not in found["log"]


def test_in_a_pause_what_was_refused_at_once_was_not_cast(js: Node) -> None:
    pause = {"posts": [refusal("not-open")], "states": [["paused", "voting"]]}
    found = bring(js, isNew=True, **pause)
    told = {"type": "stop", "reason": "paused", "tracker": None, "hasVoted": False, "unsent": "T1"}
    assert found["event"] == {**told, "fate": "not-cast"}
    assert found["log"][-1] == ["keep", {"sending": {**OWN, "refused": True}}]
    # What was sent before may have arrived before the pause.
    found = bring(js, **pause)
    assert found["event"] == {**told, "fate": "unknown"}
    assert found["log"] == [["post", "x"], ["settle"]]
    # So also after an answer that was lost.
    found = bring(js, isNew=True, **{**pause, "posts": [LOST, refusal("not-open")]})
    assert found["event"]["fate"] == "unknown"


def test_a_ballot_that_was_refused_in_a_pause_is_doubtful_as_soon_as_it_is_sent_again(js: Node) -> None:
    refused = {**OWN, "refused": True}
    found = bring(js, part=refused, posts=[LOST, refusal("not-open")], states=[["paused", "voting"]])
    assert found["log"][:2] == [["keep", {"sending": OWN}], ["post", "x"]]
    assert found["event"]["fate"] == "unknown"
    found = bring(js, part=refused, posts=[refusal("not-open")], states=[["paused", "voting"]])
    assert found["event"]["fate"] == "not-cast"


def test_a_pause_that_is_over_by_now_is_none(js: Node) -> None:
    assert bring(js, isNew=True, posts=[refusal("not-open"), DONE])["event"]["type"] == "delivered"


def test_after_the_closing_the_box_decides(js: Node) -> None:
    late = {
        "posts": [refusal("closed")],
        "states": [["closed", "voting"], ["closed", "voting"], ["closed", "ended"]],
    }
    told = {"type": "stop", "reason": "closed", "detail": "closed", "fate": "not-cast", "unsent": "T1"}
    found = bring(js, **late)
    assert found["tries"] == 2
    assert found["event"] == {**told, "tracker": None, "hasVoted": False}
    assert found["log"][-1] == ["keep", {"sending": None}]
    # One that was never sent before needs no waiting. An earlier ballot of the voter's still counts.
    found = bring(js, isNew=True, revotes=True, standings=["T0"], **late)
    assert found["tries"] == 0
    assert found["event"] == {**told, "tracker": "T0", "hasVoted": True}
    # Whatever the refusal says: it is in the box.
    assert (
        bring(js, standings=["T1"], posts=[refusal("closed"), DONE], states=[["closed", "ended"]])["event"][
            "type"
        ]
        == "delivered"
    )


def test_a_closing_in_a_pause_that_may_be_extended_keeps_the_ballot(js: Node) -> None:
    found = bring(js, isNew=True, posts=[refusal("closed")], states=[["paused", "voting"]])
    assert (found["event"]["reason"], found["event"]["fate"]) == ("paused", "not-cast")
    assert found["log"][-1][1]["sending"]["refused"] is True


def test_a_cancelled_election_forgets_the_ballot(js: Node) -> None:
    found = bring(js, posts=[refusal("not-open")], states=[["cancelled", "voting"]])
    assert (found["event"]["reason"], found["event"]["fate"]) == ("cancelled", "not-cast")
    assert found["log"][-1] == ["keep", {"sending": None}]


def test_a_ballot_that_was_opened_is_forgotten(js: Node) -> None:
    found = bring(js, posts=[refusal("challenged")])
    assert found["event"] == {"type": "spoiled"}
    assert found["log"][-1] == ["keep", {"sending": None}]


def test_a_server_that_calls_votes_final_where_they_are_not_is_not_repeated(js: Node) -> None:
    found = bring(js, isNew=True, revotes=True, posts=[refusal("already-voted")], standings=["T0"])
    assert (found["event"]["type"], found["event"]["reason"]) == ("stop", "refused")


def test_while_nobody_answers_nothing_is_called_lost(js: Node) -> None:
    """Neither a lookup without an answer nor a status that cannot be read decides about a ballot."""
    found = bring(js, posts=[refusal("bad-proof"), refusal("bad-proof"), DONE], standings=["away"])
    assert found["event"]["type"] == "delivered"
    pause = {"posts": [refusal("not-open"), DONE], "states": [["away", ""]]}
    for is_new in (True, False):
        found = bring(js, isNew=is_new, **pause)
        assert found["event"]["type"] == "delivered"
        assert ["keep", {"sending": None}] not in found["log"]


def test_chance_decides_which_answer_is_first(js: Node) -> None:
    """Equally often each, where the election data say so; the others follow in their order, round the end."""
    found = js.call("voteOrders", answers=[5, 3], orders=["rotated", "fixed"], voters=2000)
    first = [firsts[0] for firsts in found["firsts"]]
    # Of 400 expected each; 6 standard deviations away is no chance any more.
    assert all(290 < first.count(place) < 510 for place in range(5))
    assert {firsts[1] for firsts in found["firsts"]} == {0}
    assert found["order"][0] == [(place + first[0]) % 5 for place in range(5)]
    assert found["order"][1] == [0, 1, 2]
    alone = js.call("voteOrders", answers=[2], orders=None, voters=20)
    assert {firsts[0] for firsts in alone["firsts"]} == {0}
