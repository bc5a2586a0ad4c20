"""Writes the vectors of Steward's own formats (DESIGN §11), so that another implementation can be held against them.

    python -m tests.vectors.steward.make [DIR]

Everything is derived from fixed seeds. A file changes only if a format changes: then every client and every record
made before is affected, which needs a decision record. tests/crypto/test_vectors.py runs this script and compares.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from crypto.ballot import ballot_tracker, make_ballot, votes_from_choices
from crypto.decryption import make_strong_proofs
from crypto.encoding import encode_base64, encode_json
from crypto.groups import get_group
from crypto.journal import first_line, make_seal, next_line
from crypto.randomness import SeedCoins
from crypto.receipt import ServiceKey, make_receipt
from crypto.tally import parse_encrypted_tally
from crypto.trustee_key import make_drill
from crypto.words import fingerprint_words
from tests.crypto import edwards
from tests.simulator import Simulation, sound

HERE = Path(__file__).parent


class CountingCoins(SeedCoins):
    """Coins that know how many were taken."""

    def __init__(self, seed: bytes) -> None:
        super().__init__(seed)
        self.taken: list[int] = []

    def scalar(self, q: int) -> int:
        self.taken.append(super().scalar(q))
        return self.taken[-1]


def seed_of(label: str) -> bytes:
    return hashlib.sha256(f"steward vectors|{label}".encode()).digest()


def coins() -> Any:
    """coin(i) for a few seeds and each group."""
    result = []
    for name in ("Ed25519", "BELENIOS-2048", "RFC-3526-2048"):
        q = get_group(name).q
        for seed in (bytes(32), bytes(range(32)), seed_of("coins")):
            source = SeedCoins(seed)
            drawn = [str(source.scalar(q)) for _ in range(4)]
            result.append({"group": name, "seed": seed.hex(), "coins": drawn})
    return result


def ballots() -> Any:
    """Seed and choices → the ballot's exact text: what "check instead of cast" recomputes but for the signature."""
    result = []
    cases: list[tuple[str, list[Any]]] = [
        ("plain", [[0]]),
        ("plain", [[1]]),
        ("blank", ["blank", [1]]),
        ("blank", [[], [0]]),
        ("blank", [[0, 2], [0]]),
        ("threshold", [[0, 1]]),
        ("belenios", [[1]]),
    ]
    for number, (kind, choices) in enumerate(cases):
        simulation = sound(kind)
        seed, signing_seed = seed_of(f"ballot {number}"), seed_of(f"signature {number}")
        source, signing = CountingCoins(seed), CountingCoins(signing_seed)
        votes = votes_from_choices(simulation.election, choices)
        raw = make_ballot(simulation.election, simulation.credentials[0], votes, source, signing)
        result.append(
            {
                "election": simulation.election.raw.decode(),
                "fingerprint": simulation.election.fingerprint,
                "credential": simulation.credentials[0],
                "choices": choices,
                "votes": votes,
                "seed": seed.hex(),
                "coins": [str(coin) for coin in source.taken],
                # A real signature's coin comes from the operating system; here it must come out the same.
                "signing_seed": signing_seed.hex(),
                "signing_coin": str(signing.taken[0]),
                "ballot": raw.decode(),
                "tracker": ballot_tracker(raw),
            }
        )
    return result


def receipts() -> Any:
    result = []
    for kind in ("plain", "revotes"):
        simulation = sound(kind)
        for raw, receipt in zip(simulation.ballots, simulation.receipts, strict=True):
            again = make_receipt(
                simulation.service_key,
                simulation.election.uuid,
                ballot_tracker(raw),
                receipt.height,
                receipt.event,
            )
            result.append(
                {
                    "service_seed": simulation.service_key.seed.hex(),
                    "service_key": simulation.service_key.public,
                    "signed": "steward-receipt-1\n" + encode_json(again.statement()),
                    "receipt": encode_json(again.encode()),
                }
            )
    return result


def journal() -> Any:
    """Whole journals with the heads of the ballot box that they name."""
    result = []
    for kind in ("certified", "mixed"):
        simulation = sound(kind)
        result.append(
            {
                "service_seed": simulation.service_key.seed.hex(),
                "service_key": simulation.service_key.public,
                "box_heads": list(simulation.heads),
                "lines": [line.decode() for line in simulation.journal_lines],
                "sha256": hashlib.sha256(simulation.journal).hexdigest(),
            }
        )
    return result


def seals() -> Any:
    """A line, what the seal after it signs, and the seal."""
    key = ServiceKey(seed_of("seals"))
    first = first_line("KatE1ection111", key.public)
    roll = {"at": "2026-11-02T09:00Z", "roll": "ab" * 32, "members": 60}
    second = next_line(
        first, box_height=-1, box_head=None, kind="roll-frozen", actor="committee:7", payload=roll
    )
    result = []
    for line, place in ((first, (-1, None)), (second, (-1, None)), (second, (0, "cd" * 32))):
        seal = make_seal(line, key, box_height=place[0], box_head=place[1])
        result.append(
            {
                "service_seed": key.seed.hex(),
                "service_key": key.public,
                "line": line.decode(),
                "signed": hashlib.sha256(line).hexdigest(),
                "seal": seal.decode(),
            }
        )
    return result


