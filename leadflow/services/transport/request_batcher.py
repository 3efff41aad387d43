"""Callers that must wait for one limit share a call: so a quota a minute bounds the calls, not the phones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from leadflow.errors import Stopped
from leadflow.leads.verdicts import Scrub
from leadflow.services.transport.limits import Limiter, StopFlag

Ask = Callable[[list[str], StopFlag | None], Mapping[str, Scrub]]
_STEP_S = 0.05


@dataclass
class _Group:
    """Phones of several callers, and what came of them."""

    phones: dict[str, None] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    answers: Mapping[str, Scrub] = field(default_factory=dict)
    error: BaseException | None = None


class RequestBatcher:
    """Puts the phones of callers together while `limiter` lets no call start, up to `most` a call."""

    def __init__(self, limiter: Limiter, most: int) -> None:
        self._limiter = limiter
        self._most = most
        self._lock = threading.Lock()
        self._open = _Group()

    def check(self, phones: Sequence[str], ask: Ask, stop: StopFlag | None) -> dict[str, Scrub]:
        """The answers for these phones (at most `most`), out of a call that may hold others' too; raises what it raised."""
        while True:
            group, leads = self._join(phones)
            if leads:
                self._lead(group, ask, stop)
            group.done.wait()
            if isinstance(group.error, Stopped) and not (stop is not None and stop.is_set()):
                continue  # another job was stopped, not this one
            if group.error:
                raise group.error
            return {phone: group.answers[phone] for phone in phones if phone in group.answers}

    def _join(self, phones: Sequence[str]) -> tuple[_Group, bool]:
        with self._lock:
            if len(self._open.phones) + len(phones) > self._most:
                self._open = _Group()
            leads = not self._open.phones
            self._open.phones.update(dict.fromkeys(phones))
            return self._open, leads

    def _lead(self, group: _Group, ask: Ask, stop: StopFlag | None) -> None:
        """By the first of a group: wait for a place, close the group, ask for all of it."""
        try:
            while (pause := self._limiter.pause()) > 0 and len(group.phones) < self._most:
                if stop is not None and stop.is_set():
                    raise Stopped("stopped before a check")
                time.sleep(min(pause, _STEP_S))
            self._close(group)
            group.answers = ask(list(group.phones), stop)
        except BaseException as error:
            self._close(group)
            group.error = error
        finally:
            group.done.set()

    def _close(self, group: _Group) -> None:
        with self._lock:
            if self._open is group:
                self._open = _Group()
