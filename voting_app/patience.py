"""Shows at a terminal that a command is still at work, once it has taken two seconds."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

_PATIENCE = 2.0  # seconds


@contextmanager
def pulsing_bar(title: str) -> Iterator[None]:
    """A moving bar while the block runs, if it runs long and somebody looks; nothing otherwise."""
    if not sys.stderr.isatty():
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task(title, total=None)
    timer = threading.Timer(_PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        # Joined, so that the bar cannot start after it was stopped.
        timer.cancel()
        timer.join()
        bar.stop()
