"""Values in the format of the history file."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any


def plain(value: Any) -> Any:
    """Return a value in the file's format."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, dict):
        return clean(json.dumps(value, default=str, ensure_ascii=False))
    return clean(str(value)) if isinstance(value, str) else value


def clean(text: str) -> str:
    """Return text that is valid UTF-8: a lone surrogate becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
