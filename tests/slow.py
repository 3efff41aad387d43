"""Which tests `pytest -m "not slow"` leaves out, so that the rest is done within two minutes on two cores.

tests/slow.txt has a line for each slow test function: all its cases are slow, or the rest of them after the first one.
A test that is not in it is fast. `python -m tests.slow` runs all tests, measures each, and writes the file anew; run it
on a machine that does nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("slow.txt")
BUDGET_S = 70.0  # of the two minutes; the rest is for collecting the tests and for their fixtures
ALL, REST = "all", "rest"
# One test of each main guarantee stays fast, whatever it takes: its first case, if it has several.
GUARANTEES = {
    "a job delivers each callable lead once, and no litigator": (
        "test_a_job_delivers_every_callable_lead_once_and_proves_it"
    ),
    "a resume pays for nothing twice": "test_an_unfinished_job_is_never_pruned",
    "a kill loses and doubles nothing": "test_killed_at_a_stage_boundary",
    "a fault loses and doubles nothing": "test_a_vendor_that_fails_a_few_times",
    "a phone without an answer is not delivered": "test_phones_without_an_answer_are_never_delivered",
    "a script that writes is refused": "test_a_script_that_cannot_run_fails_before_money_is_spent",
    "a budget holds": "test_no_job_costs_more_than_max_cost",
    "nobody is named": "test_nobody_is_named_anywhere",
}
_HEADER = """\
# Slow tests, slowest first, as measured by `python -m tests.slow`: seconds of all cases together, the cases that
# pytest -m "not slow" leaves out (all, or the rest after the first one), and the function.
"""


def read_table() -> dict[str, str]:
    """The cases that are slow, ALL or REST, by test function."""
    lines = [line.split() for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {name: cases for _, cases, name in lines}


def mark_slow(items: Iterable[pytest.Item]) -> None:
    """Give the slow tests their marker."""
    table, begun = read_table(), set[str]()
    for item in items:
        name = getattr(item, "originalname", item.name)
        cases = table.get(name)
        if cases == ALL or (cases == REST and name in begun):
            item.add_marker(pytest.mark.slow)
        begun.add(name)


def choose(seconds: dict[str, list[float]], budget_s: float = BUDGET_S) -> dict[str, str]:
    """Leave out as little as the budget allows; `seconds` has the time of each case of each function.

    There is one limit: a function that takes longer is slow; its first case is not, if that keeps to the limit.
    """
    for limit in sorted({sum(cases) for cases in seconds.values()}, reverse=True):
        slow = {name: _slow_cases(name, cases, limit) for name, cases in seconds.items() if sum(cases) > limit}
        slow = {name: cases for name, cases in slow.items() if cases}
        kept = (_kept(cases, slow.get(name)) for name, cases in seconds.items())
        if sum(kept) <= budget_s:
            return slow
    return {name: ALL for name in seconds if name not in GUARANTEES.values()}


def _slow_cases(name: str, cases: list[float], limit: float) -> str | None:
    stays = cases[0] <= limit or name in GUARANTEES.values()
    return (REST if len(cases) > 1 else None) if stays else ALL


def _kept(cases: list[float], slow: str | None) -> float:
    return {ALL: 0.0, REST: cases[0]}.get(slow or "", sum(cases))


class Stopwatch:
    """A pytest plugin: the time of each case, by test function. Fixtures are not counted: the first to use one pays."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the time of a test's call."""
        if report.when == "call":
            name = report.nodeid.rpartition("::")[2].partition("[")[0]
            self.seconds.setdefault(name, []).append(report.duration)


def write_table(seconds: dict[str, list[float]]) -> None:
    """Choose the slow ones and write the file."""
    chosen = choose(seconds)
    slowest = sorted(chosen, key=lambda name: sum(seconds[name]), reverse=True)
    rows = [f"{sum(seconds[name]):8.1f} {chosen[name]:<4} {name}\n" for name in slowest]
    TABLE.write_text(_HEADER + "".join(rows), encoding="utf-8")


def main() -> int:
    """Measure all tests and write the file, unless the run is broken off; a test that fails is measured too."""
    stopwatch = Stopwatch()
    code = pytest.main(["-q"], plugins=[stopwatch])
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        write_table(stopwatch.seconds)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
