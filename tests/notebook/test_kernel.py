"""Cells in a real kernel: what a run shows, and what an interrupt leaves behind."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager

import pytest
from jupyter_client.manager import start_new_kernel

import leadflow as lf

_RUN = (
    "import leadflow as lf\n"
    "engine = lf.Engine()\n"
    "job = engine.run('SELECT * FROM RAW_LEADS', name='june_leads', limit_rows=300)\n"
    "print(job.status)"
)
_NO_WIDGETS = "import sys\nsys.modules['ipywidgets'] = None\n"


class Cells:
    """Executes code in a kernel and gives back what it put out."""

    def __init__(self, manager, client):
        self.manager = manager
        self._client = client

    def start(self, code):
        return self._client.execute(code)

    def outputs(self, execution, seconds=120):
        """The outputs of a cell once it has ended: (kind, content)."""
        found = []
        deadline = time.monotonic() + seconds
        while True:
            message = self._client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != execution:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                return found
            found.append((kind, content))

    def run(self, code):
        return self.outputs(self.start(code))


@pytest.fixture
def cells(world):
    """Opens kernels whose lf.Engine() uses the local world."""

    @contextmanager
    def opened():
        env = {**os.environ, **world.env(), "LEADFLOW_BATCH_SIZE": "50"}
        manager, client = start_new_kernel(env=env)
        try:
            yield Cells(manager, client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)

    return opened


def _text(outputs):
    return "".join(content["text"] for kind, content in outputs if kind == "stream")


def _until_bought(world, leads):
    deadline = time.monotonic() + 60
    while len(world.stats()["idicore"]["bought"]) < leads:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("sigint")
def test_an_interrupted_cell_stops_its_job_and_the_next_one_resumes_it(world, cells):
    world.configure(latency={"idicore": 1.0})
    with cells() as kernel:
        execution = kernel.start(_RUN)
        _until_bought(world, 60)
        begun = time.monotonic()
        kernel.manager.interrupt_kernel()
        (end,) = [content for kind, content in kernel.outputs(execution) if kind == "error"]
        assert end["ename"] == "KeyboardInterrupt"
        assert time.monotonic() - begun < 60
        job = lf.jobs(history=world.settings.history_file).iloc[0]
        assert (job["status"], job["standing"]) == ("STOPPED", "stopped")
        what, where, todo = end["traceback"]
        assert what.startswith(f"KeyboardInterrupt: job {job['id']} is STOPPED: ")
        assert where.startswith("  Where: Cell In[1], line 3: job = engine.run(")
        assert todo.startswith(f"  What to do: engine.resume('{job['id']}')")
        bought = len(world.stats()["idicore"]["bought"])
        assert bought < 300
        world.configure(latency={"idicore": 0.0})
        said = _text(kernel.run(f"job = engine.resume({job['id']!r})\nprint(job.status, job.counts.waiting)"))
        assert "COMPLETED 0" in said
    times = world.stats()["idicore"]["bought"]
    assert len(times) == 300
    assert set(times.values()) == {1}


def test_a_run_shows_its_progress(world, cells):
    with cells() as kernel:
        outputs = kernel.run(_RUN)
    bars = [content["data"] for kind, content in outputs if kind == "display_data"]
    assert any("application/vnd.jupyter.widget-view+json" in data for data in bars)
    assert _text(outputs) == "COMPLETED\n"


def test_a_retry_is_not_written_to_the_cell(world, cells):
    world.fail("dnc", "503", times=2)
    with cells() as kernel:
        outputs = kernel.run(_RUN)
    assert world.stats()["dnc"]["calls"] > 6, "six batches, and the calls that were made again"
    assert _text(outputs) == "COMPLETED\n"


def test_without_widgets_the_progress_is_text_without_a_warning(world, cells):
    with cells() as kernel:
        outputs = kernel.run(_NO_WIDGETS + _RUN)
    said = _text(outputs)
    assert "june_leads: 100%" in said
    assert "COMPLETED\n" in said
    assert "Warning" not in said
    assert [kind for kind, _ in outputs if kind in ("error", "display_data")] == []


_WRONG = {
    "engine.run('SELEC * FRM X')": ["ScriptError: statement 1", "  Where: Cell In[", "  What to do: Queries, SHOW"],
    "engine.run('leads.csv')": [
        "InputError: there is no file leads.csv",
        "  Where: Cell In[",
        "  What to do: look at the path",
    ],
    "def go():\n    return engine.run(None)\ngo()": ["ScriptError: no script", "  Where: Cell In[", "", ""],
    "engine.run('SELECT 1 AS a')": [
        "ColumnsError: the leads have no column for: ",
        "  Where: Cell In[",
        "  What to do: Columns found: A. Alias",
    ],
    "engine.run('SELECT * FROM NONE')": ["ScriptError: the script did not run: ", "  Where: Cell In["],
    "engine.run('SELECT 1 AS a; SELECT * FROM NONE')": [
        "JobFailedError: job ",
        "  Where: Cell In[",
        "  What to do: To go on where",
    ],
    "lf.report('nope')": ["JobNotFound: there is no job 'nope'", "  Where: Cell In[", "  What to do: The most recent"],
    "lf.jobs(limit=0)": ["InputError: limit is 0", "  Where: Cell In[", "  What to do: it must be 1 or more"],
}


def test_an_error_is_three_lines_what_where_and_what_to_do(cells):
    with cells() as kernel:
        kernel.run("import leadflow as lf\nengine = lf.Engine()")
        for code, wanted in _WRONG.items():
            ((_, content),) = [output for output in kernel.run(code) if output[0] == "error"]
            shown = content["traceback"]
            assert len(shown) <= 3, shown
            for line, begins in zip(shown, wanted, strict=False):
                assert line.startswith(begins), (code, shown)
            assert code.splitlines()[-1 if "go" not in code else 1].strip() in shown[1]
            assert content["evalue"].startswith(shown[0].partition(": ")[2])
