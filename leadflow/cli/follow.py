"""Follow a job to its end: a terminal shows it live, and a signal stops it properly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from leadflow.cli.live import LiveView
from leadflow.cli.terminal import say
from leadflow.notebook.live import EventLog, Snapshot

if TYPE_CHECKING:
    from leadflow.job import JobHandle
    from leadflow.run.job_queue import JobQueue

_EVERY_S = 0.2
_SIGNALS = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}


@contextmanager
def signals_noted() -> Iterator[list[str]]:
    """Yield a list to which each SIGINT, SIGTERM and SIGHUP adds its name, instead of ending the process.

    A handler must not do more: it may interrupt a thread's lock. A signal that was ignored stays ignored, as SIGHUP is
    below nohup.
    """
    noted: list[str] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before: dict[int, Any] = {}
    for name, word in _SIGNALS.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, lambda *_, word=word: noted.append(word))
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(
    work: JobHandle | JobQueue, noted: list[str], log: EventLog, unseen: Callable[[Any], None] = lambda _: None
) -> None:
    """Wait for the end of a job or a queue, and show it. A noted signal stops it; another one says so again.

    `unseen` is called with it again and again where no terminal shows the live view.
    """
    heard = 0
    with LiveView() as view:
        while not work.wait(_EVERY_S):
            if len(noted) > heard:
                heard = len(noted)
                work.stop(noted[0])
                say(f"{noted[-1]}: stopping after the calls in flight, which are paid for", error=True)
            if view.draws:
                view.draw(_snapshot(work, log))
            else:
                unseen(work)


def _snapshot(work: JobHandle | JobQueue, log: EventLog) -> Snapshot | None:
    from leadflow.job import JobHandle

    if isinstance(work, JobHandle):
        return Snapshot(work.id, str(work.status), work.progress, log=list(log.lines))
    handle = work.running
    if handle is None:
        return None
    message = f"{len(work.queued)} more in the queue"
    return Snapshot(handle.id, str(handle.status), handle.progress, message, list(log.lines))
