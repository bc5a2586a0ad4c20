"""Sends what is due: called by the timer of `steward serve`, and by `steward mail send` on other hosts."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from voting_app.context import Context
from voting_app.mail import service
from voting_app.mail.letters import LetterError, compose, get_domain
from voting_app.mail.service import ClaimedMail
from voting_app.mail.smtp import Connection, LaterError, RefusedError, UnreachableError, connect, parse_server

_log = logging.getLogger("steward.mail")

# A round begins no further message after this time, so that a program that is asked to end does so soon.
ROUND_SECONDS = 10
FORGETTING_INTERVAL = timedelta(hours=1)
# When this process last looked for what is to be forgotten, by database.
_forgot_at: dict[str, datetime] = {}


def run_due(context: Context) -> int:
    """One round: sends what is due, over one connection; how many messages the mail server took."""
    _forget_if_due(context)
    if not service.is_enabled(context.settings) or not service.is_anything_due(context):
        return 0
    mail = service.claim(context)
    if mail is None:
        return 0
    taken = 0
    ends_at = time.monotonic() + ROUND_SECONDS
    settings = context.settings
    try:
        with connect(parse_server(settings.smtp_url), get_domain(settings.mail_from)) as connection:
            while mail is not None:
                taken += _send(context, connection, mail)
                mail = service.claim(context) if time.monotonic() < ends_at else None
    except UnreachableError as error:
        if mail is not None:
            # Neither address nor text is for the log; both stand in the outbox, with the reason.
            _log.warning("mail %d waits: the mail server cannot be reached or refuses us", mail.id)
            service.mark_later(context, mail, str(error))
    return taken


def _forget_if_due(context: Context) -> None:
    """Once in a while: no index leads to what is to be forgotten, and the timer comes every second."""
    now = context.clock.now()
    last = _forgot_at.get(str(context.database.url))
    if last is None or now - last >= FORGETTING_INTERVAL:
        service.forget_recipients(context)
        _forgot_at[str(context.database.url)] = now


def _send(context: Context, connection: Connection, mail: ClaimedMail) -> bool:
    sender = context.settings.mail_from
    try:
        message = compose(mail.letter, sender=sender, organisation=context.settings.organisation)
        connection.send(message, sender, mail.letter.recipient)
    except UnreachableError:
        raise
    except LaterError as error:
        _log.warning("mail %d was not taken now", mail.id)
        service.mark_later(context, mail, str(error))
        return False
    except (LetterError, RefusedError) as error:
        _log.warning("mail %d was refused", mail.id)
        service.mark_failed(context, mail, str(error))
        return False
    service.mark_sent(context, mail)
    return True
