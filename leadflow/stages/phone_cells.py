"""Find the cells of a frame that read like a phone.

One rule applies to the content of every cell. A column's name can only make the rule stricter: in a column with a name
for phones, any three digits count as a possible phone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import polars as pl

from leadflow.leads.phone_columns import is_area_code_column, is_named, is_phone_column
from leadflow.leads.phone_text import FIRST_LOOK, IS_DATE, MAY_HOLD_PHONE, has_digits, reads_like_phone
from leadflow.settings import Policy

_FEWEST_DIGITS = 3
_PARTS = {3: re.compile(r"[2-9]\d\d"), 4: re.compile(r"\d{4}"), 7: re.compile(r"[2-9]\d{6}")}
_YEAR = re.compile(r"(?:19|20)\d\d")
_LOCAL = r"^\P{N}*[2-9]\d\d\P{N}{0,3}\d{4}\P{N}*$"


def has_phone_name(name: str, policy: Policy) -> bool:
    """Whether a column's name reads like a phone. Snowflake names a constant without an alias after its text."""
    return reads_like_phone(name) and not is_named(name, policy.not_phones)


def phone_cells(cells: pl.DataFrame, policy: Policy, own: Mapping[str, str] | None = None) -> dict[str, pl.Series]:
    """Find the cells that read like a phone: a boolean mask for each column that has any.

    All columns of `cells` are text. `own` maps the script's own columns among them to the names that the script gave
    them. The rules for seven digits and for column names apply only to these columns.

    >>> found = phone_cells(pl.DataFrame({"note": ["call 504-555-0143", "no phone"], "city": ["Bath", ""]}), Policy())
    >>> {name: where.to_list() for name, where in found.items()}
    {'note': [True, False]}
    """
    own = {} if own is None else own
    judged = [name for name in cells.columns if not is_named(own.get(name, name), policy.not_phones)]
    hinted = [name for name in judged if name in own and is_phone_column(own[name])]
    found = {name: _where(cells[name], set(cells[name].to_list()), _is_unclear) for name in hinted}
    found |= {
        name: _where(cells[name], texts, partial(reads_like_phone, local=name in own))
        for name, texts in _likely(cells[[name for name in judged if name not in found]]).items()
    }
    for name, where in _in_parts(cells[[name for name in judged if name in own]], own).items():
        found[name] = found[name] | where if name in found else where
    return {name: where for name in cells.columns if (where := found.get(name)) is not None and where.any()}


def _likely(cells: pl.DataFrame) -> dict[str, set[str]]:
    """Return the texts to read in Python, by column. Polars' regular expressions rule out nearly all other texts.

    All columns are one for polars, which compiles an expression anew for each column.
    """
    if cells.is_empty() or not cells.width:
        return {}
    every = pl.DataFrame({"text": pl.concat([column.rename("text") for column in cells])}).with_row_index("place")
    may = every.filter(pl.col("text").str.contains(FIRST_LOOK))
    likely = pl.DataFrame({"text": may["text"].unique()}).filter(
        pl.col("text").str.contains(MAY_HOLD_PHONE) & ~pl.col("text").str.contains(IS_DATE)
    )
    texts, found = set(likely["text"]), dict[str, set[str]]()
    rows: Iterator[tuple[int, str]] = may.iter_rows() if texts else iter(())
    for place, text in rows:
        if text in texts:
            found.setdefault(cells.columns[place // cells.height], set()).add(text)
    return found


def _where(column: pl.Series, texts: set[str], judge: Callable[[str], bool]) -> pl.Series:
    return column.is_in([text for text in texts if text and judge(text)])


def _is_unclear(text: str) -> bool:
    """Whether a cell of a column with a phone's name holds a phone, or possibly a part of one."""
    return has_digits(text, _FEWEST_DIGITS) or reads_like_phone(text)


def _in_parts(cells: pl.DataFrame, own: Mapping[str, str]) -> dict[str, pl.Series]:
    """Find a phone that is split over adjacent columns in all rows: 504 and 5550143, or 504, 555 and 0143."""
    if cells.is_empty() or not cells.width:
        return {}
    longest = cells.select_seq(pl.all().str.len_bytes().max()).row(0)
    digits = {
        name: _part(cells[name], most) if most in _PARTS else 0
        for name, most in zip(cells.columns, longest, strict=True)
    }
    found: dict[str, pl.Series] = {}
    for start in range(cells.width) if any(digits.values()) else ():
        for parts in ((3, 7), (3, 3, 4)):
            names = cells.columns[start : start + len(parts)]
            if tuple(digits[name] for name in names) == parts:
                found |= {name: cells[name] != "" for name in names}
    if any(is_area_code_column(own[name]) for name in cells.columns):
        found = {**{name: cells[name].str.contains(_LOCAL) for name in cells.columns}, **found}
    return found


def _part(column: pl.Series, digits: int) -> int:
    """Return the number of digits of a column's cells, if all may be the same part of a phone; else 0."""
    there = [cell for cell in column.to_list() if cell]
    is_part = all(map(_PARTS[digits].fullmatch, there)) and not all(map(_YEAR.fullmatch, there))
    return digits if is_part else 0
