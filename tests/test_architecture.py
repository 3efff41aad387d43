"""The architecture is a test, and so is every example in a docstring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "command", [["lint-imports"], ["ruff", "check", "."], ["pytest", "-q", "--doctest-modules", "leadflow"]]
)
def test_check_passes(command):
    tool = Path(sys.executable).parent / command[0]
    done = subprocess.run([tool, *command[1:]], cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
