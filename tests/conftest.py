"""The local world, started once for all tests and reset for each."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from outcome import OBSERVED, Outcome, fault_table
from privacy import LogRecords, everything_logged
from sheet_rows import NAMES
from slow import mark_slow

from leadflow.local import World, start
from leadflow.services.sheets import Sheet
from leadflow.services.transport import limits

_AMPLE = 6_000
_QUOTAS = {"sheets_reads": 60, "sheets_writes": 60, "litigator": 1000, "dnc": 100, "idicore": None, "window_s": 60}


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    config.addinivalue_line("markers", 'slow: in tests/slow.txt; -m "not slow" is done within two minutes')
    config.addinivalue_line("markers", "usual_quota: Google's quotas are as they are, and the test waits for them")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests, before -m looks for marks."""
    mark_slow(items)


@pytest.fixture(scope="session")
def local_world() -> Iterator[World]:
    """One child process for the whole session."""
    with start() as world:
        yield world


@pytest.fixture
def world(local_world: World, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    """The local world as new: no rows in the sheet, no faults, a fresh home, limits that nobody has used up.

    Google's quotas make no test wait, here or in a child process, but those that are marked with usual_quota.
    """
    limits._shared.clear()
    everything = dict.fromkeys(("idicore", "litigator", "dnc", "sheets", "snowflake"))
    usual = request.node.get_closest_marker("usual_quota") is not None
    local_world.configure(
        latency=dict.fromkeys(everything, 0.0),
        in_flight=everything,
        quotas=_QUOTAS if usual else {**_QUOTAS, "sheets_reads": _AMPLE, "sheets_writes": _AMPLE},
        token_life_s=900,
    )
    if not usual:
        values, more = World._values, {"reads_per_minute": _AMPLE, "writes_per_minute": _AMPLE}
        monkeypatch.setattr(
            World, "_values", lambda self: values(self) | {"sheets": {**values(self)["sheets"], **more}}
        )
    local_world.reset()
    return local_world


@pytest.fixture
def sheet(world: World) -> Sheet:
    """The tab with its header; a call that hangs is given up after a second."""
    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 1.0}))
    sheet.prepare(NAMES)
    return sheet


@pytest.fixture
def logged() -> Iterator[LogRecords]:
    """Everything that any logger says at DEBUG while the test runs."""
    with everything_logged() as records:
        yield records


@pytest.fixture
def sigint() -> Iterator[None]:
    """SIGINT interrupts this process and its children, even if pytest was started with SIGINT ignored.

    A shell ignores it for its background jobs, and children inherit that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what a process of `pytest -n` saw."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["observed"] = [(test, asdict(outcome)) for test, outcome in OBSERVED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of `pytest -n` saw."""
    OBSERVED.extend((test, Outcome(**seen)) for test, seen in getattr(node, "workeroutput", {}).get("observed", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The fault table: what the tests saw in the sheet, in the tables and in the vendors' bills."""
    if OBSERVED:
        terminalreporter.section("faults")
        for line in fault_table():
            terminalreporter.write_line(line)
