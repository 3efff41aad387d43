"""The panel says which delivered rows run out, from the history alone."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone
from importlib import import_module

import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.notebook.running_out import sentence, to_html

_TODAY = date(2026, 11, 28)


def _in(**days):
    return {_TODAY + timedelta(days=int(name.removeprefix("d").replace("m", "-"))): rows for name, rows in days.items()}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({}, ""),
        (_in(d6=312), "312 rows run out in 6 days."),
        (_in(d1=1), "1 row runs out in 1 day."),
        (_in(d0=1), "1 row has run out and may not be called."),
        (_in(dm3=1_200, d0=34), "1,234 rows have run out and may not be called."),
        (_in(d1=2, d3=1, d7=5), "8 rows run out within 7 days, the first in 1 day."),
        (_in(d0=2, d5=1), "2 rows have run out and may not be called. 1 row runs out in 5 days."),
    ],
)
def test_the_sentence(rows, says):
    assert sentence(rows, _TODAY) == says
    assert (to_html(says) != "") == (says != "")


def _record(engine, **until):
    today = datetime.now(timezone.utc).date()
    dates = {key: today + timedelta(days=days) for key, days in until.items()}
    engine.history.record_leads("j1", 1, [(key, "delivered", "") for key in until], dates)


def test_the_panel_says_it_without_a_connection_to_snowflake(world):
    with lf.Engine(world.settings) as engine:
        _record(engine, a=3, b=3, c=40, d=-2)
        panel = lf.panel(engine)
        said = panel._repr_mimebundle_()
        assert "1 row has run out and may not be called. 2 rows run out in 3 days." in panel._view.due.value
        assert panel._view.due.layout.display is None
        engine.history.record_leads("j2", None, [(key, "withdrawn", "dnc") for key in "abd"])
        panel.refresh()
        assert panel._view.due.value == ""
        assert panel._view.due.layout.display == "none"
    assert said["text/plain"].startswith("<Panel")
    assert world.stats()["snowflake"]["calls"] == 0


def test_a_panel_without_widgets_says_it_too(world, monkeypatch):
    monkeypatch.setattr(import_module("leadflow.notebook.panel"), "have_widgets", lambda: False)
    with lf.Engine(world.settings) as engine:
        _record(engine, a=3)
        assert "1 row runs out in 3 days." in lf.panel(engine)._repr_mimebundle_()["text/html"]


def test_a_job_that_ends_brings_it_up_to_date(world):
    short = world.settings.policy.model_copy(update={"max_scrub_age_days": 5})
    with lf.Engine(world.settings.model_copy(update={"policy": short})) as engine:
        panel = lf.panel(engine)
        assert panel._view.due.value == ""
        panel.run(SCRIPT, 10)
        job = panel.handle.result(120)
        expected = f"{job.counts.delivered} rows run out in 5 days."
        deadline = time.monotonic() + 120
        while expected not in panel._view.due.value and time.monotonic() < deadline:
            time.sleep(0.05)
        assert expected in panel._view.due.value
