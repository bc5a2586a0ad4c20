"""Threshold keys: any t of n trustees hold the key, fewer do not, and a cheat is named."""

import itertools
import json
from functools import cache
from pathlib import Path as File
from typing import Any

import pytest

from crypto.channel import send, sign_message
from crypto.checker import PlainChecker
from crypto.decryption import lagrange
from crypto.encoding import encode_json, sha256_hex
from crypto.errors import MisuseError, RejectedError
from crypto.groups import get_group
from crypto.groups.registry import GROUP_NAMES
from crypto.pedersen import (
    FORM_3,
    FORM_20,
    FORM_25,
    PedersenParams,
    _coefficients_text,
    _decryption_key,
    _signing_key,
    assemble,
    check_coefficients_message,
    check_voutput,
    coefficient_commitment,
    make_certificate,
    make_coefficients,
    make_vinput,
    make_voutput,
    open_private_key,
    parse_certificate,
    parse_coefficients,
    parse_pedersen,
    verify_pedersen,
)
from crypto.randomness import SystemCoins
from crypto.trustees import parse_trustees
from tests.crypto.refusals import refused
from tests.simulator import (
    KeyGeneration,
    Threshold,
    coins_for,
    generate_threshold_key,
    json_with,
    read_entries,
)

VECTORS = File(__file__).parent.parent / "vectors" / "archives" / "valid"
G = get_group("Ed25519")
NAMES = ("Ed25519", "BELENIOS-2048")


@cache
def made(needed: int = 2, size: int = 3, group: str = "Ed25519") -> KeyGeneration:
    return generate_threshold_key(get_group(group), Threshold(needed, size), f"{group} {needed} {size}")


def verify(params: PedersenParams, group: Any = G) -> None:
    checker = PlainChecker(group)
    verify_pedersen(group, params, checker)
    checker.finish()


# --- soundness of the whole --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("needed, size", [(1, 1), (1, 2), (2, 2), (2, 3), (3, 5), (5, 5)])
def test_every_set_of_t_holds_the_key_and_no_smaller_one(name: str, needed: int, size: int) -> None:
    group, key = get_group(name), made(needed, size, name)
    assert key.params.form == FORM_3
    public = key.params.public_key(group)

    def combined(present: tuple[int, ...]) -> int:
        return sum(lagrange(group, present, i) * key.secrets[i - 1] for i in present) % group.q

    for present in itertools.combinations(range(1, size + 1), needed):
        assert group.power_g(combined(present)) == public
    for present in itertools.combinations(range(1, size + 1), needed - 1):
        assert group.power_g(combined(present)) != public
    for verification, secret in zip(key.params.verification_keys, key.secrets, strict=True):
        assert verification.public_key == group.power_g(secret)


@pytest.mark.parametrize("name", NAMES)
def test_published_parameters_come_back(name: str) -> None:
    group, key = get_group(name), made(2, 3, name)
    assert parse_pedersen(group, key.params.encode()) == key.params
    verify(key.params, group)


def test_a_commitment_binds_the_coefficients() -> None:
    messages = made().messages
    commitments = {coefficient_commitment(message["coefexps"]) for message in messages}
    assert len(commitments) == 3
    text = encode_json(messages[0]["coefexps"]).encode()
    assert coefficient_commitment(messages[0]["coefexps"]) == sha256_hex(text)


# --- a published group in which one thing is false ---------------------------------------------------------------


def other_proof() -> dict[str, str]:
    return {"challenge": "5", "response": "7"}


def resigned(index: int, value: Any) -> dict[str, Any]:
    """A message signed again by trustee `index`."""
    key = _signing_key(G, made().seeds[index - 1])
    return sign_message(G, key, value, coins_for(1, "resigned")).encode()


def coefexps(index: int, change: Any) -> dict[str, Any]:
    texts = json.loads(made().messages[index - 1]["coefexps"]["message"])["coefexps"]
    return resigned(index, {"coefexps": change(texts)})


