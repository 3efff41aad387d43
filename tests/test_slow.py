"""The set of fast tests: its table names tests that exist, and it leaves out no room and no main guarantee."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from slow import ALL, GUARANTEES, REST, choose, read_table

_TESTS = Path(__file__).parent


def _functions(folder: Path) -> set[str]:
    """The test functions of all files below a folder."""
    texts = [file.read_text(encoding="utf-8") for file in folder.rglob("test_*.py")]
    return {name for text in texts for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE)}


def test_each_slow_test_exists():
    gone = read_table().keys() - _functions(_TESTS)
    assert not gone, f"tests/slow.txt names tests that are gone or renamed; take out or rename: {sorted(gone)}"


def test_the_table_is_written_as_it_is_read():
    assert set(read_table().values()) <= {ALL, REST}


@pytest.mark.parametrize(
    "room", sorted(p for p in _TESTS.iterdir() if any(p.glob("**/test_*.py"))), ids=lambda p: p.name
)
def test_each_room_has_fast_tests(room):
    slow = {name for name, cases in read_table().items() if cases == ALL}
    assert _functions(room) - slow, f"tests/slow.txt leaves out all tests of tests/{room.name}"


@pytest.mark.parametrize("name", GUARANTEES.values(), ids=GUARANTEES)
def test_each_main_guarantee_has_a_fast_test(name):
    assert name in _functions(_TESTS), f"tests/slow.py names a test of a guarantee that is gone: {name}"
    assert read_table().get(name) != ALL


def test_no_more_is_left_out_than_the_budget_needs():
    seconds = {"test_a": [1.0], "test_b": [2.0] * 5, "test_c": [30.0], "test_d": [3.0, 1.0]}
    assert choose(seconds, 100) == {}
    assert choose(seconds, 20) == {"test_c": ALL}
    assert choose(seconds, 10) == {"test_c": ALL, "test_b": REST}
    assert choose(seconds, 4) == {"test_c": ALL, "test_b": ALL, "test_d": ALL}
    assert choose(seconds, 0) == {"test_a": ALL, "test_b": ALL, "test_c": ALL, "test_d": ALL}


def test_a_guarantee_is_not_left_out():
    name = next(iter(GUARANTEES.values()))
    assert choose({name: [50.0, 50.0], "test_a": [1.0]}, 60) == {name: REST}
    assert choose({name: [50.0], "test_a": [1.0]}, 0) == {"test_a": ALL}
