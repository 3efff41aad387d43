"""The do-not-call check against a file finds a number however the list writes it, and refuses a doubtful list."""

from __future__ import annotations

import os
import sqlite3

import duckdb
import pytest
from dnc_lists import FREE, LISTED, list_service, sqlite_list
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.errors import RefusedError

_FILLING = [f"205555{n:04}" for n in range(300)]


def _verdicts(path, *phones):
    return {phone: str(scrub.verdict) for phone, scrub in list_service(path).check(phones or [LISTED, FREE]).items()}


def _expected(path):
    assert _verdicts(path) == {LISTED: "dnc", FREE: "clean"}


def _duckdb(path, create, rows):
    with duckdb.connect(str(path)) as db:
        db.execute(f"CREATE TABLE dnc_list {create}")
        db.executemany(f"INSERT INTO dnc_list VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return path


_MAKERS = {"list.duckdb": _duckdb, "list.sqlite": sqlite_list, "list.db": sqlite_list, "registry": _duckdb}
_FORMS = [
    "5045550143",
    "(504) 555-0143",
    "+15045550143",
    "15045550143",
    "1-504-555-0143",
    "504.555.0143",
    " 504 555 0143 ",
    "504-555-0143 x12",
    "+1 (504) 555-0143",
    '"504","5550143"',
    "504,5550143",
    "5045550143.0",
    "Ann;5045550143;LA",
    "2025550100,5045550143",
    "504: 5550143",
    "504\u00a0555\u20110143",
    "504 555 0143 ext. 7",
]
_UNCLEAR = [
    "2026-10-01,(504) 555-0143",
    "5045550143\t2026-01-01",
    "17,5045550143",
    "504: 5550143 5550144",
    "504 5550143 5550144",
    "5550143",
    "5045550143,5550144",
    "5045550100-5045550199",
    "504-555-0100 - 504-555-0199",
    "504-555-0100-0199",
    "5550100-5550199",
    "5045550100 to 5045550199",
    "5.045550143E9",
    "5.04555E+09",
    "50455501431",
    "+504 555 0143",
    "504555014",
    "5,045,550,143",
    "504-GO-HOMES",
    "504555014X",
    "5045550143 (2)",
    "see the next page",
    "\uff15\uff10\uff14555\uff10143",
    "5045550143 \u00bd",
    "1,5045550143,2",
    "0115045550143",
    "5045550143,D",
    "A,5045550143",
    "5045550143,2026-10-30,A",
    "-5045550143",
]


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("header", ["", "full_phone\n", "Area Code,Phone Number\n", "\ufeffphone\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_of_text_lists_its_number_however_it_is_written(tmp_path, form, header, end):
    path = tmp_path / "list.csv"
    for place in (0, 150, 300):
        lines = [*_FILLING[:place], form, *_FILLING[place:]]
        path.write_text(header + "\n".join(lines).replace("\n", end), encoding="utf-8", newline="")
        _expected(path)
    path.write_text(header + form, encoding="utf-8")
    assert _verdicts(path)[LISTED] == "dnc"


@pytest.mark.parametrize("form", _UNCLEAR)
@pytest.mark.parametrize("place", [0, 3, 300])
@pytest.mark.parametrize("file", ["list.csv", "list.db", "list.duckdb"])
def test_a_row_with_digits_that_are_no_whole_number_refuses_the_list(tmp_path, form, place, file):
    rows = [*_FILLING[:place], form, *_FILLING[place:]]
    path = tmp_path / file
    if file == "list.csv":
        if place == 0 and form in ("see the next page", "504: 5550143 5550144"):
            return  # a header, and the head of a section
        path.write_text("\n".join(rows), encoding="utf-8")
    else:
        _MAKERS[file](path, "(full_phone VARCHAR)", [(row,) for row in rows])
    with pytest.raises(RefusedError, match=rf"\b{place + 1}\b") as refused:
        _verdicts(path)
    assert form not in str(refused.value)


@pytest.mark.parametrize("file", _MAKERS)
@pytest.mark.parametrize("form", [*_FORMS, 5045550143, 5045550143.0, 15045550143])
@pytest.mark.parametrize("kind", ["VARCHAR", "TEXT"])
def test_a_table_lists_its_number_however_it_is_written(tmp_path, file, form, kind):
    path = _MAKERS[file](
        tmp_path / file,
        f"(full_phone {kind})",
        [(n,) for n in [*_FILLING[:20], str(form) if file in ("list.duckdb", "registry") else form]],
    )
    _expected(path)


@pytest.mark.parametrize("file", _MAKERS)
@pytest.mark.parametrize("kind", ["BIGINT", "DOUBLE"])
def test_numbers_of_a_column_of_numbers_are_found(tmp_path, file, kind):
    _expected(_MAKERS[file](tmp_path / file, f"(full_phone {kind})", [(int(n),) for n in [*_FILLING, "5045550143"]]))


@pytest.mark.parametrize("mixed", [[("5045550143",), (2055550100,)], [(5045550143,), ("2055550100",)]])
def test_a_column_without_a_type_may_hold_numbers_and_texts(tmp_path, mixed):
    _expected(sqlite_list(tmp_path / "list.db", "(full_phone)", mixed))


@pytest.mark.parametrize("file", _MAKERS)
@pytest.mark.parametrize(
    ("create", "rows"),
    [
        (
            "(area_code VARCHAR, phone_number VARCHAR, full_phone VARCHAR)",
            [("504", "5550143", "5045550143"), ("205", "5550100", "2055550100")],
        ),
        ("(area_code INTEGER, phone_number INTEGER)", [(504, 5550143), (205, 5550100)]),
        ('("Full_Phone" VARCHAR, note VARCHAR)', [("5045550143", "2025550199"), ("2055550100", "")]),
    ],
)
def test_tables_of_several_columns(tmp_path, file, create, rows):
    _expected(_MAKERS[file](tmp_path / file, create, rows))


@pytest.mark.parametrize("file", _MAKERS)
def test_of_a_table_with_dates_and_ids_the_phones_column_is_named(tmp_path, file):
    path = _MAKERS[file](
        tmp_path / file,
        "(id INTEGER, phone VARCHAR, added DATE)",
        [(1, "(504) 555-0143", "2026-01-02"), (504202, "2055550100", "2026-01-02")],
    )
    with pytest.raises(RefusedError, match="LIST_PHONE_COLUMNS"):
        _verdicts(path)
    found = list_service(path, list_phone_columns="Phone").check([LISTED, FREE])
    assert [str(scrub.verdict) for scrub in found.values()] == ["dnc", "clean"]
    with pytest.raises(RefusedError, match="no column tel"):
        list_service(path, list_phone_columns="tel").check([LISTED])


@given(
    st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True),
    st.sampled_from(["", "1", "+1", "1-", "+1 "]),
    st.sampled_from(["", "(", "["]),
    *[st.sampled_from(["", "-", ".", " ", ") ", ",", '","', "\t"])] * 2,
    st.sampled_from(["", ",x", " x12", ",,", ',"Ann"', " ext 4", ".0"]),
)
@settings(max_examples=60, deadline=None)
def test_no_way_to_write_a_number_hides_it(tmp_path_factory, number, before, opening, first, second, after):
    path = tmp_path_factory.mktemp("list") / "list.csv"
    path.write_text(f"{before}{opening}{number[:3]}{first}{number[3:6]}{second}{number[6:]}{after}\n", encoding="utf-8")
    assert _verdicts(path, f"+1{number}") == {f"+1{number}": "dnc"}


# A list that is doubtful is refused.


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"full_phone\n",
        b"area,phone\n504,\n",
        b"5.04555E+09\n5.04555E+09\n",
        b"5550143\n5550144\n",
        b"5\x000\x004\x005\x005\x005\x000\x001\x004\x003\x00\n\x00",
        b"<html><body>sign in</body></html>",
        b"PK\x03\x04" + bytes(range(256)) * 20,
        b"SQLite format 3\x00" + b"x" * 500,
        b"x" * 8 + b"DUCK" + b"x" * 500,
    ],
)
@pytest.mark.parametrize("name", ["list.csv", "list.duckdb", "list.sqlite"])
def test_a_file_that_is_no_list_is_refused(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RefusedError, match=name):
        _verdicts(path)


