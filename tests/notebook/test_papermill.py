"""A notebook with a `parameters` cell runs with other values, as papermill runs it: a cell after that one has them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import leadflow as lf

_NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_run_a_job.ipynb"


def run_with(folder, **values):
    """Execute the notebook as `papermill -p NAME VALUE` does."""
    notebook = nbformat.read(_NOTEBOOK, 4)
    tagged = [n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    given = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    notebook.cells.insert(tagged[0] + 1, nbformat.v4.new_code_cell(given))
    NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The notebook makes a local world of its own, whose home is temporary; this keeps what it prints apart."""
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path))
    return tmp_path


def test_the_parameters_change_the_run(home):
    notebook = run_with(home, script="probate.sql", limit_rows=7)
    said = "\n".join(str(cell.get("outputs", "")) for cell in notebook.cells)
    assert "probate-" in said
    assert "june_leads-" not in said
    assert "row limit 7" in said


def test_a_stopped_job_fails_the_notebook(home):
    with pytest.raises(CellExecutionError, match="was stopped before its end"):
        run_with(home, max_lookups=3)


def test_the_defaults_are_those_of_a_reader():
    cells = nbformat.read(_NOTEBOOK, 4).cells
    source = next(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    names: dict[str, object] = {}
    exec(source, names)
    assert lf.local.sample(f"scripts/{names['script']}").is_file()
    assert names["max_lookups"] is None
