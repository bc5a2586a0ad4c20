"""Sends mail with credentials: called by the timer of `steward serve`, and by `steward mail send` on other hosts."""

from __future__ import annotations

import logging
import time

from voting_app.context import Context
from voting_app.mail.letters import LetterError, compose, get_domain
from voting_app.mail.service import is_enabled
from voting_app.mail.smtp import (
    Connection,
    LaterError,
    RefusedError,
    UnclearError,
    UnreachableError,
    connect,
    parse_server,
)
from voting_app.mailing import deliveries
from voting_app.mailing.deliveries import Claimed, LostLeaseError

_log = logging.getLogger("steward.mail")

# A round begins no further message after this time, so that a program that is asked to end does so soon.
ROUND_SECONDS = 5


def run_due(context: Context) -> int:
    """One round: sends what is due, over one connection, as fast as the settings allow; how many messages the mail
    server took.
    """
    deliveries.tidy(context)
    if not is_enabled(context.settings) or not deliveries.is_anything_due(context):
        return 0
    if not deliveries.has_safe_address(context):
        _log.error("mail to members waits: the setting base_url of this host does not begin with https")
        return 0
    mail = deliveries.claim(context)
    if mail is None:
        return 0
    taken = 0
    settings = context.settings
    pause = 60 / settings.mail_per_minute
    ends_at = time.monotonic() + ROUND_SECONDS
    try:
        with connect(parse_server(settings.smtp_url), get_domain(settings.mail_from)) as connection:
            while mail is not None:
                current, mail = mail, None
                taken += _send(context, connection, current)
                if time.monotonic() + pause < ends_at:
                    time.sleep(pause)
                    mail = deliveries.claim(context)
    except _BrokenError:
        pass
    except UnreachableError as error:
        if mail is not None:
            _wait(context, mail, error)
    return taken


class _BrokenError(Exception):
    """There is no connection any more; what became of the message is noted."""


def _wait(context: Context, mail: Claimed, error: Exception) -> None:
    # Neither member nor address is for the log.
    _log.warning("a mail to a member waits: the mail server cannot be reached or refuses us")
    deliveries.mark_later(context, mail, str(error))


def _send(context: Context, connection: Connection, mail: Claimed) -> bool:
    sender = context.settings.mail_from
    try:
        message = compose(mail.letter, sender=sender, organisation=context.settings.organisation)
        connection.send(
            message,
            sender,
            mail.letter.recipient,
            before_text=lambda: deliveries.begin_text(context, mail),
        )
    except LostLeaseError:
        return False
    except UnclearError as error:
        _log.warning("a mail to a member is unclear: the connection broke while the text was said")
        deliveries.mark_unclear(context, mail, str(error))
        raise _BrokenError from error
    except UnreachableError as error:
        _wait(context, mail, error)
        raise _BrokenError from error
    except LaterError as error:
        _log.warning("a mail to a member was not taken now")
        deliveries.mark_later(context, mail, str(error))
        return False
    except (LetterError, RefusedError) as error:
        _log.warning("a mail to a member was refused")
        deliveries.mark_refused(context, mail, str(error))
        return False
    deliveries.mark_sent(context, mail)
    return True
