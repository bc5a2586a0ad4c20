"""Trustees with a browser and trustees with the command, who make and use a key together."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from playwright.sync_api import Locator, Page

from audit.keyfile import KeyFile, parse_key_file
from audit.trustee import cli
from crypto.encoding import encode_json
from crypto.pedersen import open_private_key
from tests.flows.elections import HeldElection
from tests.flows.leaks import Secret
from tests.flows.people import Person
from voting_app.demo.people import base

NEW_KEY = "Make a new key"
SAVE = "Save the file"


def read_key(path: Path) -> KeyFile:
    """A key file as either program wrote it."""
    return parse_key_file(path.read_bytes(), path.name)


def key_secrets(path: Path) -> list[Secret]:
    """All that must never leave the trustee's computer."""
    key = read_key(path)
    group, name = key.get_group(), path.stem
    found = []
    if key.secret is not None:
        found.append(Secret(f"{name}: secret key", int(key.secret)))
    if key.seed is not None:
        found.append(Secret(f"{name}: seed", key.seed))
        for label in ("sk", "dk"):
            number = int.from_bytes(sha256(f"{label}|{key.seed}".encode()).digest()) % group.q
            found.append(Secret(f"{name}: key {label} of the seed", number))
        if key.private_key is not None:
            secret = open_private_key(group, key.seed, key.private_key)
            found.append(Secret(f"{name}: secret key", secret))
    return found


@dataclass
class BrowserTrustee:
    """Somebody who opens a trustee's link. `files` are the saved ones, the newest last."""

    person: Person
    election: HeldElection
    owner: int
    token: str
    folder: Path
    files: list[Path] = field(default_factory=list)

    @property
    def link(self) -> str:
        return f"{self.election.url}/trustee#{self.token}"

    @property
    def page(self) -> Page:
        return self.person.page

    @property
    def file(self) -> Path:
        return self.files[-1]

    def visit(self) -> Page:
        """Open the link; a tab that shows this page already does not notice the same link again."""
        if self.page.url != "about:blank":
            self.page.goto("about:blank")
        return self.person.open(self.link)

    def heading(self, text: str) -> Locator:
        return self.page.get_by_role("heading", name=text, exact=True)

    def choose(self, file: Path | None = None) -> None:
        """Give the page a key file, or let it make a new one; it goes on at once."""
        if file is None:
            self.page.get_by_role("button", name=NEW_KEY).click()
        else:
            self.page.set_input_files("#file", file)

    def save(self) -> Path:
        """Save what the page has made, where the browser puts it."""
        with self.page.expect_download() as loading:
            self.page.get_by_role("link", name=SAVE).click()
        target = self.folder / f"{len(self.files) + 1}-{loading.value.suggested_filename}"
        loading.value.save_as(target)
        self.files.append(target)
        return target

    def step(self, act: str) -> None:
        """One whole step of the ceremony or the drill, from the link to "done"."""
        self.visit()
        self.do(act)

    def stay(self) -> None:
        """Open the link in a tab that stays open: `look` instead of `visit` from now on."""
        self.page.clock.install()
        self.visit()

    def look(self) -> None:
        """A quarter of a minute later: the page has asked by itself whether it goes on. One that has no need to ask, as
        it has gone on already, does nothing.
        """
        self.page.clock.fast_forward(16_000)

    def do(self, act: str) -> None:
        """One whole step, from the page that asks for it to "done"."""
        self.choose(self.files[-1] if self.files else None)
        self.save()
        self.choose(self.file)
        self.page.get_by_text(f"Done: {act}").wait_for()

    def try_file(self, file: Path, words: str) -> None:
        """Choose a file that the page refuses with these words; then it asks for another one."""
        # What it has said of the file before is no answer.
        self.page.evaluate(
            "() => { for (const box of document.querySelectorAll('[role=alert]')) box.removeAttribute('role'); }"
        )
        self.choose(file)
        self.refused(words)

    def refused(self, words: str) -> None:
        """The page refuses with these words."""
        self.page.get_by_role("alert").filter(has_text=words).wait_for()


@dataclass
class CommandTrustee:
    """A trustee with steward-trustee, who carries files to and fro."""

    election: HeldElection
    owner: int
    token: str
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / f"{self.owner}.key"

    def inbox(self) -> tuple[Any, Path]:
        value = self.election.client.get(f"{base(self.election.uuid)}/trustee", self.token)
        path = self.folder / f"{self.owner}.inbox"
        path.write_text(encode_json(value))
        return value["inputs"], path

    def run(self, *words: str | Path) -> Any:
        result = CliRunner().invoke(cli, [str(word) for word in words])
        if result.exit_code:
            raise AssertionError(f"steward-trustee {words[0]}: {result.output} {result.exception}")
        return json.loads(result.stdout)

    def send(self, act: str, body: Any) -> None:
        self.election.client.post(f"{base(self.election.uuid)}/trustee/{act}", body, self.token)

    def send_certificate(self) -> None:
        inputs, _ = self.inbox()
        place = [word for name in ("size", "threshold", "index") for word in (f"--{name}", str(inputs[name]))]
        self.send("certificate", self.run("certificate", *place, self.file))

    def send_commitment(self) -> None:
        self.send("commitment", self.run("commit", "--inbox", self.inbox()[1], self.file))

    def send_reveal(self) -> None:
        self.send("reveal", self.run("reveal", "--inbox", self.inbox()[1], self.file))

    def send_share(self) -> None:
        self.send("share", self.run("share", "--inbox", self.inbox()[1], self.file))

    def send_drill(self) -> None:
        inputs, _ = self.inbox()
        words = ("--fingerprint", inputs["fingerprint"], "--nonce", inputs["nonce"])
        self.send("drill", self.run("drill", *words, self.file))

    def send_decryption(self, archive: Path, journal: Path) -> None:
        words = ("--yes", "--jobs", "1", "--journal", journal, self.file, archive)
        self.send("decryption", self.run("decrypt", *words))


def tokens_of(election: HeldElection) -> Sequence[tuple[int, str]]:
    """Owner number and token of each seat."""
    return [(trustee.owner, trustee.token) for trustee in election.trustees]
