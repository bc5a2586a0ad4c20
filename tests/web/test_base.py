"""Texts, coins, elements and proofs: JavaScript and Python say the same, to the byte, and refuse the same."""

import random
from typing import Any

import pytest

from crypto import transcript
from crypto.checker import PlainChecker
from crypto.elgamal import Ciphertext, divide, encrypt, multiply, parse_ciphertext, power
from crypto.encoding import (
    encode_base64,
    encode_counter,
    encode_json,
    encode_json_bytes,
    is_base58,
    is_sha256_hex,
    is_uuid,
    parse_base64,
    parse_counter,
    parse_decimal,
    parse_json,
    require_fields,
    sha256_base64,
    sha256_hex,
)
from crypto.errors import ProtocolError
from crypto.groups import get_group
from crypto.proofs import disjunction, schnorr
from crypto.randomness import SeedCoins
from tests.web.agreeing import vectors, verdict
from tests.web.node import Node

GROUP = get_group("Ed25519")


def element(rng: random.Random) -> str:
    return GROUP.power_g(rng.randrange(GROUP.q)).text


# --- canonical JSON ----------------------------------------------------------------------------------------------


def py_read(raw: bytes) -> dict[str, str]:
    return {"again": encode_json_bytes(parse_json(raw, "X1")).hex()}


def test_vectors_of_canonical_json(js: Node) -> None:
    cases = vectors("canonical-json.json")
    for text in cases["accept"]:
        assert js.call("readJson", hex=text) == {"again": text}
    for text in cases["refuse"]:
        assert verdict(lambda text=text: js.call("readJson", hex=text)) == ("MalformedError", "X1")


