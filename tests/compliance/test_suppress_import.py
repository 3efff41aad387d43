"""Opt-outs that callers typed into the sheet: what matches is suppressed, what nearly matches is said."""

from __future__ import annotations

import pytest
from opt_outs import SCRIPT, shown, suppressions
from outcome import sheet_rows

import leadflow as lf
from leadflow.errors import InputError

BY = {"by": "ann"}


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=25, progress=False)
        yield engine


def _type(world, texts, title="Disposition"):
    """Type texts into the first rows of a column at the right, and return the keys of these rows."""
    header, *rows = world.sheet_values()
    texts = [*texts, *[""] * (len(rows) - len(texts))]
    edited = [[*header, title], *([*row, text] for row, text in zip(rows, texts, strict=True))]
    world.edit_sheet(lambda _: edited)
    return [row[header.index("Lead Key")] for row in rows]


def test_typed_values_are_taken_blind_to_case_and_outer_blanks(world, engine):
    keys = _type(world, ["DNC", " dnc ", "Do Not Call", "voicemail", "do not call\n", ""], "disposition ")
    before = shown(world)
    result = engine.import_suppressions(**BY)
    assert result.ok
    gone = [keys[n] for n in (0, 1, 2, 4)]
    assert set(gone) <= set(before) - set(shown(world))
    assert keys[3] in shown(world)
    found = suppressions(world)
    assert {key for _, key, *_ in found if key} == set(gone)
    assert {phone for phone, *_ in found if phone} == set().union(*(before[key] for key in gone))
    assert {source for _, _, _, source, *_ in found} == {"sheet"}
    assert not [note for note in result.notes if "DNCScrub" not in note]


def test_a_text_that_nearly_matches_is_said_and_not_taken(world, engine):
    near = ["DNC!", "do not  call", "Do-not-call", "d.n.c.", "DNC - asked", "dont call", "Do not cal"]
    keys = _type(world, near)
    result = engine.import_suppressions(**BY)
    assert set(keys[: len(near)]) <= set(shown(world))
    assert suppressions(world) == []
    said = [note for note in result.notes if "NOT suppressed" in note and note.startswith("1 rows")]
    assert len(said) == len(near), said
    assert "NOT suppressed" in repr(result)


def test_other_texts_are_not_said(world, engine):
    _type(world, ["voicemail", "no answer", "call back", "busy", "?"])
    assert not [note for note in engine.import_suppressions(**BY).notes if "NOT" in note]


def test_a_note_about_a_person_is_counted_and_not_shown(world, engine):
    _type(world, ["DNC, Mary Smith said on 504-555-0143", "please do not call Mary Smith again"])
    result = engine.import_suppressions(**BY)
    assert "Mary" not in repr(result)
    assert "0143" not in repr(result)
    assert sum("longer text" in note for note in result.notes) == 2


def test_values_that_are_in_no_row_are_said(world, engine):
    _type(world, ["DNC"])
    notes = engine.import_suppressions(values=["DNC", "Remove me"], **BY).notes
    assert "'Remove me' is in no row of column 'Disposition'" in notes


def test_an_unknown_column_is_an_error_with_the_nearest_name(world, engine):
    _type(world, ["DNC"], "Call Result")
    with pytest.raises(InputError, match="no column 'Call Reslt'; the nearest is 'Call Result'"):
        engine.import_suppressions("Call Reslt", ["DNC"], **BY)
    assert engine.import_suppressions("call result", ["DNC"], **BY).withdrawn == 1


def test_two_columns_of_that_name_are_an_error(world, engine):
    _type(world, ["DNC"])
    _type(world, ["DNC"], "DISPOSITION")
    with pytest.raises(InputError, match="2 columns"):
        engine.import_suppressions(**BY)


@pytest.mark.parametrize("values", [[], [""], [None], 7, None])
def test_values_must_be_texts(world, values):
    engine = lf.Engine(world.settings)
    with pytest.raises(InputError, match="values"):
        engine.import_suppressions(values=values, **BY)


def test_a_single_value_may_be_given_alone(world, engine):
    keys = _type(world, ["DNC"])
    engine.import_suppressions(values="dnc", **BY)
    assert keys[0] not in shown(world)


def test_rows_that_people_added_count_with_the_phone_that_they_show(world, engine):
    _type(world, [])
    header, *_rows = world.sheet_values()
    own = [""] * len(header)
    own[header.index("Phone 1")], own[header.index("Disposition")] = "(504) 555-0143", "DNC"
    unreadable = [""] * len(header)
    unreadable[header.index("Phone 1")], unreadable[header.index("Disposition")] = "555-0144", "DNC"
    world.edit_sheet([("append", own), ("append", unreadable)])
    result = engine.import_suppressions(**BY)
    assert [row[0] for row in suppressions(world)] == ["+15045550143"]
    assert any(note.startswith("1 rows with such a cell") for note in result.notes)


def test_importing_again_changes_nothing(world, engine):
    _type(world, ["DNC", "DNC"])
    engine.import_suppressions(**BY)
    before, rows = suppressions(world), sheet_rows(world)
    again = engine.import_suppressions(**BY)
    assert (again.withdrawn, suppressions(world), sheet_rows(world)) == (0, before, rows)
