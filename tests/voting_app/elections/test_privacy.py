"""The privacy check: its arithmetic against all votes one by one, its findings, and the opening that it refuses."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product
from math import ceil
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.questions import HomomorphicQuestion
from tests.voting_app.api import ROLL, Api, Run
from tests.voting_app.conftest import make_settings
from tests.voting_app.test_cli import Terminal
from voting_app.app import create_app
from voting_app.config import SettingsError, load_settings
from voting_app.context import Context
from voting_app.elections import weights as arithmetic
from voting_app.elections.privacy import (
    Facts,
    Finding,
    Severity,
    Thresholds,
    chance_of_one_mind,
    check_privacy,
)
from voting_app.elections.privacy_words import describe_finding
from voting_app.elections.weights import find_chances, find_readable
from voting_app.languages import LANGUAGES

YES_NO = HomomorphicQuestion(("Yes", "No"), 1, 1, "Shall we?")
WITH_BLANK = HomomorphicQuestion(("Yes", "No"), 1, 1, "Shall we?", blank=True)
UP_TO_TWO = HomomorphicQuestion(("A", "B", "C"), 0, 2, "Who?")
# Weights of no order, too many and too large to try all sums.
INCOMPUTABLE = {pow(7, n, 10**14 + 31): 1 for n in range(101, 124)}
few_weights = st.lists(st.integers(1, 12), min_size=2, max_size=6)


def facts(*weights: int, **changes: object) -> Facts:
    """A sound election of members with these weights."""
    values: dict[str, object] = {
        "weights": Counter(weights),
        "unit_sizes": (),
        "questions": (YES_NO,),
        "trustees_needed": 2,
        "server_issues": False,
        **changes,
    }
    return Facts(**values)  # type: ignore[arg-type]


def find(what: Facts, **changes: int) -> dict[str, Finding]:
    """The findings by their code."""
    found = check_privacy(what, Thresholds(**changes))  # type: ignore[arg-type]
    assert len({finding.code for finding in found}) == len(found)
    return {finding.code: finding for finding in found}


# --- weights: against every way to vote ----------------------------------------------------------------------


def list_votes(question: HomomorphicQuestion) -> list[tuple[int, ...]]:
    """Every permitted vote, as its noughts and ones."""
    chosen = [
        (*([0] * question.blank), *(int(i in picked) for i in range(len(question.answers))))
        for size in range(question.minimum, question.maximum + 1)
        for picked in combinations(range(len(question.answers)), size)
    ]
    return chosen + ([(1, *([0] * len(question.answers)))] if question.blank else [])


def told_always(question: HomomorphicQuestion, weights: list[int]) -> set[int]:
    """The members (by place) whose vote every result tells, by trying all ways to vote."""
    seen: dict[tuple[int, ...], list[set[tuple[int, ...]]]] = {}
    for votes in product(list_votes(question), repeat=len(weights)):
        result = tuple(
            sum(weight * vote[choice] for weight, vote in zip(weights, votes, strict=True))
            for choice in range(question.choice_count)
        )
        possible = seen.setdefault(result, [set() for _ in weights])
        for place, vote in enumerate(votes):
            possible[place].add(vote)
    return {
        place for place in range(len(weights)) if all(len(possible[place]) == 1 for possible in seen.values())
    }


@given(weights=few_weights)
def test_a_weight_is_called_readable_exactly_if_every_result_tells_its_vote(weights: list[int]) -> None:
    readable = find_readable(Counter(weights))
    assert readable.unclear == ()
    assert sorted(weights[place] for place in told_always(YES_NO, weights)) == list(readable.always)


@settings(max_examples=15)
@given(
    weights=st.lists(st.integers(1, 7), min_size=2, max_size=4),
    question=st.sampled_from([WITH_BLANK, UP_TO_TWO]),
)
def test_how_a_question_is_made_makes_no_difference(
    weights: list[int], question: HomomorphicQuestion
) -> None:
    told = sorted(weights[place] for place in told_always(question, weights))
    assert told == list(find_readable(Counter(weights)).always)


@given(weights=few_weights, factor=st.integers(1, 10**6))
def test_only_the_proportions_of_weights_count(weights: list[int], factor: int) -> None:
    plain, scaled = find_readable(Counter(weights)), find_readable(Counter(w * factor for w in weights))
    assert scaled.always == tuple(weight * factor for weight in plain.always)
    chances = find_chances(Counter(weights), 70) or {}
    larger = find_chances(Counter(w * factor for w in weights), 70) or {}
    assert larger == {weight * factor: chance for weight, chance in chances.items()}
    assert chances


@given(weights=few_weights)
def test_who_has_more_than_all_others_together_is_always_readable(weights: list[int]) -> None:
    largest = sum(weights) + 1
    assert largest in find_readable(Counter([*weights, largest])).always


@given(weights=few_weights, extra=st.integers(1, 12))
def test_further_members_make_nobody_readable(weights: list[int], extra: int) -> None:
    before = set(find_readable(Counter(weights)).always)
    assert set(find_readable(Counter([*weights, extra])).always) - {extra} <= before


@given(weights=st.lists(st.integers(1, 40), min_size=2, max_size=9))
def test_all_ways_of_computing_agree(weights: list[int]) -> None:
    counts = Counter(weights)
    alone = sorted(weight for weight, count in counts.items() if count == 1)
    by_halves = {weight for weight in alone if arithmetic._is_made_by_halves(weight, counts)}
    assert set(arithmetic._find_made_by_bits(alone, counts, sum(weights)) if alone else ()) == by_halves
    assert {weight for weight in alone if arithmetic._is_made_of_two(weight, counts)} <= by_halves
    assert arithmetic._find_made_of_samples(alone, counts) <= by_halves
    assert set(alone) - by_halves == set(find_readable(counts).always)


@settings(max_examples=40)
@given(weights=st.lists(st.integers(1, 6), min_size=2, max_size=6), percent=st.integers(1, 99))
def test_a_chance_is_the_sum_over_all_ways_to_vote(weights: list[int], percent: int) -> None:
    chances = find_chances(Counter(weights), percent)
    ways = list(product((0, 1), repeat=len(weights)))
    possible: dict[int, list[set[int]]] = {}
    for votes in ways:
        result = sum(weight for weight, vote in zip(weights, votes, strict=True) if vote)
        for place, vote in enumerate(votes):
            possible.setdefault(result, [set() for _ in weights])[place].add(vote)
    expected = {}
    for place, weight in enumerate(weights):
        expected[weight] = sum(
            Fraction(percent, 100) ** sum(votes) * Fraction(100 - percent, 100) ** (len(votes) - sum(votes))
            for votes in ways
            if len(possible[sum(w for w, vote in zip(weights, votes, strict=True) if vote)][place]) == 1
        )
    assert chances == expected


@given(weights=few_weights, extra=st.integers(1, 12))
def test_with_a_further_voter_no_chance_grows(weights: list[int], extra: int) -> None:
    before, after = find_chances(Counter(weights), 80), find_chances(Counter([*weights, extra]), 80)
    assert before is not None
    assert after is not None
    assert all(after[weight] <= chance for weight, chance in before.items())


def test_equal_weights_are_told_only_where_all_agree() -> None:
    assert find_readable(Counter([7] * 30)) == arithmetic.Readable((), ())
    chances = find_chances(Counter([7] * 30), 80)
    assert chances == {7: Fraction(4, 5) ** 30 + Fraction(1, 5) ** 30}


@pytest.mark.parametrize(
    "counts,always,unclear",
    [
        # Each is more than all smaller ones together.
        ({3**n: 1 for n in range(30)}, [3**n for n in range(30)], 0),
        # All others are multiples of ten.
        ({10 * n: 1 for n in range(1, 400)} | {3: 1}, [3], 0),
        (dict.fromkeys(range(1, 2000), 1), [], 0),
        # Odd, so that no two make a third one.
        ({2 * n + 100_001: 1 for n in range(0, 3000, 50)}, [], 0),
        # Too many for one way and too large for the other: it is not guessed.
        (INCOMPUTABLE, [], 23),
    ],
)
def test_large_rolls_are_decided_or_called_unclear(
    counts: dict[int, int], always: list[int], unclear: int
) -> None:
    started = time.monotonic()
    readable = find_readable(counts)
    assert (list(readable.always), len(readable.unclear)) == (always, unclear)
    assert time.monotonic() - started < 20


def test_a_roll_that_is_too_large_for_the_chances_is_not_reckoned() -> None:
    assert find_chances(Counter(range(1, 1000)), 80) is None
    assert "weight-unique" in find(facts(*range(1, 1000)))


# --- members -------------------------------------------------------------------------------------------------


@given(members=st.integers(1, 6), turnout=st.integers(1, 100), majority=st.integers(50, 99))
def test_the_chance_of_one_mind_is_the_sum_over_all_turnouts_and_votes(
    members: int, turnout: int, majority: int
) -> None:
    # Of each member: stays away, votes for the leading answer, votes for another.
    t, p = Fraction(turnout, 100), Fraction(majority, 100)
    ways = {"away": 1 - t, "leading": t * p, "other": t * (1 - p)}
    expected = Fraction(0)
    for way in product(ways, repeat=members):
        if len(set(way) - {"away"}) == 1:
            chance = Fraction(1)
            for one in way:
                chance *= ways[one]
            expected += chance
    assert chance_of_one_mind(members, t, p) == expected


@given(members=st.integers(1, 10**6))
def test_for_many_members_the_chance_of_one_mind_is_never_called_smaller(members: int) -> None:
    half, most = Fraction(1, 2), Fraction(4, 5)
    bound = chance_of_one_mind(members, half, most)
    exact = chance_of_one_mind(min(members, 1500), half, most)
    assert 0 < bound <= 1
    if members >= 1500:
        assert bound <= exact


def test_a_single_member_blocks_and_two_are_warned() -> None:
    assert find(facts(1))["single-member"].severity is Severity.BLOCK
    assert find(facts(1), least_members=1)["single-member"].severity is Severity.WARN
    two = find(facts(1, 1))
    assert two["two-members"].severity is Severity.WARN
    assert not any(finding.severity is Severity.BLOCK for finding in two.values())
    assert find(facts())["no-members"].severity is Severity.BLOCK
    assert "two-members" not in find(facts(1, 1, 1))


def test_an_installation_may_ask_for_more_members() -> None:
    found = find(facts(*[1] * 9), least_members=10)["too-few-members"]
    assert (found.severity, found.values) == (Severity.BLOCK, {"members": 9, "least": 10})
    assert "too-few-members" not in find(facts(*[1] * 10), least_members=10)


def test_few_ballots_are_warned_of() -> None:
    found = find(facts(*[1] * 19))["few-ballots"]
    assert found.values == {"members": 19, "ballots": 9, "turnout": 50, "percent": 1}
    assert "few-ballots" not in find(facts(*[1] * 20))
    alone = find(facts(*[1] * 4))["few-ballots"].values["percent"]
    assert alone == ceil(100 * Fraction(4, 16)) == 25


def test_agreement_is_warned_of_by_its_chance_and_the_number_of_questions() -> None:
    assert find(facts(*[1] * 28))["one-mind"].values["percent"] == 6
    assert "one-mind" not in find(facts(*[1] * 29))
    three = find(facts(*[1] * 29, questions=(YES_NO, UP_TO_TWO, WITH_BLANK)))["one-mind"]
    assert (three.values["questions"], three.values["percent"]) == (3, 15)
    assert "one-mind" in find(facts(*[1] * 100), majority_percent=99)
    assert "one-mind" in find(facts(*[1] * 29), chance_percent=1)
    assert find(facts(*[1] * 5000), majority_percent=99, chance_percent=1) == {}


@given(members=st.integers(2, 60))
def test_more_members_bring_no_new_warning(members: int) -> None:
    assert set(find(facts(*[1] * (members + 1)))) <= set(find(facts(*[1] * members)))


def test_a_large_election_has_no_finding() -> None:
    started = time.monotonic()
    assert find(facts(weights={1: 1_000_000}, unit_sizes=(400_000, 600_000))) == {}
    assert time.monotonic() - started < 5


def test_questions_without_a_choice_tell_nothing() -> None:
    nothing = [
        HomomorphicQuestion(("Yes",), 1, 1, "Shall we?"),
        HomomorphicQuestion(("Yes", "No"), 0, 0, "Shall we?"),
    ]
    assert find(facts(1, questions=tuple(nothing))) == {}
    assert find(facts(*[1] * 30, questions=(YES_NO, *nothing))) == find(facts(*[1] * 30))
    for question in (WITH_BLANK, UP_TO_TWO, HomomorphicQuestion(("Yes",), 0, 1, "Shall we?")):
        assert "single-member" in find(facts(1, questions=(question,)))


def test_votes_for_nothing_can_be_seen_in_a_small_election() -> None:
    questions = (YES_NO, WITH_BLANK, UP_TO_TWO)
    found = find(facts(*[1] * 10, questions=questions))["blank-votes"]
    assert (found.severity, found.listed) == (Severity.NOTE, (2, 3))
    assert "blank-votes" not in find(facts(*[1] * 1000, questions=questions))
    assert "blank-votes" not in find(facts(*[1] * 10))


def test_small_units_are_noted_where_there_are_several() -> None:
    found = find(facts(*[1] * 100, unit_sizes=(1, 9, 10, 80)))["small-units"]
    assert (found.severity, found.values) == (Severity.NOTE, {"units": 2, "members": 1})
    assert "small-units" not in find(facts(*[1] * 100, unit_sizes=(100,)))
    assert "small-units" not in find(facts(*[1] * 100, unit_sizes=(50, 50)))


def test_trustees_and_registrar_are_told() -> None:
    found = find(facts(*[1] * 1000, trustees_needed=1, server_issues=True))
    assert {code: finding.severity for code, finding in found.items()} == {
        "one-trustee": Severity.WARN,
        "server-credentials": Severity.WARN,
    }


# --- weights as findings -------------------------------------------------------------------------------------


def test_a_readable_weight_blocks_unless_the_installation_only_warns() -> None:
    found = find(facts(9, 1, 1, 1, 1))
    assert (found["weight-readable"].severity, found["weight-readable"].listed) == (Severity.BLOCK, (9,))
    assert found["weight-unique"].listed == (9,)
    warned = find(facts(9, 1, 1, 1, 1), refuse_readable_weights=False)["weight-readable"]
    assert (warned.severity, warned.listed) == (Severity.WARN, (9,))
    assert "weight-readable" not in find(facts(4, 1, 1, 1, 1))


def test_a_weight_that_is_told_often_is_warned_of_with_its_chance() -> None:
    found = find(facts(5, 2, *[1] * 9))["weight-likely"]
    assert (found.severity, found.listed, found.values["members"]) == (Severity.WARN, (1, 2, 5), 11)
    assert found.values["percent"] == 75
    assert "weight-likely" not in find(facts(*range(1, 50)))


def test_what_cannot_be_computed_is_said() -> None:
    found = find(facts(weights=INCOMPUTABLE))["weight-unclear"]
    assert (found.severity, found.values, len(found.listed)) == (Severity.WARN, {"members": 23}, 23)


def test_equal_weights_are_as_none() -> None:
    assert find(facts(*[7] * 100)) == find(facts(*[1] * 100)) == {}


def test_the_gravest_comes_first() -> None:
    found = check_privacy(facts(9, 1, 1, questions=(WITH_BLANK,), trustees_needed=1), Thresholds())
    order = [list(Severity).index(finding.severity) for finding in found]
    assert order == sorted(order)
    assert {finding.severity for finding in found} == set(Severity)


# --- words ---------------------------------------------------------------------------------------------------


def every_finding() -> Iterator[Finding]:
    """Each code, with one and with several where it counts."""
    several = {"questions": (WITH_BLANK, UP_TO_TWO), "server_issues": True, "trustees_needed": 1}
    for what, changes in (
        (facts(), {}),
        (facts(1), {}),
        (facts(1, 1, 1), {"least_members": 5}),
        (facts(1, 1, questions=(WITH_BLANK,), unit_sizes=(1, 30)), {}),
        (facts(9, 1, 1, 1, 1, unit_sizes=(1, 4), **several), {}),
        (facts(16, 9, 1, 1, 1, 1, 1, **several), {}),
        (facts(5, 2, *[1] * 9), {}),
        (facts(weights=INCOMPUTABLE), {}),
        (facts(10, *range(20, 700, 20)), {}),
    ):
        yield from check_privacy(what, Thresholds(**changes))
    # The numbers that are hard to come by.
    yield Finding(Severity.WARN, "weight-unclear", {"members": 1}, (7,))
    yield Finding(Severity.WARN, "weight-likely", {"members": 1, "percent": 9, "majority": 80}, (7,))


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_finding_has_a_sentence_in_every_language(language: str) -> None:
    codes = set()
    for finding in every_finding():
        sentence = describe_finding(finding, language)
        assert sentence.endswith((".", ".)")), sentence
        assert "%" not in sentence, sentence
        numbers = set(re.findall("[0-9]+", sentence)) - {"100"}
        assert numbers <= {str(n) for n in (*finding.values.values(), *finding.listed)}, sentence
        if language != "en":
            assert sentence != describe_finding(finding), finding.code
        codes.add(finding.code)
    assert len(codes) == 14


def test_a_long_list_of_weights_is_cut_in_the_sentence() -> None:
    finding = Finding(Severity.WARN, "weight-unique", {"members": 12}, tuple(range(101, 113)))
    assert "(101, 102, 103, 104, 105, 106, 107, 108, 109, 110, …)" in describe_finding(finding)
    with pytest.raises(ValueError, match="no sentence"):
        describe_finding(Finding(Severity.NOTE, "else"))


# --- the interface -------------------------------------------------------------------------------------------


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    return Api(context, app.test_client())


def weighted(*weights: int) -> str:
    rows = "".join(f"Member {n},M{n},{weight}\n" for n, weight in enumerate(weights, 1))
    return f"name,member_number,weight\n{rows}"


def prepare(api: Api, roll: str, **changes: object) -> Run:
    """Everything up to the drill: only the opening is left."""
    return Run(api).create(**changes).freeze(roll).generate().seat().ceremony().ready().drill()


def test_the_report_says_who_is_counted_and_what_was_found(each_context: Context) -> None:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    run = Run(Api(each_context, app.test_client())).create()
    path = f"{run.base}/privacy"
    empty = run.api.get(path, role="committee")
    assert (empty["blocks"], empty["members"], empty["findings"][0]["code"]) == (True, 0, "no-members")
    roll = "name,member_number,unit,weight,standing\nA,1,East,9,\nB,2,East,1,\nC,3,,1,\nD,4,West,9,lapsed\n"
    run.committee("roll", roll)
    report = run.api.get(path, role="observer")
    assert {name: report[name] for name in report if name != "findings"} == {
        "blocks": True,
        "members": 3,
        "expected_ballots": 1,
        "turnout_percent": 50,
        "majority_percent": 80,
    }
    first, *others = report["findings"]
    assert first == {
        "severity": "block",
        "code": "weight-readable",
        "sentence": first["sentence"],
        "values": {"members": 1},
        "listed": [9],
    }
    assert {"one-trustee", "server-credentials", "blank-votes"} <= {finding["code"] for finding in others}
    answer = run.api.send("GET", path, role="committee")
    assert answer.headers["Cache-Control"] == "no-store"


def test_only_committee_and_observers_read_the_report(api: Api) -> None:
    run = Run(api).create()
    path = f"{run.base}/privacy"
    api.refuse(401, "not-authenticated", path, method="GET")
    api.refuse(403, "forbidden", path, method="GET", role="registrar")
    api.refuse(
        404, "unknown-election", "/api/v1/elections/Unknown1E1ection/privacy", method="GET", role="observer"
    )


@pytest.mark.parametrize(
    "roll,code", [(weighted(1), "single-member"), (weighted(5, 2, 1), "weight-readable")]
)
def test_an_election_whose_result_tells_a_vote_is_not_opened(api: Api, roll: str, code: str) -> None:
    run = prepare(api, roll)
    problem = api.refuse(409, "privacy-check", f"{run.base}/open", role="committee")
    assert problem["findings"] == [code]
    report = api.get(f"{run.base}/privacy", role="committee")
    assert report["blocks"] is True
    assert problem["detail"] == report["findings"][0]["sentence"]
    assert run.status()["state"] == "keys-ready"
    journal = api.send("GET", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").text
    assert not {"opened", "booth-files"} & {json.loads(line)["kind"] for line in journal.splitlines()}
    # It does not stand in the way of giving the election up.
    assert run.committee("cancel", {"reason": "A vote of its own."})["state"] == "cancelled"


@pytest.mark.parametrize("roll", [weighted(1, 1), weighted(3, 2, 1), ROLL])
def test_a_small_election_is_opened_with_warnings(api: Api, roll: str) -> None:
    run = prepare(api, roll)
    report = api.get(f"{run.base}/privacy", role="committee")
    assert report["blocks"] is False
    assert "warn" in {finding["severity"] for finding in report["findings"]}
    assert run.committee("open")["state"] == "open"
    # The same can be asked at any time.
    assert api.get(f"{run.base}/privacy", role="committee") == report


def test_an_earlier_refusal_comes_first(api: Api) -> None:
    run = Run(api).create().freeze(weighted(1))
    api.refuse(409, "wrong-state", f"{run.base}/open", role="committee")


def test_settings_decide(context: Context, tmp_path: Path) -> None:
    lax = make_settings(
        tmp_path,
        context.settings.database_url,
        privacy_least_members=1,
        privacy_refuse_readable_weights=False,
    )
    strict = make_settings(tmp_path, context.settings.database_url, privacy_least_members=5)

    def connect(chosen: object) -> Api:
        app = create_app(chosen, clock=context.clock, database=context.database)  # type: ignore[arg-type]
        return Api(context, app.test_client())

    run = prepare(connect(strict), ROLL)
    problem = run.api.refuse(409, "privacy-check", f"{run.base}/open", role="committee")
    assert problem["findings"] == ["too-few-members"]
    run = prepare(connect(lax), weighted(1))
    assert run.committee("open")["state"] == "open"
    run = prepare(run.api, weighted(9, 1, 1))
    assert run.committee("open")["state"] == "open"


@pytest.mark.parametrize(
    "name,value,sentence",
    [
        ("TURNOUT_PERCENT", "101", "must be at most 100"),
        ("TURNOUT_PERCENT", "0", "must be at least 1"),
        ("CHANCE_PERCENT", "0", "must be at least 1"),
        ("CHANCE_PERCENT", "101", "must be at most 100"),
        ("MAJORITY_PERCENT", "49", "from 50 to 99"),
        ("MAJORITY_PERCENT", "100", "from 50 to 99"),
        ("LEAST_MEMBERS", "0", "must be at least 1"),
        ("FEW_BALLOTS", "0", "must be at least 1"),
        ("REFUSE_READABLE_WEIGHTS", "no", "must be true or false"),
    ],
)
def test_thresholds_that_make_no_sense_stop_the_start(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_settings(tmp_path, {f"STEWARD_PRIVACY_{name}": value})


def test_the_terminal_says_the_same(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.run("upgrade")
    new = {
        "name": "Officers",
        "questions": [YES_NO.encode()],
        "closes_at": "2099-11-23T12:00:00Z",
        "trustees": {"singles": 2},
    }
    (tmp_path / "new.json").write_text(json.dumps(new))
    uuid = terminal.run("election", "create", "new.json")
    (tmp_path / "roll.csv").write_text(weighted(9, 1, 1))
    terminal.run("election", "roll", uuid, "roll.csv")
    # The findings are what was asked for, so they are no error message.
    assert terminal.run("election", "check", uuid, status=1) == ""
    (tmp_path / "roll.csv").write_text(weighted(*[1] * 40))
    terminal.run("election", "roll", uuid, "roll.csv")
    assert terminal.run("election", "check", uuid) == "Nothing was found."
    (tmp_path / "roll.csv").write_text(weighted(1, 1))
    terminal.run("election", "roll", uuid, "roll.csv")
    lines = terminal.run("election", "check", uuid).splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["warn", "two-members"],
        ["warn", "few-ballots"],
        ["warn", "one-mind"],
    ]
    assert terminal.run("election", "check", "1111111111111A", status=1).startswith("Error: There is no")
