"""Layouts of a do-not-call list: folders, archives, XML, sections, CSV with a header, change lists, dates in names."""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
import zipfile
from datetime import date, timedelta

import pytest
from dnc_lists import TODAY, dated_service, verdicts, zip_list

from leadflow.errors import RefusedError, SettingsError


def _refuses(path, match, **more):
    with pytest.raises(RefusedError, match=match) as refused:
        dated_service(path, **more).raise_if_unusable()
    # Rows are named by their number, never by their content.
    assert not re.search(r"[2-9]\d{2}\D?\d{4}", str(refused.value).replace(str(path), ""))


# Sevens below an area code.

_XML = [
    '<?xml version="1.0"?><list type="full" level="state" val="Louisiana" date="2026-11-01">'
    '<ac val="504"><ph val="5550143"/><ph val="5550144"/></ac><ac val="202"><ph val="5550199"/></ac></list>',
    "<dnc><areacode>504</areacode><phone>5550143</phone><phone>555-0144</phone>"
    "<areacode>202</areacode><phone>5550199</phone></dnc>",
    "<dnc>\n<row><area_code>504</area_code><number>5550143</number></row>\n<row><area_code>504</area_code><number>5550144</number></row>"
    "<row><area_code>202</area_code><number>5550199</number></row></dnc>",
    '<d:list xmlns:d="urn:1"><d:area code="504"><d:n>5550143</d:n><d:n>5550144</d:n></d:area>'
    "<d:n>(202) 555-0199</d:n></d:list>",
    "<l><p>5045550143</p><p>+1 504-555-0144</p><p>2025550199</p></l>",
    '<npa value="504"><ph>5550143</ph><ph>5550144</ph><x><npa>202</npa><ph>5550199</ph></x></npa>',
    "<list type='full' val='504'><ph val='5550143'/><ph val='5550144'/><ac val='202'><ph val='5550199'/></ac></list>",
]
_SECTIONS = [
    "504:\n5550143\n5550144\n202:\n5550199\n",
    "504: 5550143 5550144\n202: 5550199\n",
    "504: 5550143, 5550144\n\n202: 5550199",
    "Area Code 504\n555-0143\n555-0144\nArea Code 202\n555-0199\n",
    "[504]\r\n5550143\r\n5550144\r\n[202]\r\n5550199\r\n",
    "\ufeffNPA 504\n5550143 5550144\nNPA 202\n555.0199",
]


@pytest.mark.parametrize("text", [*_XML, *_SECTIONS])
def test_sevens_below_an_area_code_are_all_read(tmp_path, text):
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8", newline="")
    assert verdicts(path, "5045550143", "5045550144", "2025550199", "5045550199", "2125550143") == [
        "dnc",
        "dnc",
        "dnc",
        "clean",
        "unchecked",
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("<l><ph>5550143</ph></l>", "no whole phone number"),
        ('<l><ac val="504"><ph val="5550143"/></ac><ph val="5550144"/></l>', "no whole phone number"),
        ('<l><ac val="504"><ph val="5550143" n="17"/></ac></l>', "no whole phone number"),
        ('<l><ac val="504"><ph val="5550143-5550199"/></ac></l>', "no whole phone number"),
        ('<l><ac val="5045"><ph val="5550143"/></ac></l>', "three digits"),
        ('<l><ac val="504"><ph val="55501"/></ac></l>', "no whole phone number"),
        ('<list type="change"><ac val="504"><ph val="5550143"/></ac></list>', "change list"),
        ('<list><ac val="504"><ph val="5550143" action="D"/></ac></list>', "change list"),
        ('<list><ac val="504"><add><ph val="5550143"/></add></ac></list>', "change list"),
        ('<!DOCTYPE l [<!ENTITY e "5045550143">]><l><p>&e;</p></l>', "entity"),
        ("<l><p>5045550143</p>", "ExpatError"),
        ("<l><p>\uff15\uff10\uff145550143</p><p>5045550143</p></l>", "no whole phone number"),
        ("<l></l>", "no number"),
        ("504\n5550143\n5550144\n", "rows that cannot be read: 1, 2, 3"),
        ("504:\n5550143\n55501\n", ": 3 "),
        ("504:\n5550143\n5045550144\n", ": 3 "),
        ("5550143\n504:\n5550144\n", ": 1"),
        ("2025550199\n504:\n5550143\n", ": 2"),
        ("504:\n5550143-5550149\n", ": 2 "),
        ("504:\n202:\n", "no number"),
    ],
)
def test_sevens_that_may_be_of_any_area_code_refuse_the_list(tmp_path, text, match):
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    _refuses(path, match)


