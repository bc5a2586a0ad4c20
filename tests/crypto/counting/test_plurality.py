"""Who has won: tables of small counts, the borders of each rule, and what holds for all counts."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.counting import Verdict, decide, decide_question
from crypto.errors import MisuseError
from crypto.presentation import Majority
from crypto.questions import HomomorphicQuestion

PLURALITY, MAJORITY, TWO_THIRDS = Majority.PLURALITY, Majority.MAJORITY, Majority.TWO_THIRDS
DECIDED, TIE, NONE, MISSED = Verdict.DECIDED, Verdict.TIE, Verdict.NONE, Verdict.QUORUM_MISSED


def question(answers: int, seats: int = 1, *, blank: bool = False) -> HomomorphicQuestion:
    return HomomorphicQuestion(tuple("abcdefgh"[:answers]), 0, seats, "?", blank)


@pytest.mark.parametrize(
    "seats, counts, verdict, winners, tied, tied_seats",
    [
        # One seat.
        (1, (3, 2), DECIDED, (0,), (), 0),
        (1, (2, 3), DECIDED, (1,), (), 0),
        (1, (1, 0, 0), DECIDED, (0,), (), 0),
        (1, (2, 2, 1), TIE, (), (0, 1), 1),
        (1, (2, 2, 2), TIE, (), (0, 1, 2), 1),
        (1, (0, 0), NONE, (), (), 0),
        (1, (0,), NONE, (), (), 0),
        (1, (1,), DECIDED, (0,), (), 0),
        # Several seats: winners by votes, then by their place on the ballot.
        (2, (1, 5, 3), DECIDED, (1, 2), (), 0),
        (2, (3, 5, 3), TIE, (1,), (0, 2), 1),
        (2, (5, 5, 3), DECIDED, (0, 1), (), 0),
        (2, (3, 3, 3), TIE, (), (0, 1, 2), 2),
        (3, (4, 2, 2, 2, 1), TIE, (0,), (1, 2, 3), 2),
        (3, (9, 9, 2, 2), TIE, (0, 1), (2, 3), 1),
        # Nobody without a vote wins; seats stay empty.
        (3, (4, 0, 1), DECIDED, (0, 2), (), 0),
        (3, (0, 0, 0), NONE, (), (), 0),
        (2, (2, 2), DECIDED, (0, 1), (), 0),
        # A question with nothing to win.
        (0, (0, 0), NONE, (), (), 0),
        # Weights far beyond what a float holds.
        (1, (2**80 + 1, 2**80), DECIDED, (0,), (), 0),
    ],
)
def test_plurality(
    seats: int,
    counts: tuple[int, ...],
    verdict: Verdict,
    winners: tuple[int, ...],
    tied: tuple[int, ...],
    tied_seats: int,
) -> None:
    outcome = decide_question(question(len(counts), seats), counts, PLURALITY)
    assert (outcome.verdict, outcome.winners, outcome.tied, outcome.tied_seats) == (
        verdict,
        winners,
        tied,
        tied_seats,
    )
    assert outcome.needed is None


@pytest.mark.parametrize(
    "rule, counts, needed, winner",
    [
        (MAJORITY, (2, 1), 2, 0),
        (MAJORITY, (2, 2), 3, None),
        (MAJORITY, (2, 1, 1), 3, None),
        (MAJORITY, (3, 1, 1), 3, 0),
        (MAJORITY, (1, 0), 1, 0),
        (MAJORITY, (0, 0), 1, None),
        (MAJORITY, (49, 51), 51, 1),
        (MAJORITY, (50, 50), 51, None),
        (MAJORITY, (2**80, 2**80 + 1), 2**80 + 1, 1),
        (MAJORITY, (2**80, 2**80), 2**80 + 1, None),
        (TWO_THIRDS, (2, 1), 2, 0),
        (TWO_THIRDS, (1, 1), 2, None),
        (TWO_THIRDS, (66, 34), 67, None),
        (TWO_THIRDS, (67, 33), 67, 0),
        (TWO_THIRDS, (33, 67), 67, 1),
        (TWO_THIRDS, (200, 100), 200, 0),
        (TWO_THIRDS, (199, 100), 200, None),
        (TWO_THIRDS, (1, 0), 1, 0),
        (TWO_THIRDS, (0, 0), 1, None),
        (TWO_THIRDS, (2 * 10**30 - 1, 10**30 + 1), 2 * 10**30, None),
        (TWO_THIRDS, (2 * 10**30, 10**30), 2 * 10**30, 0),
    ],
)
def test_shares_of_the_votes(
    rule: Majority, counts: tuple[int, ...], needed: int, winner: int | None
) -> None:
    outcome = decide_question(question(len(counts)), counts, rule)
    assert outcome.needed == needed
    assert outcome.winners == (() if winner is None else (winner,))
    assert outcome.verdict is (NONE if winner is None else DECIDED)
    assert outcome.tied == ()


@pytest.mark.parametrize("rule", Majority)
def test_blank_votes_count_for_nobody_and_in_no_base(rule: Majority) -> None:
    outcome = decide_question(question(2, blank=True), (100, 2, 1), rule)
    assert (outcome.winners, outcome.blank, outcome.votes) == ((0,), 100, 3)
    assert outcome.shares == (Fraction(2, 3), Fraction(1, 3))


def test_shares_are_exact() -> None:
    assert decide_question(question(3), (1, 1, 1), PLURALITY).shares == (Fraction(1, 3),) * 3
    assert decide_question(question(2), (0, 0), PLURALITY).shares == (Fraction(0), Fraction(0))


@pytest.mark.parametrize(
    "percent, members, ballots, needed, reached",
    [
        (50, 10, 5, 5, True),
        (50, 10, 4, 5, False),
        (50, 11, 5, 6, False),
        (50, 11, 6, 6, True),
        (33, 100, 33, 33, True),
        (33, 101, 33, 34, False),
        (100, 3, 3, 3, True),
        (100, 3, 2, 3, False),
        (1, 1, 0, 1, False),
        (1, 3, 1, 1, True),
    ],
)
def test_quorum(percent: int, members: int, ballots: int, needed: int, reached: bool) -> None:
    outcome = decide(
        [question(2), question(3, 2)],
        [(3, 2), (5, 4, 1)],
        [MAJORITY, PLURALITY],
        quorum_percent=percent,
        members=members,
        ballots=ballots,
    )
    assert outcome.quorum is not None
    assert (outcome.quorum.needed, outcome.quorum.is_reached) == (needed, reached)
    verdicts = [(q.verdict, q.winners, q.counts) for q in outcome.questions]
    assert verdicts == (
        [(DECIDED, (0,), (3, 2)), (DECIDED, (0, 1), (5, 4, 1))]
        if reached
        else [(MISSED, (), (3, 2)), (MISSED, (), (5, 4, 1))]
    )


def test_as_json() -> None:
    outcome = decide(
        [question(3, 2, blank=True), question(2)],
        [(7, 2, 5, 2), (2**40, 1)],
        [PLURALITY, TWO_THIRDS],
        quorum_percent=40,
        members=20,
        ballots=16,
    )
    assert outcome.encode() == {
        "quorum": {"percent": 40, "members": 20, "ballots": 16, "needed": 8, "reached": True},
        "questions": [
            {
                "rule": "plurality",
                "seats": 2,
                "verdict": "tie",
                "votes": 9,
                "needed": None,
                "counts": [2, 5, 2],
                "shares": ["2/9", "5/9", "2/9"],
                "blank": 7,
                "winners": [1],
                "tied": [0, 2],
                "tied_seats": 1,
            },
            {
                "rule": "two-thirds",
                "seats": 1,
                "verdict": "decided",
                "votes": str(2**40 + 1),
                "needed": str((2 * (2**40 + 1) + 2) // 3),
                "counts": [str(2**40), 1],
                "shares": [f"{2**40}/{2**40 + 1}", f"1/{2**40 + 1}"],
                "blank": None,
                "winners": [0],
                "tied": [],
                "tied_seats": 0,
            },
        ],
    }
    assert decide([], [], []).encode() == {"quorum": None, "questions": []}


@pytest.mark.parametrize(
    "asked",
    [
        lambda: decide_question(question(2), (1,), PLURALITY),
        lambda: decide_question(question(2), (1, 1, 1), PLURALITY),
        lambda: decide_question(question(2, blank=True), (1, 1), PLURALITY),
        lambda: decide_question(question(2), (1, -1), PLURALITY),
        lambda: decide_question(question(3, 2), (1, 1, 1), MAJORITY),
        lambda: decide_question(question(3, 2), (1, 1, 1), TWO_THIRDS),
        lambda: decide([question(2)], [(1, 2)], []),
        lambda: decide([question(2)], [], [PLURALITY]),
    ],
)
def test_what_has_no_meaning_is_the_callers_mistake(asked: Any) -> None:
    with pytest.raises(MisuseError):
        asked()


@pytest.mark.parametrize(
    "rule, counts, finalists",
    [
        (MAJORITY, (4, 3, 2), (0, 1)),
        (MAJORITY, (2, 3, 4), (1, 2)),
        # Who has as many as the second is there too.
        (MAJORITY, (4, 2, 2), (0, 1, 2)),
        (MAJORITY, (2, 2, 2, 1), (0, 1, 2)),
        (TWO_THIRDS, (6, 4, 0), (0, 1)),
        # Somebody is chosen, nobody has voted, or there are only two anyway.
        (MAJORITY, (6, 3, 2), ()),
        (MAJORITY, (0, 0, 0), ()),
        (MAJORITY, (2, 2), ()),
        (PLURALITY, (2, 2, 1), ()),
    ],
)
def test_who_would_meet_in_a_runoff(
    rule: Majority, counts: tuple[int, ...], finalists: tuple[int, ...]
) -> None:
    assert decide_question(question(len(counts)), counts, rule).finalists == finalists


@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(0, 8), st.sampled_from(Majority))
def test_what_holds_for_all_counts(counts: list[int], seats: int, rule: Majority) -> None:
    seats = min(seats, len(counts), 8 if rule is PLURALITY else 1)
    outcome = decide_question(question(len(counts), seats), counts, rule)
    won, tied, rest = (
        [counts[i] for i in outcome.winners],
        [counts[i] for i in outcome.tied],
        [c for i, c in enumerate(counts) if i not in (*outcome.winners, *outcome.tied)],
    )
    assert len(won) + outcome.tied_seats <= seats
    # Who wins has more votes than who is tied, and these more than everybody else; equals share one fate.
    assert not won or not tied or min(won) > max(tied)
    assert not (won + tied) or not rest or min(won + tied) > max(rest)
    assert len(set(tied)) <= 1
    assert (outcome.verdict is TIE) == bool(tied) == (0 < outcome.tied_seats < max(len(tied), 1))
    assert all(c > 0 for c in won + tied)
    assert sum(outcome.shares) == (1 if sum(counts) else 0)
    if rule is not PLURALITY and won:
        share = outcome.shares[outcome.winners[0]]
        assert share > Fraction(1, 2) if rule is MAJORITY else share >= Fraction(2, 3)
    if rule is PLURALITY and outcome.verdict is DECIDED and len(won) < seats:
        assert not any(rest)
