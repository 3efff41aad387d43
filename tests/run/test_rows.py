"""Jobs whose leads are a frame or a file: the same rules, the same anti-join, the same guarantees."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest
from outcome import observe

import leadflow as lf
from leadflow.errors import ColumnsError, InputError, JobFailedError


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


@pytest.fixture
def leads():
    return pl.read_csv(lf.local.sample("leads.csv"), infer_schema=False).head(60)


def _key_counts(job):
    return {name: value for name, value in vars(job.counts).items() if name not in ("bought", "reused", "checked")}


def test_a_frame_is_a_job_like_a_script_over_the_same_rows(world, engine, leads):
    estimate = engine.estimate(leads)
    job = engine.run(leads.to_pandas(), name="june", progress=False)
    assert job.counts.bought == estimate.lookups > 40
    assert job.counts.balanced
    assert observe(world, engine, job.id).clean
    assert job.report().ok
    assert lf.jobs(full=True)["job_type"].tolist() == ["frame"]
    again = engine.run(leads, progress=False)
    assert again.counts.bought == 0
    assert again.counts.already_processed + again.counts.left_out == 60


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_a_file_gives_the_outcomes_of_its_frame(world, engine, leads, tmp_path, suffix):
    path = tmp_path / f"june leads{suffix}"
    if suffix == ".parquet":
        leads.write_parquet(path)
    else:
        leads.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    job = engine.run(str(path) if suffix == ".csv" else path, progress=False)
    assert job.name == "june leads"
    world.reset()
    with lf.Engine(world.settings) as other:
        assert _key_counts(other.run(leads, progress=False)) == _key_counts(job)


def test_the_limit_takes_the_first_rows_of_the_frame(world, engine, leads):
    reverse = leads.reverse()
    engine.run(reverse, limit_rows=12, progress=False)
    found = engine.history.leads(lf.jobs()["id"].iloc[0])
    zips = {row["person_key"] for _, row in found.iterrows()}
    keys = [lf.person_key(*row) for row in reverse.select(_PERSON).iter_rows()]
    assert zips <= set(keys[:20])
    assert keys[0] in zips or keys[1] in zips


_PERSON = ["First Name", "Last Name", "Address", "City", "State", "Zip"]


def test_a_zip_that_a_frame_holds_as_a_number_is_repaired(world, engine, leads):
    frame = leads.filter(pl.col("Zip").str.starts_with("0")).to_pandas()
    frame["Zip"] = frame["Zip"].str[:5].astype(float)
    engine.run(frame, progress=False)
    rows = world.sheet_values()
    place = rows[0].index("Zip")
    assert {len(row[place]) for row in rows[1:]} == {5}


@pytest.mark.parametrize(
    ("frame", "error", "said"),
    [
        (pd.DataFrame({"First Name": ["Ann"]}), ColumnsError, "no column for"),
        (pd.DataFrame(columns=["First Name"]), InputError, "no row"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ColumnsError, "two columns are named a"),
        (pl.DataFrame({"lf_row": ["1"]}), InputError, "a column lf_row"),
        (pl.LazyFrame({"a": [1]}), InputError, "collect"),
        ("no such file.csv", InputError, "there is no file"),
    ],
)
def test_leads_that_cannot_be_used_are_refused_before_money(world, engine, frame, error, said):
    with pytest.raises(error, match=said):
        engine.run(frame, progress=False)
    assert world.stats()["idicore"]["calls"] == 0


def test_params_of_rows_are_refused(engine, leads):
    with pytest.raises(InputError, match="params are for a script"):
        engine.run(leads, params={"state": "ME"}, progress=False)


def test_params_choose_the_leads_of_a_script_and_survive_a_resume(world, engine):
    script = 'SELECT * FROM RAW_LEADS WHERE "State" = $state'
    world.fail("snowflake", "503", times=1000)
    quick = engine.settings.warehouse.model_copy(update={"network_timeout_s": 1})
    with lf.Engine(engine.settings.model_copy(update={"warehouse": quick})) as hasty, pytest.raises(JobFailedError):
        hasty.run(script, params={"state": "FL"}, limit_rows=20, progress=False)
    world.heal()
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert job.ok
    states = {row[world.sheet_values()[0].index("State")] for row in world.sheet_values()[1:]}
    assert states == {"FL"}


def test_rows_of_a_frame_are_not_kept_and_a_resume_before_the_list_says_so(world, engine, leads, tmp_path):
    path = tmp_path / "leads.parquet"
    leads.write_parquet(path)
    quick = engine.settings.warehouse.model_copy(update={"network_timeout_s": 1})
    world.fail("snowflake", "503", times=1000)
    with lf.Engine(engine.settings.model_copy(update={"warehouse": quick})) as hasty:
        for source in (leads, path):
            with pytest.raises(JobFailedError):
                hasty.run(source, progress=False)
    world.heal()
    of_file, of_frame = lf.jobs()["id"]
    with pytest.raises(JobFailedError, match="the rows of a frame are not kept; nothing was bought"):
        engine.resume(of_frame, progress=False)
    assert world.stats()["idicore"]["calls"] == 0
    assert engine.resume(of_file, progress=False).ok
