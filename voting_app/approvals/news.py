"""Mail to the officers whose agreement a proposal waits for.

It is put into the outbox in the transaction of the proposal, and taken back by `proposals` in the one that ends it.
There is no secret in it, and nothing that agrees by being opened: who reads it logs in and confirms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from voting_app.accounts.models import Account, Password
from voting_app.approvals import proposals
from voting_app.approvals.proposals import ProposalView
from voting_app.approvals.words import get_deed_name
from voting_app.context import Context
from voting_app.elections.models import Election
from voting_app.languages import format_moment
from voting_app.mail import service as mail
from voting_app.mail.service import NewMail
from voting_app.mailing.texts import choose_mail_language, get_election_name


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    presentation: dict[str, Any] | None


def tell_awaited(session: Session, context: Context, election: Election, proposal: ProposalView) -> None:
    """Mail each officer who can agree and has not, once for each proposal; to be called in the transaction of each
    agreement. What waits for somebody who has agreed meanwhile is taken back.
    """
    agreed = [actor.account_number for actor in proposal.agreed]
    by = session.get_one(Account, agreed[0]).label or str(proposal.agreed[0])
    mails = [
        _make_mail(context, election, proposal, by, account)
        for account in _list_officers(session)
        if account.number not in agreed
    ]
    mail.replace_waiting(session, context, proposals.mail_topic(proposal.id), mails)


def _list_officers(session: Session) -> Sequence[Account]:
    """Everybody who can log in and agree. Programs are not people: they have no address."""
    return session.scalars(
        select(Account)
        .join(Password, Password.account_number == Account.number)
        .where(Account.role.in_(proposals.OFFICERS), Account.ended_at.is_(None), Account.email.is_not(None))
        .order_by(Account.number)
    ).all()


def _make_mail(
    context: Context, election: Election, proposal: ProposalView, by: str, account: Account
) -> NewMail:
    box = election.boxes[0]
    named = _Named(election.name, box.presentation)
    language = choose_mail_language(account.language or "", named)
    return NewMail(
        topic=proposals.mail_topic(proposal.id),
        event="proposed",
        recipient=account.email or "",
        kind="proposal",
        payload={
            "name": account.label,
            "by": by,
            "act": get_deed_name(proposal.act, language),
            "election": get_election_name(named, language),
            "until": format_moment(proposal.expires_at, election.time_zone, language),
            "page": f"{context.settings.base_url}/office/elections/{box.uuid}/acts/{proposal.act.value}",
        },
        language=language,
    )
