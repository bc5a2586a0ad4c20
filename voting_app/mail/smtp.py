"""One connection to the mail server that the settings name, and what it says of each message.

Whose fault a failure is decides what happens next: a server that cannot be reached, that refuses us (password, no
STARTTLS) or that says "later" (4xx) is asked again; a 5xx about this very message is final.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

# For one word from the server, and for everything that is said in one connection. A message's lease must be longer
# than the latter, otherwise a second process would begin while the first still sends.
REPLY_SECONDS = 15
SESSION_SECONDS = 60

LONGEST_ADDRESS = 254
_LONGEST_REASON = 300
# Dots and letters as mail servers everywhere take them; a domain in other letters is written in its xn-- form.
# No sign of it means anything in a header or in a command to the server.
_ADDRESS = re.compile(
    r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}"
)
# A voting code has 25 signs with its dashes, the secret of any other link has 43.
_SECRET = re.compile(r"[\w-]{20,}")

_DEFAULT_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class MailError(Exception):
    """A message was not taken. The text says why, in words of ours and of the mail server, without a secret."""


class LaterError(MailError):
    """It may be taken another time."""


class UnreachableError(LaterError):
    """There is no connection (any more): other messages need not be tried now either."""


class UnclearError(UnreachableError):
    """The connection broke while the text was said: nobody knows whether the message was taken."""


class RefusedError(MailError):
    """This message will never be taken."""


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over. `security`: smtp (none), smtps or smtp+starttls."""

    security: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)


def is_address(text: str) -> bool:
    """Whether this is a mail address that we write to."""
    return len(text) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def parse_server(url: str) -> MailServer:
    """The server of `smtp://host:port`, `smtps://user:password@host` or `smtp+starttls://user:password@host`.

    ValueError says what is wrong and does not repeat the address, which may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError(f"it must begin with one of {', '.join(name + '://' for name in _DEFAULT_PORTS)}")
    try:
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError:
        # Python's sentence repeats a part of the address.
        raise ValueError("the port must be a number from 1 to 65535") from None
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("it must name a host, a port if wanted, and nothing after them")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("user and password go together")
    if not all(sign.isprintable() for sign in user + password):
        raise ValueError("user or password has a sign that cannot be printed")
    if password and parts.scheme == "smtp" and not _is_this_computer(parts.hostname):
        raise ValueError("a password is sent only encrypted: use smtps:// or smtp+starttls://")
    return MailServer(parts.scheme, parts.hostname, port, user, password)


def _is_this_computer(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Connection:
    """An open connection on which messages are sent one after the other."""

    def __init__(self, client: smtplib.SMTP) -> None:
        self._client = client

    def send(
        self,
        message: EmailMessage,
        sender: str,
        recipient: str,
        *,
        before_text: Callable[[], None] | None = None,
    ) -> None:
        """Hands one message over; when this returns the server has taken it. LaterError, RefusedError.

        before_text: called when the server has taken sender and recipient, right before it hears the text. Until then
        it is certain that nothing is sent; if it raises, nothing is.
        """
        # As bytes: what was folded and encoded by the message's policy goes out as it is.
        raw = message.as_bytes()
        try:
            options = [f"size={len(raw)}"] if self._client.has_extn("size") else []
            # A message that cannot be delivered comes back without its text, which may have a link or a code in it.
            options += ["ret=hdrs"] if self._client.has_extn("dsn") else []
            self._require((250,), self._client.mail(sender, options))
            self._require((250, 251), self._client.rcpt(recipient))
        except (OSError, smtplib.SMTPException) as error:
            raise UnreachableError(_describe(error)) from error
        if before_text is not None:
            try:
                before_text()
            except BaseException:
                self._forget()
                raise
        try:
            code, words = self._client.data(raw)
        except smtplib.SMTPDataError as error:
            # It did not want to hear the text.
            self._forget()
            raise _judge(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise UnclearError(_describe(error)) from error
        if code != 250 and not 400 <= code <= 599:
            # Neither yes nor no: something between us and the server has garbled its answer.
            raise UnclearError(f"the mail server answered {code}: {clean(words)}")
        self._require((250,), (code, words))

    def _require(self, good: tuple[int, ...], answer: tuple[int, bytes]) -> None:
        code, words = answer
        if code not in good:
            self._forget()
            raise _judge(code, words)

    def _forget(self) -> None:
        """Lets the server forget a message that is not finished, so that another one can begin."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._client.rset()


@contextmanager
def connect(server: MailServer, greeting: str) -> Iterator[Connection]:
    """A connection, ready to send; UnreachableError. `greeting`: the domain that we say we are.

    Certificates are verified against those that the computer trusts (SSL_CERT_FILE names others).
    """
    try:
        client = _open(server, greeting)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise UnreachableError(_describe(error)) from error
    # A server that answers one letter at a time would never run into the limit for one reply.
    watchdog = threading.Timer(SESSION_SECONDS, _cut, (client,))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield Connection(client)
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            client.quit()
        watchdog.cancel()
        client.close()


def _open(server: MailServer, greeting: str) -> smtplib.SMTP:
    # With a greeting of our own: smtplib would tell the name of this computer, and ask the network for it.
    if server.security == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host,
            server.port,
            local_hostname=greeting,
            timeout=REPLY_SECONDS,
            context=ssl.create_default_context(),
        )
    else:
        client = smtplib.SMTP(server.host, server.port, local_hostname=greeting, timeout=REPLY_SECONDS)
    try:
        if server.security == "smtp+starttls":
            # Raises where the server does not offer it: nothing is ever sent in clear instead.
            client.starttls(context=ssl.create_default_context())
        client.ehlo_or_helo_if_needed()
        if server.user:
            client.login(server.user, server.password)
    except BaseException:
        client.close()
        raise
    return client


def _cut(client: smtplib.SMTP) -> None:
    if client.sock is not None:
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)


def _judge(code: int, words: bytes | str) -> MailError:
    sentence = f"the mail server answered {code}: {clean(words)}"
    if code == 421:
        return UnreachableError(sentence)
    return RefusedError(sentence) if 500 <= code <= 599 else LaterError(sentence)


def _describe(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code}: {clean(error.smtp_error)}"
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"no connection with the mail server: {_put_on_one_line(words or type(error).__name__)[:_LONGEST_REASON]}"


def clean(words: bytes | str) -> str:
    """What a mail server has said, to be kept and shown: on one line, not too long, and without anything that may be
    the secret of a link or a code of ours. A server that does not like a link repeats it.
    """
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return _SECRET.sub("…", _put_on_one_line(text))[:_LONGEST_REASON]


def _put_on_one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
