"""What the sheet and the tables have now of a job's leads. The validation compares it with what they should have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadflow.reports.opt_outs import OptOut


@dataclass(frozen=True)
class Facts:
    """The lead keys that a job should have written, and the keys that are there, with repeats.

    None means that the keys could not be read. `withdrawn_keys` are leads whose rows were taken out since, or, of a
    re-scrub, those that it withdrew. `opt_outs` are the requests not to be called that this home knows. The last two
    are of a re-scrub: leads without the entries in the ledger that they should have, and leads that the consolidated
    table does not call withdrawn.
    """

    delivered_keys: list[str]
    final_keys: list[str]
    sheet_keys: list[str] | None = None
    cache_keys: list[str] | None = None
    consolidated_keys: list[str] | None = None
    withdrawn_keys: frozenset[str] = frozenset()
    opt_outs: tuple[OptOut, ...] = ()
    not_in_ledger: list[str] | None = None
    not_withdrawn_in_table: list[str] | None = None
