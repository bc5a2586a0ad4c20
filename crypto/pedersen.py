"""Threshold keys: any t of n trustees decrypt (Pedersen's key generation; PROTOCOL §7; T2–T6).

Each trustee i shares a random polynomial f_i of t coefficients; the secret key of trustee j is
S_j = Σ_i f_i(j), and the public sub-key is ∏ A_i0 with A_ik = g^{a_ik} published. Written is the 3.x
form; read are also the older forms, which a verifier accepts with a warning: "2.0" (nothing beyond
the certificates and coefficients is signed) and "2.5" (verification keys are not signed).

Roles: ``seed`` is all a trustee keeps; from it come a signing and a decryption key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto.channel import (
    SignedMessage,
    parse_signed_message,
    receive,
    send,
    sign_message,
    sign_text,
    verify_text,
)
from crypto.checker import Checker, PlainChecker
from crypto.encoding import (
    encode_json,
    encode_json_bytes,
    parse_decimal,
    parse_json,
    require_fields,
    require_int,
    require_list,
    require_text,
    sha256_hex,
)
from crypto.errors import MalformedError, MisuseError, ProtocolError, RejectedError
from crypto.groups import Element, Group
from crypto.proofs.schnorr import Proof, parse_proof
from crypto.randomness import Coins
from crypto.trustee_key import TrusteeKey, make_trustee_key, parse_trustee_key, verify_trustee_key

FORM_3, FORM_25, FORM_20 = "3.0", "2.5", "2.0"
# Characters of a sealed text, and how many more for each coefficient of a polynomial: about twice what the widest
# group needs, whose scalars have 617 digits.
LONGEST_SEALED, LONGEST_COEFFICIENT = 16_384, 2_048


@dataclass(frozen=True, slots=True)
class Certificate:
    """A trustee's verification and encryption key; ``context`` = (size, threshold, index) or None."""

    signed: SignedMessage
    verification: Element
    encryption: Element
    context: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Coefficients:
    """A trustee's published A_0 … A_{t-1}."""

    signed: SignedMessage
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class PedersenParams:
    """What the archive says about a group of threshold trustees (``["Pedersen", …]``)."""

    threshold: int
    certificates: tuple[Certificate, ...]
    coefficients: tuple[Coefficients, ...]
    signatures: tuple[Proof, ...] | None
    verification_keys: tuple[TrusteeKey, ...]

    @property
    def size(self) -> int:
        return len(self.certificates)

    @property
    def form(self) -> str:
        """Which generation of the protocol made it; see the module's docstring."""
        if self.signatures is None:
            return FORM_20
        return FORM_25 if self.verification_keys[0].signature is None else FORM_3

    def public_key(self, group: Group) -> Element:
        """The group's share of the election key: ∏ A_i0."""
        return group.product([item.elements[0] for item in self.coefficients])

    def encode(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "threshold": self.threshold,
            "certs": [item.signed.encode() for item in self.certificates],
            "coefexps": [item.signed.encode() for item in self.coefficients],
        }
        if self.signatures is not None:
            value["signatures"] = [signature.encode() for signature in self.signatures]
        value["verification_keys"] = [key.encode() for key in self.verification_keys]
        return value


# --- reading what the archive publishes ----------------------------------------------------------


def parse_certificate(group: Group, value: Any) -> Certificate:
    """A signed message ``{"context"?, "verification", "encryption"}`` → Certificate (rule T2)."""
    signed = parse_signed_message(group, value, "T2")
    fields = require_fields(
        parse_json(signed.message.encode(), "T2"),
        ("verification", "encryption"),
        "T2",
        order=("context", "verification", "encryption"),
    )
    context = None
    if "context" in fields:
        inner = require_fields(fields["context"], ("group", "size", "threshold", "index"), "T2")
        if inner["group"] != group.name:
            raise RejectedError("T2", "a certificate was made for another group")
        size = require_int(inner["size"], "T2", "certificate: size", 1)
        threshold = require_int(inner["threshold"], "T2", "certificate: threshold", 1, size)
        context = (size, threshold, require_int(inner["index"], "T2", "certificate: index", 1, size))
    return Certificate(
        signed,
        group.decode(fields["verification"], "T2", "certificate: verification key", allow_identity=False),
        group.decode(fields["encryption"], "T2", "certificate: encryption key", allow_identity=False),
        context,
    )


