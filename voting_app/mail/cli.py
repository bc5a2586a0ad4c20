"""`steward mail`: what the outbox holds, from a terminal."""

from typing import Any

import click

from voting_app.commands import SETTINGS, give_up, with_context


@click.group(context_settings=SETTINGS)
def mail() -> None:
    """Mail: send what is due, see what was not taken by trustees' and officers' mail servers, try again.

    `steward serve` sends by itself. Where mail is handed over is said by the settings smtp_url and mail_from.
    """


def _require_mail(context: Any) -> None:
    from voting_app.mail.service import is_enabled

    if not is_enabled(context.settings):
        give_up("no mail is sent here: the setting smtp_url is empty")


@mail.command("send")
@with_context
def send_mail(context: Any) -> None:
    """Send what is due, once, and say how many messages the mail server took.

    For cron, and for hosts without a timer. Several at once do not send anything twice.
    """
    from voting_app.mail.jobs import run_due
    from voting_app.mailing.jobs import run_due as run_due_to_members

    _require_mail(context)
    count = 0
    # Mail to members is paced: what is over this minute's share goes the next time.
    while taken := run_due(context) + run_due_to_members(context):
        count += taken
    click.echo(f"{count} sent.")


@mail.command("list")
@with_context
def list_mail(context: Any) -> None:
    """List what was not sent: number, state, attempts, kind, recipient, next attempt or reason."""
    from voting_app.mail import service

    with context.database.read() as session:
        for view in service.list_unsent(session):
            when = "" if view.state == "failed" else f"  next attempt {view.next_try_at:%Y-%m-%dT%H:%MZ}"
            reason = f"  {view.reason}" if view.reason else ""
            click.echo(
                f"{view.id}  {view.state.value:<8} {view.attempts}  {view.kind}  {view.recipient}{when}{reason}"
            )


@mail.command("retry")
@with_context
def retry_mail(context: Any) -> None:
    """Let everything that failed begin anew, for example after a wrong setting."""
    from voting_app.mail import service

    click.echo(f"{service.retry_failed(context)} will be tried again.")