def some_value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(4 if depth > 3 else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice(
            [0, -1, 7, 2**30, 2**53 - 1, 2**53, 2**53 + 1, 10**30, -(10**20), rng.randrange(10**9)]
        )
    if kind in (2, 3):
        letters = 'ab"\\/\x00\x08\t\n\x0b\x0c\r\x1f\x7f\x80é\u2028\ufeff😀{}[],:0'
        return "".join(rng.choice(letters) for _ in range(rng.randrange(6)))
    if kind == 4:
        return [some_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    keys = [rng.choice(["a", "b", "c", "__proto__", "toString", "é", ""]) for _ in range(rng.randrange(4))]
    return {key: some_value(rng, depth + 1) for key in keys}


def altered(rng: random.Random, raw: bytes) -> bytes:
    pieces = [
        b" ",
        b"\n",
        b"0",
        b"-",
        b"1.0",
        b"1e3",
        b"\\u0041",
        b"\\/",
        b'"',
        b",",
        b"{",
        b"]",
        b"\xff",
        b"null",
        b"\x7f",
    ]
    place = rng.randrange(len(raw) + 1)
    return raw[:place] + rng.choice([b"", *pieces]) + raw[place + rng.randrange(3) :]


def test_both_read_the_same_canonical_json(js: Node, rng: random.Random, samples: int) -> None:
    refused = 0
    for _ in range(10 * samples):
        raw = encode_json_bytes(some_value(rng))
        assert js.call("readJson", hex=raw.hex()) == {"again": raw.hex()}
        broken = altered(rng, raw)
        ours, theirs = (
            verdict(lambda b=broken: py_read(b)),
            verdict(lambda b=broken: js.call("readJson", hex=b.hex())),
        )
        if b'"0":' in broken and theirs == ("value", {"again": "MisuseError"}):
            theirs = ours if ours[0] == "value" else theirs  # read, but not written: see below
        assert ours == theirs, broken
        refused += ours[0] != "value"
    assert refused > samples


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":{"b":1,"b":1}}',
        b'{"a":1,"__proto__":2,"__proto__":2}',
        b"[1,]",
        b"[,1]",
        b'{"a"}',
        b'{"a":}',
        b"-",
        b"--1",
        b"+1",
        b"-01",
        b"00",
        b"Infinity",
        b"-Infinity",
        b"nul",
        b"nulll",
        b"[1][2]",
        b'"\\u0008"',
        b'"\\u000a"',
        b'"\\u007F"',
        b'"\\u00e9"',
        b'"a',
        b'"\\"',
        b"\xed\xa0\x80",
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b"[" * 5000,
        b"[" * 5000 + b"]" * 5000,
        b"1" * 4301,
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_both_refuse(js: Node, raw: bytes) -> None:
    assert verdict(lambda: py_read(raw)) == ("MalformedError", "X1")
    assert verdict(lambda: js.call("readJson", hex=raw.hex())) == ("MalformedError", "X1")


def test_keys_that_look_like_numbers_are_read_in_any_order_but_never_written(js: Node) -> None:
    assert js.call("readJson", hex=b'{"b":1,"1":2,"0":3}'.hex()) == {"again": "MisuseError"}
    assert verdict(lambda: js.call("writeJson", value={"1": 1})) == ("MisuseError", None)


@pytest.mark.parametrize("value", [1.5, {"a": [0.5]}])
def test_fractions_are_not_written(js: Node, value: Any) -> None:
    assert verdict(lambda: encode_json(value)) == ("MisuseError", None)
    assert verdict(lambda: js.call("writeJson", value=value)) == ("MisuseError", None)


def test_a_lone_surrogate_is_not_written(js: Node) -> None:
    assert verdict(lambda: encode_json_bytes("\ud800")) == ("MisuseError", None)
    assert verdict(lambda: js.call("writeJson", value="\ud800")) == ("MisuseError", None)


@pytest.mark.parametrize(
    "text,required,optional,order",
    [
        ('{"a":1,"b":2}', ["a", "b"], [], []),
        ('{"b":1,"a":2}', ["a", "b"], [], []),
        ('{"a":1}', ["a", "b"], [], []),
        ('{"a":1,"b":2,"c":3}', ["a", "b"], [], []),
        ('{"a":1,"b":2,"c":3}', ["a", "b"], ["c"], []),
        ('{"a":1,"c":3,"b":2}', ["a", "b"], ["c"], []),
        ('{"a":1,"c":3,"b":2}', ["a", "b"], [], ["a", "c", "b"]),
        ('{"a":1,"b":2,"c":3}', ["a", "b"], [], ["a", "c", "b"]),
        ('{"a,b":1}', ["a", "b"], [], []),
        ('{"a":1,"toString":2}', ["a"], [], []),
        ("[1]", ["a"], [], []),
        ("null", ["a"], [], []),
        ('"a"', ["a"], [], []),
    ],
)
def test_fields(js: Node, text: str, required: list[str], optional: list[str], order: list[str]) -> None:
    def ours() -> bool:
        return bool(require_fields(parse_json(text.encode(), "X1"), required, "X2", optional, order))

    args = {"text": text, "required": required, "optional": optional, "order": order}
    assert verdict(ours) == verdict(lambda: js.call("fields", **args))


# --- base64, numbers, names --------------------------------------------------------------------------------------


def test_base64(js: Node, rng: random.Random, samples: int) -> None:
    for _ in range(samples):
        raw = rng.randbytes(rng.randrange(40))
        text = encode_base64(raw)
        assert js.call("writeBase64", hex=raw.hex()) == text
        assert js.call("readBase64", text=text, length=len(raw)) == raw.hex()
        assert js.call("hashes", hex=raw.hex()) == [sha256_hex(raw), sha256_base64(raw)]
        place = rng.randrange(len(text) + 1)
        broken = (
            text[:place]
            + rng.choice(["=", "-", "_", " ", "\n", "A", "é", "/"])
            + text[place + rng.randrange(2) :]
        )
        for length in (len(raw), len(raw) + 1):
            assert verdict(lambda t=broken, n=length: parse_base64(t, "X1", n, "text").hex()) == verdict(
                lambda t=broken, n=length: js.call("readBase64", text=t, length=n)
            ), (broken, length)


@pytest.mark.parametrize("text", ["AB", "QQ==", "QQ", "QR", "Q", "", "Q Q", "-_", 5, None])
def test_spellings_of_base64(js: Node, text: Any) -> None:
    assert verdict(lambda: parse_base64(text, "X1", 1, "text").hex()) == verdict(
        lambda: js.call("readBase64", text=text, length=1)
    )


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "1",
        "00",
        "01",
        "-1",
        "+1",
        "1 ",
        "",
        "1.0",
        "1e3",
        "٣",
        "1\n",
        "9" * 1000,
        "9" * 1001,
        5,
        None,
        "0x1",
    ],
)
def test_decimals(js: Node, text: Any) -> None:
    ours = verdict(lambda: str(parse_decimal(text, "X1", "text")))
    assert ours == verdict(lambda: js.call("readDecimal", text=text))


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "1073741823",
        "1073741824",
        '"1073741823"',
        '"1073741824"',
        '"9007199254740993"',
        "true",
        "-1",
        '"01"',
        "null",
    ],
)
def test_counters(js: Node, text: str) -> None:
    def ours() -> str:
        return encode_json(encode_counter(parse_counter(parse_json(text.encode(), "X1"), "X2", "count")))

    assert verdict(ours) == verdict(lambda: js.call("readCounter", text=text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "0",
        "abcdefghijkmn1",
        "abcdefghijkm1",
        "abcdefghijklm1",
        "ab" * 32,
        "AB" * 32,
        "ab" * 32 + "\n",
        5,
        None,
    ],
)
def test_names(js: Node, text: Any) -> None:
    assert js.call("looksLike", text=text) == [
        is_base58(text),
        is_base58(text) and is_uuid(text),
        is_sha256_hex(text),
    ]


