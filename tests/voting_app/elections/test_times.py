"""Times that people type mean the clock on their wall, also on the nights on which it is changed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_app.elections.times import LocalTime, encode_local, read_local
from voting_app.elections.wire import parse_time


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    "text, zone, found",
    [
        ("2026-11-22T12:00", "UTC", LocalTime((utc(2026, 11, 22, 12),))),
        ("2026-07-01T20:00", "America/Chicago", LocalTime((utc(2026, 7, 2, 1),))),
        # Put back at two: half past one comes twice.
        ("2026-11-01T01:30", "America/Chicago", LocalTime((utc(2026, 11, 1, 6, 30), utc(2026, 11, 1, 7, 30)))),
        ("2026-10-25T02:30", "Europe/Paris", LocalTime((utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)))),
        # Put forward at two: half past two never comes.
        ("2026-03-08T02:30", "America/Chicago", LocalTime((), (datetime(2026, 3, 8, 2), datetime(2026, 3, 8, 3)))),
        ("2026-03-29T02:00", "Europe/Madrid", LocalTime((), (datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 3)))),
        # An island that left out a day.
        ("2011-12-30T12:00", "Pacific/Apia", LocalTime((), (datetime(2011, 12, 30), datetime(2011, 12, 31)))),
    ],
)  # fmt: skip
def test_a_local_time_is_one_moment_or_two_or_none(text: str, zone: str, found: LocalTime) -> None:
    assert read_local(text, zone) == found


@pytest.mark.parametrize(
    "text", ["", "2026-13-01T00:00", "2026-11-22 12:00", "2026-11-22T12:00Z", "0001-01-01T00:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no local time|year|month"):
        read_local(text, "UTC")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Midway"])
@pytest.mark.parametrize("text", ["1971-01-01T00:00:00Z", "9997-12-31T23:59:00Z"])
def test_every_closing_time_can_be_shown(text: str, zone: str) -> None:
    moment = parse_time(text, "closes_at")
    assert read_local(encode_local(moment, zone), zone).moments == (moment,)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(
        lambda at: at.replace(second=0, microsecond=0)
    ),
    st.sampled_from(["UTC", "America/New_York", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_every_moment_comes_back_from_what_the_clock_shows(at: datetime, zone: str) -> None:
    moment = at.replace(tzinfo=UTC)
    found = read_local(encode_local(moment, zone), zone)
    assert moment in found.moments
    assert all(encode_local(one, zone) == encode_local(moment, zone) for one in found.moments)
