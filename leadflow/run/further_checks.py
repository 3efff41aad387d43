"""The further checks of a batch, after the litigator and the do-not-call check."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from leadflow.stages.further_checks import check_further

if TYPE_CHECKING:
    import polars as pl

    from leadflow.leads.verdicts import Scrub
    from leadflow.run.context import RunContext
    from leadflow.stages.further_checks import SafeCheck

    Fresh = Callable[[pl.DataFrame, str, SafeCheck], dict[str, Scrub]]


def with_further_checks(
    run: RunContext, leads: pl.DataFrame, number: int, fresh: Fresh, save: Callable[[list[Scrub]], None]
) -> pl.DataFrame:
    """Return the leads with the results of all further checks, asked in order.

    `fresh` returns the recent scrubs that may be used again; `save` stores new ones.
    """
    for service in run.services.further.checks:
        leads = check_further(
            leads,
            service,
            run.settings.policy,
            known=fresh(leads, service.kind, service),
            on_scrubs=save,
            stop=run.halt,
            emit=run.emit,
            batch=number,
        )
    return leads