def parse_coefficients(group: Group, value: Any) -> Coefficients:
    """A signed message ``{"coefexps": [A_0 …]}`` → Coefficients (rule T3).

    A first coefficient of 1 would be a trustee who contributes nothing.
    """
    signed = parse_signed_message(group, value, "T3")
    fields = require_fields(parse_json(signed.message.encode(), "T3"), ("coefexps",), "T3")
    elements = tuple(
        group.decode(item, "T3", f"coefficient {number}", allow_identity=number > 0)
        for number, item in enumerate(require_list(fields["coefexps"], "T3", what="coefficients"))
    )
    if not elements:
        raise MalformedError("T3", "a trustee without coefficients")
    return Coefficients(signed, elements)


def parse_pedersen(group: Group, value: Any) -> PedersenParams:
    """The ``Pedersen`` item of the trustees' record; shapes only, see :func:`verify_pedersen`."""
    fields = require_fields(
        value,
        ("threshold", "certs", "coefexps", "verification_keys"),
        "T2",
        order=("threshold", "certs", "coefexps", "signatures", "verification_keys"),
    )
    certificates = tuple(
        parse_certificate(group, item) for item in require_list(fields["certs"], "T2", what="certs")
    )
    size = len(certificates)
    if size == 0:
        raise MalformedError("T2", "a threshold group without trustees")
    signatures = None
    if "signatures" in fields:
        signatures = tuple(
            parse_proof(group, item, "T4", "signature of the certificates")
            for item in require_list(fields["signatures"], "T4", size, "signatures")
        )
    return PedersenParams(
        require_int(fields["threshold"], "T2", "threshold", 1, size),
        certificates,
        tuple(
            parse_coefficients(group, item)
            for item in require_list(fields["coefexps"], "T3", size, "coefexps")
        ),
        signatures,
        tuple(
            parse_trustee_key(group, item, "T5")
            for item in require_list(fields["verification_keys"], "T5", size, "verification keys")
        ),
    )


# --- verifying -----------------------------------------------------------------------------------


def verify_certificates(
    group: Group, certificates: Sequence[Certificate], size: int, threshold: int, *, strict: bool = True
) -> None:
    """Rule T2: each is signed by its own key, names its place, and no key stands twice.

    ``strict`` demands the context of the 3.x form; archives of 2.0 have none.
    """
    if len(certificates) != size:
        raise RejectedError("T2", f"{size} certificates were expected, {len(certificates)} found")
    for index, certificate in enumerate(certificates, 1):
        where = f"certificate {index}"
        signed = certificate.signed
        verify_text(group, certificate.verification, signed.message, signed.signature, "T2", where)
        if certificate.context is None:
            if strict:
                raise RejectedError("T2", f"{where} does not say which key generation it is for")
        elif certificate.context != (size, threshold, index):
            raise RejectedError("T2", f"{where} was made for another place, size or threshold")
    keys = [key.text for item in certificates for key in (item.verification, item.encryption)]
    if len(set(keys)) != len(keys):
        raise RejectedError("T2", "two certificates share a key")


def _coefficients_text(certificates: Sequence[Certificate], coefficients: Coefficients) -> str:
    value = {
        "certs": [item.signed.encode() for item in certificates],
        "coefexps": [element.text for element in coefficients.elements],
    }
    return "certs_sig|" + encode_json(value)


def verify_coefficients(
    group: Group, certificate: Certificate, coefficients: Coefficients, threshold: int, where: str
) -> None:
    """Rule T3: t coefficients, signed by that trustee."""
    if len(coefficients.elements) != threshold:
        raise RejectedError("T3", f"{where} has {len(coefficients.elements)} coefficients, not {threshold}")
    signed = coefficients.signed
    what = f"the signature of {where}"
    verify_text(group, certificate.verification, signed.message, signed.signature, "T3", what)


