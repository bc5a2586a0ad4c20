"""The first program of the pages that take a secret from their address: whose it is, and where it must not stay."""

from typing import Any

import pytest

from tests.web.node import Node


def walk(js: Node, *steps: list[str], **how: Any) -> Any:
    return js.call("supportWalk", steps=steps, **how)


def test_the_secret_leaves_the_address_before_anybody_asks_for_it(js: Node) -> None:
    found = walk(js, hash="#CODE")
    assert (found["hash"], found["state"], found["received"]) == ("", None, [])
    assert walk(js, ["take"], hash="#CODE")["received"] == ["CODE"]


def test_the_skip_link_is_no_secret(js: Node) -> None:
    found = walk(js, ["take"], ["link", "#main"], hash="#main")
    assert (found["hash"], found["received"]) == ("#main", [""])


def test_of_two_links_opened_before_the_modules_came_the_last_one_counts(js: Node) -> None:
    """Otherwise the second voter votes with the first one's code."""
    found = walk(js, ["link", "#SECOND"], ["take"], hash="#FIRST")
    assert (found["hash"], found["received"]) == ("", ["SECOND"])


def test_links_that_are_opened_later_are_handed_over(js: Node) -> None:
    found = walk(js, ["take"], ["link", "#SECOND"], ["link", "#THIRD"], hash="#FIRST")
    assert (found["hash"], found["received"]) == ("", ["FIRST", "SECOND", "THIRD"])
    assert found["reloads"] == 0


@pytest.mark.parametrize(
    "steps,fragment",
    [
        ([["again"]], "FIRST"),
        # A link that is opened again, or another one, needs no button.
        ([["link", "#FIRST"]], "FIRST"),
        ([["link", "#SECOND"]], "SECOND"),
    ],
)
def test_a_page_that_came_in_part_is_loaded_anew_with_its_secret(
    js: Node, steps: list[list[str]], fragment: str
) -> None:
    found = walk(js, ["break"], *steps, hash="#FIRST")
    assert found["isTold"]
    assert (found["hash"], found["reloads"], found["state"]) == ("", 1, {"fragment": fragment})
    # When it has arrived, its entry of the history knows nothing any more.
    later = walk(js, ["take"], state=found["state"])
    assert (later["hash"], later["state"], later["received"]) == ("", None, [fragment])


@pytest.mark.parametrize("steps", [[["again"]], [["link", "#FIRST"]]])
def test_without_a_connection_the_secret_stays_in_memory(js: Node, steps: list[list[str]]) -> None:
    """A page that is not there could not take it out of the history again."""
    found = walk(js, ["break"], *steps, hash="#FIRST", isAway=True)
    assert found["isTold"]
    assert (found["hash"], found["reloads"], found["state"]) == ("", 0, None)


def test_a_new_link_is_newer_than_what_the_history_knows(js: Node) -> None:
    assert walk(js, ["take"], hash="#NEW", state={"fragment": "OLD"})["received"] == ["NEW"]
    assert walk(js, ["take"], state={"step": 1})["received"] == [""]
