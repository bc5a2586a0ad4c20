"""Setup: election data, trustees, credentials (rules S1–S6, T1–T6)."""

from __future__ import annotations

from dataclasses import dataclass

from audit.checks import THRESHOLD
from audit.findings import Findings
from crypto.checker import PlainChecker
from crypto.credentials import CredentialList, parse_credential_list
from crypto.election import Election, parse_election
from crypto.encoding import sha256_hex
from crypto.errors import RejectedError
from crypto.record import Entry
from crypto.trustees import (
    TrusteeKey,
    Trustees,
    election_public_key,
    parse_trustees,
    verify_trustees,
)


@dataclass(frozen=True)
class SetupFacts:
    """What the first event fixes for everything after it."""

    election: Election
    trustees: Trustees
    credentials: CredentialList
    trustees_hash: str
    credentials_hash: str


def _require_distinct(setup: SetupFacts) -> None:
    """Rule S6 across roles: a trustee's key must not be a credential, or the election key (but for those
    who can decrypt alone); nor may the election key be a credential."""
    keys = [key.public_key for key in setup.trustees.owners]
    [first, *others] = setup.trustees.items
    one_suffices = not others and (isinstance(first, TrusteeKey) or first.threshold == 1)
    if not one_suffices and setup.election.public_key in keys:
        raise RejectedError(
            "S6", "the election key is the key of one trustee: the others cancel each other out"
        )
    keys.append(setup.election.public_key)
    for item in setup.trustees.items:
        if not isinstance(item, TrusteeKey):
            keys += [key for c in item.certificates for key in (c.verification, c.encryption)]
    if any(setup.credentials.find(key) is not None for key in keys):
        raise RejectedError("S6", "the key of a trustee, or of the election, is also a credential")


def check_setup(entry: Entry, findings: Findings) -> SetupFacts:
    """Reads and verifies the Setup entry; Stop if anything later would rest on a broken part."""
    raw_election, raw_trustees, raw_credentials, _ = entry.data
    findings.passed("S2")  # crypto.record compared the hashes while reading
    with findings.stage("S1", record="election data"):
        election = parse_election(raw_election)
    for name in election.unknown_fields:
        findings.warn(f"election data have the field {name!r}, which protocol version 1 does not define")
    if election.presentation is not None and election.presentation.is_test:
        findings.warn("this is a test election, for practice only: nothing in it decides anything")
    group = election.group
    with findings.stage("S3", record="trustees"):
        trustees = parse_trustees(group, raw_trustees)
    has_single = any(isinstance(item, TrusteeKey) for item in trustees.items)
    has_threshold = any(not isinstance(item, TrusteeKey) for item in trustees.items)
    with findings.stage(*(("T1",) if has_single else ()), *(THRESHOLD if has_threshold else ())):
        checker = PlainChecker(group)
        verify_trustees(group, trustees, checker)
        checker.finish()
    if not has_single:
        findings.not_applicable("no single trustee", "T1")
    if not has_threshold:
        findings.not_applicable("no threshold trustees", *THRESHOLD)
    for form in trustees.old_forms:
        findings.warn(f"threshold trustees have the form of belenios {form}: parts of it are not signed")
    if any(key.name is not None for key in trustees.owners):
        findings.warn("trustees' keys have names, which nobody signed: anyone could have written them there")
    with findings.stage("S5", record="election data"):
        if election_public_key(group, trustees) != election.public_key:
            raise RejectedError("S5", "the election key is not the product of the trustees' keys")
    with findings.stage("S4", record="credentials"):
        credentials = parse_credential_list(group, raw_credentials)
        if election.shuffled_questions and any(credentials.weight(i) != 1 for i in range(len(credentials))):
            raise RejectedError(
                "S4", "ranked or graded ballots are opened one by one, so that none can weigh more"
            )
    if not credentials.is_sorted:
        findings.warn("the credentials are not sorted: their order may tell something about the roll")
    facts = SetupFacts(election, trustees, credentials, sha256_hex(raw_trustees), sha256_hex(raw_credentials))
    with findings.stage("S6"):
        _require_distinct(facts)
    return facts
