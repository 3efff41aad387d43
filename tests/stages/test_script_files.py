"""Scripts are read from files in any usual encoding, and from text."""

from __future__ import annotations

import re

import pytest

from leadflow.errors import ScriptError
from leadflow.stages.script import read_script

_TEXT = "SELECT 'San José' AS city, 'naïve \u2013 “x”' AS b\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-32"])
@pytest.mark.parametrize("name", ["june.sql", "JUNE.SQL", "june leads.sql", "select june.sql", "june.txt"])
def test_a_file_is_read_whatever_windows_wrote_it_in(tmp_path, encoding, name):
    path = tmp_path / name
    path.write_bytes(_TEXT.encode(encoding))
    for given_as in (path, str(path), f"'{path}'", f'"{path}"', f"  {path}\n"):
        assert read_script(given_as) == (_TEXT, path.stem)


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "June.SQL").write_text("SELECT 1")
    assert read_script("~/June.SQL") == ("SELECT 1", "June")
    with pytest.raises(ScriptError, match="no such user"):
        read_script("~nosuchuser9/June.sql")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        ("\ufeff \n".encode(), "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "save it as UTF-8"),
        ("SELECT 'José'".encode("mac_roman"), "save it as UTF-8"),
        ("SELECT 'José'".encode("cp437"), "save it as UTF-8"),
        ("SELECT 'Привет мир'".encode("cp1251"), "save it as UTF-8"),
        ("SELECT 1".encode("utf-16-le"), "save it as UTF-8"),
        (b"\xff\xfeS", "save it as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path, data, says):
    path = tmp_path / "june.sql"
    path.write_bytes(data)
    with pytest.raises(ScriptError, match=says) as caught:
        read_script(str(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("no_such.sql", "there is no script file no_such.sql"),
        ("'NO SUCH.SQL'", "there is no script file NO SUCH.SQL"),
        ("~/no/such.sql", "there is no script file"),
        ("C:\\jobs\\june.sql", "there is no script file C:"),
        ("C:\new\\june.sql", "control character"),
        ("leads.csv", "data file"),
        ("/data/june.parquet", "data file"),
        ("notes.ipynb", "is not a script"),
        ("./scripts/june", "there is no script file"),
        (".", "folder"),
        ("", "is empty"),
        ("\ufeff \n", "is empty"),
    ],
)
def test_each_wrong_path_gets_the_right_word(script, says):
    with pytest.raises(ScriptError, match=re.escape(says)):
        read_script(script)


@pytest.mark.parametrize("script", [None, 5, b"SELECT 1", ["SELECT 1"], True])
def test_what_is_neither_text_nor_a_path_is_refused(script):
    with pytest.raises(ScriptError, match=r"SQL text or the path of a \.sql file, not "):
        read_script(script)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM reports.sql",
        "SELECT 1 AS a -- from june.sql",
        "select a from t where n = 'x.sql'",
        "WITH a AS (SELECT 1) SELECT * FROM a.sql",
        "/* june.csv */ SELECT 1",
    ],
)
def test_sql_that_ends_like_a_path_is_sql(text):
    assert read_script(text) == (text, "script")
