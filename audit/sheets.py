"""``steward-registrar sheets``: what is printed, read from files and compared with what is published.

A sheet with a wrong code, or with the fingerprint of another election, is found out by its member on the day of the
vote at the earliest. So all of it is compared first, and one wrong row refuses the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit.checks.setup import SetupFacts, check_setup
from audit.findings import Findings, Stop
from audit.reader import read_entries
from crypto.credentials import derive_public, encode_credential_list, parse_credential_text
from crypto.encoding import sha256_hex
from crypto.errors import MalformedError, ProtocolError
from crypto.roll import Member
from crypto.tables import TableError, read_table
from paper.link import parse_site
from paper.sheets import Occasion, Sheet

_COLUMNS = ["member_number", "credential"]


class SheetsError(Exception):
    """Nothing is printed; the sentences say why, and repeat no credential."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__("; ".join(sentences))


@dataclass(frozen=True)
class Calendar:
    """When is voted; aware moments, and the time zone in which members read them (IANA)."""

    opens_at: datetime | None
    closes_at: datetime
    time_zone: str


def parse_calendar(opens: str | None, closes: str, time_zone: str) -> Calendar:
    """Moments as ``2026-12-05 18:00`` in the time zone, or with an offset of their own; SheetsError."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SheetsError(
            f"{time_zone!r} is not a time zone that this computer knows, such as America/Chicago"
        ) from None
    closes_at = _parse_moment(closes, zone)
    opens_at = None if opens is None else _parse_moment(opens, zone)
    if opens_at is not None and opens_at >= closes_at:
        raise SheetsError("voting would close before it opens")
    return Calendar(opens_at, closes_at, time_zone)


def _parse_moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SheetsError(f"{text!r} is not a moment such as 2026-12-05T18:00") from None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    first, second = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first != second:
        # When clocks are put forward or back. Guessing would print an hour that is not meant.
        raise SheetsError(
            f"{text!r} is no hour or two hours in {zone.key}; write it with its offset, as in {text}+01:00"
        )
    return first


def read_setup(archive: Path) -> tuple[SetupFacts, bytes]:
    """What the ballot box fixes, verified, and its list of public credentials; SheetsError."""
    findings = Findings()
    try:
        for entry, _ in read_entries(archive):
            if entry.event.type == "Setup":
                return check_setup(entry, findings), entry.data[2]
    except (ProtocolError, Stop) as error:
        reason = str(error) or "; ".join(check.detail for check in findings.checks.values() if check.failures)
        raise SheetsError(f"{archive.name} is not sound: {reason}") from error
    raise SheetsError(f"{archive.name} is not set up yet: the trustees' keys come first")


def read_credentials(path: Path) -> dict[str, str]:
    """Member number → credential, from ``credentials.csv``; SheetsError naming every bad row."""
    try:
        rows = [cells for _, cells in read_table(path.read_bytes())]
    except TableError as error:
        raise SheetsError(f"{path.name}, row {error.row}: {error.sentence}") from None
    if not rows or rows[0] != _COLUMNS:
        raise SheetsError(f"{path.name} must have the columns {' and '.join(_COLUMNS)}")
    found: dict[str, str] = {}
    faults: list[str] = []
    seen: set[str] = set()
    for number, row in enumerate(rows[1:], 2):
        fault = ""
        if len(row) != len(_COLUMNS):
            fault = "two cells are expected"
        elif not row[0].isprintable():
            fault = "the member number has a character that cannot be printed"
        elif row[0] in found:
            fault = "this member number stands twice"
        else:
            try:
                credential = parse_credential_text(row[1])
            except MalformedError as error:
                fault = error.detail
            else:
                fault = "this credential stands twice" if credential in seen else ""
                seen.add(credential)
                found[row[0]] = credential
        if fault:
            faults.append(f"{path.name}, row {number}: {fault}")
    if faults:
        raise SheetsError(*faults)
    return found


def match(
    members: Sequence[Member], credentials: dict[str, str], setup: SetupFacts, published: bytes
) -> None:
    """SheetsError unless each eligible member has one credential, and these are what is published, weights included."""
    numbers = {member.member_number for member in members}
    faults = [f"member {number} has no credential" for number in sorted(numbers - credentials.keys())]
    faults += [
        f"member {number} is not on the roll, or may not vote"
        for number in sorted(credentials.keys() - numbers)
    ]
    if faults:
        raise SheetsError(*faults)
    group, uuid = setup.election.group, setup.election.uuid
    is_weighted = any(member.weight != 1 for member in members)
    entries = [
        (
            derive_public(group, uuid, credentials[member.member_number]),
            member.weight if is_weighted else None,
        )
        for member in members
    ]
    if sha256_hex(encode_credential_list(group, entries)) == sha256_hex(published):
        return
    unknown = [
        f"the credential of member {member.member_number} is not in the ballot box's list"
        for member, (public, _) in zip(members, entries, strict=True)
        if setup.credentials.find(public) is None
    ]
    raise SheetsError(
        "the list in the ballot box is not the one of these credentials and weights: either a file belongs to another "
        "election, or somebody has exchanged the list; give out no sheet before you know",
        *unknown,
    )


def make_occasion(setup: SetupFacts, site: str, calendar: Calendar, organisation: str) -> Occasion:
    """What all sheets say; SheetsError for a site that is none, or an election in which no browser can vote."""
    election = setup.election
    presentation, terms = election.presentation, election.record_terms
    if presentation is None or terms is None:
        raise SheetsError("the election data do not name the service key: nobody can vote there in a browser")
    try:
        site = parse_site(site)
    except ValueError as error:
        raise SheetsError(str(error)) from None
    names = {presentation.language: election.name}
    names |= {texts.language: texts.name for texts in presentation.translations}
    return Occasion(
        uuid=election.uuid,
        names=names,
        language=presentation.language,
        fingerprint=election.fingerprint,
        site=site,
        closes_at=calendar.closes_at,
        time_zone=calendar.time_zone,
        revotes=terms.revotes,
        opens_at=calendar.opens_at,
        organisation=organisation,
        is_test=presentation.is_test,
    )


def make_member_sheets(
    members: Sequence[Member], credentials: dict[str, str], language: str, only: Sequence[str]
) -> list[Sheet]:
    """In the order of the roll; of the members ``only`` names, or of all. SheetsError for a number nobody has."""
    if missing := sorted(set(only) - credentials.keys()):
        raise SheetsError(*(f"no member who may vote has the number {number}" for number in missing))
    return [
        Sheet(m.member_number, m.name, credentials[m.member_number], m.address, m.language or language)
        for m in members
        if not only or m.member_number in only
    ]
