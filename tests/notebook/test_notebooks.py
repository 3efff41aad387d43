"""Every notebook runs top to bottom on the local world, and is committed with outputs of its very sources."""

from __future__ import annotations

import re

import nbformat
import pytest
from saved_notebooks import FOLDER, FORBIDDEN, MOST_BYTES, cleaned, executed, names, read, sources_hash, texts

_SAID = {
    "01_run_a_job": ["COMPLETED", "held back", "leads to look up"],
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


_AGAIN = "python tests/saved_notebooks.py {}"


def test_the_notebooks_are_these():
    assert names() == sorted(_SAID)


@pytest.mark.parametrize("name", _SAID)
def test_a_notebook_is_committed_with_the_outputs_of_its_sources(name):
    notebook = read(name)
    nbformat.validate(notebook)
    again = _AGAIN.format(name)
    assert notebook.metadata.get("leadflow", {}).get("sources") == sources_hash(notebook), f"stale outputs: {again}"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), f"not run in order: {again}"
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]
    assert any(cell.outputs for cell in code)
    assert (FOLDER / f"{name}.ipynb").stat().st_size < MOST_BYTES


@pytest.mark.parametrize("name", _SAID)
def test_what_is_committed_tells_nothing_of_a_machine_and_needs_no_kernel(name):
    notebook = read(name)
    shown = "\n".join(texts(notebook))
    assert not FORBIDDEN.search(shown), FORBIDDEN.search(shown)
    assert "widgets" not in notebook.metadata
    kinds = {kind for cell in notebook.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert kinds <= {"text/html", "text/plain", "text/markdown", "image/png"}
    assert "model not found" not in shown.lower()
    for words in _SAID[name]:
        assert words in shown, words


_BAR = re.compile(
    r'role="progressbar"[^>]*aria-valuetext="([^"]*)"[^>]*>(?:<(div|span)[^>]*></\2>)*</div><[a-z]+[^>]*>([^<]*)'
)


@pytest.mark.parametrize("name", _SAID)
def test_a_reader_whose_page_strips_styles_and_scripts_reads_it_all(name):
    """GitHub removes styles and scripts: bars, statuses and numbers are words too."""
    for text in texts(read(name)):
        assert "<script" not in text.lower()
        for bar in _BAR.findall(text):
            assert bar[0] == bar[2]


@pytest.mark.parametrize("name", _SAID)
def test_a_notebook_runs_top_to_bottom(name, tmp_path, monkeypatch):
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path))
    notebook = executed(read(name), tmp_path)
    said = "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", []))
    assert "local-secret" not in said
    saved = "\n".join(texts(cleaned(notebook, tmp_path)))
    assert not FORBIDDEN.search(saved), FORBIDDEN.search(saved)
    for words in _SAID[name]:
        assert words in saved, words


def test_a_change_of_a_source_is_found(tmp_path):
    notebook = read("01_run_a_job")
    before = sources_hash(notebook)
    notebook.cells[1].source += "  # changed"
    assert sources_hash(notebook) != before


def test_paths_ports_and_job_ids_of_a_machine_are_replaced(tmp_path):
    shown = f"{tmp_path}/x /tmp/leadflow-local-abc_1/home0/history.duckdb 127.0.0.1:4711 june-20261128-214537-a445b6"
    style = "<style>a</style>"
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text=shown + style + style)])
    found = cleaned(nbformat.v4.new_notebook(cells=[cell]), tmp_path).cells[0].outputs[0]["text"]
    assert found == f"./x ~/.leadflow/history.duckdb 127.0.0.1:8000 june-20261101-090000-000001{style}"
