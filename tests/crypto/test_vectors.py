"""The published vectors of our own formats: made again they are the same bytes, and they verify."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import VerifyKey

from crypto.ballot import check_ballot, make_ballot
from crypto.checker import PlainChecker
from crypto.decryption import PartialDecryption, verify_strong_proofs
from crypto.election import parse_election
from crypto.elgamal import parse_ciphertext
from crypto.encoding import parse_json
from crypto.errors import ProtocolError
from crypto.groups import get_group
from crypto.journal import JournalReader
from crypto.randomness import SeedCoins
from crypto.receipt import parse_receipt, verify_receipt
from crypto.trustee_key import verify_drill
from crypto.words import fingerprint_words
from tests.simulator import sound

FOLDER = Path(__file__).parent.parent / "vectors" / "steward"
PROJECT = FOLDER.parent.parent.parent


def vector(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def test_the_script_makes_the_same_files_again(tmp_path: Path) -> None:
    """A change here is a change of a format: every client and every old record is affected."""
    subprocess.run(
        [sys.executable, "-m", "tests.vectors.steward.make", str(tmp_path)],
        cwd=PROJECT,
        check=True,
        timeout=120,
    )
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in FOLDER.glob("*.json"))
    for name in made:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_five_words() -> None:
    for case in vector("words.json"):
        assert fingerprint_words(case["fingerprint"]) == case["words"]


def test_coins() -> None:
    for case in vector("coins.json"):
        source = SeedCoins(bytes.fromhex(case["seed"]))
        q = get_group(case["group"]).q
        assert [str(source.scalar(q)) for _ in case["coins"]] == case["coins"]


def test_the_coins_of_a_ballot_come_in_the_written_order() -> None:
    """Encryption of each choice, individual proofs, overall, blank: the first coins show as alphas."""
    for case in vector("ballots.json"):
        election = parse_election(case["election"].encode())
        seed, signing_seed = bytes.fromhex(case["seed"]), bytes.fromhex(case["signing_seed"])
        raw = make_ballot(
            election, case["credential"], case["votes"], SeedCoins(seed), SeedCoins(signing_seed)
        )
        assert raw.decode() == case["ballot"]
        ballot = check_ballot(election, raw, PlainChecker(election.group))
        assert ballot.tracker == case["tracker"]
        assert election.fingerprint == case["fingerprint"]
        first = ballot.answers[0].choices
        coins = [int(coin) for coin in case["coins"]]
        assert [c.alpha for c in first] == [election.group.power_g(r) for r in coins[: len(first)]]
        # The signature's own coin: A = g^w.
        proof = ballot.signature
        A = election.group.product_of_powers(
            [(election.group.generator, proof.response), (ballot.credential, proof.challenge)]
        )
        assert election.group.power_g(int(case["signing_coin"])) == A


def test_receipts_verify_with_the_signature_library_alone() -> None:
    for case in vector("receipts.json"):
        verify_receipt(parse_receipt(case["receipt"].encode()), case["service_key"])
        signature = base64.b64decode(json.loads(case["receipt"])["signature"] + "==")
        VerifyKey(base64.b64decode(case["service_key"] + "=")).verify(case["signed"].encode(), signature)


def test_journals_are_read() -> None:
    for case in vector("journal.json"):
        reader = JournalReader()
        for text in case["lines"]:
            line = reader.feed(text.encode())
            assert line.box_head == (case["box_heads"][line.box_height] if line.box_height >= 0 else None)
        assert reader.service_key == case["service_key"]
        assert (
            hashlib.sha256("".join(f"{text}\n" for text in case["lines"]).encode()).hexdigest()
            == case["sha256"]
        )


def test_seals_sign_the_hash_of_the_line_before() -> None:
    for case in vector("seals.json"):
        seal = json.loads(case["seal"])
        assert seal["parent"] == case["signed"] == hashlib.sha256(case["line"].encode()).hexdigest()
        signature = base64.b64decode(seal["payload"]["signature"] + "==")
        VerifyKey(base64.b64decode(case["service_key"] + "=")).verify(case["signed"].encode(), signature)


@pytest.mark.parametrize("number, kind", [*enumerate(["plain", "blank", "belenios"])])
def test_strong_decryption_proofs_verify(number: int, kind: str) -> None:
    case, election = vector("strong-decryption.json")[number], sound(kind).election
    group = get_group(case["group"])
    assert election.fingerprint == case["fingerprint"]
    tally = tuple(
        tuple(parse_ciphertext(group, c, "X1", "c", allow_identity=True) for c in row)
        for row in case["tally"]
    )
    factors = tuple(
        tuple(group.decode(f, "X1", "factor", allow_identity=True) for f in row) for row in case["factors"]
    )
    key = group.decode(case["public_key"], "X1", "key", allow_identity=False)
    checker = PlainChecker(group)
    verify_strong_proofs(election, tally, key, PartialDecryption(factors, ()), case["payload"], checker)


def test_key_drills_verify() -> None:
    for case in vector("key-drill.json"):
        group = get_group(case["group"])
        key = group.decode(case["public_key"], "X1", "key", allow_identity=False)
        verify_drill(group, case["label"], key, case["nonce"], case["proof"], PlainChecker(group))


def test_elements_are_read_or_refused() -> None:
    case, group = vector("elements.json"), get_group("Ed25519")
    for text in case["accept"]:
        assert group.decode(text, "X1", "element", allow_identity=False).text == text
    assert len(case["refuse_where_the_identity_is_refused"]) > 60
    for text in case["refuse_where_the_identity_is_refused"]:
        with pytest.raises(ProtocolError):
            group.decode(text, "X1", "element", allow_identity=False)


def test_json_is_read_or_refused() -> None:
    case = vector("canonical-json.json")
    for raw in case["accept"]:
        parse_json(bytes.fromhex(raw), "X1")
    for raw in case["refuse"]:
        with pytest.raises(ProtocolError):
            parse_json(bytes.fromhex(raw), "X1")