def _expected_key(group: Group, coefficients: Sequence[Coefficients], index: int) -> Element:
    """g^{S_j} = ∏_i ∏_k A_ik^{j^k}: the key of trustee ``index``, computed from public values."""
    count = len(coefficients[0].elements)
    result = group.identity
    # Horner's rule on the product over i: Σ_k C_k j^k with C_k = ∏_i A_ik.
    for k in reversed(range(count)):
        column = group.product([item.elements[k] for item in coefficients])
        result = group.multiply(group.power(result, index), column)
    return result


def _verify_threshold_key(
    group: Group,
    coefficients: Sequence[Coefficients],
    certificate: Certificate,
    key: TrusteeKey,
    index: int,
    checker: Checker,
) -> None:
    """Rules T5, and T6 where the key is signed."""
    verify_trustee_key(group, key, checker, "T5")
    if key.public_key != _expected_key(group, coefficients, index):
        raise RejectedError("T5", f"trustee {index}'s key does not follow from the coefficients")
    if key.signature is not None:
        what = f"trustee {index}'s signature of the key"
        verify_text(group, certificate.verification, key.public_key.text, key.signature, "T6", what)


def verify_pedersen(group: Group, params: PedersenParams, checker: Checker) -> None:
    """Rules T2–T6 on a published threshold group; raises RejectedError."""
    size, threshold = params.size, params.threshold
    verify_certificates(group, params.certificates, size, threshold, strict=params.signatures is not None)
    for index, (certificate, item) in enumerate(
        zip(params.certificates, params.coefficients, strict=True), 1
    ):
        verify_coefficients(group, certificate, item, threshold, f"trustee {index}'s coefficients")
    if params.signatures is not None:
        for index, (certificate, item, signature) in enumerate(
            zip(params.certificates, params.coefficients, params.signatures, strict=True), 1
        ):
            text = _coefficients_text(params.certificates, item)
            what = f"trustee {index}'s signature of all certificates"
            verify_text(group, certificate.verification, text, signature, "T4", what)
    elif any(certificate.context is not None for certificate in params.certificates):
        raise RejectedError("T4", "certificates of the 3.x form without the signatures of that form")
    signed_keys = [key.signature is not None for key in params.verification_keys]
    if any(signed_keys) != all(signed_keys) or (any(signed_keys) and params.signatures is None):
        raise RejectedError("T6", "only some parts of the threshold key have the 3.x form")
    for index, (key, certificate) in enumerate(
        zip(params.verification_keys, params.certificates, strict=True), 1
    ):
        _verify_threshold_key(group, params.coefficients, certificate, key, index, checker)


# --- the ceremony: a trustee's steps -------------------------------------------------------------


def _signing_key(group: Group, seed: str) -> int:
    return int.from_bytes(hashlib.sha256(f"sk|{seed}".encode()).digest()) % group.q


def _decryption_key(group: Group, seed: str) -> int:
    return int.from_bytes(hashlib.sha256(f"dk|{seed}".encode()).digest()) % group.q


def make_certificate(
    group: Group, seed: str, size: int, threshold: int, index: int, coins: Coins
) -> dict[str, Any]:
    """Step 1 of trustee ``index`` (from 1): a certificate for this key generation."""
    signing_key = _signing_key(group, seed)
    value = {
        "context": {"group": group.name, "size": size, "threshold": threshold, "index": index},
        "verification": group.power_g(signing_key).text,
        "encryption": group.power_g(_decryption_key(group, seed)).text,
    }
    return sign_message(group, signing_key, value, coins).encode()


def coefficient_commitment(coefficients: dict[str, Any]) -> str:
    """What a trustee publishes before anybody reveals: SHA-256 of the signed coefficients' text.

    Without it the last trustee could choose the own coefficients after seeing the others'.
    """
    return sha256_hex(encode_json_bytes(coefficients))


