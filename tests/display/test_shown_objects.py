"""Every public object shows itself as HTML and as text: what an analyst needs, no secret, nobody named."""

from __future__ import annotations

import html as html_module
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcome import SCRIPT
from privacy import forbidden_words, words_in
from recorded_jobs import record_job

import leadflow as lf
from leadflow.display.elements import bar, card, html_table, pairs, stacked_table
from leadflow.display.text import text_pairs, text_table
from leadflow.history import History, set_default
from leadflow.job import Job, JobStatus
from leadflow.leads.counts import Counts
from leadflow.reports.shown_frame import ShownFrame
from leadflow.settings.shown import differing

_HEADER = ["id", "message"]


@pytest.fixture
def engine(world):
    prices = world.settings.idicore.model_copy(update={"price": 0.12})
    with lf.Engine(world.settings.model_copy(update={"idicore": prices, "max_cost": 50.0})) as engine:
        yield engine


@pytest.fixture
def history(tmp_path):
    """A history that lf.jobs and lf.trace read."""
    path = tmp_path / "history.duckdb"
    set_default(path)
    yield History(path)
    set_default(None)


def _words(html):
    return html_module.unescape(re.sub("<[^>]+>", " ", re.sub("<style>.*?</style>", "", html, flags=re.DOTALL)))


def test_all_objects_of_a_run_show_themselves_and_name_nobody(world, engine):
    estimate = engine.estimate(SCRIPT, limit_rows=60)
    handle = engine.submit(SCRIPT, name="june", limit_rows=60)
    running = handle._repr_html_()
    job = handle.result()
    key = job.delivered()["Lead Key"][0]
    shown = [
        estimate,
        job,
        handle,
        job.counts,
        engine,
        engine.settings,
        world,
        lf.why(key),
        lf.jobs(),
        lf.trace(job.id),
    ]
    shown += [engine.rescrub(dry_run=True, older_than_days=0), engine.suppress("(504) 555-0143", reason="x", by="ann")]
    said = {type(one).__name__ + str(n): (one._repr_html_(), repr(one)) for n, one in enumerate(shown)}
    words = forbidden_words()
    for name, (html, text) in said.items():
        assert html.startswith('<div class="lf">'), name
        assert 0 < len(text) < 20_000, name
        assert " object at 0x" not in text, name
        assert not words_in(html + text, words), name
    assert 'role="progressbar"' in running
    assert "RUNNING" in running
    assert "at most $7.20" in _words(estimate._repr_html_())
    assert "Nothing was bought" in _words(estimate._repr_html_())
    assert f"{job.counts.delivered:,}" in _words(job._repr_html_())
    assert handle._repr_html_() == job._repr_html_()
    assert "$50.00" in repr(engine)
    assert "runs now" in _words(engine._repr_html_())


def test_settings_show_what_differs_and_never_a_secret(world):
    settings = world.settings.model_copy(update={"batch_size": 50})
    names = dict(differing(settings))
    assert names["batch_size"] == "50"
    assert "batches_in_flight" not in names
    assert names["idicore.client_secret"] == names["warehouse.token"] == "(secret, set)"
    for text in (repr(settings), str(settings), settings._repr_html_(), f"{settings}"):
        assert "batch_size" in text
        assert not words_in(text, {"local-secret", "local-token", "local-login"})


def test_a_job_that_failed_early_shows_itself():
    job = Job("j", "june", JobStatus.FAILED, Counts(), "<script>no</script>; more")
    assert "&lt;script&gt;no&lt;/script&gt;" in job._repr_html_()
    assert "<script>" not in job._repr_html_()
    assert repr(job) == "<Job j FAILED: <script>no</script>; more>"
    assert repr(Counts()) == "<Counts: nothing>"


def test_messages_of_jobs_and_traces_are_whole(history):
    message = "a long message, " * 40
    record_job(history, "j", script_name="june")
    history.update_job("j", message=message)
    jobs = lf.jobs()
    assert list(jobs.columns) == ["id", "standing", "created_at", "duration_s", "clean_count", "message"]
    assert message.strip() in repr(jobs)
    assert message in jobs._repr_html_()
    assert {"status", "retry", "script_name", "limit_rows"} <= set(lf.jobs(full=True).columns)
    assert {"elapsed", "batch", "at", "data"} <= set(lf.trace("j", full=True).columns)
    assert isinstance(jobs[jobs["standing"] == "completed"], pd.DataFrame)
    assert message in jobs[["id", "message"]]._repr_html_()
    assert message in jobs.set_index("id")._repr_html_()


def test_a_long_frame_shows_its_ends_and_says_so():
    frame = ShownFrame({"n": range(200)})
    assert "140 rows between the first and the last 30 are not shown" in repr(frame)
    assert frame._repr_html_().count("<tr>") == 61


def test_missing_values_are_blank_and_an_empty_frame_is_fine():
    frame = ShownFrame({"a": [None, 1.25], "b": [pd.NaT, pd.Timestamp("2026-11-01", tz="UTC")]})
    assert "NaN" not in repr(frame) + frame._repr_html_()
    assert "2026-11-01" in repr(frame)
    assert repr(ShownFrame({"a": []}))
    assert ShownFrame({"a": []})._repr_html_()


@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=2), max_size=5), st.floats(0, 100))
def test_any_text_is_escaped(rows, percent):
    parts = [html_table(_HEADER, rows), stacked_table(_HEADER, rows), pairs(rows), card("<b>", "", "<i>")]
    drawn = "".join([*parts, *(bar(name, percent, words) for name, words in rows)])
    tags = set(re.findall("<([a-zA-Z0-9]+)", re.sub("<style>.*?</style>", "", drawn, flags=re.DOTALL)))
    assert tags <= {"div", "table", "tr", "th", "td", "h2", "span", "i", "style"}
    assert text_table(_HEADER, rows).count("\n") == len(rows) or any("\r" in c or "\x0b" in c for r in rows for c in r)
    assert text_pairs("title", rows).startswith("title")
