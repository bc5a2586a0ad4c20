"""Times as text: seconds for JSON answers, minutes for the journal (nothing finer is published there)."""

from __future__ import annotations

from datetime import UTC, datetime


def encode_time(moment: datetime) -> str:
    """``2026-11-22T18:00:00Z``"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode_minute(moment: datetime) -> str:
    """``2026-11-22T18:00Z``"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
