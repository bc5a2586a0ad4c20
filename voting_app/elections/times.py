"""Times as text: seconds for JSON answers, minutes for the journal (nothing finer is published there); and what people
type, who mean the clock on their wall."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

# In which an election may close. Clocks in some zone may show a year more or less.
YEARS = range(1971, 9998)
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)


def encode_time(moment: datetime) -> str:
    """``2026-11-22T18:00:00Z``"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode_minute(moment: datetime) -> str:
    """``2026-11-22T18:00Z``"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


@cache
def list_zone_names() -> frozenset[str]:
    """The time zones that voters' browsers know too: not those that are a computer's own setting, or none."""
    return frozenset(available_timezones() - {"Factory", "localtime"})


def encode_local(moment: datetime, time_zone: str) -> str:
    """``2026-11-22T12:00``, as the field of a form has it, by the clocks of a time zone."""
    return moment.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%dT%H:%M")


@dataclass(frozen=True, slots=True)
class LocalTime:
    """What clocks of a time zone show, and when they do.

    moments: aware UTC; one nearly always; none on the night on which the clocks are put forward over it; two, the
    earlier first, on the night on which they are put back. jump: of clocks that skip it, what they show instead before
    and after, as minutes of the wall clock: ``(2026-03-08 02:00, 2026-03-08 03:00)``.
    """

    moments: tuple[datetime, ...]
    jump: tuple[datetime, datetime] | None = None


def read_local(text: str, time_zone: str) -> LocalTime:
    """``2026-11-22T12:00`` by the clocks of a time zone; ValueError for what is no time."""
    if not _LOCAL.fullmatch(text):
        raise ValueError("no local time")
    wall = datetime.fromisoformat(text)
    if not YEARS[0] - 1 <= wall.year <= YEARS[-1] + 1:
        raise ValueError("a year that no election is in")
    zone = ZoneInfo(time_zone)
    moments = tuple(
        sorted(
            {
                moment
                for fold in (0, 1)
                if _show(moment := wall.replace(tzinfo=zone, fold=fold).astimezone(UTC), zone) == wall
            }
        )
    )
    return LocalTime(moments, None if moments else _find_jump(wall, zone))


def _show(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _find_jump(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Between which two times the clocks jump over this one."""
    # By the rules that hold before the jump the time would come after it, and by the later rules before it (PEP 495).
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    minute = timedelta(minutes=1)
    while after - before > minute:
        middle = before + (after - before) // 2
        middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
        middle = max(middle, before + minute)
        if _show(middle, zone) < wall:
            before = middle
        else:
            after = middle
    return _show(before, zone) + minute, _show(after, zone)
