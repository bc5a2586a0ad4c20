"""Tells at the terminal what happens; elsewhere the same in plain lines, without colour, bars or wrapping."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_PATIENCE = 2.0  # seconds before something is worth a bar
_INDENT = 3


class Bar(Protocol):
    """A thing that takes a while."""

    def advance(self) -> None:
        """One more is done."""


class _LateBar:
    """A bar that appears at a terminal once it has taken a while. total None: nobody knows how long."""

    def __init__(self, console: Console, title: str, total: int | None) -> None:
        self._console, self._title, self._total = console, title, total
        self._started = time.monotonic()
        self._done = 0
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def advance(self) -> None:
        self._done += 1
        if self._progress is None:
            if not self._console.is_terminal or time.monotonic() - self._started < _PATIENCE:
                return
            counted = (MofNCompleteColumn(), TimeRemainingColumn()) if self._total else ()
            columns = (TextColumn(" " * _INDENT + "{task.description}"), BarColumn(), *counted)
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
            self._task = self._progress.add_task(self._title, total=self._total)
        if self._total:
            self._progress.update(self._task, completed=self._done)

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()


class Story:
    """The steps of an election, numbered, each with what happens and why it can be believed."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._number = 0

    def step(self, title: str, why: str) -> None:
        """Begin a step. why: one or two sentences for somebody who does not trust us."""
        self._number += 1
        self._print("")
        self._print(f"[bold]{self._number}. {escape(title)}[/bold]")
        self._print(escape(why), indent=_INDENT)

    def fact(self, text: str) -> None:
        """Something that has happened."""
        self._print(f"[green]✓[/green] {escape(text)}", indent=_INDENT)

    def warn(self, text: str) -> None:
        """Something that is not as it should be."""
        self._print(f"[bold red]![/bold red] {escape(text)}", indent=_INDENT)

    def heading(self, text: str) -> None:
        """The title of a part that is no step."""
        self._print("")
        self._print(f"[bold]{escape(text)}[/bold]")

    def line(self, text: str) -> None:
        """Text that must stay as it is: an address, a file, a command, a row of figures."""
        self._console.print(escape(text), soft_wrap=True)

    @contextmanager
    def bar(self, title: str, total: int | None = None) -> Iterator[Bar]:
        """A bar while the block runs, if it runs long."""
        bar = _LateBar(self._console, title, total)
        try:
            yield bar
        finally:
            bar.stop()

    def _print(self, markup: str, *, indent: int = 0) -> None:
        if self._console.is_terminal:
            self._console.print(Padding(markup, (0, 0, 0, indent)) if indent else markup)
        else:
            self._console.print(" " * indent + markup, soft_wrap=True)
