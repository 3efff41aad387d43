"""The commands that spend: what they ask for, what they take, how they end."""

from __future__ import annotations

import json
import signal
import time

import pytest
from commands import Terminal, as_json, begin, leadflow, on_terminal
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf


def jobs_of(world):
    return as_json(leadflow(world, "jobs", "--json"))


def test_a_run_without_a_limit_and_without_a_person_buys_nothing(world):
    for arguments in (["run", SCRIPT], ["queue", SCRIPT, SCRIPT], ["run", "-"]):
        done = leadflow(world, *arguments, stdin=SCRIPT)
        assert done.returncode == 2
        assert "Add --max-cost 60 (dollars), --limit 500 (leads), or --yes" in done.stderr
        assert done.stdout == ""
    assert jobs_of(world) == []


def test_a_budget_in_the_settings_is_a_limit(world):
    done = leadflow(world, "run", SCRIPT, "--json", LEADFLOW_MAX_LOOKUPS="2")
    assert done.returncode == 3
    assert as_json(done)["counts"]["bought"] == 2


def test_a_run_prints_three_lines_and_its_record_as_json(world):
    done = leadflow(world, "run", SCRIPT, "--limit", "12", "--name", "june")
    assert done.returncode == 0
    assert done.stderr == ""
    first, second, third = done.stdout.splitlines()
    job_id = first.partition(":")[0]
    assert first.startswith("june-")
    assert "COMPLETED" in first
    assert "$2.88" in first
    assert "held back" in second
    assert third == f"leadflow report {job_id}"
    with lf.Engine(world.settings) as engine:
        assert observe(world, engine, job_id).clean
        assert engine.history.job(job_id)["limit_rows"] == 12


def test_a_script_on_stdin_with_a_parameter(world):
    script = 'SELECT * FROM RAW_LEADS WHERE "State" = $state'
    done = leadflow(world, "run", "-", "--param", "state=NH", "--limit", "3", "--json", stdin=script)
    assert done.returncode == 0, done.stderr
    assert {row["State"] for row in sheet_rows(world)} <= {"NH"}
    assert as_json(done)["counts"]["bought"] == 3


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_of_leads(world, tmp_path, kind):
    import polars as pl

    leads = pl.read_csv(lf.local.sample("leads.csv"), infer_schema=False).head(4)
    file = tmp_path / f"four.{kind}"
    leads.write_csv(file) if kind == "csv" else leads.write_parquet(file)
    done = leadflow(world, "run", file, "--max-lookups", "4", "--json")
    assert done.returncode == 0, done.stderr
    assert as_json(done)["job_type"] == "frame"
    assert as_json(done)["name"] == "four"


def test_a_budget_stops_a_run_and_a_resume_needs_a_larger_one(world):
    done = leadflow(world, "run", SCRIPT, "--max-cost", "1")
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == 3
    job_id = done.stdout.partition(":")[0]
    assert done.stdout.splitlines()[2].startswith(f"leadflow resume {job_id} --max-cost")
    refused = leadflow(world, "resume", job_id)
    assert refused.returncode == 2
    assert "its budget is used up" in refused.stderr
    more = leadflow(world, "resume", job_id, "--max-cost", "1.5", "--json")
    assert more.returncode == 3
    assert as_json(more)["counts"]["bought"] == 6


def test_sigterm_stops_a_job_properly_and_a_resume_loses_and_doubles_nothing(world):
    world.configure(latency={"idicore": 0.3})
    child = begin(world, "run", SCRIPT, "--limit", "200", LEADFLOW_IDICORE__MAX_IN_FLIGHT="4")
    _wait_for_lookups(world)
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 3, err
    assert err.count("\n") == 1
    assert err.startswith("SIGTERM: stopping after the calls in flight")
    first, second, third = out.splitlines()
    job_id = first.partition(":")[0]
    assert "STOPPED" in first
    assert "stopped by SIGTERM" in second
    assert third == f"leadflow resume {job_id}"
    world.configure(latency={"idicore": 0.0})
    done = leadflow(world, "resume", job_id, "--json")
    assert done.returncode == 0, done.stderr
    with lf.Engine(world.settings) as engine:
        assert observe(world, engine, job_id).clean
        assert engine.report(job_id).ok


