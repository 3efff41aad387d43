"""Delivered rows are checked again, and renewed in place or withdrawn; nothing is bought, lost or doubled."""

from __future__ import annotations

import pytest
from dnc_lists import today
from outcome import SCRIPT, sheet_rows
from rescrubbing import (
    age,
    deliver_old_rows,
    is_fresh,
    list_phones,
    no_reuse,
    observe_rescrub,
    phones_of,
    query,
    row_of,
    set_cells,
    table_words,
    withdrawn_rows,
)

import leadflow as lf
from leadflow.cli import main
from leadflow.errors import InputError, JobFailedError
from leadflow.events import BatchProgress
from leadflow.job import JobStatus
from leadflow.services.dnc_list.coverage import STATE_LISTS
from leadflow.settings import DncSettings


@pytest.fixture
def engine(world):
    with lf.Engine(no_reuse(world)) as engine:
        yield engine


def _rescrub(engine, days=None, **more):
    return engine.rescrub(days, progress=False, **more)


def test_rows_that_may_still_be_called_are_renewed_in_place_and_nothing_is_bought(world, engine):
    keys = deliver_old_rows(world, engine)
    set_cells(world, {keys[3]: {"Notes": "wants a call back"}})
    before, rows = world.stats(), world.sheet_values()
    job = _rescrub(engine)
    after = world.stats()
    assert (job.counts.renewed, job.counts.withdrawn, job.counts.bought) == (len(keys), {}, 0)
    assert after["idicore"]["calls"] == before["idicore"]["calls"]
    assert after["idicore"]["logins"] == before["idicore"]["logins"]
    now = sheet_rows(world)
    assert [row["Lead Key"] for row in now] == keys
    assert all(map(is_fresh, now))
    dates = [rows[0].index("Scrubbed At"), rows[0].index("Callable Until")]
    same = [[cell for n, cell in enumerate(row) if n not in dates] for row in world.sheet_values()]
    assert same == [[cell for n, cell in enumerate(row) if n not in dates] for row in rows]
    assert engine.report(job.id).ok, engine.report(job.id).validation
    assert observe_rescrub(world, keys, set()).clean


def test_rows_that_are_young_enough_cost_nothing(world, engine):
    keys = deliver_old_rows(world, engine, days=10)
    before, rows = world.stats(), world.sheet_values()
    job = _rescrub(engine)
    assert (job.ok, job.counts.extracted, job.message) == (True, 0, "0 renewed, 0 withdrawn")
    assert world.stats()["dnc"]["calls"] == before["dnc"]["calls"]
    assert world.sheet_values() == rows
    age(world, 26, keys[0])
    assert _rescrub(engine).counts.renewed == 1
    assert _rescrub(engine, 0).counts.renewed == len(keys)


def test_a_lead_with_one_phone_on_the_list_goes_as_a_whole(world, engine):
    keys = deliver_old_rows(world, engine)
    two = next(row for row in sheet_rows(world) if len(phones_of(row)) > 1)
    set_cells(world, {two["Lead Key"]: {"Notes": "wants a call back"}})
    list_phones(world, phones_of(two)[1])
    job = _rescrub(engine)
    assert (job.counts.renewed, job.counts.withdrawn) == (len(keys) - 1, {"dnc": 1})
    (moved,) = withdrawn_rows(world)
    assert (moved["Lead Key"], moved["Why"], moved["Notes"]) == (two["Lead Key"], "dnc", "wants a call back")
    assert table_words(world)[two["Lead Key"]] == ("withdrawn", "dnc", None)
    sql = "SELECT PHONE, REASON, JOB_ID FROM SCRUB_LEDGER WHERE EVENT = 'withdrawn' ORDER BY PHONE"
    assert query(world, sql) == [(phone, "dnc", job.id) for phone in sorted(phones_of(two))]
    report = engine.report(job.id)
    assert report.ok, report.validation
    assert "1 withdrawn (dnc 1)" in report.to_markdown()
    assert "renewed" in report._repr_html_()
    assert observe_rescrub(world, keys, {two["Lead Key"]}).clean


