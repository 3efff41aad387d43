"""check, rescrub, suppress and demo as processes: JSON, exit status, and no personal data."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from commands import COMMAND, as_json, leadflow
from outcome import SCRIPT, sheet_rows

_MOST_LINES = 25


def test_check_rescrub_and_suppress_for_programs(world, finished):
    checked = leadflow(world, "check", "--json")
    assert checked.returncode == 0
    assert {row["status"] for row in as_json(checked)} <= {"ok", "warning"}
    planned = leadflow(world, "rescrub", "--older-than-days", "0", "--dry-run", "--json")
    assert as_json(planned)["due"] == len(sheet_rows(world))
    done = leadflow(world, "rescrub", "--older-than-days", "0", "--json")
    assert done.returncode == 0, done.stderr
    assert as_json(done)["counts"]["renewed"] == len(sheet_rows(world))
    told = leadflow(world, "suppress", "-", "--reason", "asked", "--json", stdin="504-555-0143\n\n(504) 555-0144\n")
    assert told.returncode == 0, told.stderr
    assert [row["entry"] for row in as_json(told)["rows"]] == [1, 2]
    assert "014" not in told.stdout + told.stderr


def test_no_lead_is_named_in_what_a_run_prints(world):
    everything = []
    done = leadflow(world, "run", SCRIPT, "--limit", "20")
    job_id = done.stdout.partition(":")[0]
    everything += [done, leadflow(world, "trace", job_id), leadflow(world, "report", job_id, "--markdown")]
    everything += [leadflow(world, "watch", job_id, "--json"), leadflow(world, "jobs", "--json")]
    said = "\n".join(process.stdout + process.stderr for process in everything)
    rows = sheet_rows(world)
    assert rows
    for row in rows:
        for name in ("Address", "Phone 1", "Last Name"):
            if len(row[name]) > 4:
                assert row[name] not in said


def demo(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LEADFLOW_HOME": str(home)}
    return subprocess.run(
        [*COMMAND, "demo", *arguments], env=env, capture_output=True, text=True, timeout=240, check=False
    )


def test_the_demo_is_short_moves_and_keeps_what_it_made(tmp_path):
    done = demo(tmp_path, "--limit", "60")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= _MOST_LINES
    assert sum("leads looked up" in line for line in lines) >= 2
    assert "The validation holds" in done.stdout
    page = next(line for line in lines if line.startswith("Report:")).split()[-1]
    assert Path(unquote(urlsplit(page).path)).read_text().startswith("<!doctype html>")
    home = next(line for line in lines if line.startswith("History:")).split("=")[1].split()[0]
    assert Path(home) == tmp_path / "demo"
    kept = subprocess.run(
        [*COMMAND, "jobs"], env={**os.environ, "LEADFLOW_HOME": home}, capture_output=True, text=True, check=True
    )
    assert len(kept.stdout.splitlines()) == 2
