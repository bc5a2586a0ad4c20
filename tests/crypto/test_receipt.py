"""Receipts: the service's word that a ballot stands somewhere, and no other word."""

import json
from typing import Any

import pytest
from nacl.signing import VerifyKey

from crypto.ballot import ballot_tracker
from crypto.encoding import encode_json_bytes
from crypto.receipt import (
    Receipt,
    ServiceKey,
    make_receipt,
    parse_receipt,
    verify_receipt,
    verify_signature,
)
from tests.crypto.refusals import refused
from tests.simulator import KINDS, sound

KEY = ServiceKey(bytes(range(32)))
UUID, TRACKER, EVENT = "AAAAAAAAAAAAAA", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "ab" * 32


def receipt() -> Receipt:
    return make_receipt(KEY, UUID, TRACKER, 7, EVENT)


@pytest.mark.parametrize("kind", KINDS)
def test_simulated_receipts_name_the_ballots_place(kind: str) -> None:
    simulation = sound(kind)
    assert len(simulation.receipts) == len(simulation.ballots)
    for one, raw in zip(simulation.receipts, simulation.ballots, strict=True):
        assert one.tracker == ballot_tracker(raw)
        assert simulation.heads[one.height] == one.event
        verify_receipt(parse_receipt(encode_json_bytes(one.encode())), simulation.service_key.public)


def test_the_signature_covers_the_label_and_every_field() -> None:
    """Checked with the signature library alone, as another program would."""
    import base64

    value = receipt().encode()
    signature = base64.b64decode(value.pop("signature") + "==")
    message = b"steward-receipt-1\n" + json.dumps(value, separators=(",", ":")).encode()
    VerifyKey(base64.b64decode(KEY.public + "=")).verify(message, signature)
    assert list(value) == ["version", "election", "tracker", "height", "event"]


def test_the_same_ballot_gets_the_same_receipt() -> None:
    assert receipt() == receipt()
    assert len({make_receipt(KEY, UUID, TRACKER, n, EVENT).signature for n in range(1, 9)}) == 8


@pytest.mark.parametrize(
    "field, new",
    [
        ("election", "BBBBBBBBBBBBBB"),
        ("tracker", "A" * 43),
        ("height", 8),
        ("event", "cd" * 32),
        ("signature", "A" * 86),
    ],
)
def test_v2_every_field_counts(field: str, new: Any) -> None:
    changed = parse_receipt(encode_json_bytes({**receipt().encode(), field: new}))
    with refused("V2", "does not verify"):
        verify_receipt(changed, KEY.public)
    verify_receipt(receipt(), KEY.public)


def test_v2_another_key_did_not_sign_it() -> None:
    with refused("V2"):
        verify_receipt(receipt(), ServiceKey(bytes(32)).public)


@pytest.mark.parametrize("public", ["", "A" * 43, "B" * 43, KEY.public + "=", KEY.public[:-1], "é" * 43])
def test_v2_what_is_no_key_verifies_nothing(public: str) -> None:
    """The all-zero key and other weak points must not accept everything."""
    with refused("V2"):
        verify_receipt(receipt(), public)


def test_v2_a_weak_key_accepts_no_forged_signature() -> None:
    """With the identity as key and R = identity, s = 0 satisfies the bare equation for every message."""
    from crypto.encoding import encode_base64

    identity = b"\x01" + bytes(31)
    with refused("V2"):
        verify_signature(
            encode_base64(identity), b"anything", encode_base64(identity + bytes(32)), "V2", "it"
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda v: {**v, "version": 2},
        lambda v: {**v, "version": True},
        lambda v: {**v, "version": "1"},
        lambda v: {**v, "election": "short"},
        lambda v: {**v, "election": None},
        lambda v: {**v, "tracker": TRACKER[:-1]},
        lambda v: {**v, "tracker": TRACKER + "="},
        lambda v: {**v, "tracker": None},
        lambda v: {**v, "height": 0},
        lambda v: {**v, "height": "7"},
        lambda v: {**v, "height": True},
        lambda v: {**v, "event": EVENT.upper()},
        lambda v: {**v, "event": None},
        lambda v: {**v, "signature": "A" * 85},
        lambda v: {**v, "signature": None},
        lambda v: {**v, "vote": "Yes"},
        lambda v: {k: x for k, x in v.items() if k != "event"},
        lambda v: dict(reversed(v.items())),
        lambda v: [v],
        lambda v: None,
    ],
)
def test_v1_a_receipt_has_one_shape(change: Any) -> None:
    with refused("V1"):
        parse_receipt(encode_json_bytes(change(receipt().encode())))


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_v1_a_saved_file_may_end_with_a_line(ending: bytes) -> None:
    assert parse_receipt(encode_json_bytes(receipt().encode()) + ending) == receipt()


@pytest.mark.parametrize("raw", [b"", b"{}", b" {}", b"\xff", b"receipt"])
def test_v1_what_is_no_receipt(raw: bytes) -> None:
    with refused("V1"):
        parse_receipt(raw)


def test_v1_pretty_printed_receipts_are_refused() -> None:
    with refused("V1"):
        parse_receipt(json.dumps(receipt().encode(), indent=2).encode())


# --- the service key ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed, public, message, signature",
    [
        # RFC 8032 §7.1, TEST 1 and TEST 2
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
                "d25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
                "387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
    ],
)
def test_signatures_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    import base64

    key = ServiceKey(bytes.fromhex(seed))
    assert base64.b64decode(key.public + "=").hex() == public
    made = key.sign(bytes.fromhex(message))
    assert base64.b64decode(made + "==").hex() == signature
    verify_signature(key.public, bytes.fromhex(message), made, "V2", "it")


def test_new_service_keys_differ_and_keep_their_seed() -> None:
    keys = [ServiceKey.generate() for _ in range(5)]
    assert len({key.public for key in keys}) == 5
    for key in keys:
        assert ServiceKey(key.seed).public == key.public
