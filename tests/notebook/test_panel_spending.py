"""Nothing is spent by a slip: Run needs the estimate of exactly what it runs, says its price, and keeps to it."""

from __future__ import annotations

import os

import pytest
from waiting import until as _until

import leadflow as lf
from leadflow.errors import InputError

_SCRIPT = "SELECT * FROM RAW_LEADS"


@pytest.fixture
def engine(world):
    with lf.Engine(_priced(world)) as engine:
        yield engine


def _priced(world, price=0.12, checks=0.0, **more):
    found = {"idicore": world.settings.idicore.model_copy(update={"price": price})}
    for name in ("litigator", "dnc"):
        found[name] = getattr(world.settings, name).model_copy(update={"price": checks})
    return world.settings.model_copy(update={**found, **more})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "june.sql").write_text(_SCRIPT)
    (tmp_path / "may.SQL").write_text(f"{_SCRIPT} LIMIT 20")
    return tmp_path


@pytest.fixture
def view(engine, folder):
    view = lf.panel(engine, folder)._view
    view.script.value = str(folder / "june.sql")
    view.limit.value = "200"
    return view


def _estimate(view):
    view.estimate_button.click()
    _until(lambda: not view.run_button.disabled)


def test_a_fresh_panel_has_nothing_chosen_and_no_button_that_spends(world, engine, folder):
    engine.run(_SCRIPT, limit_rows=10, max_lookups=5, progress=False)
    bought = world.stats()["idicore"]["calls"]
    view = lf.panel(engine, folder)._view
    assert (view.script.value, view.job.value) == ("", "")
    for button in (view.run_button, view.stop_button, view.resume_button):
        assert button.disabled
        button.click()
    view.estimate_button.click()
    _until(lambda: "no script is chosen" in view.message.value)
    assert world.stats()["idicore"]["calls"] == bought
    assert len(lf.jobs()) == 1


def test_the_button_says_the_price_and_the_run_keeps_to_it(world, view, engine):
    assert view.run_button.description == "Run: estimate first"
    _estimate(view)
    assert view.run_button.description == "Run, at most $24.00"
    view.name.value = "monday"
    view.run_button.click()
    job = lf.panel(engine).handle.result(120)
    assert job.name == "monday"
    assert job.ok
    assert job.counts.cost == 24.0
    assert engine.report(job.id).limits == "row limit 200, max_cost $24.00"
    assert view.run_button.description == "Run: estimate first", "the next run needs its own estimate"


@pytest.mark.parametrize("change", ["script", "text", "limit", "budget", "file"])
def test_any_change_takes_the_estimate_away(world, view, folder, change):
    if change == "text":
        view.script.value, view.text.value = "paste", _SCRIPT
    _estimate(view)
    if change == "script":
        view.script.value = str(folder / "may.SQL")
    if change == "text":
        view.text.value += " "
    if change == "limit":
        view.limit.value = "2000"
    if change == "budget":
        view.budget.value = "600"
    if change == "file":
        (folder / "june.sql").write_text(f"{_SCRIPT} -- all of them")
        _until(lambda: view.run_button.disabled)
        assert "june.sql has changed" in view.message.value
    assert view.run_button.disabled
    assert view.run_button.description == "Run: estimate first"
    view.run_button.click()
    assert lf.jobs().empty
    assert world.stats()["idicore"]["calls"] == 0


def test_a_name_is_no_part_of_the_price(view):
    _estimate(view)
    view.name.value = "june again"
    assert not view.run_button.disabled


def test_a_file_that_changes_in_the_moment_of_the_click_is_not_run(world, view, folder):
    _estimate(view)
    (folder / "june.sql").write_text(f"{_SCRIPT} LIMIT 1")
    view.run_button.click()
    _until(lambda: "has changed" in view.message.value)
    assert view.run_button.disabled
    assert lf.jobs().empty


def test_a_file_that_is_gone_is_not_run(view, folder):
    _estimate(view)
    os.unlink(folder / "june.sql")
    view.run_button.click()
    _until(lambda: view.message.value and view.run_button.disabled)
    assert lf.jobs().empty


def test_fields_that_change_while_it_is_estimated_get_no_price(world, view):
    world.configure(latency={"snowflake": 0.2})
    view.estimate_button.click()
    _until(lambda: "Estimating" in view.message.value)
    view.limit.value = "100"
    _until(lambda: "changed while this was estimated" in view.message.value)
    assert view.run_button.disabled


