"""ATTACKS 4: an election in which every key is the identity. Everybody can open it, vote in it and decrypt it.

belenios-tool accepts it, so that only our refusal of the identity stands between such a record and "sound".
"""

from dataclasses import replace

import pytest

from crypto import transcript
from crypto.answers import make_answer
from crypto.ballot import parse_ballot
from crypto.credentials import parse_credential_list
from crypto.decryption import Owned, make_partial_decryption
from crypto.election import Election, parse_election
from crypto.encoding import encode_json_bytes, sha256_base64, sha256_hex
from crypto.errors import ProtocolError
from crypto.groups import get_group
from crypto.proofs import schnorr
from crypto.record import make_setup
from crypto.result import encode_result
from crypto.tally import SizedTally, encode_encrypted_tally
from crypto.trustees import encode_trustees, make_trustee_key, parse_trustees
from tests.crypto.refusals import refused
from tests.interop.bench import Bench, judge
from tests.simulator import Entry, coins_for, rebuild, sound

KINDS = {"Ed25519": "plain", "BELENIOS-2048": "belenios"}


def crafted(group_name: str) -> tuple[Election, list[Entry]]:
    """One voter, one trustee, one Yes; credential, trustee's key and election key are 1."""
    group = get_group(group_name)
    model = sound(KINDS[group_name]).election
    one = group.identity.text
    raw_election = model.raw.replace(
        f'"public_key":"{model.public_key.text}"'.encode(), f'"public_key":"{one}"'.encode()
    )
    # parse_election refuses it, so the value is put together by hand.
    election = replace(
        model, public_key=group.identity, raw=raw_election, fingerprint=sha256_base64(raw_election)
    )
    raw_trustees = encode_trustees([make_trustee_key(group, 0, coins_for(1, "trustee"))])
    raw_credentials = encode_json_bytes([one])
    setup = make_setup(raw_election, raw_trustees, raw_credentials)

    s0 = transcript.ballot_context(election.fingerprint, group.identity)
    answer = make_answer(
        group, election.public_key, election.questions[0], s0, [1, 0], coins_for(1, "answer")
    )
    unsigned = {
        "election_uuid": election.uuid,
        "election_hash": election.fingerprint,
        "credential": one,
        "answers": [answer.encode()],
    }
    digest = sha256_base64(encode_json_bytes(unsigned))
    prefix = transcript.ballot_signature(digest)
    proof = schnorr.prove(group, prefix, (group.generator,), 0, coins_for(1, "signature"))
    ballot = encode_json_bytes({**unsigned, "signature": {"hash": digest, "proof": proof.encode()}})

    tally = (answer.choices,)
    raw_tally = encode_encrypted_tally(election, tally)
    partial = make_partial_decryption(election, tally, 0, coins_for(1, "partial"))
    return election, [
        Entry("Setup", (raw_election, raw_trustees, raw_credentials, setup)),
        Entry("Ballot", (ballot,)),
        Entry("EndBallots"),
        Entry("EncryptedTally", (raw_tally, SizedTally(1, 1, sha256_hex(raw_tally)).encode())),
        Entry("PartialDecryption", (partial, Owned(1, sha256_hex(partial)).encode())),
        Entry("Result", (encode_result([[1, 0]]),)),
    ]


@pytest.mark.parametrize("group_name", KINDS)
def test_we_refuse_every_part_of_what_belenios_tool_accepts(bench33: Bench, group_name: str) -> None:
    election, entries = crafted(group_name)
    group, archive = election.group, rebuild(entries)
    bench33.put_archive(election.uuid, archive).verify()
    with pytest.raises(ProtocolError, match="identity"):
        judge(archive)
    raw_election, raw_trustees, raw_credentials, _ = entries[0].bodies
    with refused("S1", "identity"):
        parse_election(raw_election)
    with refused("T1", "identity"):
        parse_trustees(group, raw_trustees)
    with refused("S4", "identity"):
        parse_credential_list(group, raw_credentials)
    with refused("B5", "identity"):
        parse_ballot(election, entries[1].bodies[0])
