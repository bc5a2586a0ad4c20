"""Canonical JSON, Base58, Base64 and hashes: the text forms that everything else is built from.

Canonical JSON (docs/protocol.md §1): compact, UTF-8 unescaped, keys in the order given, no number
but integers. Reading is strict: what we would have written differently is refused, so that one
value has one text and one hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from crypto.errors import MalformedError, MisuseError

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Numbers above this are written as decimal strings (PROTOCOL §4: an OCaml integer on 31 bits).
LARGEST_JSON_NUMBER = 2**30 - 1
SHORTEST_UUID = 14

_DECIMAL = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_HEX64 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BASE58_TEXT = re.compile(f"[{BASE58}]+", re.ASCII)

# Longer decimal texts are never legal; Python's own limit would raise in the middle of a check.
_LONGEST_DECIMAL = 1000


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _encode(value: Any) -> str:
    # DEL is the one character outside C0 that the field's reference implementation escapes.
    return _ENCODER.encode(value).replace("\x7f", "\\u007f")


def _require_no_float(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _require_no_float(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _require_no_float(item)
    elif isinstance(value, float):
        raise TypeError(f"{value} is not an integer")


def encode_json(value: Any) -> str:
    """``value`` as canonical JSON. Floats are a caller's mistake."""
    try:
        _require_no_float(value)
        return _encode(value)
    except (TypeError, ValueError) as error:
        raise MisuseError(f"not encodable as canonical JSON: {error}") from error


def encode_json_bytes(value: Any) -> bytes:
    """:func:`encode_json` as UTF-8 bytes; a lone surrogate, which has none, is a caller's mistake."""
    try:
        return encode_json(value).encode()
    except UnicodeEncodeError as error:
        raise MisuseError(f"not encodable as UTF-8: {error}") from error


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"number {text[:20]} is not an integer")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice")
    return result


_DECODER = json.JSONDecoder(
    parse_float=_refuse_number, parse_constant=_refuse_number, object_pairs_hook=_unique_keys
)


def parse_json(raw: bytes, rule: str) -> Any:
    """Reads canonical JSON and nothing else; raises MalformedError under ``rule``."""
    try:
        text = raw.decode()
        value = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise MalformedError(rule, "not valid UTF-8") from error
    except RecursionError as error:
        raise MalformedError(rule, "nested too deeply") from error
    except ValueError as error:
        raise MalformedError(rule, f"not readable as JSON: {error}") from error
    try:
        same = _encode(value) == text
    except RecursionError as error:
        raise MalformedError(rule, "nested too deeply") from error
    if not same:
        raise MalformedError(rule, "not canonical JSON: it would be written differently")
    return value


def require_fields(
    value: Any, required: Sequence[str], rule: str, optional: Sequence[str] = (), order: Sequence[str] = ()
) -> dict[str, Any]:
    """An object with exactly these keys, in this order.

    ``order`` is the order of all keys where optional ones stand between required ones; without it
    the optional keys come last. Raises MalformedError naming what is missing, unknown or misplaced.
    """
    if not isinstance(value, dict):
        raise MalformedError(rule, "an object was expected")
    allowed = tuple(order) or (*required, *optional)
    keys = tuple(value)
    if keys == allowed:
        return value
    for key in keys:
        if key not in allowed:
            raise MalformedError(rule, f"unknown field {key[:40]!r}")
    for key in required:
        if key not in value:
            raise MalformedError(rule, f"field {key!r} is missing")
    if keys != tuple(key for key in allowed if key in value):
        raise MalformedError(rule, f"fields are not in their order: {', '.join(keys)}")
    return value


def require_list(value: Any, rule: str, length: int | None = None, what: str = "list") -> list[Any]:
    """A JSON array, of exactly ``length`` items where given."""
    if not isinstance(value, list):
        raise MalformedError(rule, f"{what}: an array was expected")
    if length is not None and len(value) != length:
        raise MalformedError(rule, f"{what}: {length} items were expected, {len(value)} found")
    return value


def require_text(value: Any, rule: str, what: str) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise MalformedError(rule, f"{what}: text was expected")
    return value


def require_int(value: Any, rule: str, what: str, minimum: int = 0, maximum: int | None = None) -> int:
    """A JSON integer in [minimum, maximum]; ``true`` is not a number here."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedError(rule, f"{what}: an integer was expected")
    if value < minimum or (maximum is not None and value > maximum):
        raise MalformedError(rule, f"{what}: {value} is out of range")
    return value


def parse_decimal(text: Any, rule: str, what: str) -> int:
    """A canonical decimal text (no sign, no leading zero) as an integer."""
    if not isinstance(text, str) or len(text) > _LONGEST_DECIMAL or not _DECIMAL.fullmatch(text):
        raise MalformedError(rule, f"{what}: a canonical decimal number was expected")
    return int(text)


def encode_counter(value: int) -> int | str:
    """A weight or count: a JSON number up to 2^30-1, a decimal string above (PROTOCOL §4)."""
    return value if value <= LARGEST_JSON_NUMBER else str(value)


def parse_counter(value: Any, rule: str, what: str) -> int:
    """The inverse of :func:`encode_counter`; the other spelling is refused."""
    if isinstance(value, str):
        number = parse_decimal(value, rule, what)
        if number <= LARGEST_JSON_NUMBER:
            raise MalformedError(rule, f"{what}: a small number must not be written as text")
        return number
    return require_int(value, rule, what, 0, LARGEST_JSON_NUMBER)


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_base64(data: bytes) -> str:
    """SHA-256 in base64 without padding: 43 characters (fingerprints and trackers)."""
    return encode_base64(hashlib.sha256(data).digest())


def encode_base64(data: bytes) -> str:
    """Standard alphabet, no padding."""
    return base64.b64encode(data).decode().rstrip("=")


def parse_base64(text: Any, rule: str, length: int, what: str) -> bytes:
    """Exactly ``length`` bytes from unpadded standard base64 in its one canonical spelling."""
    if not isinstance(text, str):
        raise MalformedError(rule, f"{what}: base64 text was expected")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(rule, f"{what}: not base64") from error
    if len(data) != length or encode_base64(data) != text:
        raise MalformedError(rule, f"{what}: {length} bytes in base64 without padding were expected")
    return data


def is_sha256_hex(text: Any) -> bool:
    """Whether ``text`` is 64 lower-case hex digits."""
    return isinstance(text, str) and _HEX64.fullmatch(text) is not None


def require_sha256_hex(value: Any, rule: str, what: str) -> str:
    """A hash as 64 lower-case hex digits."""
    if not is_sha256_hex(value):
        raise MalformedError(rule, f"{what}: 64 lower-case hex digits were expected")
    return str(value)


def is_base58(text: Any) -> bool:
    """Whether ``text`` is non-empty and of the Base58 alphabet (no 0, O, I, l)."""
    return isinstance(text, str) and _BASE58_TEXT.fullmatch(text) is not None


def is_uuid(text: Any) -> bool:
    """Whether ``text`` can name an election: Base58, at least 14 characters (PROTOCOL §4)."""
    return is_base58(text) and len(text) >= SHORTEST_UUID
