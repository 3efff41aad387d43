"""Further checks: the strictest verdict counts, all must answer, and nothing that a class returns clears a phone."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from further_providers import OwnCheck, priced, rows_of, with_accounts
from outcome import SCRIPT, ledger_rows, observe, phones_of, sheet_rows

import leadflow as lf
from leadflow.errors import JobFailedError, RefusedError, ServiceDownError, TransientError
from leadflow.services.warehouse import Warehouse
from leadflow.settings import Policy
from leadflow.stages.further_checks import SafeCheck, check_further
from leadflow.stages.settle import settle

_LEADS = 60
_A, _B = "+15045550143", "+15045550144"


def _run(world, *checks, settings=None, **more):
    with lf.Engine(settings or priced(world.settings), checks=list(checks)) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False, **more)
        assert job.counts.balanced
        return job, engine.report(job.id)


def test_a_phone_that_a_further_check_lists_is_not_delivered(world):
    def listed(check, phones):
        words = {phone: lf.Verdict.DNC if int(phone) % 2 else lf.Verdict.CLEAN for phone in phones}
        return {phone: check.scrub(phone, word) for phone, word in words.items()}

    check = OwnCheck(answer=listed)
    job, report = _run(world, check)
    shown = [phone for row in sheet_rows(world) for phone in phones_of(row)]
    assert shown
    assert all(int(phone) % 2 == 0 for phone in shown)
    assert set(shown) <= set(check.asked)
    row = rows_of(job)["own_list", "complaints"]
    assert (row["asked"], row["cost"]) == (len(check.asked), pytest.approx(0.01 * len(check.asked)))
    assert row["hits"] == sum(int(phone) % 2 for phone in check.asked)
    assert report.ok
    assert max(Counter(check.asked).values()) == 1


def test_the_ledger_and_the_evidence_name_the_provider_and_its_code(world):
    check = OwnCheck(answer=lambda check, phones: {p: check.scrub(p, code=f"own-{p[-2:]}") for p in phones})
    with lf.Engine(world.settings, checks=[check]) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert observe(world, engine, job.id).clean
        ledger = ledger_rows(world, job.id)
        shown = {phone for row in sheet_rows(world) for phone in phones_of(row)}
        phone = sorted(shown)[0]
        found = engine.evidence(phone, on=datetime.now(timezone.utc).date())
        assert found["kind"].tolist() == ["litigator", "dnc", "complaints"]
        assert found["allowed"].all()
        assert engine.certificate(job.id).ok
        assert "complaints" in repr(engine.certificate(job.id)) + str(engine.certificate(job.id).lists)
    rows = {(r["PHONE"], r["PROVIDER"], r["CODE"]) for r in ledger if r["KIND"] == "complaints"}
    assert {(p, "own_list", f"own-{p[-2:]}") for p in shown} <= rows


def test_what_a_further_check_listed_once_is_evidence_against_a_call(world):
    listed = OwnCheck(answer=lambda check, phones: {p: check.scrub(p, lf.Verdict.DNC) for p in phones})
    with lf.Engine(world.settings, checks=[listed]) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        assert job.counts.delivered == 0
        phone = sorted(listed.asked)[0]
        found = engine.evidence(phone, on=datetime.now(timezone.utc).date())
        assert not found["allowed"].any()


def test_a_litigator_of_a_further_check_holds_the_lead(world):
    check = OwnCheck(answer=lambda check, phones: {p: check.scrub(p, lf.Verdict.LITIGATOR) for p in phones})
    job, _ = _run(world, check)
    assert job.counts.delivered == 0
    assert job.counts.held["litigator"] > 30


def _stale(check, phone):
    return check.scrub(phone, checked_at=datetime.now(timezone.utc) - timedelta(days=32))


_GARBAGE = {
    "raises": ValueError("call Ann Lee at 5045550143"),
    "transient": TransientError("later"),
    "nothing": lambda check, phones: None,
    "a list": lambda check, phones: [check.scrub(phone) for phone in phones],
    "no scrubs": lambda check, phones: dict.fromkeys(phones, True),
    "words": lambda check, phones: dict.fromkeys(phones, "clean"),
    "missing": lambda check, phones: {},
    "another phone's": lambda check, phones: dict.fromkeys(phones, check.scrub("+12025550143")),
    "another kind": lambda check, phones: {p: check.scrub(p, check="dnc") for p in phones},
    "another provider": lambda check, phones: {p: check.scrub(p, provider="dncscrub") for p in phones},
    "a verdict as text": lambda check, phones: {p: check.scrub(p, "clean") for p in phones},
    "no time": lambda check, phones: {p: check.scrub(p, checked_at=None) for p in phones},
    "a time without zone": lambda check, phones: {p: check.scrub(p, checked_at=datetime.now()) for p in phones},
    "an old check": lambda check, phones: {p: _stale(check, p) for p in phones},
    "an old list": lambda check, phones: {p: check.scrub(p, list_date="2026-01-01") for p in phones},
    "a list of when": lambda check, phones: {p: check.scrub(p, list_date="last week") for p in phones},
    "unchecked": lambda check, phones: {p: check.scrub(p, lf.Verdict.UNCHECKED) for p in phones},
}


@pytest.mark.parametrize("answer", _GARBAGE.values(), ids=_GARBAGE)
def test_garbage_holds_the_leads_for_a_resume_and_is_never_clean(world, answer):
    check = OwnCheck(answer=answer)
    with lf.Engine(world.settings, checks=[check]) as engine:
        job = engine.run(SCRIPT, limit_rows=25, progress=False)
        assert job.ok
        assert job.counts.delivered == 0
        assert job.counts.retry["unchecked"] > 10
        assert max(Counter(check.asked).values()) == 1
        assert "5045550143" not in engine.trace(job.id).to_csv()
        check.answer = None
        assert engine.resume(job.id, progress=False).counts.delivered > 10
        assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("error", [RefusedError("no"), ServiceDownError("down")])
def test_a_check_that_refuses_or_is_down_ends_the_job_like_the_others(world, error):
    check = OwnCheck(answer=error)
    with lf.Engine(world.settings, checks=[check]) as engine:
        with pytest.raises(JobFailedError) as caught:
            engine.run(SCRIPT, limit_rows=20, progress=False)
        check.answer = None
        job_id = lf.jobs()["id"].iloc[0]
        assert job_id in str(caught.value)
        assert engine.resume(job_id, progress=False).counts.delivered


def test_odd_codes_and_windows_are_not_recorded(world):
    check = OwnCheck(
        answer=lambda c, phones: {p: c.scrub(p, code=f"Ann {p}", calling_window="ask Ann") for p in phones}
    )
    with lf.Engine(world.settings, checks=[check]) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        codes = {row["CODE"] for row in ledger_rows(world, job.id) if row["KIND"] == "complaints"}
    assert codes == {"unreadable"}


def test_several_checks_are_asked_in_order_and_all_must_answer(world):
    first = OwnCheck(
        "first_one", "first", answer=lambda c, ps: {p: c.scrub(p, lf.Verdict.HOLD) for p in ps if int(p) % 3}
    )
    second = OwnCheck("second_one", "second")
    job, _ = _run(world, first, second)
    assert set(second.asked) < set(first.asked), "leads that the first check stopped cost nothing more"
    shown = {phone for row in sheet_rows(world) for phone in phones_of(row)}
    assert not shown, "no phone has the answer of both"
    assert job.counts.delivered == 0


def test_recent_answers_are_used_again_under_the_same_policy_alone(world):
    check = OwnCheck()
    check.policy = "v1"
    script = f"{SCRIPT} WHERE \"State\" IN ('TX', 'FL', 'NY')"
    with lf.Engine(world.settings, checks=[check]) as engine:
        engine.run(script, limit_rows=_LEADS, progress=False)
        asked = len(check.asked)
        engine.rescrub(older_than_days=0, progress=False)
        assert len(check.asked) == asked
    check.policy = "v2"
    with lf.Engine(world.settings, checks=[check]) as engine:
        job = engine.rescrub(older_than_days=0, progress=False)
        assert len(check.asked) > asked
        assert job.ok


def test_a_rescrub_withdraws_what_a_further_check_lists_by_now(world):
    check = OwnCheck()
    settings = priced(world.settings).model_copy(update={"policy": Policy(reuse_scrubs_hours=0)})
    with lf.Engine(settings, checks=[check]) as engine:
        engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        delivered = len(sheet_rows(world))
        shown = {phone for row in sheet_rows(world) for phone in phones_of(row)}
        assert engine.rescrub(older_than_days=0, dry_run=True).cost == pytest.approx(len(shown) * 0.013, abs=0.01)
        check.answer = lambda c, ps: {p: c.scrub(p, lf.Verdict.DNC if int(p) % 2 else lf.Verdict.CLEAN) for p in ps}
        assert "max_cost" in engine.rescrub(older_than_days=0, max_cost=0.01, progress=False).message
        job = engine.rescrub(older_than_days=0, progress=False)
        assert job.counts.withdrawn["dnc"]
        assert job.counts.renewed + job.counts.withdrawn["dnc"] == delivered
        assert rows_of(job)["own_list", "complaints"]["asked"] == len(shown)
    assert all(int(phone) % 2 == 0 for row in sheet_rows(world) for phone in phones_of(row))


def test_the_stage_works_alone_and_asks_only_for_leads_that_can_be_delivered():
    import polars as pl

    leads = pl.DataFrame(
        {
            "phones": [[_A, _B], [_A], [_B], []],
            "litigator_verdicts": [["clean", "clean"], ["litigator"], ["clean"], []],
            "dnc_verdicts": [["dnc", "clean"], ["clean"], ["dnc"], []],
        }
    )
    check = OwnCheck(
        answer=lambda c, ps: {p: c.scrub(p, lf.Verdict.LITIGATOR if p == _A else lf.Verdict.CLEAN) for p in ps}
    )
    done = check_further(leads, SafeCheck(check), Policy())
    assert sorted(check.asked) == [_A, _B], (
        "of the first lead alone, also its phone on the list: it may be a litigator's"
    )
    assert done["further_verdicts"].to_list() == [["litigator", "clean"], ["unchecked"], ["unchecked"], []]
    settled = settle(done, Policy())
    assert settled["reason"].to_list() == ["litigator", "litigator", "all_suppressed", "no_phone"]
    assert settle(done, Policy(hold_lead_on_litigator=False))["disposition"].to_list()[0] == "deliver"


def test_a_phone_without_an_answer_may_be_a_litigators(world):
    import polars as pl

    leads = pl.DataFrame({"phones": [[_A, _B]], "litigator_verdicts": [["clean"] * 2], "dnc_verdicts": [["clean"] * 2]})
    check = OwnCheck(answer=lambda c, ps: {_A: c.scrub(_A)})
    done = check_further(leads, SafeCheck(check), Policy())
    assert settle(done, Policy()).select("disposition", "reason").row(0) == ("retry", "unchecked")
    open_policy = Policy(hold_lead_on_litigator=False)
    assert settle(done, open_policy).select("disposition", "reason").row(0) == ("deliver", "")


@pytest.mark.parametrize("kind", ["503", "html", "timeout", "missing_row", "unknown_code"])
def test_a_fault_of_blacklist_alliance_delivers_nothing_unchecked(world, kind):
    settings = with_accounts(
        world, checks=("blacklist_alliance",), blacklist_alliance={"attempts": 1, "timeout_s": 0.5}
    )
    world.fail("blacklist_alliance", kind, times=1, **({"s": 3} if kind == "timeout" else {}))
    with lf.Engine(settings.model_copy(update={"batch_size": 20})) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert job.counts.retry["unchecked"] > 0
        with Warehouse(world.settings.warehouse) as warehouse:
            warehouse.connect()
            clean = 'SELECT "PHONE" FROM SCRUB_LEDGER WHERE "PROVIDER" = ? AND "VERDICT" LIKE ?'
            clean = {phone for (phone,) in warehouse.execute(clean, ("blacklist_alliance", "clean%"))}
        assert {phone for row in sheet_rows(world) for phone in phones_of(row)} <= clean
        done = engine.resume(job.id, progress=False)
        assert not done.counts.retry
        assert observe(world, engine, job.id).clean