def test_the_job_is_recorded_traced_and_part_of_the_lineage(world, engine):
    keys = deliver_old_rows(world, engine)
    list_phones(world, *phones_of(row_of(world, keys[0])))
    seen = []
    handle = engine.submit_rescrub(listeners=(seen.append,))
    job = handle.result()
    jobs = lf.jobs(full=True)
    assert jobs["job_type"].tolist()[:2] == ["rescrub", "single_script"]
    assert jobs["clean_count"].iloc[0] == len(keys) - 1
    assert engine.history.leads(job.id).set_index("person_key")["disposition"].to_dict() == {
        key: "renewed" if n else "withdrawn" for n, key in enumerate(keys)
    }
    assert "withdrawn" in lf.lineage(keys[0])["disposition"].tolist()
    trace = lf.trace(job.id)
    assert trace["event"].tolist()[-1] == "job_complete"
    assert any(isinstance(recorded.event, BatchProgress) for recorded in seen)
    assert handle.progress.percent == 100


def test_the_table_gets_each_verdict_beside_its_own_phone(world, engine):
    deliver_old_rows(world, engine)
    columns = ", ".join(f'"Phone {n}", "Phone {n} Verdict"' for n in (1, 2, 3))
    sql = f'SELECT "Lead Key", {columns} FROM UNIQUE_CONSOLIDATED_DATA'
    before = {key: dict(zip(cells[::2], cells[1::2], strict=True)) for key, *cells in query(world, sql)}
    _rescrub(engine)
    after = {key: dict(zip(cells[::2], cells[1::2], strict=True)) for key, *cells in query(world, sql)}
    assert after == before
    words = table_words(world)
    for row in sheet_rows(world):
        disposition, reason, until = words[row["Lead Key"]]
        assert (disposition, reason, str(until)) == ("delivered", None, row["Callable Until"])


def test_phones_and_dates_that_cannot_be_read_count_as_unlawful_and_old(world, engine):
    keys = deliver_old_rows(world, engine, days=3)
    set_cells(
        world,
        {
            keys[0]: {"Phone 1": "call her sister"},
            keys[1]: {"Scrubbed At": "last week"},
            keys[2]: {f"Phone {n}": "" for n in (1, 2, 3)},
            keys[3]: {"Callable Until": ""},
        },
    )
    age(world, 26, keys[0], keys[2])
    job = _rescrub(engine)
    assert job.counts.withdrawn == {"unreadable_phone": 1, "no_phone": 1}
    assert job.counts.renewed == 2
    assert {row["Lead Key"]: row["Why"] for row in withdrawn_rows(world)} == {
        keys[0]: "unreadable_phone", keys[2]: "no_phone",
    }  # fmt: skip
    assert is_fresh(row_of(world, keys[1]))
    assert is_fresh(row_of(world, keys[3]))


def test_rows_of_people_and_rows_of_an_older_leadflow_are_treated_as_what_they_are(world, engine):
    keys = deliver_old_rows(world, engine, leads=10)
    row = row_of(world, keys[0])
    world.edit_sheet(lambda rows: [*rows, ["", "mine"], [f"old{row['Lead Key'][3:]}", *rows[1][1:]]])
    job = _rescrub(engine)
    assert job.counts.renewed == len(keys) + 1
    assert sheet_rows(world)[len(keys)] == {"Lead Key": "", "First Name": "mine"}
    assert f"old{keys[0][3:]}" not in table_words(world)
    assert query(world, f"SELECT COUNT(*) FROM SCRUB_LEDGER WHERE LEAD_KEY = 'old{keys[0][3:]}'") != [(0,)]


def test_a_sheet_without_the_new_column_gets_it(world, engine):
    keys = deliver_old_rows(world, engine, leads=10)
    at = world.sheet_values()[0].index("Callable Until")
    world.edit_sheet(lambda rows: [[cell for n, cell in enumerate(row) if n != at] for row in rows])
    assert _rescrub(engine).counts.renewed == len(keys)
    assert all(map(is_fresh, sheet_rows(world)))


