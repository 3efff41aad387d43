"""While jobs run, the garbage collector leaves alone what was there before them.

A full collection looks at every object of the process, and in a notebook with its libraries loaded that is a tenth of a
second or more, in which no thread runs and no vendor's slot is filled.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_jobs = 0
_ours = False


@contextmanager
def short_pauses() -> Iterator[None]:
    """Set what exists aside from collection until the last job has ended; a process that does so itself is left as it is.

    >>> with short_pauses():
    ...     gc.get_freeze_count() > 0
    True
    >>> gc.get_freeze_count()
    0
    """
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _jobs, _ours
    with _lock:
        _jobs += 1
        if _jobs == 1 and gc.get_freeze_count() == 0:
            gc.freeze()
            _ours = True


def _end() -> None:
    global _jobs, _ours
    with _lock:
        _jobs -= 1
        if _jobs == 0 and _ours:
            gc.unfreeze()
            _ours = False
