"""What the sheet and the tables have now of a job's leads. The validation compares it with what they should have."""

from __future__ import annotations

from dataclasses import dataclass, field

from leadflow.reports.opt_outs import OptOut


@dataclass(frozen=True)
class Facts:
    """The lead keys that a job should have written, and the keys that are there, with repeats.

    None means that the keys could not be read. The next three are of a re-scrub: the leads that it withdrew, those
    without the entries in the ledger that they should have, and those that the consolidated table does not call
    withdrawn. `gone_keys` are leads whose rows were taken out after their delivery, for any reason, and `opt_outs` are
    the requests not to be called that this home knows.
    """

    delivered_keys: list[str]
    final_keys: list[str]
    sheet_keys: list[str] | None = None
    cache_keys: list[str] | None = None
    consolidated_keys: list[str] | None = None
    withdrawn_keys: list[str] = field(default_factory=list[str])
    not_in_ledger: list[str] | None = None
    not_withdrawn_in_table: list[str] | None = None
    gone_keys: frozenset[str] = frozenset()
    opt_outs: tuple[OptOut, ...] = ()
