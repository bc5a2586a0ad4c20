"""The forms in which a secret may hide: as text, escaped, in hexadecimal digits or in Base64."""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote_to_bytes

from crypto.credentials import derive_secret
from crypto.election import Election

# Shorter ones are found anywhere by chance.
_SHORTEST = 6
_SCALAR_BYTES = 32


@dataclass(frozen=True)
class Secret:
    """What must not be seen. value: a text, bytes, or a number (a scalar)."""

    name: str
    value: str | bytes | int


class LeakError(AssertionError):
    """A secret was where it must not be."""


def credential_secrets(election: Election, credential: str) -> list[Secret]:
    """All that betrays a voting credential: its text and the scalar that it stands for."""
    return [
        Secret("the credential", credential),
        Secret("the credential without dashes", credential.replace("-", "")),
        Secret("the credential with spaces", credential.replace("-", " ")),
        Secret("the credential's secret scalar", derive_secret(election.group, election.uuid, credential)),
    ]


def choice_secrets(*choices: list[int] | str, answers: Iterable[int] = ()) -> list[Secret]:
    """Notations that a booth might use for choices. answers: how many each question has, for the notation in bits.

    Only those that are too long to be met by chance; a voter who chooses more gives more to look for. What these
    can't see, the comparison of shapes (Watcher.shapes) can.
    """
    lists = [[] if choice == "blank" else list(choice) for choice in choices]
    texts = {
        json.dumps(list(choices), separators=(",", ":")),
        json.dumps(list(choices)),
        ";".join("b" if choice == "blank" else ",".join(map(str, choice)) for choice in choices),
    }
    if answers:
        bits = [
            [int(place in chosen) for place in range(count)]
            for chosen, count in zip(lists, answers, strict=True)
        ]
        texts |= {json.dumps(bits, separators=(",", ":")), json.dumps(bits)}
    return [Secret("the choices", text) for text in sorted(texts) if len(text) >= _SHORTEST]


class Needles:
    """Secrets to look for, in all their forms, which are worked out once."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._needles = [
            (number, secret.name, form, needle)
            for number, secret in enumerate(secrets)
            for form, needle in dict.fromkeys(_forms(secret))
        ]

    def find(self, data: bytes) -> list[str]:
        """What is in `data`, each as "name, form"; of each secret the first form."""
        return self._find(tuple(_views(data)))

    def find_suspects(self, texts: Iterable[bytes]) -> list[bytes]:
        """Those in which something may be; nearly always none, and much faster than asking of each of them."""
        views = {text: tuple(_views(text)) for text in set(texts)}
        # Most say the same when they are unpacked.
        different = {view for all_of in views.values() for view in all_of}
        # A secret may not come about by putting texts side by side: nothing that is looked for has so many zeros.
        if not self._find((bytes(_SCALAR_BYTES * 2).join(different),)):
            return []
        return [text for text, all_of in views.items() if self._find(all_of)]

    def _find(self, views: Collection[bytes]) -> list[str]:
        found: dict[int, str] = {}
        for number, name, form, needle in self._needles:
            if number not in found and any(needle in view for view in views):
                found[number] = f"{name}, {form}"
        return list(found.values())


def find_secrets(data: bytes, secrets: Iterable[Secret]) -> list[str]:
    """What is in `data`, each as "name, form"."""
    return Needles(secrets).find(data)


def _forms(secret: Secret) -> Iterator[tuple[str, bytes]]:
    if isinstance(secret.value, int):
        raw = secret.value.to_bytes(_SCALAR_BYTES, "big")
        yield "in decimal digits", str(secret.value).encode()
        yield "in hexadecimal digits", f"{secret.value:x}".encode()
        for order, value in (("", raw), (" from the small end", raw[::-1])):
            yield f"as bytes{order}", value
            yield from ((form + order, needle) for form, needle in _encodings(value))
    elif isinstance(secret.value, bytes):
        _require_long(secret.name, secret.value)
        yield "as bytes", secret.value
        yield from _encodings(secret.value)
    else:
        text = secret.value.encode()
        _require_long(secret.name, text)
        yield "as text", text
        yield "reversed", secret.value[::-1].encode()
        # One is what forms make, the other what scripts make; an escape may be written with small letters.
        for escaped in (quote(secret.value, safe=""), quote_plus(secret.value)):
            yield "escaped for an address", escaped.encode()
            yield "escaped for an address", re.sub("%..", lambda m: m[0].lower(), escaped).encode()
        yield "escaped in JSON", json.dumps(secret.value)[1:-1].encode()
        yield "as two-byte text", secret.value.encode("utf-16-le")
        yield from _encodings(text)


def _require_long(name: str, value: bytes) -> None:
    if len(value) < _SHORTEST:
        raise ValueError(f"{name} is too short to be looked for: it would be found by chance")


def _encodings(value: bytes) -> Iterator[tuple[str, bytes]]:
    yield "in hexadecimal digits", value.hex().encode()
    yield "in hexadecimal digits", value.hex().upper().encode()
    # Base64 takes three bytes at a time, so what stands before the secret decides how its letters come out. Of each
    # of the three ways the letters that depend on the secret alone are looked for.
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value)
        start = (before * 8 + 5) // 6
        end = (before + len(value)) * 8 // 6
        yield "in Base64", encoded[start:end]
        yield "in Base64", encoded[start:end].translate(bytes.maketrans(b"+/", b"-_"))


def _views(data: bytes) -> Iterator[bytes]:
    """`data` as it is, and what it says when somebody unpacks it."""
    yield data
    if data[:2] == b"\x1f\x8b":
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
    if b"%" in data:
        once = unquote_to_bytes(data)
        yield once
        yield unquote_to_bytes(once)