def _parse_certificates(
    group: Group, seed: str, certificates: Sequence[Any], threshold: int, index: int
) -> list[Certificate]:
    parsed = [parse_certificate(group, item) for item in certificates]
    verify_certificates(group, parsed, len(parsed), threshold)
    if not 1 <= index <= len(parsed):
        raise MisuseError(f"there is no trustee {index} of {len(parsed)}")
    own = parsed[index - 1]
    if own.verification != group.power_g(_signing_key(group, seed)):
        raise RejectedError("T2", f"certificate {index} is not the one made from this key")
    return parsed


def make_coefficients(
    group: Group, seed: str, certificates: Sequence[Any], threshold: int, index: int, coins: Coins
) -> dict[str, Any]:
    """Step 3: a random polynomial; returns the message for the server.

    ``{"polynomial": sealed to self, "secrets": [sealed to each trustee], "coefexps", "signature"}``.
    Commit to ``coefexps`` with :func:`coefficient_commitment` before sending it.
    """
    parsed = _parse_certificates(group, seed, certificates, threshold, index)
    signing_key = _signing_key(group, seed)
    polynomial = [coins.scalar(group.q) for _ in range(threshold)]
    elements = tuple(group.power_g(a) for a in polynomial)
    signed = sign_message(group, signing_key, {"coefexps": [item.text for item in elements]}, coins)
    coefficients = Coefficients(signed, elements)

    def share(j: int) -> int:
        value = 0
        for a in reversed(polynomial):
            value = (value * j + a) % group.q
        return value

    return {
        "polynomial": send(
            group,
            signing_key,
            parsed[index - 1].encryption,
            encode_json({"polynomial": [str(a) for a in polynomial]}),
        ),
        "secrets": [
            send(group, signing_key, item.encryption, encode_json({"secret": str(share(j))}))
            for j, item in enumerate(parsed, 1)
        ],
        "coefexps": signed.encode(),
        "signature": sign_text(group, signing_key, _coefficients_text(parsed, coefficients), coins).encode(),
    }


def _require_sealed(value: Any, rule: str, what: str, coefficients: int = 0) -> str:
    """A sealed text of bounded length (T8): nobody can look inside one for another, so a trustee could
    else make the others' inboxes too large for a phone."""
    text = require_text(value, rule, what)
    if len(text) > LONGEST_SEALED + coefficients * LONGEST_COEFFICIENT:
        raise MalformedError("T8", f"{what}: the sealed text is too long")
    return text


def check_coefficients_message(
    group: Group, certificates: Sequence[Any], threshold: int, index: int, message: Any
) -> None:
    """The server's look at a step-3 message: everything that it can see without opening shares."""
    parsed = [parse_certificate(group, item) for item in certificates]
    fields = require_fields(message, ("polynomial", "secrets", "coefexps", "signature"), "T3")
    _require_sealed(fields["polynomial"], "T3", "polynomial", threshold)
    for secret in require_list(fields["secrets"], "T3", len(parsed), "secrets"):
        _require_sealed(secret, "T3", "secret")
    coefficients = parse_coefficients(group, fields["coefexps"])
    certificate = parsed[index - 1]
    where = f"trustee {index}'s coefficients"
    verify_coefficients(group, certificate, coefficients, threshold, where)
    signature = parse_proof(group, fields["signature"], "T4", "signature of the certificates")
    what = f"trustee {index}'s signature of all certificates"
    text = _coefficients_text(parsed, coefficients)
    verify_text(group, certificate.verification, text, signature, "T4", what)


def check_voutput(
    group: Group, certificates: Sequence[Any], messages: Sequence[Any], index: int, value: Any
) -> None:
    """The server's look at a step-5 message: the key is the one that everybody's coefficients make,
    and its owner signed it."""
    fields = require_fields(value, ("private_key", "public_key"), "T5")
    _require_sealed(fields["private_key"], "T5", "private_key")
    key = parse_trustee_key(group, fields["public_key"], "T5")
    if key.signature is None:
        raise RejectedError("T6", f"trustee {index}'s key is not signed by its owner")
    coefficients = [parse_coefficients(group, message["coefexps"]) for message in messages]
    certificate = parse_certificate(group, certificates[index - 1])
    checker = PlainChecker(group)
    _verify_threshold_key(group, coefficients, certificate, key, index, checker)
    checker.finish()


