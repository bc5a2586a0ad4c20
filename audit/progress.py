"""A progress bar for what takes more than two seconds at a terminal; silence otherwise."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE = 2.0  # seconds


class LateProgress:
    """``update`` may be called as often as one likes; the bar appears only when it is worth it."""

    def __init__(self, title: str, total: int | None) -> None:
        """``total`` is None where nobody knows it."""
        self._title, self._total = title, total
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def update(self, done: int, note: str = "") -> None:
        """``done`` of the total that the constructor was given."""
        if self._bar is None:
            if not sys.stderr.isatty() or time.monotonic() - self._started < _PATIENCE:
                return
            # Imported here: a command that is quick need not wait for it.
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
            self._bar = Progress(
                *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total, note="")
        if self._task is not None:
            self._bar.update(self._task, completed=done, note=note)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
