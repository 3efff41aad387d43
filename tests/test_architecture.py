"""The architecture is a test, and so are the style, the types, and every example in a docstring."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from sizes import CLASS, FILE, FUNCTION, long_definitions, long_files

_ROOT = Path(__file__).parent.parent
_HAS_LOCAL = find_spec("fakesnow") is not None  # not beside connector 5; see leadflow[local] in pyproject.toml


def _passes(tool: str, *arguments: str) -> None:
    """Run a tool over the repository; its output is the message if it finds something."""
    command = [str(Path(sys.executable).parent / tool), *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{tool} {' '.join(arguments)}\n{done.stdout}{done.stderr}"


def test_imports_point_one_way():
    _passes("lint-imports")


def test_ruff_finds_nothing():
    _passes("ruff", "check", "--extend-select=E501", "--output-format=concise", ".")


def test_ruff_format_would_change_nothing():
    _passes("ruff", "format", "--check", ".")


@pytest.mark.skipif(not _HAS_LOCAL, reason="pyright also reads the packages that leadflow.local imports")
@pytest.mark.timeout(900)
def test_pyright_finds_nothing():
    _passes("pyright", "--warnings", f"--pythonpath={sys.executable}")


@pytest.mark.timeout(900)
def test_the_examples_in_docstrings_run():
    without = [] if _HAS_LOCAL else ["--ignore=leadflow/local"]
    _passes("pytest", "-q", "--doctest-modules", *without, "leadflow")


@pytest.mark.parametrize("folder", ["leadflow", "tests"])
def test_no_file_is_too_long(folder):
    found = long_files(_ROOT / folder)
    assert not found, _offenders(f"files of more than {FILE} lines in {folder}; split them by subject", found)


def test_no_class_or_function_is_too_long():
    found = list(long_definitions(_ROOT / "leadflow"))
    assert not found, _offenders(f"classes of more than {CLASS} lines, functions of more than {FUNCTION}", found)


def test_a_long_definition_is_found(tmp_path):
    body = "    x = 1\n" * 29
    docstring = '    """One.\n' + "    More.\n" * 30 + '    """\n'
    (tmp_path / "a.py").write_text(
        f"def fits():\n{body}\n"
        f"def exceeds():\n{body}    x = 1\n"
        f"def explained():\n{docstring}{body}\n"
        f"def _explained_in_private():\n{docstring}{body}\n"
        f"class Long:\n{body * 9}\n"
    )
    found = [line.partition(": ")[2] for line in long_definitions(tmp_path)]
    assert found == ["exceeds, 31 lines", "_explained_in_private, 62 lines", "class Long, 262 lines"]
    assert long_files(tmp_path) == [f"{tmp_path}/a.py: 451 lines"]


def _offenders(what: str, found: list[str]) -> str:
    return f"{len(found)} {what}:\n" + "\n".join(found).replace(f"{_ROOT}/", "")