# Change lists.


@pytest.mark.parametrize(
    "text",
    [
        "5045550143 2026-10-30 A\n5045550144 2026-10-30 D\n",
        "504,5550143,2026-10-30T00:00:00,A\n",
        "5045550143,A\n5045550144,D\n",
        "D,504,5550143\n",
        "D5045550143\nA5045550144\n",
        "5045550143\tDELETE\n",
        "phone,action\n5045550143,x\n",
        "Change List\n5045550143\n",
        "full_phone,change_type\n5045550143,new\n",
        "full_phone,kind\n5045550143,D\n",
        "<changelist><ac val='504'><ph val='5550143'/></ac></changelist>",
        "<DncUpdates><ac val='504'><ph val='5550143'/></ac></DncUpdates>",
        "<list><removed><ac val='504'><ph val='5550143'/></ac></removed></list>",
        "<list><ac val='504'><revoked><ph val='5550143'/></revoked></ac></list>",
        "<list><ac val='504'><ph val='5550143' status='D'/></ac></list>",
        "<list><ac val='504'><ph val='5550143' ad='x'/></ac></list>",
        "<list><ac val='504'><ph val='5550143'/><mark>A</mark></ac></list>",
        "<list type='C' val='504'><ph val='5550143'/></list>",
    ],
)
def test_a_change_list_is_not_taken_for_the_registry(tmp_path, text):
    path = tmp_path / "list.csv"
    path.write_text(text)
    _refuses(path, "change list.*download the full list")


@pytest.mark.parametrize("row", ["5045550144,N", "5045550144;r", "C,504,5550144", '504,5550144,"N"', "5045550144|new"])
def test_a_code_letter_that_nobody_explained_refuses_the_list(tmp_path, row):
    path = tmp_path / "list.csv"
    path.write_text(f"phone,status\n2025550199,x\n{row}\n")
    _refuses(path, "3 .*code letter")


def test_a_number_in_words_is_no_header(tmp_path):
    (tmp_path / "list.txt").write_text("five zero four five five five zero one four three\n5045550144\n")
    _refuses(tmp_path / "list.txt", "cannot be read: 1 ")


def test_a_change_list_in_a_table_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "list.db") as db:
        db.execute("CREATE TABLE dnc_list (full_phone TEXT PRIMARY KEY, action TEXT)")
        db.execute("INSERT INTO dnc_list VALUES ('5045550143', 'D')")
    _refuses(tmp_path / "list.db", "change list")


# A CSV whose columns are named.


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_of_a_csv_the_named_column_counts(tmp_path, delimiter):
    rows = [
        ["id", "Full_Phone", "registered", "state"],
        ["1", '"5045550143"', "2026-01-02", "LA"],
        ["2", "(504) 555-0144", "", "LA"],
    ]
    path = tmp_path / "list.csv"
    path.write_text("\n".join(delimiter.join(row) for row in rows))
    assert verdicts(path, "5045550143", "5045550144", "5045550199") == ["dnc", "dnc", "clean"]
    path.write_text(path.read_text().replace("Full_Phone", "Mobile No"))
    _refuses(path, "2, 3 .*LEADFLOW_DNC__LIST_PHONE_COLUMNS")
    assert verdicts(path, "5045550143", "5045550144", list_phone_columns=("mobile no",)) == ["dnc", "dnc"]
    _refuses(path, "no column Telephone", list_phone_columns="Telephone")


@pytest.mark.parametrize(
    "row", ["3,5550145,2026-01-02", "3,,2026-01-02", "3,5045550145", "3,5045550145,2026-01-02,9", '3,"504","5550145"']
)
def test_a_row_of_a_csv_without_a_whole_number_refuses_it(tmp_path, row):
    path = tmp_path / "list.csv"
    path.write_text(f"id,full_phone,added\n1,5045550143,2026-01-02\n{row}\n")
    _refuses(path, "3|cannot be read")


