"""`steward-audit booth`: whether the pages that a server shows are those of the journal."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.booth import LANGUAGES
from audit.cli import cli
from crypto.encoding import sha256_hex
from tests.audit.serving import Reply, serving
from tests.simulator import KINDS, SEAL, Act, Simulation, simulated
from voting_app import languages

SAME, DIFFERENT, UNCHECKED = 0, 1, 2
ELECTION = simulated(replace(KINDS["plain"], stage="open", is_bound=True))
UUID = ELECTION.election.uuid
JOURNAL = f"/elections/{UUID}/{UUID}.journal.jsonl"
DATA = f"/api/v1/elections/{UUID}/election"
PLAIN = f"/elections/{UUID}/vote"
PAGE = f"{PLAIN}?lang=en"
VOTE, WORKER = "/static/pages/vote.js", "/static/booth/worker.js"
HTML = b"""<!doctype html><meta charset=utf-8><link rel=stylesheet href="/static/css/base.css">
<a href="/elections">elsewhere</a><script type=module src="/static/pages/vote.js"></script>"""
FILES = {
    **{f"/elections/{UUID}/{page}?lang={language}": HTML + language.encode()
       for page in ("vote", "check", "trustee") for language in LANGUAGES},
    **{f"/texts/{part}{language}.json": b"{}" for part in ("", "trustees/") for language in LANGUAGES},
    "/static/css/base.css": b"@import './more.css'; p { background: url(data:image/gif;base64,AA==) url('icon.svg') }",
    "/static/css/more.css": b"",
    "/static/css/icon.svg": b"<svg/>",
    VOTE: b"import { x } from '../booth/client.js';\n/** @type {import('./vote-state.js').State} */\nlet y;",
    "/static/pages/vote-state.js": b"export const START = 1;",
    "/static/booth/client.js": b'export const x = new Worker(new URL("worker.js", import.meta.url));',
    WORKER: b"let x;",
}  # fmt: skip
SOME = [PAGE, WORKER, "/texts/en.json", "/static/css/base.css"]

Files = Mapping[str, bytes | Reply]


def with_lists(*lists: Mapping[str, bytes]) -> Simulation:
    acts = [act for act in ELECTION.acts if act.kind != "booth-files"]
    place = next(index for index, act in enumerate(acts) if act.kind == "opened")
    for files in lists:
        named = [[path, sha256_hex(body)] for path, body in sorted(files.items())]
        acts.insert(place, Act("booth-files", {"files": named}, box=acts[place].box))
        place += 1
    return ELECTION.with_acts(acts)


def answers(served: Files, *lists: Mapping[str, bytes]) -> Callable[[str], bytes | Reply | None]:
    files = {JOURNAL: with_lists(*lists).journal, DATA: ELECTION.election.raw, **served}
    # What links and sheets name is the page without a language.
    plain = {path.removesuffix("?lang=en"): body for path, body in files.items()}
    return {**plain, **files}.get


def run_booth(base: str, journal: Path | None = None) -> Result:
    own = [] if journal is None else ["--journal", str(journal)]
    return CliRunner().invoke(cli, ["booth", base, *own])


def compare(
    served: Files,
    *lists: Mapping[str, bytes],
    journal: Path | None = None,
    address: Callable[[str], str] = lambda base: f"{base}{PAGE}#secret",
    negotiates: bool = True,
) -> Result:
    asked: list[tuple[str, dict[str, str]]] = []
    find = answers(served, *lists)

    def answer(path: str) -> bytes | Reply | None:
        # An honest server answers the page without a language in the browser's.
        language = asked[-1][1].get("Accept-Language", "en")[:2]
        other = find(f"{path}?lang={language}") if negotiates and path not in served else None
        return find(path) if other is None else other

    with serving(answer, asked=asked) as base:
        return run_booth(address(base), journal)


def test_the_pages_of_the_journal() -> None:
    run = compare(FILES, FILES)
    assert run.exit_code == SAME, run.output
    assert f"the same: {len(FILES)} files" in run.output
    # A server that makes another election of it, with a key of its own, is told by the sheet only.
    assert f"fingerprint of the election: {ELECTION.election.fingerprint}" in run.output


@pytest.mark.parametrize("path", SOME)
def test_an_exchanged_file_is_named(path: str) -> None:
    run = compare({**FILES, path: b"fetch('https://evil.example')"}, FILES)
    assert (run.exit_code, run.output) == (DIFFERENT, f"DIFFERS: {path}\n")


def test_a_page_that_is_exchanged_for_those_who_follow_a_link() -> None:
    """A link names no language; an honest page at the address that does is not enough."""
    run = compare({**FILES, PLAIN: b"<script src=evil>"}, FILES)
    assert run.exit_code == DIFFERENT
    assert f"DIFFERS: {PLAIN} (for a browser in en)\n" in run.output


@pytest.mark.parametrize("language", [None, "de"])
def test_a_page_that_is_exchanged_for_readers_of_other_languages(language: str | None) -> None:
    """Their browser says a language in which the page is not, or none: they get one of those that are listed."""
    asked: list[tuple[str, dict[str, str]]] = []
    find = answers(FILES, FILES)

    def answer(path: str) -> bytes | Reply | None:
        wanted = asked[-1][1].get("Accept-Language")
        if path == PLAIN and (wanted is None if language is None else (wanted or "").startswith(language)):
            return b"<script src=evil>"
        return find(f"{path}?lang={(wanted or 'en')[:2]}") or find(path)

    with serving(answer, asked=asked) as base:
        run = run_booth(f"{base}{PAGE}")
    assert (run.exit_code, run.output) == (
        DIFFERENT,
        f"DIFFERS: {PLAIN} (for a browser in another language)\n",
    )


@pytest.mark.parametrize("path", SOME)
def test_a_missing_file_is_named(path: str) -> None:
    run = compare({key: body for key, body in FILES.items() if key != path}, FILES)
    assert (run.exit_code, run.output) == (DIFFERENT, f"MISSING: {path}\n")


def test_the_last_list_counts_and_a_change_is_said() -> None:
    newer = {**FILES, "/texts/en.json": b"{1}"}
    run = compare(newer, FILES, newer)
    assert run.exit_code == SAME
    assert "changed 1 times" in run.output
    assert compare(FILES, FILES, newer).exit_code == DIFFERENT


def test_a_copy_of_the_journal_that_was_kept(tmp_path: Path) -> None:
    """The server may exchange its journal together with its pages; who has an earlier copy sees it."""
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(with_lists(FILES).journal)
    other = {**FILES, "/static/booth/worker.js": b"evil"}
    assert compare(other, other).exit_code == SAME
    assert compare(other, other, journal=kept).exit_code == DIFFERENT


@pytest.mark.parametrize(
    "address",
    [
        lambda base: "file:///etc/passwd",
        lambda base: f"{base}/",
        lambda base: base,
        lambda base: f"{base}/elections/short",
        lambda base: f"{base}/elections/Unknown1E1ection",
    ],
)
def test_other_addresses(address: Callable[[str], str]) -> None:
    assert compare(FILES, FILES, address=address).exit_code == UNCHECKED


@pytest.mark.parametrize("journal", [b"", b"x\n", b"{}\n", with_lists().journal])
def test_a_journal_without_a_list(journal: bytes) -> None:
    assert compare({**FILES, JOURNAL: journal}, FILES).exit_code == UNCHECKED


def test_the_journal_of_another_election() -> None:
    other = simulated(replace(KINDS["revotes"], stage="open")).journal
    run = compare({**FILES, JOURNAL: other}, FILES)
    assert run.exit_code == UNCHECKED


def test_no_other_address_is_asked() -> None:
    """A list cannot lead the auditor to another host: paths are below the site's address."""
    asked: list[str] = []
    find = answers(FILES, {**FILES, "//evil.example/x": b"1", "/a@evil.example": b"2"})

    def answer(path: str) -> bytes | Reply | None:
        asked.append(path)
        return find(path)

    with serving(answer) as base:
        run = CliRunner().invoke(cli, ["booth", f"{base}/elections/{UUID}"])
    assert run.exit_code == DIFFERENT
    # The test's server writes "//" as "/".
    assert {"/evil.example/x", "/a@evil.example"} < set(asked)


