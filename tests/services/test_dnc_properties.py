"""Properties of lists: a listed number is found however it is written, or the list is refused."""

from __future__ import annotations

import re
import sqlite3

from dnc_lists import dated_service, verdicts, zip_list
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadflow.errors import RefusedError
from leadflow.services.dnc_list.rows import Numbers

_number = st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True)
_separator = st.sampled_from(["", "-", ".", " ", ") ", ",", ";", "\t", "/", " - ", "\u2011", "  "])
_prefix = st.sampled_from(["", "1", "+1", "1-", "+1 ", "(", "+1 (", '"', "tel: ", "Ann, "])
_suffix = st.sampled_from(["", " x12", " ext. 7", ".0", '"', ",LA", " extension 12345", "#3", ",", " "])


def _plain_text(folder, line):
    (folder / "list.csv").write_text(f"3015550100\n{line}\n", encoding="utf-8")
    return folder / "list.csv"


def _one_zip(folder, line):
    return zip_list(folder / "list.zip", **{"a.txt": "3015550100\n", "b.txt": f"{line}\n"})


def _one_table(folder, line):
    with sqlite3.connect(folder / "list.db") as db:
        db.execute("CREATE TABLE dnc_list (full_phone)")
        db.executemany("INSERT INTO dnc_list VALUES (?)", [("3015550100",), (line,)])
    return folder / "list.db"


def _one_element(folder, line):
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    (folder / "list.xml").write_text(f"<l><p>3015550100</p><p>{escaped}</p></l>", encoding="utf-8")
    return folder / "list.xml"


@given(
    _number,
    _prefix,
    _separator,
    _separator,
    _suffix,
    st.sampled_from([_plain_text, _one_zip, _one_table, _one_element]),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_listed_number_is_found_however_written_or_the_list_is_refused(
    tmp_path_factory, number, prefix, first, second, suffix, lay
):
    path = lay(tmp_path_factory.mktemp("list"), f"{prefix}{number[:3]}{first}{number[3:6]}{second}{number[6:]}{suffix}")
    try:
        assert verdicts(
            path,
            number,
            list_area_codes=(),
            list_covers=("federal", "wireless", *["CO", "FL", "IN", "LA", "MA", "MO", "OK", "PA", "TN", "TX", "WY"]),
        ) == ["dnc"]
    except RefusedError:
        pass


@given(st.text(st.sampled_from("0123456789-,;. ()xADe+:/\t\n'\""), min_size=1, max_size=40), _number)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_digits_of_a_text_that_are_read_are_whole_numbers_or_the_text_is_refused(tmp_path_factory, text, number):
    path = tmp_path_factory.mktemp("list") / "list.txt"
    path.write_text(f"{number}\n{text}", encoding="utf-8")
    service = dated_service(path)
    try:
        service.raise_if_unusable()
    except RefusedError:
        return
    # Of an accepted text, what is no extension, no ".0" and no country code makes up whole numbers that are all listed.
    listed = service._read.contents.numbers
    for line in text.split("\n"):
        for run in re.findall(r"\d+", re.sub(r"(?:x|ext)[ .:]*\d{1,6}|\.0{1,2}(?!\d)", " ", line)):
            if len(run) == 10:
                assert listed.among([run])
    assert listed.among([number])


@given(st.lists(_number, max_size=60), st.lists(_number, max_size=20))
@settings(max_examples=60, deadline=None)
def test_the_set_in_memory_holds_what_was_added_and_no_more(added, asked):
    import numpy as np

    numbers = Numbers()
    numbers.add(np.array([int(number) for number in added], np.int64))
    assert numbers.among([*added, *asked]) == set(added)
    assert numbers.area_codes == {number[:3] for number in added}
