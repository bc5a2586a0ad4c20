"""What docs/operations.md shows to put around the application is tried: a proxy with TLS, a unit of systemd."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.flows.people import Elections
from tests.flows.serving import PROJECT, Installation, find_free_port

_HOST = "vote.example.org"
_START_SECONDS = 20


def read_block(kind: str) -> str:
    """The block of that kind in the document, as an administrator copies it."""
    [block] = re.findall(rf"```{kind}\n(.*?)```", (PROJECT / "docs/operations.md").read_text(), re.DOTALL)
    return str(block)


def find_program(name: str, package: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{name} is missing (Debian: apt-get install {package})")
    return path


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    program = find_program("systemd-analyze", "systemd")
    unit = tmp_path / "steward.service"
    text = read_block("ini")
    command = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    assert command
    # The only thing that is not on this computer: the installed program.
    unit.write_text(text.replace(command[1], "/bin/true"))
    run = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    own = [line for line in run.stderr.splitlines() if "steward.service" in line]
    assert (run.returncode, own) == (0, []), run.stderr
    unit.write_text(text.replace(command[1], "/bin/true").replace("NoNewPrivileges", "NoNewPrivilege"))
    run = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert "NoNewPrivilege" in run.stderr


def make_certificate(folder: Path) -> Path:
    """A certificate that only this test trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "fullchain.pem"


class Visitor:
    """Somebody who reaches the proxy under its name."""

    def __init__(self, port: int, certificate: Path) -> None:
        self._port = port
        self._trust = ssl.create_default_context(cafile=str(certificate))

    def ask(self, path: str, **headers: str) -> http.client.HTTPResponse:
        plain = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        connection = http.client.HTTPConnection(_HOST)
        connection.sock = self._trust.wrap_socket(plain, server_hostname=_HOST)
        connection.request("GET", path, headers={"Host": _HOST, "Accept": "text/html", **headers})
        answer = connection.getresponse()
        answer.body = answer.read()  # type: ignore[attr-defined]
        connection.close()
        return answer


@pytest.fixture
def proxied(installation: Installation, tmp_path: Path) -> Iterator[tuple[Visitor, Path]]:
    """The document's proxy before the installation, and the folder with its logs."""
    program = find_program("nginx", "nginx-light")
    certificate = make_certificate(tmp_path)
    logs = tmp_path / "logs"
    logs.mkdir()
    port, plain_port = find_free_port(), find_free_port()
    site = read_block("nginx")
    for old, new in (
        ("/etc/letsencrypt/live/vote.example.org", str(tmp_path)),
        ("/var/log/nginx", str(logs)),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("listen 80;", f"listen 127.0.0.1:{plain_port};"),
        ("http://127.0.0.1:8000", installation.url),
    ):
        assert old in site
        site = site.replace(old, new)
    (tmp_path / "site.conf").write_text(site)
    config = tmp_path / "nginx.conf"
    temp = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    http_block = f"http {{ {temp} include {tmp_path}/site.conf; }}"
    # Its workers must come into this folder, which is ours alone.
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(
        f"{user} daemon off; pid {tmp_path}/pid; error_log {logs}/main.log; events {{}} {http_block}"
    )
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [program, "-p", tmp_path, "-c", config, "-e", logs / "main.log"], stdout=said, stderr=said
        )
    try:
        _wait_for(port, process, tmp_path / "said")
        yield Visitor(port, certificate), logs
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", said: Path) -> None:
    ends_at = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends_at:
        assert process.poll() is None, said.read_text()
        with closing(socket.socket()) as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the proxy does not listen")


def test_the_proxy_hands_on_everything_and_notes_nobody(
    elections: Elections, proxied: tuple[Visitor, Path]
) -> None:
    visitor, logs = proxied
    election = elections.new(members=2, trustee_count=1, threshold=1).set_up()
    assert visitor.ask("/healthz").status == 200
    page = visitor.ask(f"/elections/{election.uuid}")
    assert page.status == 200
    assert page.headers["Content-Security-Policy"]
    assert not page.headers.get_all("Set-Cookie")
    part = visitor.ask(f"/elections/{election.uuid}/{election.uuid}.bel", Range="bytes=0-99")
    assert (part.status, len(part.body)) == (206, 100)  # type: ignore[attr-defined]
    assert visitor.ask("/office?q=Ada").status == 303
    # What stands in these addresses is a secret.
    assert visitor.ask("/addresses/one-time-link").status == 404
    assert visitor.ask("/setup/one-time-link").status == 404
    assert visitor.ask("/").status == 200
    for _ in range(100):
        lines = (logs / "steward.log").read_text().splitlines()
        if len(lines) >= 2:
            break
        time.sleep(0.05)
    # Not who, and of the election and the office nothing at all.
    assert sorted(line.split(" ", 1)[1] for line in lines) == ["200 GET /", "200 GET /healthz"]
    everything = "".join(path.read_text() for path in logs.iterdir())
    assert "127.0.0.1" not in "".join(lines)
    assert election.uuid not in everything
    assert "Ada" not in everything
    # As Debian's logrotate does it every day: the file gets another name, and the proxy begins a new one.
    (logs / "steward.log").rename(logs / "steward.log.1")
    os.kill(int((logs.parent / "pid").read_text()), signal.SIGUSR1)
    for _ in range(100):
        if (logs / "steward.log").exists():
            break
        time.sleep(0.05)
    assert visitor.ask("/").status == 200
    for _ in range(100):
        if (logs / "steward.log").read_text():
            break
        time.sleep(0.05)
    assert (logs / "steward.log").read_text().endswith(" 200 GET /\n")
    assert len((logs / "steward.log.1").read_text().splitlines()) == 2