@pytest.mark.parametrize("bad", [4, 150, 299])
def test_a_list_with_rows_that_hold_no_phone_is_refused(tmp_path, bad):
    path = tmp_path / "list.csv"
    path.write_text("phone\n" + "\n".join([*_FILLING[bad:], "5045550143", *["5.04555E+09"] * bad]))
    with pytest.raises(RefusedError, match="would be called"):
        _verdicts(path)


@pytest.mark.parametrize("file", _MAKERS)
@pytest.mark.parametrize(
    ("create", "rows"),
    [
        ("(full_phone VARCHAR)", [(None,)]),
        ("(full_phone VARCHAR)", [("5550143",), ("504",)]),
        ("(phone VARCHAR)", [("2055550100",), (None,), ("x",)]),
        ("(full_phone VARCHAR)", [("2055550100",)] * 999 + [("",)]),
    ],
)
def test_a_table_that_is_no_list_is_refused(tmp_path, file, create, rows):
    with pytest.raises(RefusedError, match="rows"):
        _verdicts(_MAKERS[file](tmp_path / file, create, rows))


@pytest.mark.parametrize("file", _MAKERS)
def test_an_empty_table_and_one_of_another_name_are_refused(tmp_path, file):
    path = _MAKERS[file](tmp_path / file, "(full_phone VARCHAR)", [("5045550143",)])
    with duckdb.connect(str(path)) if _MAKERS[file] is _duckdb else sqlite3.connect(path) as db:
        db.execute("DELETE FROM dnc_list")
    with pytest.raises(RefusedError, match="0 rows"):
        _verdicts(path)
    with duckdb.connect(str(path)) if _MAKERS[file] is _duckdb else sqlite3.connect(path) as db:
        db.execute("ALTER TABLE dnc_list RENAME TO other")
    with pytest.raises(RefusedError, match="cannot be read"):
        _verdicts(path)


def test_a_missing_file_and_one_that_may_not_be_read_are_refused(tmp_path):
    with pytest.raises(RefusedError, match="there is no do-not-call list"):
        _verdicts(tmp_path / "list.csv")
    with pytest.raises(RefusedError, match="there is no do-not-call list"):
        _verdicts(tmp_path)


def test_the_home_of_a_list_is_not_written_to(tmp_path):
    path = sqlite_list(tmp_path / "list.db", "(full_phone VARCHAR)", [("5045550143",)])
    before = (path.stat().st_mtime_ns, os.listdir(tmp_path))
    _expected(path)
    assert (path.stat().st_mtime_ns, os.listdir(tmp_path)) == before