# --- chance ------------------------------------------------------------------------------------------------------


def test_vectors_of_coins(js: Node) -> None:
    cases = [case for case in vectors("coins.json") if case["group"] == "Ed25519"]
    assert len(cases) > 2
    for case in cases:
        assert js.call("seedCoins", seed=case["seed"], count=len(case["coins"])) == case["coins"]


def test_coins_of_a_seed(js: Node, rng: random.Random) -> None:
    seed = rng.randbytes(32)
    coins = SeedCoins(seed)
    assert js.call("seedCoins", seed=seed.hex(), count=300) == [
        str(coins.scalar(GROUP.q)) for _ in range(300)
    ]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_has_32_bytes(js: Node, length: int) -> None:
    assert verdict(lambda: js.call("seedCoins", seed="00" * length, count=1)) == ("MisuseError", None)


@pytest.mark.parametrize("q", [1, 2, 3, 5, 58, 255, 256, 257])
def test_every_small_number_is_drawn_as_often(js: Node, q: int) -> None:
    drawn = [int(text) for text in js.call("systemCoins", count=200 * q, q=str(q))]
    counts = [drawn.count(value) for value in range(q)]
    assert sum(counts) == 200 * q
    # 200 are expected of each, give or take 14; beyond eight times that is no chance.
    assert all(abs(count - 200) < 114 for count in counts)


