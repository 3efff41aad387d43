"""The leadflow command as users run it: a process of its own, with pipes or on a terminal of some width."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import Any

COMMAND = [sys.executable, "-m", "leadflow"]
PRICE = "0.24"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_LONGEST_S = 200


def environment(world: Any, **more: str) -> dict[str, str]:
    """The environment of a command that uses the local world, in which a lookup has a price."""
    return {**os.environ, **world.env(), "LEADFLOW_IDICORE__PRICE": PRICE, **more}


def leadflow(world: Any, *arguments: object, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command with pipes to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        env=environment(world, **env),
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )


def as_json(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command printed as JSON."""
    return json.loads(done.stdout)


def begin(world: Any, *arguments: object, **env: str) -> subprocess.Popen[str]:
    """Start the command with pipes."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment(world, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


class Terminal:
    """The command on a terminal of a width; `.said` is all that it showed, without colors and movements."""

    def __init__(self, world: Any, *arguments: object, columns: int = 80, **env: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        values = {k: v for k, v in environment(world, **env).items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.child = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env={**values, "TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
        )
        os.close(slave)
        self.raw = ""

    @property
    def said(self) -> str:
        return _ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    def read_until(self, words: str = "") -> str:
        """Read until these words are shown, or until the end."""
        end = time.monotonic() + _LONGEST_S
        while time.monotonic() < end:
            if words and words in self.said:
                return self.said
            if not select.select([self._master], [], [], 0.2)[0]:
                continue
            try:
                read = os.read(self._master, 65536)
            except OSError:  # the command has ended
                read = b""
            if not read:
                assert not words, f"not shown: {words}\n{self.said}"
                return self.said
            self.raw += read.decode(errors="replace")
        raise AssertionError(f"not shown: {words}\n{self.said}")

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit status."""
        self.read_until()
        os.close(self._master)
        return self.child.wait(_LONGEST_S)


def on_terminal(world: Any, *arguments: object, columns: int = 80, **env: str) -> tuple[int, str]:
    """Run the command on a terminal to its end; its exit status, and what it showed."""
    terminal = Terminal(world, *arguments, columns=columns, **env)
    status = terminal.end()
    return status, terminal.said
