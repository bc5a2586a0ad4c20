"""The browser's modules under Node.js."""

from collections.abc import Iterator

import pytest

from tests.web.node import Node, NodeMissingError


@pytest.fixture(scope="session")
def js() -> Iterator[Node]:
    """`js.call(case, …)` runs a case of tests/web/cases."""
    try:
        node = Node()
    except NodeMissingError as missing:
        pytest.skip(str(missing))
    yield node
    node.close()