def certificate(index: int, **fields: Any) -> dict[str, Any]:
    value = json.loads(made().certificates[index - 1]["message"])
    return resigned(index, {**value, **fields})


CONTEXT = {"group": "Ed25519", "size": 3, "threshold": 2, "index": 1}


@pytest.mark.parametrize(
    "rule, path, new",
    [
        ("T2", ("certs", 0, "signature"), other_proof()),
        ("T2", ("certs", 0, "message"), "{}"),
        ("T2", ("certs", 0), lambda: made().certificates[1]),
        ("T2", ("certs",), lambda: made().certificates[::-1]),
        ("T2", ("certs", 0), lambda: certificate(1, context={**CONTEXT, "index": 2})),
        ("T2", ("certs", 0), lambda: certificate(1, context={**CONTEXT, "size": 4})),
        ("T2", ("certs", 0), lambda: certificate(1, context={**CONTEXT, "threshold": 3})),
        ("T2", ("certs", 0), lambda: certificate(1, context={**CONTEXT, "group": "BELENIOS-2048"})),
        ("T2", ("certs", 0), lambda: certificate(1, context={**CONTEXT, "index": 0})),
        ("T2", ("certs", 0), lambda: certificate(1, encryption=G.identity.text)),
        ("T2", ("certs", 0), lambda: certificate(1, verification=G.identity.text)),
        ("T2", ("certs", 0), lambda: certificate(1, extra="x")),
        ("T4", ("certs", 0), lambda: certificate(1, encryption=G.power_g(5).text)),
        ("T2", ("threshold",), 3),
        ("T2", ("threshold",), 0),
        ("T2", ("threshold",), 4),
        ("T2", ("threshold",), True),
        ("T2", ("threshold",), "2"),
        ("T2", ("certs",), []),
        ("T3", ("coefexps", 0, "signature"), other_proof()),
        ("T3", ("coefexps",), lambda: [m["coefexps"] for m in made().messages][::-1]),
        ("T3", ("coefexps", 0), lambda: coefexps(1, lambda texts: texts[:1])),
        ("T3", ("coefexps", 0), lambda: coefexps(1, lambda texts: [*texts, texts[0]])),
        ("T3", ("coefexps", 0), lambda: coefexps(1, lambda texts: [])),
        ("T3", ("coefexps", 0), lambda: coefexps(1, lambda texts: [G.identity.text, texts[1]])),
        ("T4", ("coefexps", 0), lambda: coefexps(1, lambda texts: texts[::-1])),
        ("T4", ("signatures", 0), other_proof()),
        ("T4", ("signatures",), []),
        ("T4", ("signatures", 2), None),
        ("T5", ("verification_keys", 0, "pok"), other_proof()),
        ("T5", ("verification_keys", 0, "public_key"), lambda: G.power_g(5).text),
        ("T5", ("verification_keys", 0, "public_key"), G.identity.text),
        ("T5", ("verification_keys",), []),
        ("T6", ("verification_keys", 0, "signature"), other_proof()),
    ],
)
def test_each_falsehood_names_its_rule(rule: str, path: Any, new: Any) -> None:
    value = json_with(made().params.encode(), path, new() if callable(new) else new)
    with refused(rule):
        verify(parse_pedersen(G, value))


def test_keys_of_two_trustees_cannot_change_places() -> None:
    value = made().params.encode()
    keys = value["verification_keys"]
    with refused("T5", "does not follow"):
        verify(parse_pedersen(G, {**value, "verification_keys": [keys[1], keys[0], keys[2]]}))


def test_parameters_with_a_missing_trustee_are_refused() -> None:
    value = made().params.encode()
    for key in ("certs", "coefexps", "signatures", "verification_keys"):
        with refused(_rule_of(key)):
            verify(parse_pedersen(G, {**value, key: value[key][:-1]}))
    shorter = {key: item[:-1] if isinstance(item, list) else item for key, item in value.items()}
    with refused("T2"):
        verify(parse_pedersen(G, shorter))


