"""Save a page without overwriting what is not leadflow's."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from leadflow.errors import InputError

# The first line of each page, by which a later save knows that it may overwrite it.
MARK = "<!DOCTYPE html><!-- leadflow certificate -->"
_ENDINGS = (".html", ".htm")


def save_page(path: str | Path, html: str) -> Path:
    """Write a page whole or not at all, and return its path. Raises InputError, before it writes anything."""
    place = Path(path).expanduser()
    if place.suffix.lower() not in _ENDINGS:
        raise InputError(f"{place.name!r} does not end in .html; a certificate is a page, which a browser can print")
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent}; make it, or save the page elsewhere")
    if place.is_dir() or (place.exists() and not _is_ours(place)):
        raise InputError(f"{place} is there and is no certificate of leadflow; give another name")
    new = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        new.write_text(f"{MARK}\n{html}", encoding="utf-8")
        os.replace(new, place)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise InputError(f"{place} cannot be written ({error.strerror}); save the page elsewhere") from None
    return place


def _is_ours(place: Path) -> bool:
    try:
        with place.open(encoding="utf-8") as file:
            return file.read(len(MARK)) == MARK
    except (OSError, UnicodeDecodeError):
        return False
