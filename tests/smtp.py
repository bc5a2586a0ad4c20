"""A real SMTP server for tests, on a port of its own: takes mail, or answers what a test tells it to answer."""

import asyncio
import contextlib
import datetime
import ipaddress
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
# What the mail server writes down is its own affair; tests look at what our program logs.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)

# The address from which an installation of the tests writes.
SENDER = "vote@union.example"
USER, PASSWORD = "steward", "p@ss:word/1"


@dataclass(frozen=True)
class Received:
    """One message as it arrived."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    greeting: str
    is_encrypted: bool

    @property
    def message(self) -> EmailMessage:
        message = message_from_bytes(self.raw, policy=default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


@dataclass
class MailDrop:
    """The server's memory, and what it answers.

    answers: recipient -> replies to RCPT, one after the other, before it is accepted; after_data: the same for the
    reply after the text. While `hold` is set, a message that has arrived waits for its reply; `arrived` says so.
    """

    port: int
    received: list[Received] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    after_data: dict[str, list[str]] = field(default_factory=dict)
    hold: bool = False
    arrived: threading.Event = field(default_factory=threading.Event)
    logins: list[bytes] = field(default_factory=list)
    _controller: Controller | None = None
    _options: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    def list_recipients(self) -> list[str]:
        """Who got something, in the order of arrival."""
        return [recipient for one in self.received for recipient in one.recipients]

    def start(self) -> None:
        self._controller = Controller(
            self, hostname=HOST, port=self.port, server_hostname="mail.test", **self._options
        )
        self._controller.start()

    def stop(self) -> None:
        self.hold = False
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    # --- what aiosmtpd calls --------------------------------------------------------------------------------

    async def handle_RCPT(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers.get(address):
            return self.answers[address].pop(0)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.after_data.get(envelope.rcpt_tos[0]):
            return self.after_data[envelope.rcpt_tos[0]].pop(0)
        assert isinstance(envelope.original_content, bytes)
        self.received.append(
            Received(
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                raw=envelope.original_content,
                greeting=session.host_name or "",
                is_encrypted=server.transport.get_extra_info("sslcontext") is not None,
            )
        )
        self.arrived.set()
        while self.hold:
            await asyncio.sleep(0.01)
        return "250 taken"

    def authenticate(
        self, _server: Any, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_mail_server(**options: Any) -> Iterator[MailDrop]:
    """A server on a free port while the block runs; `options` are those of aiosmtpd."""
    drop = MailDrop(_free_port(), _options=options)
    if options.pop("with_login", False):
        options["authenticator"] = drop.authenticate
    drop.start()
    try:
        yield drop
    finally:
        drop.stop()


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine that nobody trusts by itself: its file, and the server's side."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test mail server")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return path, context
