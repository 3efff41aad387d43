"""How long files, classes and functions are: what the architecture allows, and what exceeds it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FILE, CLASS, FUNCTION = 400, 250, 30
LONG_DOCSTRING = 4
_Def = ast.FunctionDef | ast.AsyncFunctionDef


def long_files(root: Path) -> list[str]:
    """Files with too many lines."""
    counted = ((path, len(path.read_text(encoding="utf-8").splitlines())) for path in sorted(root.rglob("*.py")))
    return [f"{path}: {lines} lines" for path, lines in counted if lines > FILE]


def long_definitions(root: Path) -> Iterator[str]:
    """Classes and functions with too many lines, signature and docstring included.

    Of a public function with a long docstring only the body counts.
    """
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and _lines(node) > CLASS:
                yield f"{path}:{node.lineno}: class {node.name}, {_lines(node)} lines"
            if isinstance(node, _Def) and _lines(node) > FUNCTION and not _has_short_body(node):
                yield f"{path}:{node.lineno}: {node.name}, {_lines(node)} lines"


def _lines(node: _Def | ast.ClassDef | ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _has_short_body(node: _Def) -> bool:
    """Whether it is a public function with a long docstring and, without that, a short body."""
    if node.name.startswith("_") or ast.get_docstring(node) is None or _lines(node.body[0]) < LONG_DOCSTRING:
        return False
    body = node.body[1:]
    return not body or (body[-1].end_lineno or 0) - body[0].lineno < FUNCTION
