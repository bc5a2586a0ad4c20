"""What every test may ask for: outside programs, databases, and a number of samples.

Settings by environment:
TEST_SAMPLES=small|large        how many mutations and examples the sampling tests try, in how many variants the tests
                                with a browser or with whole elections run, and whether those with a database run on
                                both kinds (small by default)
TEST_NO_SKIPS=1                 a skipped test is a failed one: for machines that have all the programs
TMPDIR                          where the tests put their files, if not in memory
TEST_TOOLS_DIR                  where the belenios-tools lie, if not in .cache/belenios
"""

import gc
import os
import random
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.belenios import Tool, ToolMissingError, find_tool
from tests.flows.sampling import DATABASES, draw_databases, draw_variants
from tests.network import block_outside_sockets
from tests.postgres import Cluster, PostgresMissingError, running_cluster

# The tests start our programs some hundred times. Each start takes three times as long where the environment forbids
# Python to keep what it has compiled, as images for containers like to, and uv leaves compiling to the first start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_MEMORY = Path("/dev/shm")  # noqa: S108
_MEMORY_NEEDED = 2**30


def _is_memory_usable() -> bool:
    """Whether there is a folder in memory, large enough, in which programs may be run, too."""
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK | os.X_OK) or not hasattr(os, "ST_NOEXEC"):
        return False
    found = os.statvfs(_MEMORY)
    return found.f_bavail * found.f_frsize >= _MEMORY_NEEDED and not found.f_flag & os.ST_NOEXEC


# The databases of the tests, and of the programs that they start, wait for the disk at every commit, as they must: that
# is some ten thousand times four milliseconds in which a processor has nothing to do. No test pulls the plug.
if _is_memory_usable():
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

SAMPLES = {"small": 40, "large": 600}

hypothesis.settings.register_profile("small", max_examples=40, deadline=None, print_blob=True)
hypothesis.settings.register_profile("large", max_examples=600, deadline=None, print_blob=True)


def sample_size() -> str:
    """What TEST_SAMPLES says."""
    size = os.environ.get("TEST_SAMPLES") or "small"
    if size not in SAMPLES:
        raise pytest.UsageError(f"TEST_SAMPLES is {size!r}; it may be {' or '.join(SAMPLES)}")
    return size


# New objects, before Python looks for rings among them that nobody can reach: it does so every 700 otherwise, which is
# an eighth of what the tests take.
_OBJECTS_PER_COLLECTION = 20_000


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    hypothesis.settings.load_profile(sample_size())
    block_outside_sockets()
    # A shell that starts the tests in the background has them ignore Ctrl-C, and so would every program of theirs.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    if sample_size() == "large":
        return "TEST_SAMPLES=large: every mutation, example and variant"
    return (
        "TEST_SAMPLES=small: few mutations and examples, and a sixth of the variants of each test "
        "with a browser or with a whole election; what runs on both kinds of database, on one of them"
    )


BROWSER_TESTS = Path(__file__).parent / "flows"
# Files with the longest tests besides: they start servers.
SERVER_TESTS = ("test_demo.py", "test_processes.py", "test_killed.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the variants that a desk does not run. Who names a test, by words or by its name, gets all of them.

    The long ones come first: at the end the workers share what is left, and none waits for another one's long test.
    """
    if (
        sample_size() == "small"
        and not config.option.keyword
        and not any("::" in word for word in config.args)
    ):
        _leave_out(config, items)
    items.sort(key=lambda item: not (_is_slow(item) or item.path.name in SERVER_TESTS))


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    seed = str(config.getoption("randomly_seed", default=0))
    both = [item for item in items if _get_database(item) is not None]
    drawn = draw_databases((item.nodeid for item in both), seed)
    left_out = {item for item in both if item.nodeid not in drawn}
    slow = [item for item in items if _is_slow(item) and item not in left_out]
    drawn = draw_variants((item.nodeid for item in slow), seed)
    left_out |= {item for item in slow if item.nodeid not in drawn}
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=sorted(left_out, key=lambda item: item.nodeid))


def _is_slow(item: pytest.Item) -> bool:
    """Whether it has a browser or holds whole elections."""
    return item.path.parent == BROWSER_TESTS or item.get_closest_marker("whole_election") is not None


def _get_database(item: pytest.Item) -> str | None:
    """The kind of database on which this variant of a test runs, if it is one of both."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return next((value for value in parameters if isinstance(value, str) and value in DATABASES), None)


# --- no test may quietly not run ---------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # An expected failure is reported as skipped too, but it did run.
    if report.skipped and not hasattr(report, "wasxfail"):
        _fail_if_skips_count(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _fail_if_skips_count(report)
    return report


def _fail_if_skips_count(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("TEST_NO_SKIPS") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, which TEST_NO_SKIPS=1 forbids: {reason}"


@pytest.fixture(scope="session", autouse=True)
def memory_of_trustees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """steward-trustee remembers keys in a folder of the user's, which is none of the tests' business."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


# --- chance ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def samples() -> int:
    """How many mutations a sampling test tries of each kind."""
    return SAMPLES[sample_size()]


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Chance that a failing run can be repeated with: the printed `--randomly-seed` and the test's name decide it."""
    seed = request.config.getoption("randomly_seed", default=0)
    return random.Random(f"{seed} {request.node.nodeid}")


# --- the outside verifier ----------------------------------------------------------------------------------------


def _tool_or_skip(version: str) -> Tool:
    try:
        return find_tool(version)
    except ToolMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def belenios20() -> Tool:
    """belenios-tool 2.0 of Debian 12: multiplicative groups only."""
    return _tool_or_skip("2.0")


@pytest.fixture(scope="session")
def belenios30() -> Tool:
    """belenios-tool 3.0 of Debian 13: reads `GET /api/elections/UUID/archive`."""
    return _tool_or_skip("3.0")


@pytest.fixture(scope="session")
def belenios33() -> Tool:
    """belenios-tool 3.3.0 of Debian sid: Ed25519, and the archive by objects."""
    return _tool_or_skip("3.3.0")


# --- databases ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A private PostgreSQL server, one in each worker process; `new_database()` makes an empty database."""
    try:
        with running_cluster() as cluster:
            yield cluster
    except PostgresMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that lives as long as the test."""
    url = postgres_cluster.new_database()
    yield url
    postgres_cluster.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; a test that asks for it runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite3'}"
    # Asked for only now, so that the SQLite half runs without a PostgreSQL server.
    url: str = request.getfixturevalue("postgres_url")
    return url
