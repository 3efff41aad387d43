"""Plain HTML beside a widget, in an output of its own, which the kernel updates by its display id.

A notebook is saved with it, and so is what nbconvert makes: widgets are gone there. It is hidden while the widgets
live in the same page. In Colab it is always shown, because a widget that a background thread changes is drawn there
only when the next cell runs.
"""

from __future__ import annotations

import secrets
import sys
import time
from typing import Any

from leadflow.notebook.widgets import mime_bundle
from leadflow.run.progress import in_notebook

_EVERY_S = 2.0


def in_colab() -> bool:
    """Return whether this kernel is one of Google Colab."""
    return "google.colab" in sys.modules


class Output:
    """The output of one display: `show` makes it, `update` changes it, as often as every two seconds."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(4)
        self._shown = False
        self._last, self._next = "", 0.0
        self._alone = False

    def mark(self, widget: Any) -> None:
        """Give a widget the class by which a page knows that it lives."""
        widget.add_class(f"lf-widgets-{self._token}")

    def show(self, widget: Any, html: str, text: str) -> None:
        """Show a widget, if there is one, and the plain HTML in a second output."""
        if not in_notebook():
            sys.stdout.write(text + "\n")
            return
        from IPython.display import display

        self._alone = widget is None or in_colab()
        if widget is not None:
            views = mime_bundle(widget, "", text)
            display({kind: view for kind, view in views.items() if kind != "text/html"}, raw=True)
        self._shown, self._last = True, html
        display(self._bundle(html, text), raw=True, display_id=self._token)

    def update(self, html: str, text: str, at_once: bool = False) -> None:
        """Change the plain HTML, unless that was done less than two seconds ago and need not be done `at_once`."""
        now = time.monotonic()
        if not self._shown or html == self._last or (now < self._next and not at_once):
            return
        from IPython.display import update_display

        self._last, self._next = html, now + (_EVERY_S / 4 if self._alone else _EVERY_S)
        update_display(self._bundle(html, text), raw=True, display_id=self._token)

    def _bundle(self, html: str, text: str) -> dict[str, str]:
        return {"text/html": self._page(html), "text/plain": text}

    def _page(self, html: str) -> str:
        """Return the HTML; it hides itself where the widgets live, and their error message where they do not."""
        live, plain = f".lf-widgets-{self._token}", f"lf-plain-{self._token}"
        rules = "" if self._alone else f"body:has({live}) .{plain}{{display:none}}"
        child = ".jp-OutputArea-child"
        rules += f"{child}:not(:has({live})):has(+ {child} .{plain}){{display:none}}"
        return f'<style>{rules}</style><div class="{plain}">{html}</div>'
