"""Take up again leads that were held back long enough ago: their bought answers are used, and stale ones dropped."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadflow.run.context import RunContext
    from leadflow.stages.retried import Retried

_DAY_S = 86_400


def take_up(run: RunContext, held: Iterable[Retried], keys: Iterable[str]) -> None:
    """Store the answers that were bought for leads of this job, and drop those that are to be bought again.

    `keys` are the leads of this job: row limits may leave some of the `held` ones to another job. An answer that
    another job bought meanwhile is younger than the setting and stays.
    """
    wanted = set(keys)
    leads = [lead for lead in held if lead.person_key in wanted]
    if not leads:
        return
    stale: defaultdict[float, list[str]] = defaultdict(list)
    for lead in leads:
        if lead.answer is None:
            stale[lead.after_days].append(lead.person_key)
    for days, keys in stale.items():
        run.checkpoints.drop_answers(keys, time.time() - days * _DAY_S)
        run.checkpoints.drop_further(keys, time.time() - days * _DAY_S)
    run.checkpoints.take_over(run.job_id, [lead.answer for lead in leads if lead.answer is not None])
    run.log("Snowflake", taken_up(leads))


def taken_up(leads: Sequence[Retried]) -> str:
    """Say how many leads are taken up again, by reason.

    >>> from leadflow.stages.retried import Retried
    >>> taken_up([Retried("k1", "no_match", 90)])
    '1 leads that were held back before are taken up again: 1 no_match (0 without a new lookup)'
    """
    counts = Counter(lead.reason for lead in leads)
    reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.items()))
    kept = sum(lead.answer is not None for lead in leads)
    return f"{len(leads)} leads that were held back before are taken up again: {reasons} ({kept} without a new lookup)"