@pytest.mark.parametrize(
    "row",
    [
        "LA 50 45 55 01 43",
        "phone 5E+09",
        "Ann 5550143",
        "Area code 504, 5550143",
        "tel 555-0143",
        "5045550143 2",
        "Phone +5",
    ],
)
def test_a_first_row_that_holds_digits_is_no_header(tmp_path, row):
    path = tmp_path / "list.csv"
    path.write_text(f"{row}\n5045550144\n")
    try:
        assert verdicts(path, "5045550143") == ["dnc"]
    except RefusedError:
        pass


@pytest.mark.parametrize(
    "row",
    ["Phone 1,Phone 2", "area_code;phone_number", "PHONE", "\ufeffT\u00e9l\u00e9phone", '"NPA","NXX_1"', "DNC numbers"],
)
def test_one_header_row_is_let_through_and_no_second(tmp_path, row):
    path = tmp_path / "list.csv"
    path.write_text(f"\n{row}\n5045550143\n", encoding="utf-8")
    assert verdicts(path, "5045550143") == ["dnc"]
    path.write_text(f"{row}\n{row}\n5045550143\n", encoding="utf-8")
    _refuses(path, ": 2 ")


# Encodings.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_is_read_in_the_usual_encodings(tmp_path, encoding, end):
    path = tmp_path / "list.csv"
    path.write_bytes(f"T\u00e9l\u00e9phone{end}504-555-0143{end}Andr\u00e9,5045550144{end}".encode(encoding))
    assert verdicts(path, "5045550143", "5045550144", "5045550199") == ["dnc", "dnc", "clean"]


# Several files.


