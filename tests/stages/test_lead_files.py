"""Files of leads: every cell stays the text that it is, and what cannot be read is refused without showing a cell."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.errors import ColumnsError, InputError, LeadflowError
from leadflow.stages.lead_files import read_leads

_HEADER = ["First Name", "Zip"]
_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\ufeff"), max_size=12)


@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS).filter(lambda row: any(c.strip() for c in row)), min_size=1, max_size=6),
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_cell_comes_back_as_it_was_written(tmp_path_factory, rows, separator, encoding):
    path = tmp_path_factory.mktemp("leads") / "leads.csv"
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([_HEADER, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    found = read_leads(path)
    assert found.columns == _HEADER
    assert found.rows() == rows


def test_a_zip_keeps_its_zero_in_a_windows_file(tmp_path):
    path = tmp_path / "leads.csv"
    path.write_bytes("First Name;Zip\r\nZoë;04013\r\nJosé;00501\r\n\r\n".encode("cp1252"))
    assert read_leads(path).rows() == [("Zoë", "04013"), ("José", "00501")]


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", InputError, "is empty"),
        (b" \n\n", InputError, "is empty"),
        (b"First Name,Zip\nAnn,04013,secret\n", InputError, "row 2 has 3 cells, and the header has 2"),
        (b"First Name,Zip\nAnn\n", InputError, "row 2 has 1 cells"),
        (b"First Name,,Zip\nAnn,secret,1\n", ColumnsError, "column 2 has no name"),
        (b"Zip,Zip\nsecret,2\n", ColumnsError, "two columns named Zip"),
        (b'First Name,Zip\n"secret,1\n', InputError, "a quote that does not end"),
        (b"\x89PNG\r\n\x1a\n\x00\x00secret", InputError, "is not text"),
        (b"First Name,Zip\nsecret\x00,1\n", InputError, "is not text"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_without_its_cells(tmp_path, content, error, said):
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(error) as refused:
        read_leads(path)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_missing_file_and_a_false_parquet_are_input_errors(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_leads(tmp_path / "leads.csv")
    false = tmp_path / "leads.parquet"
    false.write_bytes(b"First Name,Zip\n")
    with pytest.raises(LeadflowError, match=r"cannot be read as \.parquet"):
        read_leads(false)


def test_a_parquet_file_is_read_with_its_types(tmp_path):
    frame = pl.DataFrame({"First Name": ["Ann"], "Zip": [4013]})
    frame.write_parquet(tmp_path / "leads.parquet")
    assert read_leads(tmp_path / "leads.parquet").equals(frame)
