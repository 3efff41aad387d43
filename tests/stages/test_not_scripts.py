"""What is given in place of a script gets the right word."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from leadflow.errors import ScriptError
from leadflow.stages.script import parse_script, read_script


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "june_leads.sql").write_text("SELECT 1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (pd.DataFrame({"a": [1]}), "not DataFrame. This is a frame of leads; engine.run takes leads from"),
        (pl.DataFrame({"a": [1]}), "not DataFrame. This is a frame of leads"),
        (None, "no script was given"),
        (["a.sql", "b.sql"], "engine.queue runs several scripts one after another"),
        (b"SELECT 1", "script.decode()"),
        ("leads.csv", "leads.csv is a data file with leads, not a script; engine.run takes leads from a .csv"),
        (Path("leads.parquet"), "leads.parquet is a data file with leads"),
        (Path("probate.sql"), "there is no script file probate.sql; look at the path"),
        (Path("june_lead.sql"), "there is no script file june_lead.sql; did you mean june_leads.sql?"),
        (Path("scripts/june.sql"), "there is no script file scripts/june.sql: the folder scripts is not there"),
        ("june_leads", "june_leads is not SQL; to run the file of that name: june_leads.sql"),
        ("RAW_LEADS", "RAW_LEADS is neither SQL nor a file; to read a table: SELECT * FROM RAW_LEADS"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_no_script_is_named(given, says):
    with pytest.raises(ScriptError, match=re.escape(says)):
        read_script(given)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELEC * FRM X", "it begins with SELEC (did you mean SELECT?)"),
        ("WHIT a AS (SELECT 1) SELECT * FROM a", "it begins with WHIT (did you mean WITH?)"),
        ("DESCRIB TABLE x", "it begins with DESCRIB (did you mean DESCRIBE?)"),
        ("hello world", "it begins with HELLO. Queries,"),
        ("'5045550143' x", "it begins with something else than a command"),
    ],
)
def test_a_misspelt_command_is_named_with_the_one_meant(text, says):
    with pytest.raises(ScriptError, match=re.escape(says)):
        parse_script(read_script(text)[0])


@pytest.mark.parametrize("text", ["COMMIT", "commit", "SELECT", "begin"])
def test_a_word_of_sql_is_left_to_the_parser(text):
    assert read_script(text) == (text, "script")
