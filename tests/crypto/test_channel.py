"""Letters between trustees: only the recipient opens them, and only the sender can have written them."""

import json
from typing import Any

import pytest

from crypto.channel import (
    parse_signed_message,
    receive,
    send,
    sign_message,
    sign_text,
    verify_text,
)
from crypto.encoding import encode_json
from crypto.errors import RejectedError
from crypto.groups import Group, get_group
from crypto.proofs.schnorr import Proof
from tests.crypto.refusals import refused
from tests.simulator import coins_for

NAMES = ("Ed25519", "BELENIOS-2048")
EVERY_GROUP = pytest.mark.parametrize("G", [get_group(name) for name in NAMES], ids=NAMES)
SENDER, RECIPIENT = 1001, 2002


def letter(G: Group, text: str = "the share") -> str:
    return send(G, SENDER, G.power_g(RECIPIENT), text)


@EVERY_GROUP
@pytest.mark.parametrize("text", ["", "the share", '{"secret":"5"}', "é\U0001f600\x7f\n", "x" * 70_000])
def test_a_letter_arrives(G: Group, text: str) -> None:
    assert receive(G, RECIPIENT, G.power_g(SENDER), letter(G, text)) == text


@EVERY_GROUP
def test_a_letter_says_nothing_to_others(G: Group) -> None:
    first, second = letter(G), letter(G)
    assert first != second
    assert "share" not in first
    with refused("T8", "not made for this key", RejectedError):
        receive(G, RECIPIENT + 1, G.power_g(SENDER), first)


@EVERY_GROUP
def test_nobody_writes_in_another_ones_name(G: Group) -> None:
    with refused("T8", "sender"):
        receive(G, RECIPIENT, G.power_g(SENDER + 1), letter(G))


@EVERY_GROUP
def test_a_letter_passed_on_is_refused(G: Group) -> None:
    """A recipient who seals the signed inside to somebody else must not make the sender speak to them."""
    from crypto import channel

    sealed = letter(G)
    fields = json.loads(sealed)
    alpha = G.decode(fields["alpha"], "X1", "alpha", allow_identity=False)
    beta = G.decode(fields["beta"], "X1", "beta", allow_identity=False)
    cipher, nonce = channel._cipher(G, G.divide(beta, G.power(alpha, RECIPIENT)), alpha)
    inside = cipher.decrypt(nonce, bytes.fromhex(fields["data"]), None)
    third = 3003
    r, shared = 77, G.power_g(88)
    new_alpha = G.power_g(r)
    cipher, nonce = channel._cipher(G, shared, new_alpha)
    resealed = encode_json(
        {
            "algorithm": "AES-GCM",
            "alpha": new_alpha.text,
            "beta": G.multiply(G.power(G.power_g(third), r), shared).text,
            "data": cipher.encrypt(nonce, inside, None).hex(),
        }
    )
    with refused("T8", "somebody else"):
        receive(G, third, G.power_g(SENDER), resealed)


@EVERY_GROUP
@pytest.mark.parametrize(
    "change",
    [
        lambda f: {**f, "algorithm": "AES-CCM"},
        lambda f: {key: f[key] for key in ("alpha", "beta", "data")},
        lambda f: {**f, "data": f["data"].upper() if f["data"].upper() != f["data"] else "AA"},
        lambda f: {**f, "data": f["data"][:-1]},
        lambda f: {**f, "data": f["data"][:-2]},
        lambda f: {**f, "data": ""},
        lambda f: {**f, "data": "00" + f["data"][2:] if f["data"][:2] != "00" else "01" + f["data"][2:]},
        lambda f: {**f, "data": None},
        lambda f: {**f, "alpha": f["beta"]},
        lambda f: {**f, "beta": f["alpha"]},
        lambda f: {**f, "alpha": "1"},
        lambda f: {**f, "alpha": "0" * 63 + "1"},
        lambda f: {**f, "extra": 1},
        lambda f: [f],
    ],
)
def test_a_changed_letter_is_refused(G: Group, change: Any) -> None:
    sealed = encode_json(change(json.loads(letter(G))))
    with refused("T8"):
        receive(G, RECIPIENT, G.power_g(SENDER), sealed)


@EVERY_GROUP
@pytest.mark.parametrize("text", ["", "{", "null", "5", '{"algorithm": "AES-GCM"}'])
def test_what_is_no_letter_is_refused(G: Group, text: str) -> None:
    with refused("T8"):
        receive(G, RECIPIENT, G.power_g(SENDER), text)


@EVERY_GROUP
def test_signed_messages(G: Group) -> None:
    signed = sign_message(G, SENDER, {"a": "é"}, coins_for(1, "sign"))
    assert signed.message == '{"a":"é"}'
    assert parse_signed_message(G, signed.encode(), "X1") == signed
    key = G.power_g(SENDER)
    verify_text(G, key, signed.message, signed.signature, "X1", "it")
    for wrong_key, text, signature in (
        (G.power_g(5), signed.message, signed.signature),
        (key, signed.message + " ", signed.signature),
        (key, signed.message, Proof(signed.signature.challenge, 0)),
    ):
        with refused("X1", "does not hold"):
            verify_text(G, wrong_key, text, signature, "X1", "it")
    bad: list[Any] = [
        None,
        [],
        {"message": "a"},
        {**signed.encode(), "x": 1},
        {**signed.encode(), "message": {}},
    ]
    for value in bad:
        with refused("X1"):
            parse_signed_message(G, value, "X1")


@EVERY_GROUP
def test_a_key_can_be_computed_to_fit_a_signature(G: Group) -> None:
    """ATTACKS 5: version 1 does not hash the key. That is why no key is ever taken from the message's sender.

    If this fails, signatures became stronger and the warning in crypto/channel.py can go.
    """
    text = "coefficients"
    signature = sign_text(G, SENDER, text, coins_for(1, "substitution"))
    commitment = G.product_of_powers(
        [(G.generator, signature.response), (G.power_g(SENDER), signature.challenge)]
    )
    other = G.power(
        G.divide(commitment, G.power_g(signature.response + 5)), pow(signature.challenge, -1, G.q)
    )
    assert other != G.power_g(SENDER)
    verify_text(G, other, text, Proof(signature.challenge, (signature.response + 5) % G.q), "X1", "it")
