"""Shuffles as they stand in the archive: who shuffles gives new rows, and a proof for each (PROTOCOL §8; H1–H3).

The first shuffle takes the encrypted tally, each next one what came out of the one before; what comes out of the last
one is decrypted. Only rows of ranked and graded questions are shuffled.
"""

from __future__ import annotations

from dataclasses import dataclass

from crypto.checker import Checker
from crypto.election import Election
from crypto.elgamal import Ciphertext, parse_ciphertext
from crypto.encoding import encode_json_bytes, parse_json, require_fields, require_list
from crypto.proofs import shuffle as proofs
from crypto.proofs.shuffle import ShuffleProof, Statement, parse_shuffle_proof
from crypto.randomness import Coins
from crypto.tally import EncryptedTally


@dataclass(frozen=True, slots=True)
class Shuffle:
    """For each shuffled question, in the election's order: what came out, and why it is the same."""

    rows: tuple[tuple[Ciphertext, ...], ...]
    proofs: tuple[ShuffleProof, ...]

    def encode(self) -> bytes:
        return encode_json_bytes(
            {
                "ciphertexts": [[ciphertext.encode() for ciphertext in row] for row in self.rows],
                "proofs": [proof.encode() for proof in self.proofs],
            }
        )


def _statement(
    election: Election, tally: EncryptedTally, place: int, outputs: tuple[Ciphertext, ...]
) -> Statement:
    return Statement(election.group, election.public_key, election.fingerprint, tally[place], outputs)


def make_shuffle(election: Election, tally: EncryptedTally, coins: Coins) -> Shuffle:
    """Shuffles every row of ``tally`` that is to be shuffled; ``coins`` must be nobody's knowledge ever."""
    rows, made = [], []
    for place in election.shuffled_questions:
        outputs, secrets = proofs.shuffle(election.group, election.public_key, tally[place], coins)
        rows.append(outputs)
        made.append(proofs.prove(_statement(election, tally, place, outputs), secrets, coins))
    return Shuffle(tuple(rows), tuple(made))


def parse_shuffle(election: Election, tally: EncryptedTally, raw: bytes) -> Shuffle:
    """Rules H1 (canonical, as many as went in, elements of the group) and H2 (the same of the proofs)."""
    fields = require_fields(parse_json(raw, "H1"), ("ciphertexts", "proofs"), "H1")
    places = election.shuffled_questions
    rows = tuple(
        tuple(
            parse_ciphertext(election.group, item, "H1", "shuffled ballot", allow_identity=True)
            for item in require_list(row, "H1", len(tally[place]), "shuffled ballots")
        )
        for place, row in zip(
            places, require_list(fields["ciphertexts"], "H1", len(places), "shuffled ballots"), strict=True
        )
    )
    return Shuffle(
        rows,
        tuple(
            parse_shuffle_proof(election.group, proof, len(tally[place]), "shuffle proof")
            for place, proof in zip(
                places, require_list(fields["proofs"], "H2", len(places), "shuffle proofs"), strict=True
            )
        ),
    )


def verify_shuffle(election: Election, tally: EncryptedTally, shuffle: Shuffle, checker: Checker) -> None:
    """Rule H3 on every row: what came out are the ballots of ``tally``; the caller calls ``checker.finish()``."""
    for place, row, proof in zip(election.shuffled_questions, shuffle.rows, shuffle.proofs, strict=True):
        statement = _statement(election, tally, place, row)
        proofs.verify(statement, proof, checker, f"question {place + 1}: the shuffle's proof")


def apply_shuffle(election: Election, tally: EncryptedTally, shuffle: Shuffle) -> EncryptedTally:
    """The tally with what came out in place of what went in."""
    shuffled = dict(zip(election.shuffled_questions, shuffle.rows, strict=True))
    return tuple(shuffled.get(place, row) for place, row in enumerate(tally))
