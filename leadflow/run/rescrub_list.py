"""The list of a re-scrub: the leads to check again, on disk before the first check, in pools of thousands of phones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from leadflow.compliance.rescrub import REMOVED_BY_HAND, UNCHECKED, WITHDRAWN
from leadflow.run.batch import Batch
from leadflow.stages.list_columns import TEXTS

if TYPE_CHECKING:
    from leadflow.checkpoints.leads import StoredBatch
    from leadflow.run.context import RunContext
    from leadflow.run.tally import Tally
    from leadflow.settings import Settings


@dataclass
class Pool:
    """Leads whose phones are checked in one request for each list.

    `batch` has the leads that the sheet shows; `absent` those that it does not show any more, with their outcome.
    """

    batch: Batch
    absent: pl.DataFrame
    is_checked: bool = False

    @property
    def height(self) -> int:
        """The number of leads."""
        return self.batch.leads.height + self.absent.height


def most_phones(settings: Settings) -> int:
    """Return how many phones go into one request for each of the two lists."""
    sizes = [settings.litigator.max_numbers]
    return min([*sizes, settings.dnc.max_numbers] if settings.dnc.provider == "dncscrub" else sizes)


def pools_of(leads: pl.DataFrame, phones: int) -> list[pl.DataFrame]:
    """Divide leads, in their order, into frames of up to this many phones; a lead is never divided."""
    if leads.is_empty():
        return []
    sizes, number, held, numbers = leads["phones"].list.len().to_list(), 0, 0, list[int]()
    for size in sizes:
        if held and held + size > phones:
            number, held = number + 1, 0
        held += size
        numbers.append(number)
    numbered = leads.with_columns(pl.Series("pool", numbers, pl.Int64))
    return [frame.drop("pool") for frame in numbered.partition_by("pool", maintain_order=True)]


def listed(run: RunContext, tally: Tally, shown: pl.DataFrame) -> list[Pool]:
    """Return the leads of the job that are not settled; list them first, unless an earlier run of the job did.

    `shown` are all leads of the sheet. A resume takes the phones that the sheet shows now.
    """
    counts = run.checkpoints.extracted(run.job_id)
    if counts is None:
        counts = _list(run, shown)
    leads = run.checkpoints.tally(run.job_id)
    settled = sum(n for (disposition, _), n in leads.items() if disposition in ("renewed", "withdrawn"))
    if any(disposition for disposition, _ in leads):
        run.log("Engine", f"Resuming: {settled} of {counts['todo']} leads are settled")
    tally.start(settled, counts["todo"])
    reasons = run.checkpoints.decided(run.job_id)
    return [_pool(stored, shown, reasons) for stored in run.checkpoints.unsettled(run.job_id)]


def _list(run: RunContext, shown: pl.DataFrame) -> dict[str, int]:
    """Store the leads that are due, and return the counts."""
    run.checkpoints.drop_leads(run.job_id)
    due, first_row = shown.filter("is_due"), 1
    for number, leads in enumerate(pools_of(due, most_phones(run.settings)), 1):
        run.checkpoints.add_leads(run.job_id, number, first_row, list(_stored(leads)))
        first_row += leads.height
    days = run.rescrub["older_than_days"]
    run.log("Engine", f"{due.height} of {shown.height} leads in the sheet have checks of {days:g} days or more")
    counts = {"extracted": due.height, "already_processed": 0, "todo": due.height}
    run.history.update_job(run.job_id, counts=counts)
    return run.checkpoints.extracted(run.job_id, counts) or counts


def _stored(leads: pl.DataFrame) -> Iterator[dict[str, str]]:
    for key, phones in leads.select("person_key", "phones").iter_rows():
        yield {"person_key": key, "phones": json.dumps(phones)}


def _pool(stored: StoredBatch, shown: pl.DataFrame, reasons: Mapping[str, str]) -> Pool:
    keys = pl.DataFrame({"person_key": [row["person_key"] for row in stored.rows]}, {"person_key": pl.String})
    present = shown.join(keys, on="person_key", how="semi", maintain_order="left")
    there = set(present["person_key"])
    absent = [row for row in stored.rows if row["person_key"] not in there]
    return Pool(Batch(stored.number, stored.first_row, present), _absent(absent, reasons))


def _absent(rows: list[dict[str, str]], reasons: Mapping[str, str]) -> pl.DataFrame:
    """Return leads that are not in the sheet any more: withdrawn before a kill, or by a person."""
    keys, phones = [row["person_key"] for row in rows], [json.loads(row["phones"]) for row in rows]
    schema = {"person_key": pl.String, "phones": TEXTS, "verdicts": TEXTS}
    found = pl.DataFrame([keys, phones, [[UNCHECKED] * len(numbers) for numbers in phones]], schema, orient="col")
    return found.with_columns(
        pl.lit(WITHDRAWN).alias("disposition"),
        pl.Series("reason", [reasons.get(key, REMOVED_BY_HAND) for key in keys], pl.String),
        pl.lit("").alias("callable_until"),
    )