def test_a_flood_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.booth._LARGEST_FILE", 5)
    assert compare(FILES, FILES).exit_code == UNCHECKED
    # Also where little is sent that becomes much.
    monkeypatch.setattr("audit.booth._LARGEST_FILE", 50_000)
    bomb = Reply(gzip.compress(b" " * 60_000), headers={"Content-Encoding": "gzip"})
    assert len(bomb.body) < 5_000
    run = compare({**FILES, WORKER: bomb}, FILES)
    assert run.exit_code == UNCHECKED
    assert "longer than 50000 bytes" in run.output


# --- what a browser takes from elsewhere than the bytes -----------------------------------------------------------


def test_a_redirect_is_a_difference_also_to_the_same_bytes() -> None:
    """A browser looks for what a module imports below the address to which it was sent."""
    evil = {"/evil/pages/vote.js": FILES[VOTE], "/evil/booth/client.js": b"evil"}
    for status in (301, 302, 303, 307, 308):
        sent_away = Reply(status=status, headers={"Location": "/evil/pages/vote.js"})
        run = compare({**FILES, **evil, VOTE: sent_away}, FILES)
        assert (run.exit_code, run.output) == (DIFFERENT, f"DIFFERS: {VOTE} (redirects)\n")


def test_a_redirected_journal_is_not_taken() -> None:
    away = Reply(status=302, headers={"Location": "/journal"})
    run = compare({**FILES, JOURNAL: away, "/journal": with_lists(FILES).journal}, FILES)
    assert run.exit_code == UNCHECKED
    assert "redirects to /journal" in run.output


