"""No phone that no check has seen reaches the callers' sheet."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from outcome import SCRIPT, sheet_rows
from phone_writings import (
    CLEAN,
    DNC,
    LITIGATOR,
    PHONE_NAMES,
    WHO,
    all_writings,
    checked_frame,
    sheet_shows,
)

import leadflow as lf
from leadflow.events import JobLog
from leadflow.local import sample
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.sheets import Sheet
from leadflow.stages import deliver


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


@pytest.fixture
def checks(world):
    return LitigatorList(world.settings.litigator), DncScrub(world.settings.dnc)


def test_the_sample_s_own_columns_are_all_delivered_and_nobody_is_warned(world, engine):
    job = engine.run(SCRIPT, limit_rows=300, progress=False)
    own = ["Lead Number", "Campaign Date", "Lead Campaign", "Lead Source", "Ref ID"]
    leads = pd.read_csv(sample("leads.csv"), dtype=str, keep_default_na=False)
    known = {tuple(row) for row in leads[own].itertuples(index=False)}
    rows = sheet_rows(world)
    assert len(rows) > 200
    assert {tuple(row.get(name, "") for name in own) for row in rows} <= known
    assert not engine.trace(job.id)["message"].str.contains("kept from the sheet").any()


def test_a_script_s_phones_under_all_the_usual_names_and_in_notes_are_withheld_and_each_column_is_told_once(
    world, engine
):
    picked = ", ".join(f"'{DNC}' AS \"{name}\"" for name in PHONE_NAMES)
    job = engine.run(
        f"SELECT r.*, {picked}, 'call (305) 555-0116 first' AS NOTES, '{DNC}' AS REMARK, 'mobile' AS \"Phone Type\" "
        "FROM RAW_LEADS r",
        limit_rows=40,
        progress=False,
    )
    assert sheet_rows(world)
    assert not sheet_shows(world, DNC)
    assert {row["Script Phone Type"] for row in sheet_rows(world)} == {"mobile"}
    assert not {"NOTES", "REMARK", "Landline", "CONTACT_NUMBER"} & set(world.sheet_values()[0])
    told = engine.trace(job.id)["message"]
    for name in ("NOTES", "REMARK", "Landline", "CONTACT_NUMBER"):
        assert told.str.startswith(f"40 cells of column {name} are kept from the sheet").sum() == 1
    assert not told.str.contains("0116").any()


def test_a_resumed_job_says_once_more_what_it_withholds(world, engine):
    script = f"SELECT r.*, 'call {DNC}' AS NOTES, '{DNC}' AS MOBILE FROM RAW_LEADS r"
    stopped = engine.run(script, limit_rows=30, max_lookups=10, progress=False)
    assert engine.resume(stopped.id, max_lookups=40, progress=False).ok
    told = engine.trace(stopped.id)["message"]
    for name in ("NOTES", "MOBILE"):
        assert told.str.contains(f"cells of column {name} are kept from the sheet").sum() == 2
    assert not sheet_shows(world, DNC)


def test_only_the_cells_that_hold_one_are_withheld_and_the_rest_of_the_column_goes_along(world, engine):
    notes = f"CASE WHEN ENDSWITH(r.\"Lead Number\", '1') THEN 'ring {DNC}' ELSE 'has a dog' END AS NOTES"
    engine.run(f"SELECT r.*, {notes} FROM RAW_LEADS r", limit_rows=60, progress=False)
    found = {row["Lead Number"][-1] == "1": row.get("NOTES", "") for row in sheet_rows(world)}
    assert found == {True: "", False: "has a dog"}
    assert not sheet_shows(world, DNC)


def test_a_number_that_is_no_phone_passes_once_the_policy_names_its_column(world):
    script = f"SELECT r.*, '{DNC}' AS ACCOUNT, '{DNC}' AS \"Phone Plan\", '{DNC}' AS OTHER FROM RAW_LEADS r"
    policy = world.settings.policy.model_copy(update={"not_phones": ("account", "PHONE PLAN")})
    with lf.Engine(world.settings.model_copy(update={"policy": policy})) as engine:
        engine.run(script, limit_rows=20, progress=False)
    assert {(row["ACCOUNT"], row["Script Phone Plan"], row.get("OTHER", "")) for row in sheet_rows(world)} == {
        (DNC, DNC, "")
    }


def test_a_column_that_nobody_named_is_not_delivered_when_its_text_is_a_phone(world, engine):
    job = engine.run(f'SELECT r.*, 7 AS "{DNC}", 7 AS "305-555-0116" FROM RAW_LEADS r', limit_rows=10, progress=False)
    assert sheet_rows(world)
    assert not sheet_shows(world, DNC)
    told = engine.trace(job.id)["message"]
    assert told.str.contains("of a column whose name reads like a phone").any()
    assert not told.str.contains("0116").any()


def test_a_phone_in_two_or_three_columns_is_withheld(world, engine):
    parts = "'305' AS \"Area Code\", '5550116' AS LINE, '305' AS P1, '555' AS P2, '0116' AS P3"
    parts += ", '305' AS REGION, '5550116' AS REST, 'x' AS KEPT"
    engine.run(f"SELECT r.*, {parts} FROM RAW_LEADS r", limit_rows=20, progress=False)
    rows = sheet_rows(world)
    assert rows
    for row in rows:
        assert not any(row.get(name, "") for name in ("Area Code", "LINE", "P1", "P2", "P3", "REGION", "REST"))
        assert row["KEPT"] == "x"


def test_a_phone_in_a_name_an_address_an_e_mail_or_a_key_reaches_nobody(world, checks):
    people = [
        {**WHO, "Address": f"12 Elm St call {DNC}"},
        {**WHO, "First Name": "Ann 305-555-0116"},
        {**WHO, "City": "Bath (305) 555.0116"},
        {**WHO, "Last Name": "Roe", "emails": [f"{DNC}@vtext.com", "ann@example.com"]},
        {**WHO, "Last Name": "Doe", "person_key": DNC},
    ]
    keyed = [{"person_key": f"k{n}", "emails": [], **who, "Phone": CLEAN} for n, who in enumerate(people)]
    heard = []
    done = deliver(
        checked_frame(pd.DataFrame(keyed), checks), Sheet(world.settings.sheets), job_id=f"job-{DNC}", emit=heard.append
    )
    assert done["delivered"].tolist() == [True, True, True, True, False]
    assert done["reason"].tolist()[-1] == "bad_cell"
    assert not sheet_shows(world, DNC)
    assert {row["Phone 1"] for row in sheet_rows(world)} == {f"+1{CLEAN}"}
    assert "ann@example.com" in {row["Email 2"] for row in sheet_rows(world)}
    told = [event.message for event in heard if isinstance(event, JobLog) and event.level == "warning"]
    assert {
        name
        for name in ("Address", "First Name", "City", "Email 1", "Job Id")
        if any(f"column {name} " in line for line in told)
    } == {"Address", "First Name", "City", "Email 1", "Job Id"}
    assert not [line for line in told if DNC in re.sub(r"\D", "", line)]


def test_no_writing_of_a_phone_under_any_name_comes_through_to_the_sheet(world, checks):
    names = ["NOTES", "Lead Source", "Ref ID", "x", "Phone Type", "emails_old", "Zip 2", "JSON", "Reach", "Job Id"]
    planted = [*all_writings(DNC), *all_writings(LITIGATOR)]
    rows = [
        {"person_key": f"k{n}", **WHO, "Phone": CLEAN, **dict.fromkeys(names, "fine"), names[n % len(names)]: text}
        for n, text in enumerate(planted)
    ]
    done = deliver(checked_frame(pd.DataFrame(rows), checks), Sheet(world.settings.sheets))
    assert done["delivered"].all()
    assert not set(planted) & {cell for row in world.sheet_values() for cell in row}
    assert not sheet_shows(world, DNC)
    assert not sheet_shows(world, LITIGATOR)