def test_ctrl_c_stops_a_job_once_however_often_it_is_pressed(world):
    world.configure(latency={"idicore": 0.3})
    child = begin(world, "run", SCRIPT, "--limit", "200", "--json", LEADFLOW_IDICORE__MAX_IN_FLIGHT="4")
    _wait_for_lookups(world)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 3, err
    assert json.loads(out)["status"] == "STOPPED"
    assert "Traceback" not in err


def _wait_for_lookups(world):
    for _ in range(600):
        if world.stats()["idicore"]["calls"] > 3:
            return
        time.sleep(0.1)
    raise AssertionError("no lookup was made")


def test_a_failed_job_is_exit_status_1_and_three_lines(world):
    refused = leadflow(world, "run", "SELECT nothing FROM RAW_LEADS", "--limit", "3")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) <= 3
    assert jobs_of(world) == []
    world.configure(sheets_refusal="SERVICE_DISABLED")
    done = leadflow(world, "run", SCRIPT, "--limit", "3")
    shown = leadflow(world, "run", SCRIPT, "--limit", "3", "--json")
    world.configure(sheets_refusal=None)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 3
    assert "leadflow resume " in done.stderr
    assert "Traceback" not in done.stderr
    assert shown.returncode == 1
    assert as_json(shown)["status"] == "FAILED"


def test_a_queue_has_one_budget(world, tmp_path):
    for name, state in (("a", "NH"), ("b", "ME"), ("c", "VT")):
        (tmp_path / f"{name}.sql").write_text(f"{SCRIPT} WHERE \"State\" = '{state}'")
    done = leadflow(world, "queue", tmp_path, "--max-lookups", "5", "--limit", "4", "--json")
    assert done.returncode == 3, done.stderr
    jobs = as_json(done)
    assert [job["name"] for job in jobs] == ["a", "b", "c"]
    assert sum(job["counts"].get("bought") or 0 for job in jobs) == 5
    told = leadflow(world, "queue", tmp_path / "a.sql", "--limit", "2")
    assert told.returncode == 0, told.stderr
    assert len(told.stdout.splitlines()) == 3


def test_a_person_is_asked_and_gets_no_more_than_what_was_shown(world):
    terminal = Terminal(world, "run", SCRIPT, "--limit", "6")
    said = terminal.read_until("[y/N]")
    assert "6 leads to look up" in said
    assert "at most $1.44 for lookups" in said
    assert jobs_of(world) == []
    terminal.type("y\n")
    assert terminal.end() == 0
    assert "Lookup" in terminal.said
    assert jobs_of(world)[0]["limit_rows"] == 6
    bound = Terminal(world, "run", f"{SCRIPT} LIMIT 9")
    leads = int(bound.read_until("[y/N]").partition(" leads to look up")[0].split()[-1])
    bound.type("y\n")
    assert bound.end() == 0
    assert jobs_of(world)[0]["limit_rows"] == leads


@pytest.mark.parametrize("keys", ["n\n", "\n", "\x04", "\x03"])
def test_anything_but_yes_buys_nothing(world, keys):
    terminal = Terminal(world, "run", SCRIPT)
    terminal.read_until("[y/N]")
    terminal.type(keys)
    assert terminal.end() != 0
    assert "Traceback" not in terminal.said
    assert jobs_of(world) == []


def test_nothing_to_look_up_starts_no_job(world):
    status, said = on_terminal(world, "run", f"{SCRIPT} WHERE 1 = 0")
    assert status == 0
    assert "no job was started" in said
    assert jobs_of(world) == []


def test_an_estimate_writes_and_buys_nothing(world):
    done = leadflow(world, "estimate", SCRIPT, "--limit", "50", "--max-cost", "6")
    assert done.returncode == 0
    assert "50 leads to look up" in done.stdout
    assert "$12.00" in done.stdout
    assert "$6.00" in done.stdout
    found = as_json(leadflow(world, "estimate", SCRIPT, "--limit", "50", "--json"))
    assert (found["lookups"], found["cost"]) == (50, 12.0)
    assert not world.stats()["idicore"]["bought"]
    assert jobs_of(world) == []