def test_a_wireless_phone_goes_when_the_policy_delivers_none_any_more(world, engine):
    deliver_old_rows(world, engine)
    wireless = {
        row["Lead Key"]
        for row in sheet_rows(world)
        if "clean_wireless" in [row.get(f"Phone {n} Verdict") for n in (1, 2, 3)]
    }
    assert wireless
    with lf.Engine(no_reuse(world, policy={"deliver_wireless": False})) as strict:
        assert strict.rescrub(progress=False).counts.withdrawn == {"wireless": len(wireless)}
    assert not wireless & {row["Lead Key"] for row in sheet_rows(world)}


def test_rows_go_whose_numbers_the_list_does_not_cover_any_more(world, engine, tmp_path):
    deliver_old_rows(world, engine)
    areas = sorted({phone[2:5] for row in sheet_rows(world) for phone in phones_of(row)})
    covered = set(areas[::2])
    (tmp_path / "list.txt").write_text("\n".join(f"{area}2000000" for area in covered))
    dnc = DncSettings(
        provider="list",
        list_path=tmp_path / "list.txt",
        list_date=today(20),
        list_covers=("federal", "wireless", *STATE_LISTS),
    )
    kept = {row["Lead Key"] for row in sheet_rows(world) if all(phone[2:5] in covered for phone in phones_of(row))}
    with lf.Engine(no_reuse(world).model_copy(update={"dnc": dnc})) as local:
        job = local.rescrub(progress=False)
    assert job.counts.withdrawn.keys() == {"not_covered"}
    assert {row["Lead Key"] for row in sheet_rows(world)} == kept
    assert {row["Callable Until"] for row in sheet_rows(world)} == {today(-12)}  # the list counts for 31 days


def test_a_dry_run_changes_and_checks_nothing(world, engine):
    keys = deliver_old_rows(world, engine)
    age(world, 33, keys[0])
    set_cells(world, {keys[1]: {"Phone 1": "?"}})
    prices = {name: {"price": 0.01} for name in ("litigator", "dnc")}
    before, rows = world.stats(), world.sheet_values()
    with lf.Engine(no_reuse(world, **prices)) as priced:
        found = priced.rescrub(dry_run=True)
    phones = {phone for row in sheet_rows(world) for phone in phones_of(row)} - {"?"}
    assert (found.leads, found.due, found.phones) == (len(keys), len(keys), len(phones))
    assert (found.expired, found.unreadable, found.litigator_calls, found.dnc_calls) == (1, 1, 1, 1)
    assert found.cost == round(0.02 * len(phones), 2)
    after = world.stats()
    assert [after[name]["calls"] for name in ("litigator", "dnc")] == [before[n]["calls"] for n in ("litigator", "dnc")]
    assert after["sheets"]["writes"] == before["sheets"]["writes"]
    assert world.sheet_values() == rows
    assert lf.jobs(full=True)["job_type"].tolist() == ["single_script"]


def test_a_tab_that_is_not_there_is_said_and_not_made(world):
    other = world.settings.sheets.model_copy(update={"worksheet": "leads of may"})
    with lf.Engine(no_reuse(world).model_copy(update={"sheets": other})) as engine:
        with pytest.raises(lf.errors.RefusedError, match="there is no tab leads of may"):
            engine.rescrub(dry_run=True)
        with pytest.raises(JobFailedError, match="there is no tab leads of may"):
            engine.rescrub(progress=False)
    assert world.sheet_values("leads of may") == []


@pytest.mark.parametrize("days", [-1, 32, "25", True, float("nan"), float("inf")])
def test_an_age_that_is_none_is_refused(engine, days):
    with pytest.raises(InputError, match="older_than_days must be a number of days from 0"):
        engine.rescrub(days)


