"""The result of a check for the user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from leadflow.check.render import to_html, to_text
from leadflow.check.rows import Row

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class CheckResult:
    """One row for each account, right and limit. A notebook shows it as a page, a terminal as text.

    `.frame` is a DataFrame with the columns `what`, `status` (ok, warning or failed), `found` and `what_to_do`.
    `result["status"]` is a column of it. The result has no secrets and no personal data.
    """

    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed. Warnings do not stop a job."""
        return all(row.status != "failed" for row in self.rows)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [field.name for field in fields(Row)]

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows], columns=pd.Index(self.columns))

    def __getitem__(self, column: str) -> pd.Series:
        """Return a column of the frame."""
        return self.frame.loc[:, column]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the rows."""
        return iter(self.rows)

    def __repr__(self) -> str:
        """Return the rows as text."""
        return to_text(self.rows)

    def _repr_html_(self) -> str:
        return to_html(self.rows)