def _rule_of(key: str) -> str:
    # Without one certificate the others are too many.
    return {"certs": "T4", "coefexps": "T3", "signatures": "T4", "verification_keys": "T5"}[key]


# --- older forms -------------------------------------------------------------------------------------------------


def test_the_form_of_version_2_0_is_read_from_a_real_archive() -> None:
    (archive,) = VECTORS.glob("v2.0-belenios-2048-threshold/*.bel")
    group = get_group("BELENIOS-2048")
    trustees = parse_trustees(group, read_entries(archive.read_bytes())[0].body("trustees"))
    old = [item for item in trustees.items if isinstance(item, PedersenParams)]
    assert trustees.old_forms == (FORM_20,)
    verify(old[0], group)
    value = old[0].encode()
    for path in (("coefexps", 0, "signature"), ("certs", 0, "signature"), ("verification_keys", 0, "pok")):
        with pytest.raises(RejectedError):
            verify(parse_pedersen(group, json_with(value, path, other_proof())), group)


def test_the_form_of_version_2_5_lacks_the_owners_signatures() -> None:
    value = made().params.encode()
    unsigned = [{k: v for k, v in key.items() if k != "signature"} for key in value["verification_keys"]]
    params = parse_pedersen(G, {**value, "verification_keys": unsigned})
    assert params.form == FORM_25
    verify(params)


def test_forms_are_not_mixed() -> None:
    """Dropping signatures from a part would hide which trustee never agreed."""
    value = made().params.encode()
    keys = value["verification_keys"]
    one = {k: v for k, v in keys[0].items() if k != "signature"}
    with refused("T6", "some parts"):
        verify(parse_pedersen(G, {**value, "verification_keys": [one, *keys[1:]]}))
    without = {k: v for k, v in value.items() if k != "signatures"}
    with refused("T4", "without the signatures"):
        verify(parse_pedersen(G, without))


# --- the ceremony ------------------------------------------------------------------------------------------------


def voutput(index: int, messages: list[Any], certificates: list[Any] | None = None) -> dict[str, Any]:
    key = made()
    return make_voutput(
        G,
        key.seeds[index - 1],
        certificates or key.certificates,
        2,
        make_vinput(messages, index),
        index,
        coins_for(index, "voutput"),
    )


def with_share(cheat: int, victim: int, share: int) -> list[dict[str, Any]]:
    """Everybody's messages, with a false share from `cheat` to `victim`."""
    key = made()
    recipient = parse_certificate(G, key.certificates[victim - 1]).encryption
    sealed = send(G, _signing_key(G, key.seeds[cheat - 1]), recipient, encode_json({"secret": str(share)}))
    messages = [dict(message) for message in key.messages]
    messages[cheat - 1]["secrets"] = [
        sealed if j == victim else text for j, text in enumerate(messages[cheat - 1]["secrets"], 1)
    ]
    return messages


@pytest.mark.parametrize("cheat, victim", [(1, 2), (2, 3), (3, 1), (3, 3)])
def test_a_false_share_names_its_author(cheat: int, victim: int) -> None:
    """ATTACKS 22: without the name, the group could only start again with the cheat among them."""
    messages = with_share(cheat, victim, 12345)
    with refused("T8", f"the share of trustee {cheat} does not fit", RejectedError):
        voutput(victim, messages)
    # The others got what they should, so only the victim complains.
    for index in {1, 2, 3} - {victim}:
        voutput(index, messages)


def test_a_share_that_cannot_be_opened_names_its_author() -> None:
    messages = [dict(message) for message in made().messages]
    messages[0]["secrets"] = messages[0]["secrets"][::-1]
    with refused("T8", "the share of trustee 1"):
        voutput(3, messages)


def test_a_share_that_is_not_reduced_is_read() -> None:
    """Version 2.0 writes sums above q."""
    key = made()
    index = 2
    from crypto.channel import receive

    decryption = _decryption_key(G, key.seeds[index - 1])
    sender = parse_certificate(G, key.certificates[0]).verification
    share = int(json.loads(receive(G, decryption, sender, key.messages[0]["secrets"][index - 1]))["secret"])
    again = voutput(index, with_share(1, index, share + 3 * G.q))
    assert open_private_key(G, key.seeds[index - 1], again["private_key"]) == key.secrets[index - 1]


