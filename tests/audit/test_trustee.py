"""A trustee's program against a lying server and damaged key files: nothing is shown too early, and each refusal
is one sentence.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit.registrar import cli as registrar
from audit.trustee import cli
from crypto.errors import MisuseError, ProtocolError


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def write_inbox(folder: Path, **inputs: Any) -> Path:
    path = folder / "inbox.json"
    path.write_text(json.dumps({"inputs": inputs}, separators=(",", ":")))
    return path


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def assert_refused(result: Result) -> None:
    """A refusal that ``main`` prints as a sentence; anything else would be a traceback."""
    assert isinstance(result.exception, MisuseError | ProtocolError | SystemExit), result.exception
    assert result.exit_code != 0
    assert not result.stdout


@pytest.fixture
def committed(tmp_path: Path) -> dict[str, str]:
    """Two threshold trustees who have committed: owner -> commitment; their keys are 1.key and 2.key."""
    keys = [tmp_path / "1.key", tmp_path / "2.key"]
    words = ("--size", "2", "--threshold", "2", "--index")
    certificates = [answer(run("certificate", *words, str(n), key)) for n, key in enumerate(keys, 1)]
    inbox = write_inbox(tmp_path, certificates=certificates)
    return {
        str(n): answer(run("commit", "--inbox", inbox, key))["commitment"] for n, key in enumerate(keys, 1)
    }


def test_nothing_is_revealed_before_everybody_has_committed(
    tmp_path: Path, committed: dict[str, str]
) -> None:
    key, other = tmp_path / "1.key", committed["2"]
    own = committed["1"]
    for lie in (
        {},
        {"1": own},
        {"1": other, "2": other},
        {"1": own, "2": None},
        {"1": own, "3": other},
        [own],
        "x",
    ):
        assert_refused(run("reveal", "--inbox", write_inbox(tmp_path, commitments=lie), key))
    inbox = write_inbox(tmp_path, commitments=committed)
    assert answer(run("reveal", "--inbox", inbox, key))["coefexps"]
    changed = write_inbox(tmp_path, commitments=committed | {"2": "0" * 64})
    assert_refused(run("reveal", "--inbox", changed, key))


def test_a_commitment_can_be_printed_again_but_not_for_another_ceremony(
    tmp_path: Path, committed: dict[str, str]
) -> None:
    """What is lost on the way must not cost the whole ceremony; a second polynomial must never exist."""
    key = tmp_path / "1.key"
    before = key.read_bytes()
    inbox = json.loads((tmp_path / "inbox.json").read_text())["inputs"]["certificates"]
    again = answer(run("commit", "--inbox", write_inbox(tmp_path, certificates=inbox), key))
    assert again["commitment"] == committed["1"]
    other = answer(
        run("certificate", "--size", "2", "--threshold", "2", "--index", "2", tmp_path / "stranger.key")
    )
    assert_refused(run("commit", "--inbox", write_inbox(tmp_path, certificates=[inbox[0], other]), key))
    assert key.read_bytes() == before


@pytest.mark.parametrize("certificates", [5, "x", {}, [], [1, 2], [None, None]])
def test_certificates_that_are_none(tmp_path: Path, certificates: object) -> None:
    key = tmp_path / "key"
    answer(run("certificate", "--size", "2", "--threshold", "2", "--index", "1", key))
    assert_refused(run("commit", "--inbox", write_inbox(tmp_path, certificates=certificates), key))


def test_damaged_key_files_are_refused_in_words(tmp_path: Path, committed: dict[str, str]) -> None:
    key = tmp_path / "1.key"
    content = json.loads(key.read_text())
    single = {"version": 1, "kind": "single", "group": "Ed25519", "secret": "5"}
    damaged = [{**content, name: value} for name in content for value in (5, None, [1], {"a": 1}, "x")]
    damaged += [{**single, name: value} for name in single for value in (7, None, [1], "x")]
    inbox = write_inbox(tmp_path, commitments=committed)
    for value in (*damaged, [], 5, {}):
        key.write_text(json.dumps(value))
        for result in (
            run("drill", "--fingerprint", "x", "--nonce", "00" * 16, key),
            run("commit", "--inbox", inbox, key),
            run("reveal", "--inbox", inbox, key),
            run("share", "--inbox", inbox, key),
        ):
            assert result.exception is None or isinstance(
                result.exception, MisuseError | ProtocolError | SystemExit
            ), value


def test_the_registrar_writes_both_files_or_none(tmp_path: Path) -> None:
    roll = tmp_path / "roll.csv"
    roll.write_text("name,member_number\nA,1\n")
    words = ["generate", "--election", "1" * 14, "--out", str(tmp_path), str(roll)]
    for name, other in (
        ("public-credentials.json", "credentials.csv"),
        ("credentials.csv", "public-credentials.json"),
    ):
        (tmp_path / name).write_text("kept")
        assert CliRunner().invoke(registrar, words).exit_code != 0
        assert (tmp_path / name).read_text() == "kept"
        assert not (tmp_path / other).exists()
        (tmp_path / name).unlink()
    assert CliRunner().invoke(registrar, words).exit_code == 0
