"""Who has to do what next, as pure rules."""

from dataclasses import replace

import pytest

from voting_app.elections.states import State
from voting_app.trustees.states import (
    Kind,
    Progress,
    Step,
    are_keys_drilled,
    is_act,
    is_complete,
    is_decryptable,
    list_turns,
    next_act,
    next_ceremony_step,
    next_step,
)

DONE = {"certified": True, "committed": True, "revealed": True, "shared": True}


def seat(owner: int, kind: Kind = Kind.SINGLE, **done: bool) -> Progress:
    blank = dict.fromkeys(("certified", "committed", "revealed", "shared", "drilled", "decrypted"), False)
    return Progress(owner, kind, **(blank | done))


def test_nobody_reveals_before_the_last_commitment() -> None:
    single = seat(1, committed=True)
    late = seat(2, Kind.THRESHOLD, certified=True)
    other = seat(3, Kind.THRESHOLD, certified=True, committed=True)
    seats = [single, late, other]
    assert [next_ceremony_step(s, seats) for s in seats] == [
        Step.WAIT_COMMITMENTS,
        Step.COMMITMENT,
        Step.WAIT_COMMITMENTS,
    ]
    seats[1] = replace(late, committed=True)
    assert [next_ceremony_step(s, seats) for s in seats] == [Step.REVEAL] * 3


def test_threshold_seats_commit_after_all_certificates_and_share_after_all_coefficients() -> None:
    first, second = seat(1, Kind.THRESHOLD, certified=True), seat(2, Kind.THRESHOLD)
    assert next_ceremony_step(first, [first, second]) is Step.WAIT_CERTIFICATES
    assert next_ceremony_step(second, [first, second]) is Step.CERTIFICATE
    shown = {"certified": True, "committed": True, "revealed": True}
    first, second = seat(1, Kind.THRESHOLD, **shown), seat(2, Kind.THRESHOLD, certified=True, committed=True)
    assert next_ceremony_step(first, [first, second]) is Step.WAIT_REVEALS
    second = replace(second, revealed=True)
    assert next_ceremony_step(first, [first, second]) is Step.SHARE
    first = replace(first, shared=True)
    assert next_ceremony_step(first, [first, second]) is Step.WAIT_SHARES


def test_keys_are_complete_when_every_seat_is() -> None:
    assert not is_complete([])
    assert is_complete([seat(1, revealed=True)])
    assert not is_complete([seat(1, revealed=True), seat(2, Kind.THRESHOLD, revealed=True)])
    seats = [seat(1, revealed=True, committed=True), seat(2, Kind.THRESHOLD, **DONE)]
    assert is_complete(seats)
    assert next_ceremony_step(seats[0], seats) is Step.WAIT_KEYS_READY


@pytest.mark.parametrize(
    "singles, others, enough",
    [
        ([True], [True, True, False], True),
        ([True], [True, False, False], False),
        ([False], [True, True, True], False),
    ],
)
def test_every_single_and_t_of_the_others_must_drill_and_decrypt(
    singles: list[bool], others: list[bool], enough: bool
) -> None:
    kinds = [Kind.SINGLE] * len(singles) + [Kind.THRESHOLD] * len(others)
    done = [*singles, *others]
    drilled = [seat(n, kind, drilled=d) for n, (kind, d) in enumerate(zip(kinds, done, strict=True), 1)]
    decrypted = [seat(n, kind, decrypted=d) for n, (kind, d) in enumerate(zip(kinds, done, strict=True), 1)]
    assert are_keys_drilled(drilled, 2) is enough
    assert is_decryptable(decrypted, 2) is enough


@pytest.mark.parametrize(
    "state, tally, result, done, step",
    [
        (State.KEYS_READY, False, False, {}, Step.DRILL),
        (State.KEYS_READY, False, False, {"drilled": True}, Step.WAIT_CLOSE),
        (State.OPEN, False, False, {}, Step.WAIT_CLOSE),
        (State.CLOSED, False, False, {}, Step.WAIT_TALLY),
        (State.CLOSED, True, False, {}, Step.DECRYPTION),
        (State.CLOSED, True, False, {"decrypted": True}, Step.WAIT_RESULT),
        (State.TALLIED, True, True, {}, Step.DONE),
        (State.CANCELLED, False, False, {}, Step.DONE),
    ],
)
def test_steps_after_the_keys_are_ready(
    state: State, tally: bool, result: bool, done: dict[str, bool], step: Step
) -> None:
    one = seat(1, **done)
    assert next_step(state, one, [one], has_encrypted_tally=tally, has_result=result) is step


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("kind", list(Kind))
def test_every_step_is_an_act_or_leads_to_one_or_ends(kind: Kind, step: Step) -> None:
    act = next_act(seat(1, kind), step)
    if is_act(step):
        assert act is step
    else:
        assert (act is None) is (step in (Step.WAIT_RESULT, Step.DONE))
        assert act is None or is_act(act)


def test_those_have_a_turn_who_could_act_now() -> None:
    done, late = seat(2, Kind.THRESHOLD, certified=True), seat(3, Kind.THRESHOLD)
    seats = [seat(1), done, late]
    look = {"has_encrypted_tally": False, "has_result": False}
    assert list_turns(State.DRAFT, seats, **look) == {1: Step.COMMITMENT, 3: Step.CERTIFICATE}
    assert list_turns(State.KEYS_READY, seats, **look) == dict.fromkeys((1, 2, 3), Step.DRILL)
    assert list_turns(State.OPEN, seats, **look) == {}
    assert list_turns(State.CLOSED, seats, **look) == {}
    decrypted = [replace(seats[0], decrypted=True), *seats[1:]]
    found = list_turns(State.CLOSED, decrypted, has_encrypted_tally=True, has_result=False)
    assert found == dict.fromkeys((2, 3), Step.DECRYPTION)
    assert list_turns(State.CANCELLED, seats, **look) == {}
