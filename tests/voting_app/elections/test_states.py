"""The table of states: what may happen when, and that it says the same as the journal's rules."""

import pytest

from crypto.journal import RESTRICTED, STATE_CHANGES
from voting_app.elections.models import STATES
from voting_app.elections.service import JOURNAL_KINDS
from voting_app.elections.states import (
    ACT_WORDS,
    STATE_WORDS,
    TRANSITIONS,
    Act,
    State,
    WrongStateError,
    is_final,
    next_state,
)

# Acts whose journal lines come without a change of state.
LINES = {
    Act.PUBLISH_CREDENTIALS: "credentials-published",
    Act.MAKE_KEYS: "trustee-committed",
    Act.DRILL: "key-drill",
    Act.DECRYPT: "strong-decryption",
}


def spelled(state: State) -> str:
    """A state as the journal's table spells it."""
    return state.value.replace("-", " ")


def test_the_table_allows_these_states() -> None:
    assert tuple(State) == STATES


def test_every_act_and_state_has_words() -> None:
    assert set(ACT_WORDS) == set(Act) == set(TRANSITIONS)
    assert set(STATE_WORDS) == set(State)


@pytest.mark.parametrize("act", JOURNAL_KINDS)
def test_transitions_are_those_of_the_journal(act: Act) -> None:
    allowed, after = STATE_CHANGES[JOURNAL_KINDS[act]]
    assert {spelled(state) for state in TRANSITIONS[act]} == set(allowed)
    if after is not None:
        assert {spelled(state) for state in TRANSITIONS[act].values()} == {after}
    else:
        assert all(before is now for before, now in TRANSITIONS[act].items())


@pytest.mark.parametrize("act", LINES)
def test_acts_between_transitions_are_those_of_the_journal(act: Act) -> None:
    assert {spelled(state) for state in TRANSITIONS[act]} == set(RESTRICTED[LINES[act]])
    assert all(before is after for before, after in TRANSITIONS[act].items())


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
def test_what_is_not_in_the_table_is_refused_in_a_sentence(state: State, act: Act) -> None:
    if state in TRANSITIONS[act]:
        assert next_state(state, act) is TRANSITIONS[act][state]
        return
    with pytest.raises(WrongStateError) as refused:
        next_state(state, act)
    assert str(refused.value) == f"You cannot {ACT_WORDS[act]} now: the election is {STATE_WORDS[state]}."


def test_final_states_are_final() -> None:
    assert {state for state in State if is_final(state)} == {
        State.CERTIFIED,
        State.CANCELLED,
        State.UNTALLIABLE,
    }


def test_every_state_can_be_reached() -> None:
    reached = {State.DRAFT}
    for _ in State:
        reached |= {moves[s] for moves in TRANSITIONS.values() for s in reached & set(moves)}
    assert reached == set(State)
