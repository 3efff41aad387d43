"""A short run through everything, for environments with the oldest or the newest versions of the dependencies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import polars as pl
import pytest
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow import stages
from leadflow.local import World
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.idicore import Idicore
from leadflow.services.warehouse import Warehouse

pytestmark = pytest.mark.connector

WHO = {"First Name": "Ann", "Last Name": "Lee", "Address": "1 Elm St", "City": "Bath", "State": "NH", "Zip": "03740"}
JOB = """
    import leadflow as lf

    {before}
    engine = lf.Engine()
    job = engine.run({script!r}, limit_rows=12, progress=False)
    assert job.ok
    lf.report(job.id).to_markdown()
    {after}
"""


def run_child(world: World, code: str, *arguments: str, prefix: tuple[str, ...] = ()) -> str:
    """Run code in a new process whose environment has the world's settings; what it prints on both streams."""
    command = [*prefix, sys.executable, *arguments, "-c", textwrap.dedent(code)]
    environment = {**os.environ, **world.env()}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def job_code(before: str = "", after: str = "engine.close()") -> str:
    return textwrap.dedent(JOB).format(script=SCRIPT, before=before, after=after)


def ports_of(world: World) -> set[int]:
    """The ports that the world's settings name."""
    s = world.settings
    urls = (s.idicore.login_url, s.idicore.search_url, s.litigator.url, s.dnc.url, s.sheets.base_url)
    return {s.warehouse.port, *(urlsplit(url).port for url in urls)}


def test_the_demo_runs(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-m", "leadflow", "demo", "--limit-rows", "60"],
        env={**os.environ, "LEADFLOW_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "The validation holds." in done.stdout
    assert "Warning" not in done.stdout


def test_a_job_its_trace_and_its_report(world: World):
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        trace, report = lf.trace(job.id), lf.report(job.id)
        assert job.ok
        assert {"time", "stage", "source", "event"} <= set(trace.columns)
        assert report.ok
        assert report._repr_html_()
        assert observe(world, engine, job.id).clean
        assert engine.run(SCRIPT, limit_rows=60, progress=False).counts.already_processed >= 60


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_the_stages_alone(world: World, library):
    frame = library.DataFrame([{**WHO, "Note": None}, {**WHO, "First Name": "Bob", "Note": "x"}])
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.ensure_tables()
        left = stages.filter_unprocessed(frame, warehouse)
    found = stages.lookup_people(left, Idicore(world.settings.idicore))
    checked = stages.check_litigators(found, LitigatorList(world.settings.litigator))
    checked = stages.check_dnc(checked, DncScrub(world.settings.dnc))
    assert isinstance(checked, library.DataFrame)
    assert len(checked) == 2


def test_a_script_s_arithmetic_keeps_its_meaning(world: World):
    script = 'SELECT r.*, 2 * MOD(7, 5) AS "Twice", MOD(1 + 6, 5) AS "Rest" FROM RAW_LEADS r'
    with Warehouse(world.settings.warehouse) as warehouse:
        frame = stages.extract(script, warehouse)
    assert set(frame["Twice"].astype(str)) == {"4"}
    assert set(frame["Rest"].astype(str)) == {"2"}


@pytest.mark.parametrize("after", ["engine.close()", ""], ids=["closed", "left open"])
def test_a_job_prints_no_warning(world: World, after: str):
    printed = run_child(world, job_code(after=after), "-W", "error::FutureWarning")
    assert "Warning" not in printed


def test_a_warehouse_that_is_left_open_is_closed_at_exit(world: World):
    code = f"""
        import leadflow as lf
        from leadflow import stages
        from leadflow.services.warehouse import Warehouse

        warehouse = Warehouse(lf.Settings().warehouse)
        assert len(stages.extract({SCRIPT!r}, warehouse))
    """
    assert "Warning" not in run_child(world, code)


# Every address that Python's own sockets ask for.
AUDIT = """
import os, sys

def note(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        os.write(1, f"\\nconnect {arguments[1][0]} {arguments[1][1]}\\n".encode())  # one write a line, from any thread
    elif event == "socket.getaddrinfo":
        os.write(1, f"\\nresolve {arguments[0]} {arguments[1]}\\n".encode())

sys.addaudithook(note)
"""


def test_a_job_connects_only_to_the_addresses_of_its_settings(world: World):
    printed = run_child(world, job_code(before=AUDIT))
    found = {tuple(line.split()[1:]) for line in printed.splitlines() if line.startswith(("connect", "resolve"))}
    assert found
    assert {address for address, _ in found} == {"127.0.0.1"}
    assert {int(port) for _, port in found} <= ports_of(world)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_job_s_native_code_connects_only_to_the_addresses_of_its_settings(world: World, tmp_path: Path):
    trace = tmp_path / "calls"
    run_child(world, job_code(), prefix=("strace", "-f", "-qq", "-e", "trace=connect,sendto", "-o", str(trace)))
    text = trace.read_text(errors="replace")
    found = set(re.findall(r'htons\((\d+)\), sin6?_addr=inet_\w+\([^"]*"([^"]+)"', text))
    assert found
    assert {address for _, address in found} == {"127.0.0.1"}
    assert {int(port) for port, _ in found} <= ports_of(world)
