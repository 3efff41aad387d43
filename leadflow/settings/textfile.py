"""Read small text files in the encodings that editors write: UTF-8, UTF-16, UTF-32 (with or without a mark), others."""

from __future__ import annotations

import codecs
from pathlib import Path

from leadflow.errors import SettingsError

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, encoding: str | None = None) -> tuple[str, bool]:
    """Return the text of a file, and whether all of its characters are certain.

    The encoding is that of the byte-order mark, else `encoding`, else UTF-8 if all bytes are valid in it. In any other
    encoding only the ASCII characters are certain: leadflow does not guess accented letters, which may be part of a
    secret. Raises SettingsError with a one-line message if the file cannot be read or is not text.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); check its permissions") from None
    marked = next((name for mark, name in BYTE_ORDER_MARKS if raw.startswith(mark)), None)
    text, certain = _decoded(raw, marked or encoding or _unmarked(raw))
    if text is None or "\x00" in text:
        raise SettingsError(f"{path} is not text that can be read; save it as UTF-8")
    return text.removeprefix("\ufeff"), certain


def _unmarked(raw: bytes) -> str:
    """Detect UTF-16 without a mark by its zero bytes: in ASCII text every other byte is zero."""
    if b"\x00" not in raw:
        return "utf-8"
    return "utf-16-le" if raw[1::2].count(0) > raw[0::2].count(0) else "utf-16-be"


def _decoded(raw: bytes, name: str) -> tuple[str | None, bool]:
    try:
        return raw.decode(name), True
    except (UnicodeDecodeError, LookupError):
        return (raw.decode("latin-1"), False) if name == "utf-8" else (None, False)
