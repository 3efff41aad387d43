"""Convert frames: pandas or polars to polars and back, cells to text, columns to the identity of a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import narwhals as nw
import polars as pl

from leadflow.errors import ColumnsError, InputError, shown
from leadflow.leads.columns import IDENTITY, person_key, resolve_columns
from leadflow.leads.postal import repaired_zip

F = TypeVar("F")


def same_kind(frame: F, work: Callable[[pl.DataFrame], pl.DataFrame]) -> F:
    """Call `work` with the frame as polars and return its result as the kind of frame that was given."""
    if isinstance(frame, pl.DataFrame):
        return work(frame)
    wrapped = _wrapped(frame)
    done = work(_to_polars(wrapped))
    if wrapped.implementation.is_polars():
        return cast(F, done)
    result: Any = done.to_pandas()
    for name, kind in done.schema.items():
        if isinstance(kind, pl.List):
            result[name] = [None if v is None else list(v) for v in result[name]]
    return result


def as_polars(frame: Any) -> pl.DataFrame:
    """Return a pandas or polars frame as polars. Raises InputError, ColumnsError for a frame that cannot be used."""
    return frame if isinstance(frame, pl.DataFrame) else _to_polars(_wrapped(frame))


def _wrapped(frame: Any) -> nw.DataFrame[Any]:
    """Wrap a frame for reading. Raises InputError for another type, ColumnsError for unnamed or repeated columns."""
    if hasattr(frame, "collect") and hasattr(frame, "lazy"):
        raise InputError("the leads are a lazy frame; call .collect() on it first")
    try:
        wrapped = nw.from_native(frame, eager_only=True)
        names = wrapped.columns
    except (TypeError, nw.exceptions.NarwhalsError):
        names = list(getattr(frame, "columns", ()))
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise ColumnsError(
                f"two columns are named {', '.join(map(shown, twice))}; give each a name of its own"
            ) from None
        kind = type(frame).__name__
        raise InputError(f"the leads are a {kind}; give a pandas or polars DataFrame") from None
    if other := [name for name in names if not isinstance(name, str)]:
        raise ColumnsError(f"{len(other)} columns have a name that is no text; name them, as in frame.columns = [...]")
    return wrapped


def _to_polars(wrapped: nw.DataFrame[Any]) -> pl.DataFrame:
    columns = {name: [_plain(v) for v in wrapped[name].to_list()] for name in wrapped.columns}
    return pl.DataFrame(columns, strict=False, infer_schema_length=None)


def _plain(value: Any) -> Any:
    """Convert a cell to a plain Python value; pandas reads lists of a Parquet file as arrays."""
    if _is_missing(value):
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in cast(Iterable[Any], value)]
    return value


def _is_missing(value: object) -> bool:
    """Whether a cell is empty: None, NaN, or pandas' NA or NaT."""
    return (
        value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")
    )


def text_of(value: object) -> str:
    """Convert a cell to text: None is empty, 4013.0 of a float column is 4013.

    >>> text_of(4013.0), text_of(["a", None, 2.0])
    ('4013', 'a, 2')
    """
    if isinstance(value, pl.Series | list | tuple):
        # str() of a polars Series shows only its first entries.
        return ", ".join(text for entry in cast(Iterable[object], value) if (text := text_of(entry)))
    if _is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def with_identity(leads: pl.DataFrame) -> pl.DataFrame:
    """Add person_key and the parts of the identity (first_name ... zip) as text. Raises ColumnsError if one is missing.

    The key is made from the text as it is in the frame; the ZIP is repaired afterwards.
    """
    if {"person_key", *IDENTITY} <= set(leads.columns):
        return _with_repaired_zip(leads)
    found = resolve_columns([c for c in leads.columns if c != "person_key"])
    parts = {part: [text_of(v) for v in leads[column]] for part, column in found.items()}
    if "person_key" not in leads.columns:
        parts["person_key"] = [person_key(*row) for row in zip(*(parts[p] for p in IDENTITY), strict=True)]
    else:
        parts["person_key"] = [text_of(v) for v in leads["person_key"]]
    parts["zip"] = [repaired_zip(*row) for row in zip(parts["zip"], parts["state"], strict=True)]
    kept = leads.drop([c for part, c in found.items() if c in parts and c != part])
    added = pl.DataFrame(parts, schema=dict.fromkeys(["person_key", *IDENTITY], pl.String))
    return pl.concat([added, kept.drop([c for c in added.columns if c in kept.columns])], how="horizontal")


def _with_repaired_zip(leads: pl.DataFrame) -> pl.DataFrame:
    zips = leads["zip"]
    if zips.dtype == pl.String and bool((zips.str.len_chars() == 5).all()):
        return leads
    pairs = leads.select_seq("zip", "state").iter_rows()
    repaired = [repaired_zip(text_of(zip_code), text_of(state)) for zip_code, state in pairs]
    return leads.with_columns_seq(pl.Series("zip", repaired, pl.String))


def as_text(leads: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Convert columns to text as text_of does for a cell; a text column is only selected."""
    kinds = leads.schema
    return leads.select_seq(
        pl.col(name).cast(pl.String).fill_null("")
        if kinds[name] == pl.String or kinds[name].is_integer()
        else pl.lit(pl.Series(name, [text_of(value) for value in leads[name]], pl.String))
        for name in names
    )
