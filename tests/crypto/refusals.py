"""How tests say that something must be refused, and by which rule."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crypto.errors import MalformedError, ProtocolError, RejectedError


@contextmanager
def refused(
    rule: str, words: str = "", kind: type[ProtocolError] = ProtocolError
) -> Iterator[pytest.ExceptionInfo[ProtocolError]]:
    """The block must raise MalformedError or RejectedError under `rule`, with these words in its sentence."""
    with pytest.raises((MalformedError, RejectedError)) as caught:
        yield caught
    assert isinstance(caught.value, kind)
    assert caught.value.rule == rule, str(caught.value)
    assert words in str(caught.value), str(caught.value)
