"""The rows of a report's tables, as all renderers show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from leadflow.display.units import duration

if TYPE_CHECKING:
    import pandas as pd

MOST_DELAYS = 50
_MOST_ROWS = 300


def rows_where(frame: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    """Return the rows of a frame for which `wanted` is true."""
    return cast("pd.DataFrame", frame[wanted])


def shortened(frame: pd.DataFrame, columns: list[str], most: int = _MOST_ROWS) -> list[list[object]]:
    """Return the rows of a frame. For a long frame: the first, a row that counts the hidden ones, and the last."""
    if len(frame) <= most:
        return frame[columns].to_numpy().tolist()
    half = most // 2
    gap: list[object] = ["...", *[""] * (len(columns) - 2), f"{len(frame) - 2 * half} more: lf.trace has them all"]
    return [*frame[columns].head(half).to_numpy().tolist(), gap, *frame[columns].tail(half).to_numpy().tolist()]


def delay_row(delay: dict[Any, Any]) -> list[object]:
    """Return time, stage, batch, silence, the usual silence, and the messages before and after."""
    batch, usual = delay["batch"], delay["usual_s"]
    return [
        delay["time"],
        delay["stage"],
        int(batch) if _known(batch) else "",
        duration(delay["gap_s"]),
        duration(usual) if _known(usual) else "not known",
        delay["after"],
        delay["before"],
    ]


def _known(value: Any) -> bool:
    """Return whether a value is a number: not None, pandas.NA or NaN."""
    import pandas as pd

    return not pd.isna(value)
