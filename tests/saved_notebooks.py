"""The notebooks as they are committed: with outputs, for a reader on the web. `python tests/saved_notebooks.py [NAME]`

runs all of them, or those that are named, on the local world, and writes their outputs.

What is written is small and tells nothing of the machine: widgets are replaced by their HTML, job ids are numbered, and
paths, ports and process ids are replaced. Outputs are never edited by hand: the notebook's metadata has a hash of the
sources that they were made from, and a test compares it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
MOST_BYTES = 400_000
_KEPT = ("text/html", "text/plain", "text/markdown", "image/png")
_JOB_ID = re.compile(r"-(\d{8}-\d{6}-[0-9a-f]{6})\b")
_STYLE = re.compile("<style>.*?</style>", re.DOTALL)
_REPLACED = (
    (re.compile(r"/tmp/leadflow-local-[A-Za-z0-9_]+/home\d*"), "~/.leadflow"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8000"),
    (re.compile(r"pid=\d+"), "pid=100"),
)
# What must not be in a committed output: paths of a machine, and the secrets of the local world.
FORBIDDEN = re.compile(r"/tmp/|/home/|/root\b|/Users/|/var/folders|[A-Z]:\\\\|local-(?:secret|token|login)")


def names() -> list[str]:
    """The names of the notebooks."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def read(name: str) -> Any:
    """A notebook as it is committed."""
    return nbformat.read(FOLDER / f"{name}.ipynb", 4)


def sources_hash(notebook: Any) -> str:
    """A hash of the sources of a notebook's cells."""
    sources = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:32]


def executed(notebook: Any, folder: Path) -> Any:
    """Run a notebook from top to bottom in a folder, and return it with its outputs."""
    resources = {"metadata": {"path": str(folder)}}
    path = os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))  # this checkout's leadflow
    client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources=resources)
    client.execute(env={**os.environ, "PYTHONPATH": path})
    return notebook


def texts(notebook: Any) -> Iterator[str]:
    """All that the outputs of a notebook show."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield from [output["text"]] if "text" in output else map(str, output.get("data", {}).values())


def cleaned(notebook: Any, folder: Path) -> Any:
    """The notebook with outputs that are small, that need no kernel, and that tell nothing of this machine."""
    cleaner = _Cleaner(folder)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [cleaner.clean(output) for output in cell.outputs]
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["leadflow"] = {"sources": sources_hash(notebook)}
    return notebook


class _Cleaner:
    """Cleans the outputs of one notebook. The same style sheet is kept once: all cells of a page share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._styles: set[str] = set()
        self._jobs: dict[str, str] = {}

    def clean(self, output: Any) -> Any:
        if "text" in output:
            output["text"] = self._plain(output["text"])
        if "data" in output:
            output["data"] = {kind: self._plain(text) for kind, text in output["data"].items() if kind in _KEPT}
            output["metadata"] = {}
        output.pop("transient", None)
        return output

    def _plain(self, text: str) -> str:
        text = text.replace(self._folder, ".")
        for pattern, replacement in _REPLACED:
            text = pattern.sub(replacement, text)
        return _STYLE.sub(self._once, _JOB_ID.sub(self._numbered, text))

    def _numbered(self, found: re.Match[str]) -> str:
        return self._jobs.setdefault(found[1], f"-20261101-090000-{len(self._jobs) + 1:06x}")

    def _once(self, found: re.Match[str]) -> str:
        if found[0] in self._styles:
            return ""
        self._styles.add(found[0])
        return found[0]


def write(name: str) -> int:
    """Run a notebook and write it with its outputs; return its size in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEADFLOW_HOME"] = folder
        notebook = cleaned(executed(read(name), Path(folder)), Path(folder))
    nbformat.validate(notebook)
    path = FOLDER / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path.stat().st_size


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    for wanted in sys.argv[1:] or names():
        sys.stdout.write(f"{wanted}: {write(wanted):,} bytes\n")
