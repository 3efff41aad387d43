"""Two leads of one job whose answers have one pid are one person: one row, and nobody is called twice."""

from __future__ import annotations

import json
import threading

import pandas as pd
import polars as pl
import pytest
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.checkpoints import Checkpoints
from leadflow.checkpoints.review import DUPLICATE, hold_duplicate_persons
from leadflow.errors import JobFailedError
from leadflow.local.people import dnc_code, is_litigator
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.idicore import Idicore
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.stages import check_dnc, check_litigators, deliver, extract, filter_unprocessed, lookup_people

_CLEAN, _CLEAN_TOO, *_ = [
    f"504555{n:04}" for n in range(100, 200) if not is_litigator(f"504555{n:04}") and dnc_code(f"504555{n:04}") == "C"
]
_DNC = next(f"504555{n:04}" for n in range(100, 200) if dnc_code(f"504555{n:04}") == "D")


@pytest.fixture
def leads(world):
    """The first sample leads that can be looked up, as dicts."""
    with Warehouse(world.settings.warehouse) as warehouse:
        rows = filter_unprocessed(extract(SCRIPT, warehouse), warehouse)
    return rows[rows["Address"].str.contains(r"^\d+ [A-Z]", regex=True)].head(60).to_dict("records")


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 10})) as engine:
        yield engine


def _answer(world, lead, pid, phones):
    found = {
        "pid": pid,
        "name": [{"first": lead["First Name"], "last": lead["Last Name"]}],
        "address": [{"data": lead["Address"], "city": lead["City"], "state": lead["State"], "zip": lead["Zip"]}],
        "phone": [{"number": phone} for phone in phones],
    }
    world.fail("idicore", "body", body=json.dumps({"result": [found]}), on="search", key=lead["person_key"], times=100)


def _reasons(engine, job_id, keys):
    found = engine.history.leads(job_id).set_index("person_key")
    return [(found.loc[key, "disposition"], found.loc[key, "reason"]) for key in keys]


@pytest.mark.parametrize("places", [(0, 1), (0, 40), (3, 17, 33)], ids=["one batch", "two batches", "three leads"])
def test_one_person_is_delivered_once(world, engine, leads, places):
    mine = [leads[n] for n in places]
    for lead in mine:
        _answer(world, lead, "71", [_CLEAN])
    job = engine.run(SCRIPT, limit_rows=80, progress=False)
    keys = [lead["person_key"] for lead in mine]
    outcomes = _reasons(engine, job.id, keys)
    assert sorted(outcomes) == [("delivered", ""), *[("held", DUPLICATE)] * (len(mine) - 1)]
    assert job.counts.held[DUPLICATE] == len(mine) - 1
    assert [row["Phone 1"] for row in sheet_rows(world) if row["Lead Key"] in keys] == [f"+1{_CLEAN}"]
    assert job.counts.balanced
    report = job.report()
    assert report.ok
    assert f"{DUPLICATE} {len(mine) - 1}" in report.to_markdown()
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("pids", [("71", "72"), (None, None), ("", ""), (0, 0), ("null", "null")])
def test_two_people_are_delivered_twice(world, engine, leads, pids):
    for lead, pid in zip(leads, pids, strict=False):
        _answer(world, lead, pid, [_CLEAN])
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert DUPLICATE not in job.counts.held
    assert _reasons(engine, job.id, [lead["person_key"] for lead in leads[:2]]) == [("delivered", "")] * 2


def test_the_second_is_held_even_if_the_first_may_not_be_called(world, engine, leads):
    for lead in leads[:2]:
        _answer(world, lead, "71", [_DNC])
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert _reasons(engine, job.id, [lead["person_key"] for lead in leads[:2]]) == [
        ("held", "all_suppressed"),
        ("held", DUPLICATE),
    ]


def test_a_second_answer_with_other_phones_is_held_too(world, engine, leads):
    _answer(world, leads[0], "71", [_CLEAN])
    _answer(world, leads[1], 71, [_CLEAN_TOO])
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert job.counts.held[DUPLICATE] == 1
    assert f"+1{_CLEAN_TOO}" not in str(world.sheet_values())


