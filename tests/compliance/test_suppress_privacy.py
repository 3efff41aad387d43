"""No phone of a request in a log, an event, an error, a repr, the history or the text of a statement."""

from __future__ import annotations

import io
import sys

import pytest
from opt_outs import ASKED, SCRIPT, one_with_own_phone, with_project
from privacy import history_text, traceback_text

import leadflow as lf
from leadflow import cli
from leadflow.services.warehouse.statements import Statements


@pytest.fixture
def engine(world):
    with lf.Engine(with_project(world.settings)) as engine:
        yield engine


def test_no_phone_is_said_anywhere(world, engine, logged, monkeypatch, capfd, recwarn):
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    key, phone = one_with_own_phone(world)
    forms = (phone, phone[2:], f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}")
    statements = []
    run = Statements._run

    def spied(self, sql, params=(), timeout_s=None):
        statements.append(sql)
        return run(self, sql, params, timeout_s)

    monkeypatch.setattr(Statements, "_run", spied)
    said = []
    for name, fault in (("dnc", "503"), ("sheets", "503"), ("dnc", "html")):
        world.fail(name, fault, times=2)
        result = engine.suppress([phone, forms[2]], person_key=key, phones_too=True, **ASKED)
        said += [repr(result), *result.open, *result.notes, str(result.frame)]
    engine.forget(key)
    later = engine.run(SCRIPT, limit_rows=5, progress=False)
    said += [repr(engine.report(later.id)), engine.report(job.id).to_markdown(), engine.report(job.id)._repr_html_()]
    said += [
        engine.trace(later.id, full=True).to_csv(),
        *statements,
        *(text for _, text in logged.records),
        *capfd.readouterr(),
    ]
    said += [repr(entry) for entry in engine.checkpoints.suppression_entries()]
    engine.history.flush()
    said.append(history_text(engine.settings.history_file))
    said += [str(warning.message) for warning in recwarn]
    for form in forms:
        assert not [text for text in said if form in text]


def test_no_error_quotes_what_was_given(engine):
    for phones in (["504-555-0143", "555-0199"], "555-0199", {"a": 1}):
        with pytest.raises(lf.errors.LeadflowError) as caught:
            engine.suppress(phones, **ASKED)
        assert not any(digits in traceback_text(caught.value) for digits in ("0143", "0199"))


def test_the_files_with_phones_are_private(engine):
    engine.suppress("504-555-0143", **ASKED)
    assert engine.settings.checkpoint_file.stat().st_mode & 0o077 == 0


def test_the_command_line(world, engine, monkeypatch, capsys):
    for name, value in world.env().items():
        monkeypatch.setenv(name, value)
    engine.run(SCRIPT, limit_rows=15, progress=False)
    _key, phone = one_with_own_phone(world)
    told = ["--reason", "asked on the phone", "--by", "ann"]
    assert cli.main(["suppress", phone, *told]) == 0
    said = capsys.readouterr().out
    assert "1 rows were withdrawn now" in said
    assert phone[2:] not in said
    monkeypatch.setattr(sys, "stdin", io.StringIO("504-555-0143\n\n 504-555-0144 \n"))
    assert cli.main(["suppress", "-", *told, "--scope", "solar"]) == 0
    other, _ = one_with_own_phone(world, 1)
    assert cli.main(["suppress", "--person-key", other, "--person-key", "A-17", *told]) == 0
    found = lf.suppressions()
    assert set(found["person_key"]) == {"", other, "A-17"}
    assert set(found["phone"]) == {"", phone, "+15045550143", "+15045550144"}
    assert cli.main(["suppress", "555-0144", *told]) == 1
    assert "entry 1 is no US phone" in capsys.readouterr().err
    assert cli.main(["suppress", phone, "--by", "ann"]) == 2
