"""Settings as text and HTML: those that differ from their defaults. A secret is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from leadflow.display.elements import card, muted, pairs
from leadflow.display.text import text_pairs

_MOST = 120
_SECRET, _HIDDEN = "(secret, set)", "(set, not shown)"


def differing(settings: BaseModel, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the settings that differ from their defaults: dotted name and value; of a secret only that it is set."""
    for name, field in type(settings).model_fields.items():
        value, dotted = getattr(settings, name), f"{before}{name}"
        if isinstance(value, BaseModel):
            yield from differing(value, f"{dotted}.")
        elif value != _default(field):
            yield dotted, _text(value) if field.repr else _HIDDEN


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() else field.get_default(call_default_factory=True)


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return _SECRET
    if isinstance(value, list | tuple | set | frozenset) and any(isinstance(one, SecretStr) for one in value):
        return _SECRET
    text = str(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."


def to_text(settings: BaseModel) -> str:
    """Return the settings that differ from the defaults, as text."""
    return text_pairs("Settings that differ from the defaults:", differing(settings))


def to_html(settings: BaseModel) -> str:
    """Return the settings that differ from the defaults, as HTML."""
    hint = "All others have their defaults: settings.model_dump() has every one. Secrets are not shown."
    return card("Settings that differ from the defaults", pairs(differing(settings)) + muted(hint))