@pytest.mark.parametrize(
    ("service", "kind", "options"),
    [
        ("dnc", "403", {"after": 2}),
        ("sheets", "400", {"on": "write", "after": 2}),
        ("snowflake", "sql_error", {"code": 3001, "key": "MERGE"}),
    ],
)
def test_a_resume_decides_as_before(world, engine, leads, service, kind, options):
    mine = leads[3], leads[17]
    for lead in mine:
        _answer(world, lead, "71", [_CLEAN])
    world.fail(service, kind, times=1000, **options)
    with pytest.raises(JobFailedError):
        engine.run(SCRIPT, limit_rows=80, progress=False)
    job_id = lf.jobs()["id"].iloc[0]
    before = _owner_of(engine, "71")
    world.heal()
    for lead in mine:
        _answer(world, lead, "71", [_CLEAN])
    job = engine.resume(job_id, progress=False)
    owner = _owner_of(engine, "71")
    keys = [lead["person_key"] for lead in mine]
    assert owner in keys
    assert before in (owner, None)
    assert job.counts.held[DUPLICATE] == 1
    assert [key for key in keys if key in {row["Lead Key"] for row in sheet_rows(world)}] == [owner]
    assert observe(world, engine, job_id).clean


def _owner_of(engine, pid):
    found = engine.checkpoints._db.execute("SELECT person_key FROM pids WHERE pid = ?", (pid,)).fetchone()
    return found[0] if found else None


def test_the_one_who_waits_for_a_check_keeps_the_place(world, engine, leads):
    for lead in leads[:2]:
        _answer(world, lead, "71", [_CLEAN])
    world.fail("dnc", "malformed_number", times=1000, key=_CLEAN)
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    keys = [lead["person_key"] for lead in leads[:2]]
    assert _reasons(engine, job.id, keys) == [("retry", "unchecked"), ("held", DUPLICATE)]
    world.heal()
    job = engine.resume(job.id, progress=False)
    assert _reasons(engine, job.id, keys) == [("delivered", ""), ("held", DUPLICATE)]
    assert observe(world, engine, job.id).clean


def test_an_accepted_candidate_who_has_a_row_already_gets_no_second(world, engine, leads):
    _answer(world, leads[0], "71", [_CLEAN])
    stranger = {**leads[1], "First Name": "Wilhelmina"}
    _answer(world, stranger, "71", [_CLEAN])
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    key = leads[1]["person_key"]
    assert job.review().query("person_key == @key")["pid"].tolist() == ["71"]
    after = engine.accept(key, "71", progress=False)
    assert after.message.startswith(f"lead {key}: held ({DUPLICATE})")
    assert after.counts.delivered == job.counts.delivered
    assert observe(world, engine, job.id).clean


def test_the_stage_tells_the_pid_of_those_found(world, leads):
    _answer(world, leads[0], 71, [_CLEAN])
    with Idicore(world.settings.idicore) as idicore:
        done = lookup_people(pl.DataFrame(leads[:2]), idicore)
    assert done["lookup_pid"][0] == "71"