def test_a_budget_stops_before_checks_that_would_pass_it_and_a_resume_goes_on(world):
    prices = {name: {"price": 0.01, "max_numbers": 20} for name in ("litigator", "dnc")}
    settings = no_reuse(world, **prices).model_copy(update={"batches_in_flight": 1})
    with lf.Engine(settings) as engine:
        keys = deliver_old_rows(world, engine)
        job = engine.rescrub(max_cost=0.85, progress=False)
        assert job.status is JobStatus.STOPPED
        assert "max_cost" in job.message
        assert 0 < job.counts.renewed < len(keys)
        assert job.counts.cost <= 0.85
        done = engine.resume(job.id, progress=False)
        assert (done.ok, done.counts.renewed) == (True, len(keys))
        phones = {phone for row in sheet_rows(world) for phone in phones_of(row)}
        assert done.counts.checked == 2 * len(phones)


def test_the_command_prints_three_lines_and_says_how_it_ended(world, engine, monkeypatch, capsys):
    deliver_old_rows(world, engine, leads=10)
    for name, value in {**world.env(), "LEADFLOW_POLICY__REUSE_SCRUBS_HOURS": "0"}.items():
        monkeypatch.setenv(name, value)
    assert main(["rescrub", "--dry-run"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["rescrub"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3
    assert "COMPLETED" in out[0]
    assert out[1].endswith("0 withdrawn")
    world.configure(sheets_refusal="SERVICE_DISABLED")
    assert main(["rescrub", "--older-than-days", "0"]) == 1
    world.configure(sheets_refusal=None)
    monkeypatch.setenv("LEADFLOW_DNC__PRICE", "1")
    assert main(["rescrub", "--older-than-days", "0", "--max-cost", "1"]) == 3
    assert "STOPPED" in capsys.readouterr().out


def test_a_run_does_not_deliver_a_withdrawn_lead_again(world, engine):
    keys = deliver_old_rows(world, engine, leads=10)
    list_phones(world, *phones_of(row_of(world, keys[0])))
    _rescrub(engine)
    engine.run(SCRIPT, limit_rows=10, progress=False)
    assert keys[0] not in [row["Lead Key"] for row in sheet_rows(world)]


def test_each_column_of_the_tab_withdrawn_is_there_once(world, engine):
    deliver_old_rows(world, engine)
    policy = engine.settings.policy.model_copy(update={"deliver_wireless": False})
    with lf.Engine(engine.settings.model_copy(update={"policy": policy})) as strict:
        assert strict.rescrub(progress=False).counts.withdrawn["wireless"]
    header = world.sheet_values("Withdrawn")[0]
    assert len(header) == len(set(header))
    assert not [name for name in header if name in ("Phone 1", "Phone 2", "Phone 3")]


def test_the_calling_hours_of_renewed_rows_are_brought_up_to_date(world, engine):
    keys = deliver_old_rows(world, engine)
    was = row_of(world, keys[0])["Call Window"]
    set_cells(world, {keys[0]: {"Call Window": "every day 8am-9pm (Eastern)"}})
    _rescrub(engine)
    assert row_of(world, keys[0])["Call Window"] == was != ""


def test_a_lead_in_maine_goes_unless_the_reassigned_numbers_check_clears_it(world, engine):
    keys = deliver_old_rows(world, engine)
    in_maine = {"State": "ME", "Zip": "04530", "Consent": "2026-01-05"}
    set_cells(world, dict.fromkeys(keys[:2], in_maine))
    assert _rescrub(engine).counts.withdrawn == {"reassigned_check": 2}
    age(world, 28)
    cleared, reassigned = keys[2:4]
    set_cells(world, {cleared: in_maine, reassigned: in_maine})
    answers = {phone[2:]: False for phone in phones_of(row_of(world, cleared))}
    world.configure(reassigned=answers | {phone[2:]: True for phone in phones_of(row_of(world, reassigned))})
    check = {
        "login_id": "local-login", "url": f"{world.url}/reassigned/v1.5/Data/RNDBasic", "date_column": "Consent",
    }  # fmt: skip
    with lf.Engine(engine.settings.model_copy(update={"reassigned": check})) as maine:
        assert _rescrub(maine).counts.withdrawn == {"reassigned_check": 1}
    assert is_fresh(row_of(world, cleared))
    assert row_of(world, reassigned) == {}
