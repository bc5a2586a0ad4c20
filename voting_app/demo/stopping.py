"""Ctrl-C and SIGTERM: before the voting they end the demo, during `--serve` they end the voting, once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_LOOK_SECONDS = 0.5


class Interrupted(BaseException):
    """Somebody stopped the demo before there was anything to lose."""


class StopRequest:
    """What Ctrl-C and SIGTERM mean, which changes in the course of the demo."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._is_held = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the two signals while the block runs; only a program's main thread may."""
        before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def hold(self) -> None:
        """From now on a signal interrupts nothing: it is noted, and `wait` ends."""
        self._is_held = True

    def wait(self, look: Callable[[], object]) -> None:
        """Until somebody asks; `look` is called now and then and may raise."""
        while not self._asked.wait(_LOOK_SECONDS):
            look()

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_held:
            raise Interrupted
        if self._asked.is_set():
            # A plain write: whatever the main thread was printing, this cannot wait for it.
            os.write(2, b"\nThe election is being closed and counted; nothing is lost by waiting.\n")
        self._asked.set()