def make_vinput(messages: Sequence[Any], index: int) -> dict[str, Any]:
    """Step 4, the server's: what trustee ``index`` gets from everybody's step-3 messages."""
    return {
        "polynomial": messages[index - 1]["polynomial"],
        "secrets": [message["secrets"][index - 1] for message in messages],
        "coefexps": [message["coefexps"] for message in messages],
        "signatures": [message["signature"] for message in messages],
    }


def _parse_share(text: str, key: str) -> int:
    """A share as the channel brings it; version 2.0 wrote sums that are not reduced mod q."""
    fields = require_fields(parse_json(text.encode(), "T8"), (key,), "T8")
    return parse_decimal(fields[key], "T8", key)


def make_voutput(
    group: Group,
    seed: str,
    certificates: Sequence[Any],
    threshold: int,
    vinput: Any,
    index: int,
    coins: Coins,
) -> dict[str, Any]:
    """Step 5: checks every share and signature, returns ``{"private_key", "public_key"}``.

    A share that does not fit its trustee's coefficients is a RejectedError that names the trustee.
    """
    parsed = _parse_certificates(group, seed, certificates, threshold, index)
    fields = require_fields(vinput, ("polynomial", "secrets", "coefexps", "signatures"), "T8")
    _require_sealed(fields["polynomial"], "T8", "polynomial", threshold)
    size = len(parsed)
    columns = [require_list(fields[key], "T8", size, key) for key in ("secrets", "coefexps", "signatures")]
    signing_key, decryption_key = _signing_key(group, seed), _decryption_key(group, seed)
    secret = 0
    for i, (certificate, sealed, value, proof) in enumerate(zip(parsed, *columns, strict=True), 1):
        where = f"trustee {i}'s coefficients"
        coefficients = parse_coefficients(group, value)
        verify_coefficients(group, certificate, coefficients, threshold, where)
        signature = parse_proof(group, proof, "T4", "signature of the certificates")
        what = f"trustee {i}'s signature of all certificates"
        text = _coefficients_text(parsed, coefficients)
        verify_text(group, certificate.verification, text, signature, "T4", what)
        try:
            letter = _require_sealed(sealed, "T8", "secret")
            message = receive(group, decryption_key, certificate.verification, letter)
        except ProtocolError as error:
            raise type(error)(error.rule, f"the share of trustee {i}: {error.detail}") from error
        share = _parse_share(message, "secret") % group.q
        if group.power_g(share) != _expected_key(group, [coefficients], index):
            raise RejectedError("T8", f"the share of trustee {i} does not fit trustee {i}'s coefficients")
        secret = (secret + share) % group.q
    key = make_trustee_key(group, secret, coins)
    signature = sign_text(group, signing_key, key.public_key.text, coins)
    own = parsed[index - 1].encryption
    return {
        "private_key": send(group, signing_key, own, encode_json({"decryption_key": str(secret)})),
        "public_key": TrusteeKey(key.public_key, key.pok, signature).encode(),
    }


def assemble(
    group: Group,
    threshold: int,
    certificates: Sequence[Any],
    messages: Sequence[Any],
    voutputs: Sequence[Any],
) -> PedersenParams:
    """Step 6, the server's: the published parameters, verified whole."""
    params = parse_pedersen(
        group,
        {
            "threshold": threshold,
            "certs": list(certificates),
            "coefexps": [message["coefexps"] for message in messages],
            "signatures": [message["signature"] for message in messages],
            "verification_keys": [voutput["public_key"] for voutput in voutputs],
        },
    )
    checker = PlainChecker(group)
    verify_pedersen(group, params, checker)
    checker.finish()
    if params.form != FORM_3:
        raise RejectedError("T6", "a trustee's key is not signed by its owner")
    return params


def open_private_key(group: Group, seed: str, private_key: str) -> int:
    """The secret S_j from the sealed text that the trustee kept or the server stored for it."""
    own = group.power_g(_signing_key(group, seed))
    letter = _require_sealed(private_key, "T8", "private_key")
    message = receive(group, _decryption_key(group, seed), own, letter)
    return _parse_share(message, "decryption_key") % group.q