@pytest.mark.parametrize(
    "path,name,value",
    [
        (PAGE, "Link", "</evil.css>; rel=stylesheet"),
        (PAGE, "Refresh", "0; url=/evil"),
        (VOTE, "Content-Location", "/evil/vote.js"),
        (VOTE, "Service-Worker-Allowed", "/"),
        (PAGE, "Clear-Site-Data", '"storage"'),
        (PAGE, "Speculation-Rules", '"/evil.json"'),
        (PAGE, "Content-Type", "text/html; charset=utf-16"),
        (PAGE, "Content-Type", "text/plain; charset=utf-8"),
        (PAGE, "Content-Type", "application/xhtml+xml"),
        ("/static/css/base.css", "Content-Type", "text/css; charset=iso-2022-jp"),
        (VOTE, "Content-Type", ""),
        (PAGE, "Content-Security-Policy", ""),
        (PAGE, "Content-Security-Policy", "default-src *"),
        (PAGE, "Content-Security-Policy", "default-src 'self' 'unsafe-inline'; base-uri 'none'"),
        (PAGE, "Content-Security-Policy", "default-src 'none'; script-src 'self' https://evil.example"),
        (PAGE, "Content-Security-Policy", "default-src 'none'; script-src /static/pages/vote.js"),
        (PAGE, "Content-Security-Policy", "default-src 'none'; report-uri https://evil.example"),
        (PAGE, "Content-Security-Policy", "script-src 'self'"),
        (VOTE, "Content-Encoding", "br"),
    ],
)
def test_headers_that_change_what_a_browser_does(path: str, name: str, value: str) -> None:
    run = compare({**FILES, path: Reply(FILES[path], headers={name: value})}, FILES)
    assert (run.exit_code, run.output) == (DIFFERENT, f"DIFFERS: {path} (header {name})\n")


def test_a_proxy_may_compress_and_add_what_changes_nothing() -> None:
    harmless = {"Server": "x", "Via": "1.1 y", "Content-Disposition": "inline", "ETag": '"1"'}
    packed = {
        path: Reply(gzip.compress(body), headers={**harmless, "Content-Encoding": "gzip"})
        for path, body in FILES.items()
    }
    run = compare({**packed, WORKER: Reply(FILES[WORKER], headers={"Content-Encoding": "identity"})}, FILES)
    assert run.exit_code == SAME, run.output


def test_another_kind_of_success_is_none() -> None:
    run = compare({**FILES, VOTE: Reply(FILES[VOTE], status=203)}, FILES)
    assert (run.exit_code, run.output) == (DIFFERENT, f"DIFFERS: {VOTE} (status 203)\n")


def test_it_asks_as_a_browser_asks() -> None:
    """A server that names its visitors' programs to itself must not tell the auditor from a voter at a glance."""
    asked: list[tuple[str, dict[str, str]]] = []
    with serving(answers(FILES, FILES), asked=asked) as base:
        run_booth(f"{base}{PAGE}")
    kinds = {PAGE: "document", VOTE: "script", "/static/css/base.css": "style", "/texts/en.json": "empty"}
    for path, headers in asked:
        assert "Mozilla/5.0" in headers["User-Agent"], path
        assert "gzip" in headers["Accept-Encoding"]
        if path in kinds:
            assert headers["Sec-Fetch-Dest"] == kinds[path]


# --- what the list must be ----------------------------------------------------------------------------------------


def test_the_languages_are_those_of_the_program() -> None:
    assert set(LANGUAGES) == set(languages.LANGUAGES)


@pytest.mark.parametrize(
    "missing",
    [
        PAGE,
        f"/elections/{UUID}/check?lang=es",
        f"/elections/{UUID}/trustee?lang=en",
        "/texts/fr.json",
        "/texts/trustees/es.json",
    ],
)
def test_a_list_that_lacks_a_page_or_its_texts(missing: str) -> None:
    run = compare(FILES, {path: body for path, body in FILES.items() if path != missing})
    assert (run.exit_code, run.output) == (DIFFERENT, f"NOT LISTED: {missing}\n")


