"""How tests ask both languages the same question: a value, or which family of error under which rule."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from crypto.errors import MisuseError, ProtocolError
from tests.simulator import json_at, json_paths, json_with
from tests.web.node import JsError

VECTORS = Path(__file__).parents[1] / "vectors" / "steward"

Verdict = tuple[str, Any]


def vectors(name: str) -> Any:
    """A file of shared cases."""
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def verdict(run: Callable[[], Any]) -> Verdict:
    """("value", it), or the error's class and rule."""
    try:
        return ("value", run())
    except ProtocolError as error:
        return (type(error).__name__, error.rule)
    except JsError as error:
        return (error.family, error.rule)
    except MisuseError:
        return ("MisuseError", None)


def _other_values(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        keys = list(value)
        for key in keys:
            yield {name: value[name] for name in keys if name != key}
        yield {**value, "extra": 1}
        if len(keys) > 1:
            yield {name: value[name] for name in reversed(keys)}
    elif isinstance(value, list):
        yield value[:-1]
        yield [*value, copy.deepcopy(value[-1]) if value else 0]
        if len(value) > 1:
            yield value[::-1]
    elif isinstance(value, str):
        yield value[:-1]
        yield f"{value}0"
        if value:
            yield value[:-1] + ("1" if value[-1] != "1" else "2")
            yield ("1" if value[0] != "1" else "2") + value[1:]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
        yield value - 1
        yield str(value)
    yield None
    yield {}


def mutations(value: Any) -> Iterator[tuple[str, Any]]:
    """Every place of the value changed in several ways, one at a time; each with words that say where."""
    yield from (("the whole", other) for other in _other_values(value))
    for path in json_paths(value):
        if not path:
            continue
        before = json_at(value, path)
        for number, other in enumerate(_other_values(before)):
            if other != before or list_keys(other) != list_keys(before):
                yield f"{'/'.join(map(str, path))} #{number}", json_with(value, path, other)


def some_mutations(value: Any, rng: random.Random, count: int) -> list[tuple[str, Any]]:
    """That many of them, or all."""
    found = list(mutations(value))
    return rng.sample(found, min(len(found), count))


def list_keys(value: Any) -> list[str] | None:
    """The order of an object's keys, which `==` does not see."""
    return list(value) if isinstance(value, dict) else None
