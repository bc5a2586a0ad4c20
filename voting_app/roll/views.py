"""A preview as a JSON object (schema RollPreview of openapi.json) and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from crypto.roll import UNIT_SEPARATOR, Member
from voting_app.elections.service import ElectionView
from voting_app.roll.preview import Differences, Preview

# Longer lists are cut; the counts beside them are not.
LONGEST_LIST = 10_000
_MOST_SHOWN = 20


def encode_preview(preview: Preview, other: ElectionView | None) -> dict[str, Any]:
    """Schema RollPreview. It has members' data in it, for those who have the roll."""
    return {
        "acceptable": not preview.faults,
        "members": preview.members,
        "eligible": preview.eligible,
        "total_weight": preview.total_weight,
        "faults": [fault.encode() for fault in preview.faults],
        "warnings": [
            {
                "code": warning.code,
                "sentence": warning.sentence,
                "count": len(warning.groups),
                "groups": [list(group) for group in warning.groups[:LONGEST_LIST]],
            }
            for warning in preview.warnings
        ],
        "units": [
            {
                "path": list(unit.path),
                "members": unit.members,
                "eligible": unit.eligible,
                "weight": unit.weight,
            }
            for unit in preview.units[:LONGEST_LIST]
        ],
        "weights": [{"weight": weight, "members": count} for weight, count in preview.weights[:LONGEST_LIST]],
        "languages": [
            {"language": language, "members": count} for language, count in preview.languages[:LONGEST_LIST]
        ],
        "differences": (
            None
            if preview.differences is None or other is None
            else _encode_differences(preview.differences, other)
        ),
    }


def _encode_differences(differences: Differences, other: ElectionView) -> dict[str, Any]:
    return {
        "against": {"uuid": other.uuid, "name": other.name},
        "counts": {
            "new": len(differences.new),
            "gone": len(differences.gone),
            "changed": len(differences.changed),
        },
        "new": [{"row": row, **_encode_person(member)} for row, member in differences.new[:LONGEST_LIST]],
        "gone": [_encode_person(member) for member in differences.gone[:LONGEST_LIST]],
        "changed": [
            {
                "row": change.row,
                "member_number": change.member_number,
                "name": change.name,
                "columns": [
                    {"column": column, "before": before, "after": after}
                    for column, before, after in change.columns
                ],
            }
            for change in differences.changed[:LONGEST_LIST]
        ],
        "renumbered": [
            {"before": number, "row": row} for number, row in differences.renumbered[:LONGEST_LIST]
        ],
        "new_units": [list(path) for path in differences.new_units[:LONGEST_LIST]],
        "gone_units": [list(path) for path in differences.gone_units[:LONGEST_LIST]],
    }


def _encode_person(member: Member) -> dict[str, str]:
    return {"member_number": member.member_number, "name": member.name}


# --- for a terminal ----------------------------------------------------------------------------------


def list_lines(preview: Preview, other: ElectionView | None) -> Iterator[str]:
    """The same in words; of long lists the beginning."""
    barred = preview.members - preview.eligible
    yield f"{preview.members} members, {preview.eligible} of them may vote, {barred} may not."
    if len(preview.weights) > 1:
        yield f"All votes together weigh {preview.total_weight}."
    faults = [f"row {fault.row}, {fault.column or 'row'}: {fault.sentence}" for fault in preview.faults]
    yield from _list("Faults, for which the file is refused", faults)
    for warning in preview.warnings:
        groups = ["row " + ", ".join(map(str, group)) for group in warning.groups]
        yield from _list(warning.sentence, groups)
    yield from _list(
        "Units, with all below them",
        [f"{join_path(u.path)}: {u.members} members, {u.eligible} may vote" for u in preview.units],
    )
    if preview.differences is not None and other is not None:
        yield from _list_differences(preview.differences, other)


def _list_differences(differences: Differences, other: ElectionView) -> Iterator[str]:
    yield f"Beside the roll of “{other.name}” ({other.uuid}):"
    yield from _list("New", [f"row {row}, {_say(member)}" for row, member in differences.new])
    yield from _list("Gone", [_say(member) for member in differences.gone])
    yield from _list(
        "Perhaps the same person under another number",
        [f"{number} was, row {row} is" for number, row in differences.renumbered],
    )
    changes = [
        # An address may have several lines.
        f"row {change.row}, {change.member_number}, {column}: {before or '-'} → {after or '-'}".replace(
            "\n", " / "
        )
        for change in differences.changed
        for column, before, after in change.columns
    ]
    yield from _list("Changed", changes)
    yield from _list("New units", [join_path(path) for path in differences.new_units])
    yield from _list("Units that are gone", [join_path(path) for path in differences.gone_units])


def join_path(path: Sequence[str]) -> str:
    """A unit's place as a roll file writes it."""
    return f" {UNIT_SEPARATOR} ".join(path)


def _say(member: Member) -> str:
    return f"{member.member_number}, {member.name}"


def _list(title: str, items: Sequence[str]) -> Iterator[str]:
    if not items:
        return
    yield f"{title.removesuffix('.')} ({len(items)}):"
    yield from (f"  {item}" for item in items[:_MOST_SHOWN])
    if len(items) > _MOST_SHOWN:
        yield f"  and {len(items) - _MOST_SHOWN} more"
