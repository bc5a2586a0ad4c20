"""Elections as JSON objects, for the HTTP interface and the command line alike (schemas of openapi.json)."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from crypto.encoding import sha256_base64
from voting_app.approvals.proposals import Outcome, ProposalView
from voting_app.elections import service
from voting_app.elections.privacy import expect_ballots
from voting_app.elections.privacy_words import describe_finding
from voting_app.elections.service import ActResult, ElectionView, PrivacyReport
from voting_app.elections.times import encode_time
from voting_app.json_body import make_json
from voting_app.ledger import service as ledger
from voting_app.ledger.turnout import get_turnout


def encode_view(view: ElectionView) -> dict[str, Any]:
    """Schema Election."""
    plan = view.trustees
    group = None
    if plan.threshold_size is not None:
        group = {"size": plan.threshold_size, "threshold": plan.threshold}
    return {
        "uuid": view.uuid,
        "name": view.name,
        "description": view.description,
        "state": view.state.value,
        "questions": list(view.questions),
        "group": view.group_name,
        "revoting": view.revoting,
        "credential_mode": view.credential_mode,
        "time_zone": view.time_zone,
        "closes_at": encode_time(view.closes_at),
        "opened_at": None if view.opened_at is None else encode_time(view.opened_at),
        "closed_at": None if view.closed_at is None else encode_time(view.closed_at),
        "trustees": {"singles": plan.singles, "threshold": group},
        "keys_drilled": view.keys_drilled,
        "roll": view.roll_hash,
        "members": view.member_count,
        "service_key": view.service_key,
        "presentation": view.presentation,
        "officers": None if view.officers is None else view.officers.encode(),
    }


def make_act_response(result: ActResult) -> Response:
    """The election after an officer's act; or who is awaited, where another officer has to agree first."""
    view, outcome = result
    return make_json(encode_view(view)) if outcome.is_done else make_awaiting_response(view.uuid, outcome)


def make_awaiting_response(uuid: str, outcome: Outcome) -> Response:
    """Status 202: nothing is done until another officer sends the very same request."""
    return make_json(encode_outcome(uuid, outcome), 202)


def encode_outcome(uuid: str, outcome: Outcome) -> dict[str, Any]:
    """Schema Awaiting: an act that another officer has to agree to."""
    if outcome.proposal is None:
        raise ValueError("an act that is done waits for nobody")
    return encode_proposal(uuid, outcome.proposal, outcome.needed)


def encode_proposal(uuid: str, proposal: ProposalView, needed: int) -> dict[str, Any]:
    """Schema Awaiting, too."""
    return {
        "uuid": uuid,
        "act": proposal.act.value,
        "payload": proposal.payload,
        "subject": proposal.subject,
        "needed": needed,
        "agreed": [str(actor) for actor in proposal.agreed],
        "proposed_at": encode_time(proposal.proposed_at),
        "expires_at": encode_time(proposal.expires_at),
    }


def encode_status(session: Session, uuid: str) -> dict[str, Any]:
    """Schema Status: the election with the heads of its two chains; Problem 404 ``unknown-election``."""
    view = service.election_for_box(session, uuid)
    box_id = ledger.get_box_id(session, uuid)
    head = ledger.head(session, box_id)
    lines, journal_head = ledger.journal_head(session, box_id)
    raw = ledger.find_election_data(session, box_id)
    return encode_view(view) | {
        "fingerprint": None if raw is None else sha256_base64(raw),
        "box": {
            "state": ledger.box_state(session, box_id).value,
            "height": head.height,
            "head": head.event_hash,
            "length": head.length,
            "ballots": get_turnout(session, box_id).ballots,
        },
        "journal": {"lines": lines, "head": journal_head},
    }


def encode_privacy(report: PrivacyReport) -> dict[str, Any]:
    """Schema Privacy."""
    return {
        "blocks": bool(report.blocking),
        "members": report.members,
        "expected_ballots": expect_ballots(report.members, report.thresholds),
        "turnout_percent": report.thresholds.turnout_percent,
        "majority_percent": report.thresholds.majority_percent,
        "findings": [
            {
                "severity": finding.severity.value,
                "code": finding.code,
                "sentence": describe_finding(finding),
                "values": dict(finding.values),
                "listed": list(finding.listed),
            }
            for finding in report.findings
        ],
    }