@pytest.mark.parametrize(
    ("prices", "budget", "button", "sentence"),
    [
        ({"price": None}, "", "Run, price unknown", "cost unknown"),
        ({}, "6", "Run, at most $6.00", "stops after 50 leads at $6.00"),
        ({}, "$1,000", "Run, at most $24.00", "at most $24.00 for lookups"),
        ({"max_cost": 3.0}, "", "Run, at most $3.00", "stops after 25 leads at $3.00"),
        ({"checks": 0.01}, "", "Run, about $36.00", "about $12.00 for checks"),
        ({"checks": 0.01}, "20", "Run, at most $20.00", "stops after about"),
    ],
)
def test_what_the_button_and_the_sentence_say(world, folder, prices, budget, button, sentence):
    with lf.Engine(_priced(world, **prices)) as engine:
        view = lf.panel(engine, folder)._view
        view.script.value, view.limit.value, view.budget.value = str(folder / "june.sql"), "200", budget
        _estimate(view)
        assert view.run_button.description == button
        assert sentence in view.message.value


def test_a_job_that_its_budget_stopped_is_resumed_with_a_new_budget_only(world, engine, view):
    view.budget.value = "6"
    _estimate(view)
    view.run_button.click()
    panel = lf.panel(engine)
    _until(lambda: "STOPPED" in view.report.value)
    _until(lambda: view.job.value == panel.handle.id)
    assert "stopped by its budget at $6.00" in {v: k for k, v in view.job.options}[panel.handle.id]
    _until(lambda: view.resume_button.description == "Resume with $...")
    assert view.resume_button.disabled
    assert "give a new one" in view.resume.note.value
    for too_little, said in (("6", "spent $6.00 already"), ("x", "not an amount")):
        view.resume.budget.value = too_little
        assert view.resume_button.disabled
        assert said in view.resume.note.value
    view.resume.budget.value = "9"
    assert view.resume_button.description == "Resume with $9.00"
    view.resume_button.click()
    _until(lambda: panel.handle.wait(0) and "max_cost $9.00" in view.report.value)
    assert panel.handle.progress.cost == 9.0
    assert "$9.00</b> spent" in view.live.value


def test_a_job_that_a_person_stopped_says_what_its_resume_costs(world, engine, view):
    world.configure(latency={"idicore": 0.3})
    _estimate(view)
    view.run_button.click()
    handle = lf.panel(engine).handle
    _until(lambda: handle.progress.cost)
    _until(lambda: "so far" in view.live.value)
    view.stop_button.click()
    _until(lambda: view.job.value == handle.id)
    left = 200 - handle.result().counts.bought
    _until(lambda: not view.resume_button.disabled)
    assert view.resume_button.description == f"Resume, at most ${left * 0.12:,.2f}"


def test_a_folder_that_is_not_there_and_new_files(engine, tmp_path):
    there = tmp_path / "scripts"
    view = lf.panel(engine, there)._view
    assert f"There is no folder {there}" in view.folder.value
    there.mkdir()
    _until(lambda: "There is no .sql file" in view.folder.value)
    (there / "a.sql").write_text(_SCRIPT)
    _until(lambda: "a.sql" in dict(view.script.options))
    assert view.folder.layout.display == "none"
    view.script.value = str(there / "a.sql")
    (there / "b.sql").write_text(_SCRIPT)
    _until(lambda: "b.sql" in dict(view.script.options))
    assert view.script.value == str(there / "a.sql"), "what was chosen stays chosen"


def test_the_sql_of_a_chosen_script_is_shown_and_the_field_to_paste_when_it_is_wanted(view, folder):
    (folder / "june.sql").write_text("SELECT '<b>' AS x")
    _until(lambda: "&lt;b&gt;" in view.sql.value)
    assert (view.sql.layout.display, view.text.layout.display) == (None, "none")
    view.script.value = "paste"
    assert (view.sql.layout.display, view.text.layout.display) == ("none", None)
    assert view.script.label == "paste a script below", "the choice does not go blank"


def test_code_runs_nothing_that_the_button_would_not(engine):
    panel = lf.panel(engine)
    with pytest.raises(InputError, match="nothing was estimated"):
        panel.run_estimated()
    with pytest.raises(InputError, match="no job is chosen"):
        panel.resume_chosen()
