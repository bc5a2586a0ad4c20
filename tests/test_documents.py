"""The documents say what the programs do."""

import ast
import re
import subprocess
from pathlib import Path

from audit.checks import CHECKS
from crypto.journal import KINDS

ROOT = Path(__file__).parent.parent


def test_readme_shows_the_programs_help() -> None:
    """A reader of the README must be able to trust its commands and options."""
    run = subprocess.run(
        ["tools/update-readme", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_every_rule_that_is_checked_stands_in_the_protocol() -> None:
    """A finding names a rule's number; the reader must find it in docs/protocol.md, at the start of a row."""
    protocol = (ROOT / "docs/protocol.md").read_text()
    rows = "\n".join(re.findall(r"^\| ([A-Z0-9, ]+) \|", protocol, re.MULTILINE))
    numbered = set(re.findall(r"[A-Z]\d+", rows))
    assert {check.id for check in CHECKS} <= numbered


def test_every_kind_of_journal_line_stands_in_the_protocol() -> None:
    """Whoever reads a journal with another program needs every kind and its fields."""
    protocol = (ROOT / "docs/protocol.md").read_text()
    for name, kind in KINDS.items():
        [row] = [line for line in protocol.splitlines() if re.match(rf"\| [a-z,/ -]*\b{name}\b", line)]
        if name not in ("resumed", "complaint", "complaint-resolved", "tie-draw"):
            assert all(field in row.split("|")[2] for field in kind.fields), name


def test_links_between_documents_lead_somewhere() -> None:
    """A dead link in a security document costs trust."""
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_tests_that_documents_name_exist() -> None:
    """A table of attacks with tests is worth what its tests are."""
    named = re.findall(r"`(tests/[a-z_/]+\.py)(?:::(\w+))?`", (ROOT / "docs/threat-model.md").read_text())
    assert len(named) > 25
    for path, test in named:
        source = (ROOT / path).read_text()
        assert f"def {test or 'test_'}" in source, f"{path}::{test}"


def _refusal_codes() -> set[str]:
    """The codes of all `Problem(status, "code", …)` in the application's source."""
    codes: set[str] = set()
    for path in (ROOT / "voting_app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                codes |= {a.value for a in node.args[1:2] if isinstance(a, ast.Constant)}
    return codes


def test_every_refusal_is_explained() -> None:
    """A program that meets a code, and the person behind it, must find what it means and what to do."""
    explained = set(re.findall(r"[a-z]+(?:-[a-z]+)*", (ROOT / "docs/refusals.md").read_text()))
    codes = _refusal_codes()
    assert len(codes) > 30
    assert codes - explained == set()
