"""Widgets where they can be shown, HTML or text where they cannot."""

from __future__ import annotations

import html
from typing import Any

from leadflow.errors import LeadflowError

INSTALL = "pip install 'leadflow[notebook]'"


def have_widgets() -> bool:
    """Whether ipywidgets is installed."""
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True


def bundle(widget: Any, as_html: str, as_text: str, **options: Any) -> dict[str, Any]:
    """A widget together with what a front end without widgets shows instead."""
    shown: dict[str, Any] = {"text/plain": as_text, "text/html": as_html}
    if widget is not None:
        full = widget._repr_mimebundle_(**options)
        shown |= {
            kind: view for kind, view in (full[0] if isinstance(full, tuple) else full).items() if kind != "text/plain"
        }
    return shown


def told(error: BaseException) -> str:
    """An error as a person should read it; one that is not ours may quote a lead, so only its kind is shown."""
    text = (
        str(error)
        if isinstance(error, LeadflowError)
        else f"unexpected {type(error).__name__}; lf.trace(job_id) has what was recorded"
    )
    return f'<div style="border-left:3px solid #c0392b;padding:4px 12px;white-space:pre-wrap">{html.escape(text)}</div>'
