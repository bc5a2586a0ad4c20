"""From an outbox row to the message that goes out: plain text, one recipient, in the reader's language.

Texts lie in templates/mail/KIND/subject.txt and body.txt. What a row says reaches the head of a message through the
standard library's strict policy only, which refuses a line's end in a header; a name can't add a header.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.exceptions import TemplateError

from crypto.writing import is_writing
from voting_app.languages import LANGUAGES, SOURCE, load_translations


class _Policy(EmailPolicy):
    """The strict policy; but a subject with other letters is encoded as a whole, because the standard library's
    own way of folding it (Python 3.11) loses blanks between its words.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name == "Subject" and not str(value).isascii():
            encoded = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
            return f"{name}: {encoded}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


# Seven bits only, so that every server takes it and nothing on the way encodes it again.
_POLICY = _Policy(linesep="\r\n", raise_on_defect=True, cte_type="7bit")


class LetterError(Exception):
    """This row can't become a message, now or later."""


@dataclass(frozen=True)
class Letter:
    """What is to be said to whom; `payload` is for the template, and may hold a one-time link."""

    kind: str
    recipient: str
    language: str
    payload: Mapping[str, Any] = field(repr=False)
    message_id: str
    written_at: datetime


def compose(letter: Letter, *, sender: str, organisation: str) -> EmailMessage:
    """The message; LetterError where something in it can't stand in a message."""
    language = letter.language if letter.language in LANGUAGES else SOURCE
    environment = _environment(language)
    message = EmailMessage(_POLICY)
    try:
        values = {**letter.payload, "organisation": organisation}
        subject = _keep_on_one_line(environment.get_template(f"{letter.kind}/subject.txt").render(values))
        if not is_writing(subject):
            raise ValueError("a sign in the subject cannot be printed")
        body = environment.get_template(f"{letter.kind}/body.txt").render(values)
        message["From"] = Address(_keep_on_one_line(organisation), addr_spec=sender)
        message["To"] = Address(addr_spec=letter.recipient)
        message["Subject"] = subject
        message["Date"] = format_datetime(letter.written_at)
        # Nothing of this computer: neither its name nor a process number.
        message["Message-ID"] = f"<{letter.message_id}@{get_domain(sender)}>"
        # No answer from a machine that is on holiday.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        message["Content-Language"] = language
    except (TemplateError, MessageError, ValueError, TypeError) as error:
        # Named by its kind only: what the templates were given is not for the log.
        raise LetterError(f"the message cannot be written ({type(error).__name__})") from error
    return message


def _keep_on_one_line(text: str) -> str:
    """The text with plain blanks for the others: French writes one before a colon at which no line may end."""
    return "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in text)


def get_domain(address: str) -> str:
    """What stands after the @."""
    return address.rpartition("@")[2]


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("voting_app", "templates/mail"),
        # Plain text, not HTML: in it an escaped name would be a wrong name.
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(load_translations(language), newstyle=True)  # type: ignore[attr-defined]
    return environment
