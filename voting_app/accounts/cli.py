"""`steward admin` and `steward token`: who may act here, from a terminal."""

from typing import Any

import click

from voting_app.commands import SETTINGS, with_context

ROLES = ("committee", "registrar", "observer", "administrator", "helpdesk")


@click.group(context_settings=SETTINGS)
def admin() -> None:
    """Administrators of the pages, when none of them can log in any more."""


@admin.command("list")
@with_context
def list_administrators(context: Any) -> None:
    """List administrators: account number, mail address, name, whether password and second factor are set."""
    from voting_app.accounts import service

    with context.database.read() as session:
        for person in service.list_people(session, context.clock.now()):
            if person.role == service.ADMINISTRATOR:
                state = "ready" if person.is_ready else "invited"
                click.echo(f"{person.number}  {person.email}  {person.name}  {state}")


@admin.command("reset")
@click.option("--email", metavar="ADDRESS", help="Of the administrator; without it the link makes a new one.")
@with_context
def reset_administrator(context: Any, email: str | None) -> None:
    """Print a one-time link with which an administrator sets password and second factor anew.

    Those that were set are worthless at once, and where this administrator was logged in is ended. The link
    is good for a day: open it yourself, or pass it on by a way that nobody else reads.
    """
    from voting_app.accounts import links

    click.echo(links.reset_administrator(context, email).get_url(context.settings.base_url))


@click.group(context_settings=SETTINGS)
def token() -> None:
    """Bearer tokens of programs: one role each, shown once, kept as a hash."""


@token.command("create")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the bearer may do.")
@click.option("--label", default="", help="A note for you, such as the program's name. Never published.")
@with_context
def create_token(context: Any, role: str, label: str) -> None:
    """Make a token and print it, this once.

    Trustees' tokens are made with their seats: `steward election trustees`.
    """
    from voting_app.accounts import service

    with context.database.write() as session:
        made = service.create_token(session, role=role, label=label, now=context.clock.now())
    click.echo(made.text)
    click.echo(
        f"It acts as {made.actor}; end it with: steward token end {made.actor.account_number}", err=True
    )


@token.command("end")
@click.argument("account_number", type=click.IntRange(1))
@with_context
def end_token(context: Any, account_number: int) -> None:
    """End the account with this number and its tokens, at once and for good."""
    from voting_app.accounts import service

    with context.database.write() as session:
        service.end_account(session, account_number, context.clock.now())
    click.echo("Ended.")
