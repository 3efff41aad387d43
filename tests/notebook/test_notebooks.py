"""Every notebook runs top to bottom on the local world, and is committed without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

_FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
_SAID = {
    "01_run_a_job": ["COMPLETED", "held back", "application/vnd.jupyter.widget-view+json", "leads to look up"],
    "02_trace_past_runs": ["STOPPED", "# Job Flow Trace", "max_lookups", "no job", "T+0."],
    "03_stages_in_your_own_script": ["litigator_verdicts", "(30, ", "DataFrame"],
    "04_connect_your_accounts": [
        *("LEADFLOW_IDICORE__GLBA", "people are in the cache", "Lead Key", "'700'", "delivered"),
        *("lf-check", "Snowflake sign-in", "a run would make it"),
    ],
    "05_keep_it_lawful": [
        *("callable_until", "no calls on Sunday", "RescrubEstimate", "renewed", "withdrawn (wireless", "Withdrawn At"),
        *("may not be called; 1 rows were withdrawn now", "typed into the callers", "suppressed", "SHA-256"),
    ],
}


def test_the_notebooks_are_these():
    assert sorted(path.stem for path in _FOLDER.glob("*.ipynb")) == sorted(_SAID)


@pytest.mark.parametrize("name", _SAID)
def test_a_notebook_has_no_outputs(name):
    for cell in nbformat.read(_FOLDER / f"{name}.ipynb", 4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("name", _SAID)
def test_a_notebook_runs_top_to_bottom(name, tmp_path, monkeypatch):
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path))
    notebook = nbformat.read(_FOLDER / f"{name}.ipynb", 4)
    NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    said = "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", []))
    assert "local-secret" not in said
    for words in _SAID[name]:
        assert words in said, words
