"""Widgets for front ends that can show them, and HTML or text for the others."""

from __future__ import annotations

import html
from typing import Any

from leadflow.errors import LeadflowError

INSTALL = "pip install 'leadflow[notebook]'"


def have_widgets() -> bool:
    """Return whether ipywidgets is installed."""
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True


def mime_bundle(widget: Any, as_html: str, as_text: str, **options: Any) -> dict[str, Any]:
    """Return a widget, with the HTML and text that a front end without widgets shows instead."""
    shown: dict[str, Any] = {"text/plain": as_text, "text/html": as_html}
    if widget is None:
        return shown
    full = widget._repr_mimebundle_(**options)
    views = full[0] if isinstance(full, tuple) else full
    return shown | {kind: view for kind, view in views.items() if kind != "text/plain"}


def error_html(error: BaseException) -> str:
    """Return an error as HTML. The message of a foreign error may hold personal data, so only its type is shown."""
    text = f"unexpected {type(error).__name__}; lf.trace(job_id) has what was recorded"
    if isinstance(error, LeadflowError):
        text = str(error)
    return f'<div style="border-left:3px solid #c0392b;padding:4px 12px;white-space:pre-wrap">{html.escape(text)}</div>'


def note_html(text: str) -> str:
    """Return a message that is no error as HTML."""
    return f'<div style="border-left:3px solid #2471a3;padding:4px 12px;white-space:pre-wrap">{html.escape(text)}</div>'
