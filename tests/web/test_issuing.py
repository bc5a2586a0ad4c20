"""The registrar's part in the browser, beside `steward-registrar`: the same file, the same list, the same refusals."""

import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.registrar import cli
from audit.sheets import SheetsError, read_credentials
from crypto.credentials import (
    derive_public,
    encode_credential_list,
    new_credential_text,
    parse_credential_text,
)
from crypto.groups import get_group
from crypto.roll import Member, encode_roll
from crypto.tables import encode_table, read_table
from tests.web.node import JsError, Node

UUID = "3QzGZSqmK3sM2S"
AWKWARD = (
    "=1",
    "'=1",
    "''=1",
    "-5",
    '"=2',
    "a,=2",
    "a; =2",
    "a;\"' =2",
    "a=2",
    "'a",
    "x,'@y",
    "＝3",
    "M 1",
    "Ñ-1",
    "שלום",
    "+-@",
    ",=",
    "'",
)


def voters(*numbers: str, weight: int = 1) -> list[dict[str, Any]]:
    return [{"number": number, "weight": weight} for number in numbers]


def test_tables_are_written_and_read_as_by_the_commands(js: Node, rng: random.Random) -> None:
    signs = "=+-@＝'\",; aé"
    texts = [*AWKWARD, *("".join(rng.choices(signs, k=rng.randrange(9))) for _ in range(300))]
    rows = [[text.strip(), "b"] for text in texts]
    written = encode_table(rows)
    assert js.call("tableEncode", rows=rows) == written
    raw = written.encode()
    assert js.call("tableRead", raw=raw.hex()) == [cells for _, cells in read_table(raw)] == rows
    # What spreadsheets make of it.
    plain = [["member_number", "credential"], ["'=1", "x"], ["a b", "c"]]
    for separator, encoding in ((";", "utf-8-sig"), ("\t", "utf-16"), (",", "utf-16-be")):
        mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
        table = mark + "\r\n".join(separator.join(row) for row in plain).encode(encoding)
        assert js.call("tableRead", raw=table.hex()) == [cells for _, cells in read_table(table)]
    for bad in (b'a,"b\n', b'"a"b,c\n', b"\xff,a\n"):
        with pytest.raises(JsError):
            js.call("tableRead", raw=bad.hex())


def test_the_list_is_the_commands(js: Node, tmp_path: Path) -> None:
    """What `steward-registrar` made, the browser reads, and publishes the same; and the other way round."""
    members = [Member(f"N{n}", number, weight=1 + n % 2) for n, number in enumerate(AWKWARD)]
    roll = tmp_path / "roll.csv"
    roll.write_text(encode_roll(members))
    done = CliRunner().invoke(cli, ["generate", "--election", UUID, "--out", str(tmp_path), str(roll)])
    assert done.exit_code == 0, done.output
    raw = (tmp_path / "credentials.csv").read_bytes()
    wanted = [{"number": member.member_number, "weight": member.weight} for member in members]
    read = js.call("issueRead", raw=raw.hex(), voters=wanted)
    assert read == read_credentials(tmp_path / "credentials.csv")
    found = js.call("issueList", uuid=UUID, voters=wanted, credentials=read)
    assert found.encode() == (tmp_path / "public-credentials.json").read_bytes()

    made = tmp_path / "made.csv"
    made.write_text(js.call("issueFile", voters=wanted))
    codes = read_credentials(made)
    assert list(codes) == [member.member_number for member in members]
    assert len(set(codes.values())) == len(members)
    assert all(parse_credential_text(code) == code for code in codes.values())
    group = get_group("Ed25519")
    without = voters(*AWKWARD)
    listed = encode_credential_list(
        group, [(derive_public(group, UUID, code), None) for code in codes.values()]
    )
    assert js.call("issueList", uuid=UUID, voters=without, credentials=codes) == listed.decode()


def test_another_file_is_refused(js: Node, tmp_path: Path) -> None:
    one, two = new_credential_text(), new_credential_text()
    header = "member_number,credential\n"
    for text, fault, where in (
        ("", "columns", ""),
        ("name,credential\n", "columns", ""),
        (f"{header}M1,{one}\n", "missing", "M2"),
        (f"{header}M1,{one}\nM2,{two}\nM3,{new_credential_text()}\n", "foreign", "M3"),
        (f"{header}M1,{one}\nM2,{one}\n", "twice", "3"),
        (f"{header}M1,{one}\nM1,{two}\n", "twice", "3"),
        (f"{header}M1,{one}\nM2,{two[:-1]}\n", "row", "3"),
        (f"{header}M1,{one}\nM2\n", "row", "3"),
        (f"{header}M1,{one},x\n", "row", "2"),
    ):
        found = js.call("issueRead", raw=text.encode().hex(), voters=voters("M1", "M2"))
        assert found == {"fault": fault, "where": where}
        if fault not in ("missing", "foreign"):
            path = tmp_path / "credentials.csv"
            path.write_text(text)
            with pytest.raises(SheetsError):
                read_credentials(path)


def test_the_worker_gives_codes_of_the_published_list_only(js: Node) -> None:
    refused = js.call(
        "workerCalls",
        calls=[{"op": "make", "args": {"voters": voters("M1")}}, {"op": "none", "args": {}}],
        address="../../../voting_app/static/booth/registrarWorker.js",
    )
    assert "file" in refused[0]["result"]
    assert refused[1]["family"] == "MisuseError"