@pytest.mark.parametrize(
    "rule, change",
    [
        ("T3", lambda m: {**m, "coefexps": made().messages[1]["coefexps"]}),
        ("T4", lambda m: {**m, "signature": other_proof()}),
        ("T4", lambda m: {**m, "coefexps": coefexps(1, lambda texts: texts[::-1])}),
        ("T3", lambda m: {**m, "coefexps": coefexps(1, lambda texts: texts[:1])}),
    ],
)
def test_a_false_message_is_found_by_the_server_and_by_every_trustee(rule: str, change: Any) -> None:
    messages = [change(made().messages[0]), *made().messages[1:]]
    with refused(rule, "trustee 1"):
        check_coefficients_message(G, made().certificates, 2, 1, messages[0])
    with refused(rule, "trustee 1"):
        voutput(2, messages)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: {**m, "secrets": m["secrets"][:-1]},
        lambda m: {**m, "secrets": [1, 2, 3]},
        lambda m: {**m, "polynomial": None},
        lambda m: {**m, "extra": 1},
        lambda m: {k: v for k, v in m.items() if k != "signature"},
        lambda m: None,
    ],
)
def test_the_server_refuses_a_message_of_another_shape(change: Any) -> None:
    with refused("T3"):
        check_coefficients_message(G, made().certificates, 2, 1, change(made().messages[0]))


# docs/protocol.md names the limits (T8).
SEALED, PER_COEFFICIENT = 16_384, 2_048


@pytest.mark.parametrize("part, longest", [("polynomial", SEALED + 2 * PER_COEFFICIENT), ("secrets", SEALED)])
def test_a_sealed_text_has_a_longest_size_for_the_server(part: str, longest: int) -> None:
    """Without it: one trustee could make the others' inboxes too large to be opened on a phone."""
    honest = made().messages[0]

    def with_text(length: int) -> dict[str, Any]:
        text = "A" * length
        return {**honest, part: text if part == "polynomial" else [honest[part][0], text, honest[part][2]]}

    check_coefficients_message(G, made().certificates, 2, 1, with_text(longest))
    with refused("T8", "too long"):
        check_coefficients_message(G, made().certificates, 2, 1, with_text(longest + 1))


def test_a_sealed_private_key_has_a_longest_size_for_the_server() -> None:
    key = made()
    for length, is_taken in ((SEALED, True), (SEALED + 1, False)):
        value = {**key.voutputs[0], "private_key": "A" * length}
        if is_taken:
            check_voutput(G, key.certificates, key.messages, 1, value)
        else:
            with refused("T8", "too long"):
                check_voutput(G, key.certificates, key.messages, 1, value)


def test_a_trustee_opens_no_sealed_text_that_is_too_long() -> None:
    """The server that passes letters on need not be honest either."""
    key = made()
    for part in ("polynomial", "secrets"):
        value: Any = make_vinput(key.messages, 2)
        huge = "A" * 50_000
        value = {**value, part: huge if part == "polynomial" else [huge, *value[part][1:]]}
        with refused("T8", "too long"):
            make_voutput(G, key.seeds[1], key.certificates, 2, value, 2, coins_for(2, "long"))
    with refused("T8", "too long"):
        open_private_key(G, key.seeds[0], "A" * (SEALED + 1))


@pytest.mark.parametrize("name", GROUP_NAMES)
def test_honest_sealed_texts_of_every_group_are_short_enough(name: str) -> None:
    """The widest group has scalars of 617 digits; the letters of 255 trustees are no longer than those of two."""
    group, seed = get_group(name), "C" * 22
    size = 4
    certificates = [
        make_certificate(group, chr(66 + i) * 22, size, size, i, SystemCoins()) for i in range(1, size + 1)
    ]
    message = make_coefficients(group, seed, certificates, size, 1, SystemCoins())
    check_coefficients_message(group, certificates, size, 1, message)
    assert max(map(len, message["secrets"])) < SEALED * 3 // 4
    # What each further coefficient adds.
    assert len(message["polynomial"]) - len(message["secrets"][0]) < size * PER_COEFFICIENT * 3 // 4


