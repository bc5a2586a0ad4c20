"""What browsers get of other people's code is what `make vendor` makes of the locked packages, byte for byte."""

import gzip
import json
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.web.node import NodeMissingError, find_node

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools" / "web"
VENDOR = ROOT / "voting_app" / "static" / "vendor"
WRITTEN = {"noble.js", "noble.js.LICENSE", "qrcode.js", "qrcode.js.LICENSE", "vendor.json"}
BY_HAND = {"noble.d.ts", "qrcode.d.ts"}
# npm's codes for a registry that cannot be reached; a wrong hash in the lock has another one and is a failure.
NO_NETWORK = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "ENOTCACHED",
)


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of bundles made anew, from packages fetched anew."""
    try:
        node = find_node()
    except NodeMissingError as missing:
        pytest.skip(str(missing))
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing (on Debian as root: apt-get install npm)")
    folder = tmp_path_factory.mktemp("web")
    for name in ("package.json", "package-lock.json", ".npmrc", "vendor.mjs"):
        shutil.copy(TOOLS / name, folder)
    shutil.copytree(TOOLS / "entries", folder / "entries")
    command = [npm, "ci", "--omit=dev", "--prefer-offline", "--loglevel=error"]
    fetched = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if fetched.returncode and any(code in fetched.stderr for code in NO_NETWORK):
        pytest.skip(f"the packages could not be fetched: {fetched.stderr.strip()[:200]}")
    assert fetched.returncode == 0, fetched.stderr
    subprocess.run([node, "vendor.mjs", "out"], cwd=folder, check=True, capture_output=True)
    return folder / "out"


def test_the_bundles_are_made_of_the_locked_packages(rebuilt: Path) -> None:
    assert {path.name for path in rebuilt.iterdir()} == WRITTEN
    assert {path.name for path in VENDOR.iterdir()} == WRITTEN | BY_HAND
    for name in sorted(WRITTEN):
        assert (rebuilt / name).read_bytes() == (VENDOR / name).read_bytes(), f"{name}: run `make vendor`"


def test_the_manifest_names_what_went_in_and_what_came_out() -> None:
    manifest = json.loads((VENDOR / "vendor.json").read_text())
    lock = json.loads((TOOLS / "package-lock.json").read_text())["packages"]
    wanted = json.loads((TOOLS / "package.json").read_text())["dependencies"]
    assert {name: entry["version"] for name, entry in manifest["packages"].items()} == wanted
    for name, entry in manifest["packages"].items():
        assert entry["integrity"] == lock[f"node_modules/{name}"]["integrity"]
        assert entry["integrity"].startswith("sha512-")
    for name, bundle in manifest["bundles"].items():
        raw = (VENDOR / name).read_bytes()
        assert (bundle["sha256"], bundle["bytes"]) == (sha256(raw).hexdigest(), len(raw))
        entry = f"entries/{name}"
        assert bundle["sources"][entry] == sha256((TOOLS / entry).read_bytes()).hexdigest()


def test_the_lock_names_no_registry_and_has_a_hash_for_each_package() -> None:
    lock = json.loads((TOOLS / "package-lock.json").read_text())["packages"]
    assert len(lock) > 10
    for path, entry in lock.items():
        assert "resolved" not in entry, path
        assert path == "" or entry["integrity"].startswith("sha512-"), path


def test_bundles_hold_no_address_and_load_nothing() -> None:
    for name in ("noble.js", "qrcode.js"):
        text = (VENDOR / name).read_text()
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in text
        assert "import" not in text
        assert "eval(" not in text


def modules_of(*entries: Path) -> set[Path]:
    """The files that a browser loads for these modules."""
    found, waiting = set(), list(entries)
    while waiting:
        path = waiting.pop().resolve()
        if path not in found:
            found.add(path)
            waiting += [path.parent / name for name in re.findall(r'from "(\.[^"]+)"', path.read_text())]
    return found


def test_the_booth_fits_its_share_of_the_page() -> None:
    """150 kB compressed are for the whole booth; cryptography and checks take less than half."""
    booth = VENDOR.parent / "booth"
    files = modules_of(booth / "worker.js", booth / "client.js") | {VENDOR / "qrcode.js"}
    assert {VENDOR / "noble.js", booth / "group.js"} < files
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 75_000
