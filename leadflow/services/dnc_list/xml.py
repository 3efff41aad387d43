"""Read a do-not-call list in XML: whole numbers, or an area code and then seven-digit numbers inside or after it.

The registry (https://telemarketing.donotcall.gov) offers "XML tagged" files, and its schema is not public. So only a
clear layout is accepted: an element or attribute named like an area code holds three digits, and everything else with
digits is a number. Public programs that read these files show `<list type='full' val='504'>`, with or without
`<ac val='504'>` inside it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import BinaryIO
from xml.parsers import expat

import numpy as np

from leadflow.services.dnc_list.rows import Faults, Numbers, phones_of_row

_AREA = re.compile(r"(?i)(?:ac|npa|area(?:[_-]?code)?s?)")
_CHANGE_WORDS = r"(?:chang|action|delta|operation|updat|modif|delet|remov|revok|insert)"
_CHANGE = re.compile(rf"(?i).*{_CHANGE_WORDS}.*|(?:add|adds|added|new|ad|add.?del|op|drop|dropped|adddel)")
_MARK = re.compile(r"(?i)\s*(?:[acdinru]|add|added|del|new|ins|upd|chg|rem|[+-])\s*")
_VALUE = re.compile(r"(?i)(?:val|value|code|number|num|id)")
_SEVEN = re.compile(r"\s*([2-9]\d\d)[-. ]?(\d{4})\s*", re.ASCII)
_THREE = re.compile(r"\s*([2-9]\d\d)\s*", re.ASCII)
_FLUSH = 100_000


class _StopReadingError(Exception):
    """There are enough faults to stop reading."""


class _Reader:
    """Handles the parser's events; `_scopes` holds the area code that applies in each open element."""

    def __init__(self, numbers: Numbers) -> None:
        self.faults = Faults()
        self._numbers = numbers
        self._scopes: list[str] = [""]
        self._names: list[str] = []
        self._is_leaf = True
        self._text = ""
        self._found: list[int] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._entity

    def flush(self) -> None:
        """Add the numbers found so far to the list."""
        self._numbers.add(np.array(self._found, np.int64))
        self._found.clear()

    def _entity(self, *_: object) -> None:
        self._fault("an entity declaration")

    def _fault(self, what: str) -> None:
        if self.faults.note(self.parser.CurrentLineNumber, what):
            raise _StopReadingError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._text:
            self._take_text()
        is_root = not self._names
        self._names.append(name)
        self._is_leaf = True
        self._scopes.append(self._scopes[-1])
        if _kind_of(name) == "change":
            self._fault("an element of a change list")
        for key, value in attributes.items():
            self._attribute(_kind_of(name, key), value, is_root)
        if len(self._found) >= _FLUSH:
            self.flush()

    def _attribute(self, kind: str, value: str, is_root: bool) -> None:
        if kind == "change" or _MARK.fullmatch(value) or (kind == "type" and _CHANGE.fullmatch(value)):
            self._fault("an attribute of a change list")
        elif kind == "area" or (is_root and kind == "list" and _THREE.fullmatch(value)):
            self._open(value)
        elif not is_root and _has_digit(value):
            self._number(value)

    def _open(self, value: str) -> None:
        if code := _THREE.fullmatch(value):
            self._scopes[-1] = code[1]
        else:
            self._fault("an area code that is not three digits")

    def _number(self, value: str) -> None:
        if (seven := _SEVEN.fullmatch(value)) and self._scopes[-1]:
            self._found.append(int(self._scopes[-1] + seven[1] + seven[2]))
        elif (whole := phones_of_row(value)) and len(whole) == 1:
            self._found.append(whole[0])
        else:
            self._fault("digits that are no whole phone number")

    def _characters(self, text: str) -> None:
        self._text += text

    def _take_text(self) -> None:
        text, self._text = self._text, ""
        if not text.strip():
            return
        if self._names and _kind_of(self._names[-1]) == "area":
            self._open(text)
        elif _has_digit(text):
            self._number(text)
        elif _MARK.fullmatch(text) or _CHANGE.fullmatch(text.strip()):
            self._fault("the mark of a change list (A or D)")

    def _end(self, name: str) -> None:
        if self._text:
            self._take_text()
        code = self._scopes.pop()
        if _kind_of(self._names.pop()) == "area" and self._is_leaf:
            # <areacode>504</areacode> applies to the numbers after it in the same element.
            self._scopes[-1] = code
        self._is_leaf = False


@lru_cache(maxsize=1_000)
def _kind_of(name: str, key: str = "") -> str:
    """Classify an element or attribute by name: change, area, list, type, or "" for one that may hold numbers."""
    element, attribute = name.rpartition(":")[2], key.rpartition(":")[2]
    if _CHANGE.fullmatch(attribute or element):
        return "change"
    if element.lower() in ("list", "dnc", "dnclist") and _VALUE.fullmatch(attribute):
        return "list"
    if _AREA.fullmatch(attribute or element) or (_AREA.fullmatch(element) and _VALUE.fullmatch(attribute)):
        return "area"
    return "type" if attribute.lower() in ("type", "kind", "list") else ""


def _has_digit(text: str) -> bool:
    return text.isdecimal() or any(map(str.isnumeric, text))


def read_xml(file: BinaryIO, numbers: Numbers) -> Faults:
    """Add the numbers of an XML file; the rows of the faults are its lines. Raises expat.ExpatError for invalid XML.

    >>> import io
    >>> found = Numbers()
    >>> listed = b'<list type="full"><ac val="504"><ph val="5550143"/><ph val="5550144"/></ac></list>'
    >>> read_xml(io.BytesIO(listed), found).rows, sorted(found.among(["5045550144", "2025550144"]))
    ([], ['5045550144'])
    """
    reader = _Reader(numbers)
    try:
        reader.parser.ParseFile(file)
        reader.flush()
    except _StopReadingError:
        pass
    return reader.faults
