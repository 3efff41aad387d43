"""The commands that look at jobs and stop them, and what all commands have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from commands import COMMAND, Terminal, as_json, begin, environment, leadflow, on_terminal
from outcome import SCRIPT

import leadflow as lf
from leadflow.cli import main
from leadflow.cli.entry import commands

_WIDTHS = (40, 80, 200)
_HEAVY = ("pandas", "polars", "snowflake", "duckdb", "pydantic", "httpx", "rich", "IPython")


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_explains_itself_and_prints_json(name, capsys):
    command = commands.commands[name]
    assert main([name, "--help"]) == 0
    assert command.help
    said = capsys.readouterr().out
    assert "..." not in command.get_short_help_str(60)
    if name != "completion":
        assert "--json" in said
    assert main([name, "--no-such-option"]) == 2
    assert "No such option" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "Missing argument 'SCRIPT'"),
        (["run", "a.sql", "b.sql"], "unexpected extra argument"),
        (["run", "a.sql", "--limit", "0"], "--limit"),
        (["run", "a.sql", "--limit", "many"], "--limit"),
        (["run", "a.sql", "--max-cost", "nan"], "no amount in dollars"),
        (["run", "a.sql", "--max-cost", "-1"], "no amount in dollars"),
        (["run", "a.sql", "--max-cost", "60,5"], "no amount in dollars"),
        (["run", "a.sql", "--max-lookups", "-1"], "--max-lookups"),
        (["run", "a.sql", "--param", "504-555-0143"], "NAME=VALUE"),
        (["run", "a.sql", "--param", "=ME"], "NAME=VALUE"),
        (["queue"], "Missing argument"),
        (["suppress", "5045550143"], "Missing option '--reason'"),
        (["completion", "powershell"], "powershell"),
        (["jbos"], "No such command"),
        ([], "suppress "),
    ],
)
def test_wrong_usage_is_exit_status_2_and_at_most_three_lines(arguments, words, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert words in out + err
    assert len(err.splitlines()) <= 3 or not arguments
    assert "0143" not in err


def test_a_parameter_that_stands_twice_is_refused(world):
    done = leadflow(world, "run", SCRIPT, "--param", "a=1", "--param", "A=2", "--yes")
    assert done.returncode == 1
    assert "names A twice" in done.stderr


def test_version_and_help_load_nothing_heavy():
    code = (
        "import sys; from leadflow.cli import main\n"
        "assert main(['--version']) == 0 and main(['run', '--help']) == 0\n"
        f"print([name for name in {_HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"leadflow {lf.__version__}\n")
    assert done.stderr.strip() == "[]"


def test_past_jobs_fit_the_terminal_and_are_whole_in_a_pipe(world, finished, tmp_path):
    for columns in _WIDTHS:
        for arguments in (["jobs"], ["trace", finished], ["report", finished], ["check"], ["run", "--help"]):
            status, said = on_terminal(world, *arguments, columns=columns)
            assert status == 0
            assert all(len(line) <= columns for line in said.splitlines()), (columns, arguments, said)
            if arguments == ["jobs"]:
                assert finished in said
                assert "completed" in said
    piped = leadflow(world, "trace", finished, COLUMNS="40")
    assert max(map(len, piped.stdout.splitlines())) > 80
    assert "\x1b" not in piped.stdout
    assert len(piped.stdout.splitlines()) == len(as_json(leadflow(world, "trace", finished, "--json"))) + 1


def test_colors_are_not_used_where_they_are_not_wanted(world, finished):
    colored, plain = Terminal(world, "jobs"), Terminal(world, "jobs", NO_COLOR="1")
    assert colored.end() == plain.end() == 0
    assert "\x1b[32m" in colored.raw
    assert "\x1b[32m" not in plain.raw


def test_a_report_is_printed_saved_and_read_by_programs(world, finished, tmp_path):
    summary = leadflow(world, "report", finished)
    assert f"Job {finished}: COMPLETED" in summary.stdout
    assert "lf." not in summary.stdout
    done = subprocess.run(
        [*COMMAND, "report", finished, "--html"], cwd=tmp_path, env=environment(world), capture_output=True, text=True
    )
    page = Path(done.stdout.strip())
    assert page == tmp_path / f"{finished}.html"
    assert page.read_text().startswith("<!doctype html>")
    saved = leadflow(world, "report", finished, "-o", tmp_path / "r.md", "--json")
    assert as_json(saved)["ok"] is True
    assert "# Job Flow Trace" in (tmp_path / "r.md").read_text()
    assert "## Timeline" in leadflow(world, "report", finished, "--markdown").stdout
    assert leadflow(world, "report", finished, "-o", tmp_path / "r.doc").returncode == 1


def test_an_unknown_job_is_named_with_the_newest_ones(world, finished):
    for command in ("trace", "report", "watch", "stop", "resume"):
        done = leadflow(world, command, "nope", "--json")
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) <= 3
        assert finished in done.stderr
        assert "leadflow jobs" in done.stderr


def test_a_job_of_another_process_is_watched_and_stopped(world):
    world.configure(latency={"idicore": 0.5})
    child = begin(
        world, "run", SCRIPT, "--limit", "400", "--name", "other", "--json", LEADFLOW_IDICORE__MAX_IN_FLIGHT="4"
    )
    job_id = _running(world)
    watcher = begin(world, "watch", "--json")
    terminal = Terminal(world, "watch", job_id)
    terminal.read_until("Lookup")
    stopped = leadflow(world, "stop", job_id, "--by", "ann", "--json")
    assert stopped.returncode == 0
    assert as_json(stopped)["asked"] is True
    out, _ = child.communicate(timeout=120)
    assert child.returncode == 3
    assert "stopped by ann" in json.loads(out)["message"]
    seen, _ = watcher.communicate(timeout=120)
    assert watcher.returncode == terminal.end() == 3
    states = [json.loads(line) for line in seen.splitlines()]
    assert states[-1]["status"] == "STOPPED"
    assert {state["id"] for state in states} == {job_id}
    again = leadflow(world, "stop", job_id)
    assert again.returncode == 1
    assert "nothing to stop" in again.stdout


def _running(world):
    for _ in range(600):
        if world.stats()["idicore"]["calls"] > 3:
            return lf.jobs(history=world.settings.history_file)["id"].iloc[0]
        time.sleep(0.1)
    raise AssertionError("no job began")


def test_settings_that_are_missing_are_named_in_two_lines(tmp_path):
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run([*COMMAND, "check"], env=bare, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert "LEADFLOW_IDICORE__CLIENT_ID" in done.stderr
    assert "LEADFLOW_SHEETS__SPREADSHEET_ID" in done.stderr


def test_a_reader_that_ends_early_is_no_error(world, finished):
    line = f"{sys.executable} -m leadflow trace {finished} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], env=environment(world), capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_made(shell, capsys):
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert "_LEADFLOW_COMPLETE" in said
    assert f"{shell}_complete" in said


def test_a_shell_completes_commands_options_and_job_ids(world, finished):
    def offered(words, number):
        env = environment(world, _LEADFLOW_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(number))
        done = subprocess.run(
            [sys.executable, "-c", "from leadflow.cli import main; main()"], env=env, capture_output=True, text=True
        )
        return done.stdout

    assert "resume" in offered("leadflow re", 1)
    assert "--max-cost" in offered("leadflow run --max", 2)
    assert finished in offered(f"leadflow trace {finished[:4]}", 2)


def test_a_foreign_error_shows_neither_its_text_nor_a_traceback(monkeypatch, capsys):
    def fails(**_: object) -> None:
        raise RuntimeError("Ann Lee, 504-555-0143")

    monkeypatch.setitem(commands.commands, "fails", click.Command("fails", callback=fails))
    assert main(["fails"]) == 1
    err = capsys.readouterr().err
    assert "unexpected RuntimeError at test_command_looks.py" in err
    assert "Ann" not in err
    assert len(err.splitlines()) <= 3
