"""JSON as Google prints it: two spaces a level, one cell a line."""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any


def pretty(value: Any, indent: str = "\n") -> str:
    """Return a value as indented JSON, without escapes for characters outside ASCII."""
    inner = indent + "  "
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict) and value:
        return (
            "{"
            + ",".join(f"{inner}{encode_basestring(k)}: {pretty(v, inner)}" for k, v in value.items())
            + f"{indent}}}"
        )
    if isinstance(value, list) and value:
        return "[" + ",".join([inner + pretty(item, inner) for item in value]) + f"{indent}]"
    return json.dumps(value)
