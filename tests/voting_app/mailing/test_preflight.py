"""Whom a run would mail, and why it is refused."""

import pytest

from voting_app.mailing.addresses import AddressState
from voting_app.mailing.preflight import Candidate, Fault, make_plan

CONFIRMED, ASKED, UNASKED = AddressState.CONFIRMED, AddressState.ASKED, AddressState.UNASKED


def member(number: int, email: str = "", state: AddressState = CONFIRMED, **more: object) -> Candidate:
    values = {"name": f"Member {number}", **more}
    return Candidate(number, f"M{number}", email=email or f"m{number}@example.org", state=state, **values)  # type: ignore[arg-type]


def test_only_confirmed_addresses_get_one_where_they_must_be_confirmed() -> None:
    others = [member(n, state=state) for n, state in enumerate(set(AddressState) - {CONFIRMED}, start=2)]
    plan = make_plan([member(1), *others], is_confirming=True)
    assert [one.member_number for one in plan.recipients] == ["M1"]
    assert set(plan.unconfirmed) == set(others)
    assert plan.faults == ()


@pytest.mark.parametrize(
    "doubtful, fault",
    [
        (member(2, name=""), Fault.NO_NAME),
        (member(2, name=" \u00a0\u200d"), Fault.NO_NAME),
        (member(2, state=AddressState.MISSING), Fault.NO_ADDRESS),
        (member(2, state=AddressState.UNUSABLE), Fault.UNUSABLE),
        (member(2, state=AddressState.DENIED), Fault.DENIED),
        (member(2, email="M1@EXAMPLE.org", state=UNASKED), Fault.SHARED),
    ],
)
def test_what_is_doubtful_stops_the_run(doubtful: Candidate, fault: Fault) -> None:
    plan = make_plan([member(1, state=UNASKED), doubtful, member(3, state=ASKED)], is_confirming=False)
    assert (doubtful, fault) in plan.faults
    assert "M3" in {one.member_number for one in plan.recipients}
    # Of an address that two have, neither is taken.
    assert len(plan.faults) == (2 if fault is Fault.SHARED else 1)


@pytest.mark.parametrize("is_confirming", [True, False])
def test_two_may_have_an_address_that_both_have_confirmed(is_confirming: bool) -> None:
    both = [member(1, "family@example.org"), member(2, "family@example.org")]
    assert make_plan(both, is_confirming=is_confirming).faults == ()
    one = [both[0], member(2, "family@example.org", ASKED)]
    plan = make_plan(one, is_confirming=is_confirming)
    assert (both[0], Fault.SHARED) in plan.faults
    assert plan.recipients == ()
    # Also where the other one has a credential already.
    done = [both[0], member(2, "family@example.org", ASKED, is_waiting=False)]
    assert make_plan(done, is_confirming=is_confirming).faults == ((both[0], Fault.SHARED),)


def test_whoever_has_a_credential_is_left_alone() -> None:
    plan = make_plan(
        [member(1, is_waiting=False), member(2, state=ASKED, is_waiting=False)], is_confirming=True
    )
    assert (plan.recipients, plan.unconfirmed, plan.faults) == ((), (), ())


def test_what_was_shown_tells_every_difference() -> None:
    def shown(*members: Candidate) -> str:
        return make_plan(members, is_confirming=False).shown

    plain = shown(member(1), member(2))
    assert plain == shown(member(1), member(2))
    others = {
        shown(member(1)),
        shown(member(1), member(2, "other@example.org")),
        shown(member(1), member(2, name="Eve")),
        shown(member(1), member(2, name="")),
        shown(member(1), member(3)),
    }
    assert len(others | {plain}) == 6