def _tally(simulation: Simulation) -> Any:
    entry = simulation.entries[simulation.index("EncryptedTally")]
    return parse_encrypted_tally(simulation.election, entry.body("encrypted_tally"))


def strong_decryption() -> Any:
    result = []
    for kind in ("plain", "blank", "belenios"):
        simulation = sound(kind)
        tally = _tally(simulation)
        owner, secret = 1, simulation.secrets[1]
        seed = seed_of(f"strong decryption {kind}")
        group = simulation.group
        result.append(
            {
                "group": group.name,
                "fingerprint": simulation.election.fingerprint,
                "secret": str(secret),
                "public_key": group.power_g(secret).text,
                "seed": seed.hex(),
                "tally": [[c.encode() for c in row] for row in tally],
                "factors": [[group.power(c.alpha, secret).text for c in row] for row in tally],
                "payload": make_strong_proofs(simulation.election, tally, secret, owner, SeedCoins(seed)),
            }
        )
    return result


def key_drill() -> Any:
    result = []
    for kind in ("plain", "belenios"):
        simulation = sound(kind)
        seed, nonce = seed_of(f"drill {kind}"), seed_of(f"nonce {kind}").hex()[:32]
        group, secret = simulation.group, simulation.secrets[1]
        label = simulation.election.fingerprint
        result.append(
            {
                "group": group.name,
                "label": label,
                "secret": str(secret),
                "public_key": group.power_g(secret).text,
                "nonce": nonce,
                "seed": seed.hex(),
                "proof": make_drill(group, label, secret, nonce, SeedCoins(seed)),
            }
        )
    return result


def elements() -> Any:
    """Texts of Ed25519 elements that must be read, and texts that must be refused."""

    def text(raw: bytes) -> str:
        return raw[::-1].hex()

    group = get_group("Ed25519")
    good = [group.power_g(k).text for k in (1, 2, 3, 1000, group.q - 1)]
    mixed = [edwards.add(edwards.multiply(edwards.BASE, 5), point) for point in edwards.TORSION[1:]]
    bad = [text(raw) for raw in (*edwards.LOW_ORDER, *edwards.NON_CANONICAL)]
    bad += [text(edwards.encode(point)) for point in mixed]
    bad += [text(y.to_bytes(32, "little")) for y in range(2, 30) if edwards.recover_x(y, 0) is None]
    bad += [
        good[0].upper().replace("6", "A", 1),
        good[1].upper(),
        good[0][:-1],
        good[0] + "0",
        "",
        f"0x{good[0][2:]}",
    ]
    return {
        "identity": group.identity.text,
        "accept": good,
        "refuse_where_the_identity_is_refused": bad,
    }


def words() -> Any:
    """Eight words of a fingerprint: those of the paper about proquints, then of some hashes."""
    known = bytes.fromhex("7f000001" "3f54dcc1" "8c62c18d" "40ff06c8") + bytes(16)
    digests = [bytes(32), b"\xff" * 32, known, *(seed_of(f"words {number}") for number in range(5))]
    texts = [encode_base64(digest) for digest in digests]
    return [{"fingerprint": text, "words": fingerprint_words(text)} for text in texts]


def canonical_json() -> Any:
    """Texts in hex of UTF-8: those that are canonical, and those that must be refused."""
    good = [
        b'{"b":1,"a":[true,null,"\\u007f\\b\\t\\n\\u000b\\f\\r\\u001f"]}',
        '"é😀/\u2028\ufeff\x80"'.encode(),
        b"-5",
        b"1073741823",
        b'""',
    ]
    bad = [
        b'{"a":1,"a":2}',
        b"1.0",
        b"1e3",
        b"-0",
        b"01",
        b"NaN",
        b"[1, 2]",
        b" 1",
        b"1\n",
        b'"\\/"',
        b'"\\u0041"',
        b'"\\u001F"',
        b'"\\ud83d\\ude00"',
        b'"\\ud800"',
        b'"\x7f"',
        b"\xef\xbb\xbf1",
        b'"\xff"',
        b"",
    ]
    return {"accept": [raw.hex() for raw in good], "refuse": [raw.hex() for raw in bad]}


FILES = {
    "coins.json": coins,
    "ballots.json": ballots,
    "receipts.json": receipts,
    "journal.json": journal,
    "seals.json": seals,
    "strong-decryption.json": strong_decryption,
    "key-drill.json": key_drill,
    "elements.json": elements,
    "canonical-json.json": canonical_json,
    "words.json": words,
}


def main(folder: Path) -> None:
    for name, make in FILES.items():
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