@pytest.mark.parametrize(
    "missing,by",
    [
        (VOTE, "page"),
        ("/static/css/more.css", "/static/css/base.css"),
        ("/static/css/icon.svg", "/static/css/base.css"),
        ("/static/booth/client.js", VOTE),
        (WORKER, "/static/booth/client.js"),
    ],
)
def test_a_list_that_lacks_what_a_page_loads(missing: str, by: str) -> None:
    run = compare(FILES, {path: body for path, body in FILES.items() if path != missing})
    assert run.exit_code == DIFFERENT
    by = f"/elections/{UUID}/check?lang=en" if by == "page" else by
    assert run.output == f"NOT LISTED: {missing} (loaded by {by})\n"


@pytest.mark.parametrize(
    "path,body,loaded",
    [
        (VOTE, b"import 'https://evil.example/x.js';", "https://evil.example/x.js"),
        (VOTE, b"import '//evil.example/x.js';", "//evil.example/x.js"),
        (VOTE, b"import 'bare';", "bare"),
        (VOTE, b'export * from\n"./evil.js"', "/static/pages/evil.js"),
        (VOTE, b"await import('./evil.js')", "/static/pages/evil.js"),
        (VOTE, b"await import(x)", "import(x"),
        (VOTE, b"importScripts('evil.js')", "importScripts('evil.js')"),
        (PAGE, b"<base href='/evil/'>", "base"),
        (PAGE, b"<script type=importmap>{}</script>", "script"),
        (PAGE, b"<iframe src='/evil'>", "/evil"),
        (PAGE, b"<link rel=preload href='/evil.js'>", "/evil.js"),
        (PAGE, b"<meta http-equiv=refresh content='0; url=/evil'>", "meta"),
        (PAGE, b"<META HTTP-EQUIV=' Refresh' content='0; url=/evil'>", "meta"),
        (PAGE, b"<p onclick='evil()'>", "onclick"),
    ],
)
def test_what_is_loaded_from_elsewhere_or_cannot_be_told(path: str, body: bytes, loaded: str) -> None:
    files = {**FILES, path: body}
    run = compare(files, files)
    assert run.exit_code == DIFFERENT
    assert run.output == f"NOT LISTED: {loaded} (loaded by {path})\n"


def test_a_list_at_the_end_that_nobody_sealed() -> None:
    """Whoever has the database but not the service's key could add a line that lists nothing."""
    icon = {"/static/css/icon.svg": FILES["/static/css/icon.svg"]}
    named = [[path, sha256_hex(body)] for path, body in icon.items()]
    sound = with_lists(FILES).acts
    acts = [*sound, Act("booth-files", {"files": named}, box=sound[-1].box)]
    run = compare({**FILES, JOURNAL: ELECTION.with_acts(acts).journal}, FILES)
    assert run.exit_code == UNCHECKED
    assert "not sealed" in run.output
    # Sealed, it lists nothing on which anybody could vote.
    run = compare(
        {**FILES, JOURNAL: ELECTION.with_acts([*acts, Act(SEAL, {}, box=sound[-1].box)]).journal}, FILES
    )
    assert run.exit_code == DIFFERENT
    assert f"NOT LISTED: {PAGE}\n" in run.output


def test_a_journal_of_another_key_than_the_election_data_name() -> None:
    other = simulated(replace(KINDS["plain"], stage="open", is_bound=True, seed=99))
    run = compare({**FILES, DATA: other.election.raw}, FILES)
    assert run.exit_code == UNCHECKED
    raw = ELECTION.election.raw.replace(
        ELECTION.service_key.public.encode(), other.service_key.public.encode()
    )
    run = compare({**FILES, DATA: raw}, FILES)
    assert run.exit_code == UNCHECKED
    assert "service key" in run.output


def test_election_data_that_name_no_key() -> None:
    unbound = simulated(replace(KINDS["plain"], stage="open"))
    run = compare({**FILES, DATA: unbound.election.raw}, FILES)
    assert run.exit_code == SAME, run.output
    assert "warning: the election data do not name the service's key" in run.output


@pytest.mark.parametrize("end", [b"{", b'{"height":99}'])
def test_a_journal_that_is_cut_off(end: bytes) -> None:
    assert compare({**FILES, JOURNAL: with_lists(FILES).journal + end}, FILES).exit_code == UNCHECKED
