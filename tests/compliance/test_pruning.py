"""Records are deleted when they need not be kept any longer, never before, and only when somebody asks for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcome import ledger_rows
from warehouse_tables import READ, RIGHTS, with_warehouse

import leadflow as lf
from leadflow.compliance.ledger import event_entry, record
from leadflow.compliance.pruning import years_before
from leadflow.errors import RefusedError
from leadflow.services.warehouse import Warehouse
from leadflow.stages.ledger_entries import DELIVERED


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(1, 50))
def test_a_day_that_many_years_before_is_never_later(day, years):
    found = years_before(day, years)
    assert found.year == day.year - years
    assert found <= day - timedelta(days=365 * years)


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        with Warehouse(world.settings.warehouse) as warehouse:
            warehouse.ensure_tables()
        yield engine


def _write(world, *days_ago):
    now = datetime.now(timezone.utc)
    with Warehouse(world.settings.warehouse) as warehouse:
        record(warehouse, [event_entry(DELIVERED, f"k{n}", "", "j1", now - timedelta(days=n)) for n in days_ago])
        for n in days_ago:
            warehouse.execute(
                "INSERT INTO SUPPRESSIONS (SUPPRESSION_ID, EXPIRES_ON) SELECT ?, TO_DATE(?, 'YYYY-MM-DD')",
                (f"s{n}", (now.date() - timedelta(days=n)).isoformat()),
            )
        warehouse.execute("INSERT INTO SUPPRESSIONS (SUPPRESSION_ID) SELECT 'for ever'")


def _left(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        kept = sorted(name for (name,) in warehouse.execute("SELECT SUPPRESSION_ID FROM SUPPRESSIONS"))
    return sorted(row["LEAD_KEY"] for row in ledger_rows(world)), kept


def test_only_what_is_older_than_must_be_kept_goes_and_only_when_asked_for(world, engine):
    _write(world, 0, 1826, 1850, 1870, 3650, 3660)
    before = _left(world)
    assert engine.prune_records() == {"SCRUB_LEDGER": 3, "SUPPRESSIONS": 1}
    assert _left(world) == before
    assert engine.prune_records(dry_run=False) == {"SCRUB_LEDGER": 3, "SUPPRESSIONS": 1}
    assert _left(world) == (["k0", "k1826", "k1850"], ["for ever", "s0", "s1826", "s1850", "s1870", "s3650"])
    assert engine.prune_records(dry_run=False) == {"SCRUB_LEDGER": 0, "SUPPRESSIONS": 0}


def test_the_settings_may_keep_them_longer(world, engine):
    _write(world, 1870, 3660)
    longer = world.settings.compliance.model_copy(update={"keep_evidence_years": 6, "keep_opt_outs_years": 11})
    with lf.Engine(world.settings.model_copy(update={"compliance": longer})) as other:
        assert other.prune_records() == {"SCRUB_LEDGER": 1, "SUPPRESSIONS": 0}


def test_the_rights_of_a_job_do_not_suffice(world, engine):
    _write(world, 1870)
    world.configure(roles={"ANALYST": {"RAW_LEADS": READ, **RIGHTS}})
    with lf.Engine(with_warehouse(world, role="ANALYST")) as other:
        assert other.prune_records()["SCRUB_LEDGER"] == 1
        with pytest.raises(RefusedError, match="privileges"):
            other.prune_records(dry_run=False)
    world.configure(roles={})
    assert _left(world)[0] == ["k1870"]
