"""A few jobs of the command that several tests look at."""

from __future__ import annotations

from typing import Any

import pytest
from commands import as_json, leadflow
from outcome import SCRIPT


@pytest.fixture
def finished(world: Any) -> str:
    """The id of a completed job of twelve leads."""
    done = leadflow(world, "run", SCRIPT, "--name", "twelve", "--limit", "12", "--json")
    assert done.returncode == 0, done.stderr
    return as_json(done)["id"]
