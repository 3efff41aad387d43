"""A history of its own for each test of the reports."""

from __future__ import annotations

import pytest

from leadflow.history import History, set_default


@pytest.fixture
def history(tmp_path):
    opened = History(tmp_path / "history.duckdb")
    set_default(opened.path)
    yield opened
    set_default(None)
    opened.close()