def test_large_coins_fill_their_range(js: Node) -> None:
    drawn = [int(text) for text in js.call("systemCoins", count=400, q=str(GROUP.q))]
    assert len(set(drawn)) == 400
    assert all(0 <= coin < GROUP.q for coin in drawn)
    assert 100 < sum(coin > GROUP.q // 2 for coin in drawn) < 300


def test_random_texts(js: Node) -> None:
    first, second = js.call("randomTexts"), js.call("randomTexts")
    assert first != second
    assert len(first["seed"]) == 64
    assert len(first["hex"]) == 32
    assert len(first["trustee"]) == 22
    assert is_base58(first["base58"] + first["trustee"])
    assert len(set(first["base58"])) > 50


# --- elements ----------------------------------------------------------------------------------------------------


def py_decode(text: Any, allow_identity: bool) -> str:
    return GROUP.decode(text, "X1", "element", allow_identity=allow_identity).text


def test_vectors_of_elements(js: Node) -> None:
    cases = vectors("elements.json")
    bad = cases["refuse_where_the_identity_is_refused"]
    assert len(bad) > 20
    for text in [*cases["accept"], cases["identity"], *bad, 5, None]:
        for allow in (True, False):
            ours = verdict(lambda t=text, a=allow: py_decode(t, a))
            assert verdict(lambda t=text, a=allow: js.call("decode", text=t, allowIdentity=a)) == ours, text
    for text in bad:
        assert verdict(lambda t=text: js.call("decode", text=t, allowIdentity=False))[0] != "value"


def test_random_texts_are_elements_in_both_or_in_none(js: Node, rng: random.Random, samples: int) -> None:
    for _ in range(samples):
        text = rng.randbytes(32).hex()
        ours = verdict(lambda t=text: py_decode(t, True))
        assert verdict(lambda t=text: js.call("decode", text=t, allowIdentity=True)) == ours


def test_laws(js: Node, rng: random.Random) -> None:
    one = GROUP.identity.text
    exponents = [0, 1, 2, GROUP.q - 1, GROUP.q, GROUP.q + 5, -3, *(rng.randrange(GROUP.q) for _ in range(5))]
    for exponent in exponents:
        for a, b in ((element(rng), element(rng)), (one, element(rng)), (element(rng), one)):
            x, y = (GROUP.decode(text, "T", "element", allow_identity=True) for text in (a, b))
            assert js.call("laws", a=a, b=b, exponent=str(exponent)) == {
                "multiply": GROUP.multiply(x, y).text,
                "divide": GROUP.divide(x, y).text,
                "inverse": GROUP.inverse(x).text,
                "power": GROUP.power(x, exponent).text,
                "withTable": GROUP.power(x, exponent).text,
                "powerG": GROUP.power_g(exponent).text,
                "vartime": GROUP.product_of_powers([(x, exponent), (GROUP.generator, exponent)]).text,
                "product": GROUP.product([x, y, y]).text,
                "sortKey": GROUP.sort_key(x).hex(),
            }


@pytest.mark.parametrize("text", ["0", str(GROUP.q - 1), str(GROUP.q), "-1", "01", "", 3])
def test_scalars(js: Node, text: Any) -> None:
    ours = verdict(lambda: str(GROUP.parse_scalar(text, "X1", "scalar")))
    assert ours == verdict(lambda: js.call("scalar", text=text))


# --- statements and proofs ---------------------------------------------------------------------------------------


def test_prefixes(js: Node, rng: random.Random) -> None:
    x, y, alpha, beta = (GROUP.power_g(rng.randrange(GROUP.q)) for _ in range(4))
    text = "é|fingerprint"
    s0 = transcript.ballot_context(text, x)
    s = transcript.answer_context(s0, [(alpha, beta), (alpha, beta)])
    expected = [
        transcript.trustee_key(GROUP, x),
        transcript.ballot_signature(text),
        transcript.signed_message(text),
        s0,
        s,
        transcript.individual(s0, alpha, beta),
        transcript.overall(s, alpha, beta),
        transcript.blank(s),
        transcript.overall_or_blank(s),
        transcript.decryption(text, x),
        transcript.strong_decryption(text, x, alpha, beta),
        transcript.key_drill(text, x, "ab"),
        str(transcript.challenge(GROUP, text, [x.text, y.text])),
    ]
    texts = {"x": x.text, "y": y.text, "alpha": alpha.text, "beta": beta.text, "text": text}
    assert js.call("prefixes", **texts) == expected


@pytest.mark.parametrize("count", [1, 2, 3])
def test_schnorr(js: Node, rng: random.Random, count: int) -> None:
    bases = [GROUP.generator, *(GROUP.power_g(rng.randrange(GROUP.q)) for _ in range(count - 1))]
    secret, seed = rng.randrange(GROUP.q), rng.randbytes(32)
    proof = schnorr.prove(GROUP, "p|", bases, secret, SeedCoins(seed)).encode()
    texts = [base.text for base in bases]
    assert js.call("schnorrProve", prefix="p|", bases=texts, secret=str(secret), seed=seed.hex()) == proof
    statement = [[base.text, GROUP.power(base, secret).text] for base in bases]
    js.call("schnorrVerify", prefix="p|", statement=statement, proof=proof)
    wrong = {**proof, "response": str((int(proof["response"]) + 1) % GROUP.q)}
    refused = ("RejectedError", "X2")
    assert verdict(lambda: js.call("schnorrVerify", prefix="p|", statement=statement, proof=wrong)) == refused
    assert verdict(lambda: js.call("schnorrVerify", prefix="q|", statement=statement, proof=proof)) == refused
    assert (
        verdict(
            lambda: js.call(
                "schnorrVerify", prefix="p|", statement=[*statement[:-1], [texts[-1]] * 2], proof=proof
            )
        )
        == refused
    )
    extra = {**proof, "extra": "1"}
    assert verdict(lambda: js.call("schnorrVerify", prefix="p|", statement=statement, proof=extra)) == (
        "MalformedError",
        "X1",
    )


def test_ciphertexts(js: Node, rng: random.Random) -> None:
    y = GROUP.power_g(rng.randrange(GROUP.q))
    made = []
    for message in (0, 1, 5):
        r = rng.randrange(GROUP.q)
        made.append(encrypt(GROUP, y, message, r))
        assert js.call("encrypt", y=y.text, message=message, randomness=str(r)) == made[-1].encode()
    a, b = made[:2]
    for exponent in (0, 1, 7, GROUP.q - 1):
        expected = [multiply(GROUP, a, b), divide(GROUP, a, b), power(GROUP, a, exponent), a]
        found = js.call("combine", a=a.encode(), b=b.encode(), exponent=str(exponent))
        assert found == [c.encode() for c in expected]


def test_where_a_ciphertext_may_be_the_identity(js: Node) -> None:
    one, g = GROUP.identity.text, GROUP.generator.text
    for value in (
        {"alpha": one, "beta": g},
        {"alpha": g, "beta": one},
        {"beta": g, "alpha": g},
        {"alpha": g},
    ):
        for allow in (True, False):
            assert verdict(
                lambda v=value, a=allow: parse_ciphertext(
                    GROUP, v, "X1", "ciphertext", allow_identity=a
                ).encode()
            ) == verdict(lambda v=value, a=allow: js.call("readCiphertext", value=v, allowIdentity=a))


@pytest.mark.parametrize("true_branch,count", [(0, 1), (0, 2), (1, 2), (2, 4)])
def test_disjunction(js: Node, rng: random.Random, true_branch: int, count: int) -> None:
    y = GROUP.power_g(rng.randrange(GROUP.q))
    seed = rng.randbytes(32)
    openings = [
        (rng.randrange(GROUP.q), 0 if j == true_branch else rng.choice([-1, 1, 3, 0])) for j in range(count)
    ]
    branches = []
    for r, message in openings:
        c = encrypt(GROUP, y, 0, r)
        branches.append(Ciphertext(c.alpha, GROUP.multiply(c.beta, GROUP.power_g(message))))
    pairs = [(c.alpha, c.beta) for c in branches]
    proofs = disjunction.prove(GROUP, y, "p|", pairs, true_branch, openings[true_branch][0], SeedCoins(seed))
    encoded = [proof.encode() for proof in proofs]
    given = [{"randomness": str(r), "message": message} for r, message in openings]
    assert (
        js.call(
            "disjunctionProve", y=y.text, prefix="p|", openings=given, trueBranch=true_branch, seed=seed.hex()
        )
        == encoded
    )
    texts = [c.encode() for c in branches]
    js.call("disjunctionVerify", y=y.text, prefix="p|", branches=texts, proofs=encoded)
    refused = ("RejectedError", "X2")
    wrong = [*encoded[:-1], {**encoded[-1], "challenge": str((int(encoded[-1]["challenge"]) + 1) % GROUP.q)}]
    assert (
        verdict(lambda: js.call("disjunctionVerify", y=y.text, prefix="p|", branches=texts, proofs=wrong))
        == refused
    )
    longer = [*encoded, encoded[0]]
    assert (
        verdict(lambda: js.call("disjunctionVerify", y=y.text, prefix="p|", branches=texts, proofs=longer))
        == refused
    )
    # No branch holds: what the prover would have to simulate everywhere.
    broken = [Ciphertext(c.alpha, GROUP.multiply(c.beta, GROUP.generator)) for c in branches]
    with pytest.raises(ProtocolError):
        disjunction.verify(
            GROUP,
            y,
            "p|",
            [(c.alpha, c.beta) for c in broken],
            proofs,
            PlainChecker(GROUP),
            "X2",
            "the proof",
        )
    texts = [c.encode() for c in broken]
    assert (
        verdict(lambda: js.call("disjunctionVerify", y=y.text, prefix="p|", branches=texts, proofs=encoded))
        == refused
    )
