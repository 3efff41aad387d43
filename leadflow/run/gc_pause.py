"""Keeps the garbage collector short while jobs run.

A full collection scans every object of the process. In a notebook with its libraries loaded that takes a tenth of a
second or more, in which no thread runs and idiCORE's slots stay empty. So objects older than the job are not scanned.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_jobs = 0
_frozen_here = False


@contextmanager
def gc_frozen() -> Iterator[None]:
    """Exclude all present objects from collection until the last job has ended.

    Does nothing in a process that has frozen objects of its own.

    >>> with gc_frozen():
    ...     gc.get_freeze_count() > 0
    True
    >>> gc.get_freeze_count()
    0
    """
    _freeze()
    try:
        yield
    finally:
        _unfreeze()


def _freeze() -> None:
    global _jobs, _frozen_here
    with _lock:
        _jobs += 1
        if _jobs == 1 and gc.get_freeze_count() == 0:
            gc.freeze()
            _frozen_here = True


def _unfreeze() -> None:
    global _jobs, _frozen_here
    with _lock:
        _jobs -= 1
        if _jobs == 0 and _frozen_here:
            gc.unfreeze()
            _frozen_here = False
