"""The leads of a job as frames, by reason."""

from __future__ import annotations

import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.errors import InputError, JobNotFound


@pytest.fixture
def job(world):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=30, progress=False)
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        yield job


def test_each_reason_has_as_many_leads_as_the_job_counted(world, job):
    counted = {reason: n for reason, n in job.counts.held.items() if reason not in ("duplicate", "no_identity")}
    counted.pop("over_limit", None)
    assert counted
    assert {reason: len(job.leads(reason)) for reason in counted} == counted
    delivered = job.delivered()
    assert len(delivered) == job.counts.delivered
    rows = world.sheet_values()
    key, name = (rows[0].index(title) for title in ("Lead Key", "First Name"))
    shown = {row[key]: row[name] for row in rows[1:]}
    assert all(shown[lead] == first for lead, first in zip(delivered["Lead Key"], delivered["First Name"], strict=True))
    assert len(job.leads()) == job.counts.delivered + sum(counted.values())


def test_an_unknown_reason_names_the_nearest(job):
    with pytest.raises(InputError, match="the nearest is 'litigator'"):
        job.leads("litigators")


def test_an_unknown_job_is_said(job, world):
    with lf.Engine(world.settings) as engine, pytest.raises(JobNotFound):
        engine.leads("no-such-job")
