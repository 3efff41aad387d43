"""The architecture is a test, and so are the style, the types, and every example in a docstring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sizes import CLASS, FILE, FUNCTION, long_definitions, long_files

_ROOT = Path(__file__).parent.parent
_CHECKS = {
    "imports point one way": ["lint-imports"],
    "ruff finds nothing": ["ruff", "check", "--extend-select=E501", "--output-format=concise", "."],
    "ruff format changes nothing": ["ruff", "format", "--check", "."],
    "pyright finds nothing": ["pyright", "--warnings", f"--pythonpath={sys.executable}"],
    "the examples in docstrings run": ["pytest", "-q", "--doctest-modules", "leadflow"],
}


@pytest.mark.parametrize("check", _CHECKS)
def test_check_passes(check):
    tool, *arguments = _CHECKS[check]
    command = [str(Path(sys.executable).parent / tool), *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"not so: {check} (run: {tool} {' '.join(arguments)})\n{done.stdout}{done.stderr}"


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
