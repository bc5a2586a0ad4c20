"""Tokens of programs, and the numbers of accounts."""

import pytest
from sqlalchemy import select

from voting_app.accounts import service
from voting_app.accounts.models import AccessToken
from voting_app.context import Context
from voting_app.errors import Problem


def test_a_token_is_found_by_its_text_only(context: Context) -> None:
    with context.database.write() as session:
        token = service.create_token(session, role="committee", label="laptop", now=context.clock.now())
    with context.database.read() as session:
        assert service.find_token(session, token.text) == token.actor
        for text in ("", token.text[:-1], token.text + "x", token.text.lower(), "\ud800"):
            assert service.find_token(session, text) is None
        stored = session.scalars(select(AccessToken.digest)).one()
    assert token.text not in stored
    assert len(token.text) >= 43


def test_an_ended_account_is_nobody(context: Context) -> None:
    with context.database.write() as session:
        token = service.create_token(session, role="committee", label="laptop", now=context.clock.now())
        service.end_account(session, token.actor.account_number, context.clock.now())
    with context.database.read() as session:
        assert service.find_token(session, token.text) is None
    with pytest.raises(Problem, match="unknown-account"), context.database.write() as session:
        service.end_account(session, token.actor.account_number, context.clock.now())


def test_account_numbers_tell_no_order(context: Context) -> None:
    with context.database.write() as session:
        numbers = [
            service.create_account(
                session, role="trustee", label=str(i), now=context.clock.now()
            ).account_number
            for i in range(20)
        ]
    assert len(set(numbers)) == 20
    assert numbers != sorted(numbers)


def test_the_role_of_a_program_stays_what_it_was_made_for(context: Context) -> None:
    with context.database.write() as session:
        token = service.create_token(session, role="observer", label="laptop", now=context.clock.now())
    with pytest.raises(Problem, match="unknown-account"), context.database.write() as session:
        service.change_role(session, token.actor.account_number, "administrator")
