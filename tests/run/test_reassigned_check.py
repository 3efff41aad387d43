"""Maine: a lead is delivered only if the reassigned-numbers check answered that its number was not reassigned."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest
from outcome import OBSERVED, observe, sheet_rows
from pydantic import SecretStr

import leadflow as lf
from leadflow.leads.area_codes import STATE_OF, state_code
from leadflow.services.dncscrub import DncScrub, LitigatorList, ReassignedNumbers
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.settings import ComplianceSettings, Policy
from leadflow.stages import check_dnc, check_litigators, deliver
from leadflow.stages.reassigned import check_reassigned
from leadflow.stages.settle import settle

_MAINE = "SELECT r.*, '2026-01-05' AS \"Last Contact\" FROM RAW_LEADS r WHERE \"State\" = 'ME'"
_HELD = "reassigned_check"
assert OBSERVED is not None


def _reassigned(world, **more):
    url = f"{world.url}/reassigned/v1.5/Data/RNDBasic"
    return {
        "login_id": SecretStr("local-login"), "url": url, "date_column": "Last Contact", "max_per_minute": None, **more
    }  # fmt: skip


def _with_check(world, **more):
    return world.settings.model_copy(update={"reassigned": _reassigned(world, **more)})


def _answers(world, answer):
    """Answer alike for every number that a sample person may have."""
    codes = [*STATE_OF]
    world.configure(reassigned={f"{code}55501{n:02}": answer for code in codes for n in range(100)})


def test_without_the_check_a_lead_in_maine_is_held(world):
    with lf.Engine(world.settings) as engine:
        job = engine.run(_MAINE, limit_rows=40, progress=False)
        assert job.counts.delivered == 0
        assert job.counts.held[_HELD] > 10
        assert not sheet_rows(world)
        report = engine.report(job.id)
        assert bool(report.validation["ok"].all())
        assert _HELD in report.to_markdown() or "reassigned check" in report.to_markdown()
        assert engine.resume(job.id, progress=False).counts.held == job.counts.held


def test_a_setting_switches_it_off(world):
    settings = world.settings.model_copy(update={"compliance": {"hold_without_reassigned_check": ()}})
    with lf.Engine(settings) as engine:
        job = engine.run(_MAINE, limit_rows=40, progress=False)
        assert job.counts.delivered > 10
        assert _HELD not in job.counts.held


def test_a_number_that_was_not_reassigned_is_delivered_and_all_is_recorded(world):
    _answers(world, False)
    with lf.Engine(_with_check(world, price=0.01)) as engine:
        job = engine.run(_MAINE, limit_rows=40, progress=False)
        assert job.counts.delivered > 10
        assert observe(world, engine, job.id).clean
        asked = world.stats()["reassigned"]
        assert set(asked["dates"].values()) == {"2026-01-05"}
        assert engine.checkpoints.checked(job.id)["reassigned"] == asked["numbers"] > 0
        assert bool(engine.report(job.id).validation["ok"].all())
    shown = {row["Phone 1"] for row in sheet_rows(world)}
    assert {phone[2:] for phone in shown} <= set(asked["dates"])
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        rows = warehouse.execute(
            'SELECT DISTINCT "CODE", "VERDICT", "POLICY" FROM SCRUB_LEDGER WHERE "KIND" = \'reassigned\''
        )
    assert rows == [("false", "clean", "rnd-basic since 2026-01-05")]


@pytest.mark.parametrize("answer", [True, None])
def test_a_reassigned_number_and_one_without_data_are_held(world, answer):
    _answers(world, answer)
    with lf.Engine(_with_check(world)) as engine:
        job = engine.run(_MAINE, limit_rows=30, progress=False)
        assert job.counts.delivered == 0
        assert job.counts.held[_HELD] > 5


def test_a_lead_without_a_date_is_held_and_not_asked_for(world):
    script = _MAINE.replace("'2026-01-05'", "CASE WHEN \"Lead Number\" LIKE '%1' THEN 'soon' ELSE '' END")
    with lf.Engine(_with_check(world)) as engine:
        job = engine.run(script, limit_rows=30, progress=False)
        assert (job.counts.delivered, world.stats()["reassigned"]["calls"]) == (0, 0)
        assert engine.trace(job.id)["message"].str.contains("have no readable date of consent").any()


def test_other_states_are_not_asked_for(world):
    script = "SELECT r.*, '2026-01-05' AS \"Last Contact\" FROM RAW_LEADS r WHERE \"State\" <> 'ME'"
    with lf.Engine(_with_check(world)) as engine:
        engine.run(script, limit_rows=60, progress=False)
    assert {phone[:3] for phone in world.stats()["reassigned"]["dates"]} <= {"207"}


def test_a_check_that_does_not_answer_holds_for_a_retry_and_a_resume_delivers(world):
    _answers(world, False)
    world.fail("reassigned", "503", times=10_000)
    with lf.Engine(_with_check(world, attempts=1, breaker_failures=10_000)) as engine:
        job = engine.run(_MAINE, limit_rows=20, progress=False)
        assert job.counts.delivered == 0
        assert job.counts.retry["unchecked"] > 5
        world.heal()
        again = engine.resume(job.id, progress=False)
        assert again.counts.delivered == job.counts.retry["unchecked"]
        assert observe(world, engine, job.id).clean


def test_answers_are_used_again_for_the_same_date_only(world):
    _answers(world, False)
    with lf.Engine(_with_check(world)) as engine:
        engine.run(_MAINE, limit_rows=20, progress=False)
        first = world.stats()["reassigned"]["numbers"]
        with Warehouse(world.settings.warehouse) as warehouse:
            warehouse.connect()
            for table in ("PERSON_CACHE", "UNIQUE_CONSOLIDATED_DATA"):
                warehouse.execute(f"DELETE FROM {table}")
        engine.run(_MAINE, limit_rows=20, progress=False)
        assert world.stats()["reassigned"]["numbers"] == first
        with Warehouse(world.settings.warehouse) as warehouse:
            warehouse.connect()
            for table in ("PERSON_CACHE", "UNIQUE_CONSOLIDATED_DATA"):
                warehouse.execute(f"DELETE FROM {table}")
        engine.run(_MAINE.replace("01-05", "02-05"), limit_rows=20, progress=False)
        assert world.stats()["reassigned"]["numbers"] == 2 * first


def test_the_price_is_in_the_estimate_and_in_the_cost(world):
    _answers(world, False)
    settings = _with_check(world, price=0.5).model_copy(
        update={"idicore": world.settings.idicore.model_copy(update={"price": 0.1})}
    )
    with lf.Engine(settings) as engine:
        estimate = engine.estimate(_MAINE, limit_rows=20)
        assert (estimate.reassigned_calls, estimate.check_cost) == (60, 30.0)
        elsewhere = engine.estimate(_MAINE.replace("= 'ME'", "= 'LA'"), limit_rows=20)
        assert (elsewhere.reassigned_calls, elsewhere.check_cost) == (0, 0.0)
        job = engine.run(_MAINE, limit_rows=20, progress=False)
        asked = world.stats()["reassigned"]["numbers"]
        assert job.counts.cost == pytest.approx(job.counts.bought * 0.1 + asked * 0.5)


_WHO = {"First Name": "Ann", "Last Name": "Lee", "Address": "1 Elm St", "City": "Bath", "Zip": "04530"}
_CLEAN = "2125550105"


@pytest.mark.parametrize(
    ("cells", "verdicts"),
    [
        ({"State": "ME", "Zip": "04530"}, ["hold"]),
        ({"State": "Maine", "Zip": ""}, ["hold"]),
        ({"State": "?", "Zip": "04530"}, ["hold"]),
        ({"State": "?", "Zip": ""}, ["hold"]),
        ({"State": "?", "Zip": "70112"}, ["clean"]),
        ({"State": "NH", "Zip": "03740"}, ["clean"]),
    ],
)
def test_the_address_decides_also_where_its_state_cannot_be_read(world, cells, verdicts):
    frame = pd.DataFrame([{**_WHO, **cells, "Phone 1": _CLEAN}])
    litigators, dnc = LitigatorList(world.settings.litigator), DncScrub(world.settings.dnc)
    done = deliver(check_dnc(check_litigators(frame, litigators), dnc), Sheet(world.settings.sheets))
    assert done["verdicts"].tolist() == [verdicts]
    assert done["delivered"].tolist() == [verdicts == ["clean"]]


def test_only_the_numbers_of_maine_are_held_where_the_lead_lives_elsewhere():
    frame = pl.DataFrame({
        "phones": [["+12075550143", "+15045550143"], ["+12075550144"]],
        "litigator_verdicts": [["clean", "clean"], ["clean"]],
        "dnc_verdicts": [["clean", "clean"], ["clean"]],
        "state": ["LA", "LA"],
        "zip": ["70112", "70112"],
    })  # fmt: skip
    done = settle(frame, Policy())
    assert done["verdicts"].to_list() == [["hold", "clean"], ["hold"]]
    assert done["reason"].to_list() == ["", _HELD]
    off = settle(frame, Policy(), ComplianceSettings(hold_without_reassigned_check=()))
    assert off["reason"].to_list() == ["", ""]


def test_a_worse_verdict_stays_and_a_flagged_phone_is_not_asked_for(world):
    frame = pl.DataFrame({
        "phones": [["+12075550143"], ["+12075550144"]],
        "litigator_verdicts": [["clean"], ["clean"]],
        "dnc_verdicts": [["dnc"], ["clean_wireless"]],
        "state": ["ME", "ME"],
        "zip": ["04530", "04530"],
        "Last Contact": ["2026-01-05", "1/5/2026"],
    })  # fmt: skip
    world.configure(reassigned={"2075550143": False, "2075550144": False})
    service = ReassignedNumbers(_with_check(world).reassigned)
    done = settle(check_reassigned(frame, service), Policy())
    service.close()
    assert set(world.stats()["reassigned"]["dates"]) == {"2075550144"}
    assert done["reason"].to_list() == ["all_suppressed", ""]
    assert done["reassigned_verdicts"].to_list() == [[""], ["clean"]]


def test_the_earliest_date_counts_for_a_phone_of_two_leads(world):
    frame = pl.DataFrame({
        "phones": [["+12075550143"], ["+12075550143"]],
        "state": ["ME", "ME"],
        "zip": ["04530", "04530"],
        "Last Contact": ["2026-02-01", "2025-12-31"],
    })  # fmt: skip
    service = ReassignedNumbers(_with_check(world).reassigned)
    check_reassigned(frame, service)
    service.close()
    assert world.stats()["reassigned"]["dates"] == {"2075550143": "2025-12-31"}


@pytest.mark.parametrize(("given", "states"), [("ME", ("ME",)), ("maine, NH", ("ME", "NH")), ((), ())])
def test_the_states_in_any_spelling(given, states):
    assert ComplianceSettings(hold_without_reassigned_check=given).hold_without_reassigned_check == states
    assert all(map(state_code, states))


def test_the_settings_in_the_environment(world, monkeypatch):
    for name, value in world.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LEADFLOW_COMPLIANCE__HOLD_WITHOUT_REASSIGNED_CHECK", "[]")
    monkeypatch.setenv("LEADFLOW_REASSIGNED__LOGIN_ID", "abc")
    monkeypatch.setenv("LEADFLOW_REASSIGNED__DATE_COLUMN", "Last Contact")
    monkeypatch.setenv("LEADFLOW_POLICY__PHONE_DETAILS", "rank,line_type")
    settings = lf.Settings(_env_file=None)
    assert settings.compliance.hold_without_reassigned_check == ()
    assert settings.reassigned.is_set
    assert settings.policy.phone_details == ("line_type", "rank")


def test_an_unknown_state_is_refused():
    with pytest.raises(lf.errors.SettingsError, match="is no state"):
        ComplianceSettings(hold_without_reassigned_check=("XX",))


def test_the_check_of_the_accounts_has_a_row_for_it(world):
    with lf.Engine(_with_check(world)) as engine:
        assert "answered for one reserved number" in _found(engine)
    with lf.Engine(_with_check(world, login_id=SecretStr("other"))) as engine:
        assert "credentials" in _found(engine)
    with lf.Engine(world.settings) as engine:
        assert _found(engine) is None


def _found(engine):
    rows = {row.what: row for row in engine.check().rows}
    return rows["Reassigned numbers"].found if "Reassigned numbers" in rows else None