def test_the_server_accepts_every_honest_message() -> None:
    for index, message in enumerate(made().messages, 1):
        check_coefficients_message(G, made().certificates, 2, index, message)


def test_trustees_who_were_shown_different_certificates_do_not_finish() -> None:
    """ATTACKS 17: the server gives trustee 3 another certificate of trustee 1."""
    key = made()
    impostor = make_certificate(G, "A" * 22, 3, 2, 1, SystemCoins())
    shown = [impostor, *key.certificates[1:]]
    message = make_coefficients(G, key.seeds[2], shown, 2, 3, SystemCoins())
    with refused("T4", "trustee 3"):
        voutput(2, [*key.messages[:2], message])


def test_a_trustee_finds_that_the_own_certificate_was_replaced() -> None:
    impostor = make_certificate(G, "A" * 22, 3, 2, 1, SystemCoins())
    shown = [impostor, *made().certificates[1:]]
    with refused("T2", "not the one made from this key"):
        make_coefficients(G, made().seeds[0], shown, 2, 1, SystemCoins())


def test_certificates_without_a_context_are_for_archives_only() -> None:
    value = json.loads(made().certificates[0]["message"])
    del value["context"]
    shown = [resigned(1, value), *made().certificates[1:]]
    with refused("T2", "which key generation"):
        make_coefficients(G, made().seeds[0], shown, 2, 1, SystemCoins())


def test_a_place_that_does_not_exist_is_the_callers_mistake() -> None:
    for index in (0, 4):
        with pytest.raises(MisuseError):
            make_coefficients(G, made().seeds[0], made().certificates, 2, index, SystemCoins())


def test_assembling_refuses_what_an_auditor_would() -> None:
    key = made()
    outputs = [dict(output) for output in key.voutputs]
    with refused("T5"):
        assemble(G, 2, key.certificates, key.messages, [outputs[1], outputs[0], outputs[2]])
    unsigned = [
        {"public_key": {k: v for k, v in o["public_key"].items() if k != "signature"}} for o in outputs
    ]
    with refused("T6", "not signed by its owner"):
        assemble(G, 2, key.certificates, key.messages, unsigned)


def test_the_private_key_opens_with_its_own_seed_only() -> None:
    key = made()
    for seed, output, secret in zip(key.seeds, key.voutputs, key.secrets, strict=True):
        assert open_private_key(G, seed, output["private_key"]) == secret
    with refused("T8"):
        open_private_key(G, key.seeds[0], key.voutputs[1]["private_key"])


def test_what_is_no_certificate_or_coefficient_is_refused() -> None:
    for value in (None, {}, {"message": "{}"}, {"message": "x", "signature": other_proof()}):
        with refused("T2"):
            parse_certificate(G, value)
        with refused("T3"):
            parse_coefficients(G, value)
    doubled = '{"coefexps":[],"coefexps":[]}'
    with refused("T3"):
        parse_coefficients(G, {"message": doubled, "signature": other_proof()})


def test_a_repeated_key_in_certificates_is_refused() -> None:
    """One person at two places of a 2-of-3 group would hold the key alone."""
    seed = "B" * 22
    twice = [make_certificate(G, seed, 3, 2, i, SystemCoins()) for i in (1, 2)]
    with refused("T2", "share a key"):
        make_coefficients(G, seed, [*twice, made().certificates[2]], 2, 1, SystemCoins())


def test_the_signed_text_covers_all_certificates() -> None:
    params = made().params
    text = _coefficients_text(params.certificates, params.coefficients[0])
    assert text.startswith('certs_sig|{"certs":[')
    for item in params.certificates:
        assert json.dumps(item.signed.message, ensure_ascii=False) in text