def test_many_batches_at_once_agree_on_one_lead(tmp_path):
    store = Checkpoints(tmp_path / "c.sqlite")
    store.add_job("j", {})
    frames = [
        pl.DataFrame(
            {
                "person_key": [f"{batch}-{n}" for n in range(50)],
                "lookup_pid": [str(n % 7) if n % 9 else "" for n in range(50)],
                "lookup_status": ["found"] * 50,
                **{name: [["x"]] * 50 for name in ("phones", "phone_types", "emails")},
            }
        )
        for batch in range(8)
    ]
    done = [None] * 8
    threads = [
        threading.Thread(target=lambda n=n: done.__setitem__(n, hold_duplicate_persons(frames[n], store, "j")))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = pl.concat(done)
    kept = whole.filter((pl.col("lookup_status") == "found") & (pl.col("lookup_pid") != ""))
    assert kept["lookup_pid"].sort().to_list() == [str(n) for n in range(7)]
    assert whole.filter(pl.col("lookup_status") == DUPLICATE)["phones"].list.len().sum() == 0
    assert whole.filter(pl.col("lookup_pid") == "")["lookup_status"].unique().to_list() == ["found"]
    assert [
        hold_duplicate_persons(frame, store, "j").equals(before) for frame, before in zip(frames, done, strict=True)
    ] == [True] * 8
    store.close()


def test_another_job_has_its_own_people(tmp_path):
    store = Checkpoints(tmp_path / "c.sqlite")
    frame = pl.DataFrame(
        {
            "person_key": ["k"],
            "lookup_pid": ["7"],
            "lookup_status": ["found"],
            **{name: [["x"]] for name in ("phones", "phone_types", "emails")},
        }
    )
    hold_duplicate_persons(frame, store, "one")
    assert hold_duplicate_persons(frame.with_columns(person_key=pl.lit("l")), store, "two")[
        "lookup_status"
    ].to_list() == ["found"]
    store.close()


_SPELLINGS = pd.DataFrame(
    [
        ("Ann", "Lee", *rest)
        for rest in (
            ("14 Elm St", "Bath", "ME", "04530"),
            ("14 ELM STREET", "Bath", "Maine", "4530"),
            ("14  Elm St.", "Bath", "ME", "04530-1234"),
        )
    ]
    + [
        ("Ann\t", "LEE", "14 Elm St", "Bath", "ME", "045301234"),
        ("Ann", "Lee", "14 Elm St Apt 2", "Bath", "ME", "04530"),
    ],
    columns=["First Name", "Last Name", "Address", "City", "State", "Zip"],
)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas])
def test_a_lookup_by_itself_buys_a_person_once_however_written(world, kind):
    found = lookup_people(kind(_SPELLINGS), Idicore(world.settings.idicore))
    assert [status == DUPLICATE for status in found["lookup_status"]] == [False, True, True, True, False]
    assert [len(phones) > 0 for phones in found["phones"]] == [True, False, False, False, True]
    assert sum(world.stats()["idicore"]["bought"].values()) == 2


def test_a_repeat_of_a_lookup_that_failed_waits_with_it_and_one_of_a_known_answer_is_not_bought(world):
    world.fail("idicore", "400", times=1, on="search")
    idicore = Idicore(world.settings.idicore)
    failed = lookup_people(_SPELLINGS.head(4), idicore)
    assert set(failed["lookup_status"]) == {"failed"}
    answers = []
    lookup_people(_SPELLINGS.iloc[[2]], idicore, on_answer=answers.append)
    again = lookup_people(_SPELLINGS.head(4), idicore, known={answer.person_key: answer for answer in answers})
    assert list(again["lookup_status"]) == [DUPLICATE, DUPLICATE, answers[0].status, DUPLICATE]
    assert sum(world.stats()["idicore"]["bought"].values()) == 1


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_a_frame_delivered_by_itself_has_one_row_a_pid(world, kind):
    who = {"Last Name": "Lee", "Address": "1 Elm St", "City": "Bath", "State": "NH", "Zip": "03740", "Phone": _CLEAN}
    frame = kind(
        [
            {**who, "First Name": name, "lookup_pid": pid}
            for name, pid in (("Ann", "7"), ("Anne", "7"), ("Bob", ""), ("Cid", ""), ("Dan", "8"))
        ]
    )
    checked = check_dnc(check_litigators(frame, LitigatorList(world.settings.litigator)), DncScrub(world.settings.dnc))
    done = deliver(checked, Sheet(world.settings.sheets))
    assert [row["First Name"] for row in sheet_rows(world)] == ["Ann", "Bob", "Cid", "Dan"]
    assert list(zip(done["disposition"], done["reason"], done["delivered"], strict=True))[1] == (
        "held",
        DUPLICATE,
        False,
    )


def test_what_pandas_calls_missing_is_nothing(world):
    frame = _SPELLINGS.head(1).assign(State=pd.NA, City=pd.NaT)
    assert lookup_people(frame, Idicore(world.settings.idicore))[["city", "state"]].to_numpy().tolist() == [["", ""]]