def test_folders_archives_and_several_files_are_one_list(tmp_path):
    folder = tmp_path / "lists"
    (folder / "LA").mkdir(parents=True)
    (folder / "LA" / "504.txt").write_text("5045550143\n")
    (folder / "202.csv").write_text("phone\n202,5550199\n")
    (folder / ".DS_Store").write_bytes(b"\x00\x01Bud1")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "x.txt").write_text("nothing")
    (folder / "301.txt.gz").write_bytes(gzip.compress(b"3015550143\n"))
    inner = zip_list(tmp_path / "inner.zip", **{"401.txt": "4015550143\n"}).read_bytes()
    zip_list(
        folder / "more.zip",
        **{
            "d__212.txt": "2125550143\n",
            "305.xml": '<ac val="206"><ph val="5550143"/></ac>',
            "inner.zip": inner,
            ".DS_Store": "nothing",
        },
    )
    numbers = ["5045550143", "2025550199", "3015550143", "2125550143", "2065550143", "4015550143"]
    assert verdicts(folder, *numbers) == ["dnc"] * 6
    assert verdicts(folder, *(f"{number[:3]}5550177" for number in numbers)) == ["clean"] * 6
    assert verdicts((folder / "LA" / "504.txt", folder / "202.csv"), "5045550143", "2025550199", "2125550143") == [
        "dnc",
        "dnc",
        "unchecked",
    ]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("README.txt", b"Files of the registry.\nDo not share.\n", "README.txt .*2"),
        ("404.txt", b"", "404.txt is empty"),
        ("404.txt", b"phone\n", "404.txt has no number"),
        ("404.txt", b"4045550143\n5550144\n", "404.txt has rows .* 2 "),
        ("book.xlsx", None, "Excel"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "Excel"),
        ("404.tar", b"404.txt".ljust(257, b"\x00") + b"ustar" + b"\x00" * 300, "tar"),
        ("404.rar", b"Rar!\x1a\x07\x00", "unpack"),
        ("404.parquet", b"PAR1" + bytes(50), "Parquet"),
        ("404.zip", b"PK\x03\x04 broken", "BadZipFile"),
        ("404.gz", b"\x1f\x8b broken", "cannot be read"),
        ("404.bin", b"4045550143\n\x00\x00", "no text"),
    ],
)
def test_one_bad_file_of_a_folder_refuses_the_list(tmp_path, name, content, match):
    (tmp_path / "504.txt").write_text("5045550143\n")
    if content is None:
        book = io.BytesIO()
        with zipfile.ZipFile(book, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("xl/worksheets/sheet1.xml", "<c><v>4045550143</v></c>")
        content = book.getvalue()
    (tmp_path / name).write_bytes(content)
    _refuses(tmp_path, match)


def test_a_database_in_an_archive_and_an_encrypted_member_are_refused(tmp_path):
    _refuses(zip_list(tmp_path / "a.zip", **{"list.db": b"SQLite format 3\x00" + bytes(100)}), "unpack")
    plain = bytearray(zip_list(tmp_path / "b.zip", **{"list.txt": "5045550143"}).read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        plain[plain.index(mark) + (6 if mark[2] == 3 else 8)] |= 1
    (tmp_path / "b.zip").write_bytes(plain)
    _refuses(tmp_path / "b.zip", "encrypted")
    _refuses(zip_list(tmp_path / "c.zip"), "without files|cannot be read")


def test_a_new_file_in_the_folder_counts_at_once(tmp_path):
    (tmp_path / "504.txt").write_text("5045550143\n")
    service = dated_service(tmp_path)
    before = service.policy
    assert str(service.check(["+12025550199"])["+12025550199"].verdict) == "unchecked"
    (tmp_path / "202.txt").write_text("2025550100\n")
    assert str(service.check(["+12025550199"])["+12025550199"].verdict) == "clean"
    assert service.policy != before


def test_a_list_that_is_still_being_written_is_refused(tmp_path, monkeypatch):
    from leadflow.services.dnc_list import service as dnc_list

    path = tmp_path / "504.txt"
    path.write_text("5045550143\n")

    def read_and_grow(file, contents, columns):
        read_file(file, contents, columns)
        with path.open("a") as more:
            more.write("5045550144\n")

    read_file = dnc_list.read_file
    monkeypatch.setattr(dnc_list, "read_file", read_and_grow)
    _refuses(path, "changed while it was read")
    monkeypatch.undo()
    assert verdicts(path, "5045550144") == ["dnc"]


# Dates in names.


@pytest.mark.parametrize(
    "form",
    [
        "{0:%Y-%m-%d}_504.txt",
        "504_{0:%Y%m%d}.csv",
        "dnc {0:%m-%d-%Y}.txt",
        "{0:%Y_%m_%d}.txt",
        "{0.year}-{0.month}-{0.day}_504_8B6F.txt",
    ],
)
def test_a_file_has_its_date_in_its_name_and_the_oldest_counts(tmp_path, form):
    days = [TODAY - timedelta(days=n) for n in (3, 20)]
    for day in days:
        (tmp_path / form.format(day)).write_text("5045550143\n")
    scrub = dated_service(tmp_path, None).check(["+15045550199"])["+15045550199"]
    assert (str(scrub.verdict), scrub.list_date) == ("clean", days[1].isoformat())
    assert dated_service(tmp_path, TODAY).check(["+15045550199"])["+15045550199"].list_date == days[1].isoformat()
    (tmp_path / form.format(TODAY - timedelta(days=40))).write_text("5045550143\n")
    _refuses(tmp_path, "31 days", day=TODAY)


def test_a_file_without_a_date_needs_one_from_the_settings(tmp_path):
    (tmp_path / f"{TODAY}_504.txt").write_text("5045550143\n")
    service = dated_service(tmp_path, None)
    assert service.check(["+15045550143"])
    (tmp_path / "202.txt").write_text("2025550100\n")
    with pytest.raises(SettingsError, match="LIST_DATE"):
        service.check(["+15045550143"])
    with pytest.raises(SettingsError, match="LIST_DATE"):
        dated_service(tmp_path, None)
    assert dated_service(zip_list(tmp_path / f"{TODAY:%Y%m%d}.zip", **{"504.txt": "5045550143"}), None).check(
        ["+15045550143"]
    )
    assert date.fromisoformat(dated_service(tmp_path).check(["+15045550143"])["+15045550143"].list_date) == TODAY
