"""The certificate of a job: counts that the sheet confirms, a hash that changes with any row, and a page of its own."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timezone

import pytest
from outcome import SCRIPT, doubles, ledger_rows, phones_of, sheet_rows
from privacy import forbidden_words, words_in

import leadflow as lf
from leadflow.compliance.ledger import event_entry, record
from leadflow.compliance.ledger_reading import job_entries, ledger_hash
from leadflow.errors import InputError, JobNotFound
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.tables import LEDGER_COLUMNS
from leadflow.stages.ledger_entries import WITHDRAWN


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


@pytest.fixture
def job(engine):
    return engine.run(SCRIPT, name="june", limit_rows=60, progress=False)


def _sql(world, statement, *values):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        return warehouse.execute(statement, values)


def test_its_counts_are_those_of_the_sheet(world, engine, job):
    found = lf.certificate(job.id)
    assert found.ok, found.problems
    rows = sheet_rows(world)
    assert found.counts["leads_delivered"] == len(rows) == job.counts.delivered
    assert found.counts["delivered"] == sum(len(phones_of(row)) for row in rows)
    assert found.counts["checked"] == found.counts["clean"] + found.counts["flagged"] + found.counts["unchecked"]
    assert {(one.kind, one.provider) for one in found.lists} == {("litigator", "dncscrub"), ("dnc", "dncscrub")}
    assert found.lists[0].phones == found.counts["checked"]
    assert (found.job["started_by"], found.settings["keep_evidence_years"]) == (world.settings.started_by, 5)


def test_it_names_nobody(engine, job, tmp_path):
    found = engine.certificate(job.id)
    said = repr(found) + found._repr_html_() + found.save(tmp_path / "c.html").read_text()
    assert not words_in(said, forbidden_words())
    for text in (job.id, found.sha256, "glba", "not legal advice", "89 FR 26760", "Run by"):
        assert text.lower() in said.lower()
    assert "LEADS_DB.PUBLIC.SCRUB_LEDGER" in said


def test_the_hash_can_be_recomputed_by_its_description(world, engine, job):
    rows = sorted(ledger_rows(world, job.id), key=lambda row: row["ENTRY_ID"])
    lines = ["\x1f".join("" if row[name] is None else str(row[name]) for name in LEDGER_COLUMNS) for row in rows]
    expected = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    found = engine.certificate(job.id)
    assert (found.sha256, found.entries) == (expected, len(rows))
    with Warehouse(world.settings.warehouse) as warehouse:
        assert ledger_hash(reversed(job_entries(warehouse, job.id))) == expected


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE SCRUB_LEDGER SET VERDICT = 'clean' WHERE VERDICT = 'dnc'", "are not as leadflow wrote them"),
        ("UPDATE SCRUB_LEDGER SET EVENT_AT = TIMESTAMP '2026-01-01 00:00:00' WHERE EVENT = 'check'", "not as leadflow"),
        ("DELETE FROM SCRUB_LEDGER WHERE KIND = 'dnc'", "do not have both checks on record"),
        ("DELETE FROM SCRUB_LEDGER WHERE EVENT = 'delivered'", "the ledger 0"),
        ("DELETE FROM SCRUB_LEDGER", "the ledger has no entry of this job"),
    ],
)
def test_records_that_were_changed_are_said(world, engine, job, change, says):
    before = engine.certificate(job.id)
    _sql(world, change)
    after = engine.certificate(job.id)
    assert (before.ok, after.ok) == (True, False)
    assert any(says in problem for problem in after.problems)
    assert after.sha256 != before.sha256
    assert "NOT COMPLETE" in repr(after)
    assert "Records not complete" in after._repr_html_()


def test_withdrawals_since_are_counted_and_change_no_hash(world, engine, job):
    before, row = engine.certificate(job.id), sheet_rows(world)[0]
    now = datetime.now(timezone.utc)
    gone = [event_entry(WITHDRAWN, row["Lead Key"], phone, "suppress-1", now, "opt-out") for phone in phones_of(row)]
    with Warehouse(world.settings.warehouse) as warehouse:
        record(warehouse, [*gone, event_entry(WITHDRAWN, "another", "+15045550100", "suppress-1", now)])
    after = engine.certificate(job.id)
    assert (after.counts["withdrawn"], after.counts["leads_withdrawn"]) == (len(gone), 1)
    assert (after.sha256, after.ok) == (before.sha256, True)


def test_a_job_that_checked_nothing_and_one_that_is_unknown(engine):
    job = engine.run(f"{SCRIPT} WHERE 1 = 0", name="none", progress=False)
    found = engine.certificate(job.id)
    assert (found.ok, found.entries) == (True, 0)  # it delivered nothing, so nothing is missing
    assert "No check is recorded" in found._repr_html_()
    with pytest.raises(JobNotFound):
        engine.certificate("nobody")


def test_a_second_job_of_the_same_people_uses_their_checks_again_and_says_so(world, engine, job):
    _sql(world, "DELETE FROM PERSON_CACHE")
    time.sleep(1.1)  # the ledger's times are in seconds
    again = engine.run(SCRIPT, name="july", limit_rows=60, progress=False)
    found = engine.certificate(again.id)
    assert found.ok, found.problems
    assert found.lists[0].reused == found.lists[0].phones > 0
    assert "checked before the job" in found._repr_html_()
    assert doubles([row["ENTRY_ID"] for row in ledger_rows(world)]) == 0


# Its file.


def test_a_certificate_is_saved_and_saved_again_and_nothing_else_is_overwritten(engine, job, tmp_path):
    found = engine.certificate(job.id)
    path = found.save(str(tmp_path / "c.HTML"))
    first = path.read_text()
    assert first.startswith("<!DOCTYPE html>")
    assert found.save(path) == path
    note = tmp_path / "note.html"
    note.write_text("<html>mine</html>")
    for wrong, says in [
        (note, "is no certificate"),
        (tmp_path / "c.pdf", "does not end in .html"),
        (tmp_path / "c", "does not end in .html"),
        (tmp_path / "nowhere" / "c.html", "there is no folder"),
        (tmp_path / "folder.html", "is no certificate"),
    ]:
        (tmp_path / "folder.html").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=says):
            found.save(wrong)
    assert note.read_text() == "<html>mine</html>"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.HTML", "folder.html", "note.html"]


def test_its_page_loads_nothing_and_escapes_what_the_user_named(world, tmp_path):
    settings = world.settings.model_copy(update={"started_by": "<b>Ann</b> & co"})
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, name="<i>june</i>", limit_rows=5, progress=False)
        page = engine.certificate(job.id).save(tmp_path / "c.html").read_text()
    assert "&lt;b&gt;Ann&lt;/b&gt; &amp; co" in page
    assert "<i>june" not in page
    assert not [word for word in ("http://", "https://", "src=", "url(", "<script") if word in page]
