"""lf.why on the local world: the sentence agrees with sheet and tables, by key and by name, and nobody is named."""

from __future__ import annotations

import csv

import pytest
from opt_outs import elsewhere
from outcome import SCRIPT
from privacy import forbidden_words, traceback_text, words_in
from rescrubbing import age, list_phones, no_reuse, phones_of, row_of

import leadflow as lf
from leadflow.errors import InputError, LeadNotFound
from leadflow.leads.columns import person_key
from leadflow.local import sample

_PARTS = ("First Name", "Last Name", "Address", "City", "State", "Zip")


@pytest.fixture
def engine(world):
    with lf.Engine(no_reuse(world)) as engine:
        yield engine


@pytest.fixture
def job(engine):
    return engine.run(SCRIPT, "june", limit_rows=60, progress=False)


def _leads():
    with sample("leads.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _named(row):
    return dict(zip(("first", "last", "address", "city", "state", "zip"), (row[name] for name in _PARTS), strict=True))


def test_every_lead_of_a_job_is_answered_as_it_was_recorded(engine, job):
    outcomes = engine.history.leads(job.id)
    firsts = outcomes.drop_duplicates(["disposition", "reason"])
    assert len(firsts) > 4
    for key, disposition, reason in firsts[["person_key", "disposition", "reason"]].itertuples(index=False):
        found = engine.why(key)
        assert ("was delivered" in found.sentence) == (disposition == "delivered"), found.sentence
        assert job.id in found.sentence
        assert (disposition, reason) in found.evidence[["what", "reason"]].itertuples(index=False, name=None)


def test_the_phone_that_condemned_a_lead_is_named_by_place_and_its_number_is_in_the_evidence(engine, job):
    held = job.leads("litigator")
    found = engine.why(held["Lead Key"][0])
    checks = found.evidence.query("what == 'checked' and reason == 'litigator'")
    assert len(checks) == 1
    [place], [phone] = checks["place"], checks["phone"]
    assert f"phone {place}: litigator" in found.sentence
    assert phone.startswith("+1")
    if place <= 3:
        assert held[f"Phone {place}"][0] == phone
    assert phone not in found.sentence + repr(found) + found._repr_html_()


def test_a_lead_over_the_limit_is_found_by_key_and_by_all_parts(engine, job):
    row = _leads()[-1]
    key = person_key(*(row[name] for name in _PARTS))
    assert "beyond the row limit" in engine.why(key).sentence
    assert engine.why(**_named(row)).keys[0] == key


def test_leads_that_are_left_out_are_told_why(engine, job):
    with engine.history._seen().read() as db:
        left_out = dict(db.execute("SELECT reason, any_value(person_key)::VARCHAR FROM left_out GROUP BY 1").fetchall())
    assert {"over_limit", "duplicate", "no_identity"} <= set(left_out)
    said = engine.why(left_out["no_identity"].replace("-", "")).sentence
    assert "the script's row has no first name, last name or address" in said
    second = engine.run(SCRIPT, "july", limit_rows=60, progress=False)
    key = job.delivered()["Lead Key"][0]
    found = engine.why(key)
    assert f"was delivered by job {job.id}" in found.sentence
    assert ("left out", "already_processed", second.id) in [
        *found.evidence[["what", "reason", "job_id"]].itertuples(index=False, name=None)
    ]


def test_a_person_is_found_by_parts_in_another_spelling(engine, job):
    row = job.delivered().iloc[0]
    found = engine.why(first=row["First Name"].upper(), last=f" {row['Last Name'].lower()}", zip=row["Zip"])
    assert found.keys[0] == row["Lead Key"]
    assert "was delivered" in found.sentence


def test_parts_that_several_people_have_are_answered_with_their_keys(engine, job, logged, capfd):
    names = job.leads()["Last Name"].str.strip()
    common = names[names.duplicated()].iloc[0]
    with pytest.raises(InputError, match="people have these parts") as caught:
        engine.why(last=common)
    said = traceback_text(caught.value) + "".join(text for _, text in logged.records) + "".join(capfd.readouterr())
    assert not words_in(said, forbidden_words())


@pytest.mark.parametrize("who", [{"first": "Ann"}, {"state": "ME", "zip": "04530"}, {"name": "Lee"}, {}])
def test_parts_that_say_too_little_are_refused(engine, who):
    with pytest.raises(InputError):
        engine.why(**who)


def test_an_unknown_person_is_answered_with_what_was_searched_and_not_repeated(engine, job):
    who = {"first": "Zebulon", "last": "Quartermain", "zip": "99999"}
    with pytest.raises(LeadNotFound, match="PERSON_CACHE, UNIQUE_CONSOLIDATED_DATA, SCRUB_LEDGER") as caught:
        engine.why(**who)
    assert "Quartermain" not in traceback_text(caught.value)


def test_a_withdrawal_by_a_re_scrub_an_opt_out_and_a_forgotten_person(world, engine, job):
    first, second, third = job.delivered()["Lead Key"][:3]
    age(world, 28, first)
    list_phones(world, phones_of(row_of(world, first))[0])
    again = engine.rescrub(progress=False)
    said = engine.why(first).sentence
    assert f"was delivered by job {job.id}" in said
    assert f"withdrawn by re-scrub {again.id}" in said
    assert "phone 1: dnc" in said
    engine.suppress(person_key=second, reason="asked on the phone", by="ann")
    found = engine.why(second)
    assert "withdrawn on" in found.sentence
    assert "the house's do-not-call list" in found.sentence
    assert "asked on the phone" not in repr(found)
    engine.forget(third)
    assert "the person was forgotten" in engine.why(third).sentence


def test_another_machine_answers_from_the_tables(world, engine, job, tmp_path):
    delivered, held = job.delivered()["Lead Key"][0], job.leads("litigator")["Lead Key"][0]
    with lf.Engine(elsewhere(engine.settings, tmp_path / "other")) as other:
        assert f"was delivered by job {job.id}" in other.why(delivered).sentence
        said = other.why(held).sentence
        assert "held" in said
        assert "litigator" in said


def test_without_snowflake_the_answer_says_so(world, engine, job):
    key = job.delivered()["Lead Key"][0]
    world.fail("snowflake", "403", times=1_000)
    found = engine.why(key)
    assert "was delivered" in found.sentence
    assert "Snowflake could not be read" in found.notes[0]


def test_a_lead_that_waits_is_told_where(engine):
    job = engine.run(SCRIPT, "june", limit_rows=60, max_lookups=5, progress=False)
    waiting = engine.checkpoints.keys(job.id)[-1]
    assert f"it waits in job {job.id}" in engine.why(waiting).sentence
