"""%%leads in a real kernel: the SQL runs as written, nothing is bought without a limit, errors are three lines."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

import leadflow as lf

_MADE = "import leadflow as lf\n%load_ext leadflow"


@pytest.fixture
def cells(world, monkeypatch):
    """Execute cells in a kernel whose settings are those of the local world; what each put out, as text."""
    for name, value in {**world.env(), "LEADFLOW_IDICORE__PRICE": "0.24"}.items():
        monkeypatch.setenv(name, value)

    def execute(*sources):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in (_MADE, *sources)])
        NotebookClient(notebook, timeout=240, allow_errors=True, kernel_name="python3").execute()
        return [_text(cell) for cell in notebook.cells[1:]]

    return execute


def _text(cell):
    said = []
    for output in cell.outputs:
        data = output.get("data", {})
        said += [output.get("text", ""), *output.get("traceback", []), *map(str, data.values())]
    return "\n".join(said)


def test_a_cell_runs_as_a_job_and_is_shown_live(world, cells):
    sql = """SELECT r.*, '{x} $$y {limit}' AS "Note" FROM RAW_LEADS r WHERE "State" = $state"""
    shown, status, _, again = cells(
        f'%%leads --name "june leads" --limit 4 --param state=NH\n{sql}',
        "print(_.status, _.name, engine.settings.started_by)",
        "limit, state = 3, 'ME'",
        f"%%leads --limit {{limit}} --param state={{state}}\n{sql}",
    )
    assert 'class="lf-live"' in shown
    assert "COMPLETED" in shown
    assert status.strip() == "COMPLETED june leads local"
    assert "COMPLETED" in again
    jobs = lf.jobs(history=world.settings.history_file, full=True)
    assert jobs["limit_rows"].tolist() == [3, 4]
    header, *rows = world.sheet_values()
    assert rows
    assert {row[header.index("Note")] for row in rows} == {"{x} $$y {limit}"}


def test_without_a_limit_a_cell_shows_the_estimate_and_buys_nothing(world, cells):
    sql = "\nSELECT * FROM RAW_LEADS LIMIT 7"
    plain, asked, wrong, unknown, quote, refused = cells(
        f"%%leads{sql}",
        f"%%leads --estimate --max-cost 0.50{sql}",
        f"%%leads --limt 3{sql}",
        f"%%leads --limit {{nothing}}{sql}",
        f"%%leads --name 'june{sql}",
        f"%%leads --yes --param state=ME{sql}",
    )
    assert "Add --max-cost 60 (dollars), --limit 500 (leads), or --yes" in plain
    assert "leads to look up" in plain
    assert "stops after 2 leads at $0.50" in asked
    assert "Add --max-cost" not in asked
    assert "--limt" in wrong
    assert "no variable nothing" in unknown
    assert "quote" in quote
    assert "does not use $state" in refused
    for said in (unknown, quote, refused):
        assert len(said.strip().splitlines()) <= 3, said
    assert not world.stats()["idicore"]["bought"]
    assert lf.jobs(history=world.settings.history_file).empty


def test_a_cell_uses_the_notebook_s_engine_and_none_that_is_unclear(world, cells):
    _, unclear, _, named, _, closed = cells(
        "a, b = lf.Engine(), lf.Engine()",
        "%%leads --limit 1\nSELECT * FROM RAW_LEADS",
        "engine = b",
        "%%leads --limit 1 --raise-on-stop --max-lookups 0\nSELECT * FROM RAW_LEADS",
        "engine.close()",
        "%%leads --limit 1\nSELECT * FROM RAW_LEADS",
    )
    assert "name the one that %%leads shall use `engine`" in unclear
    assert "Stopped" in named
    assert "is closed" in closed


def test_leadflow_is_imported_without_ipython():
    code = "import sys, leadflow, leadflow.notebook; assert 'IPython' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
