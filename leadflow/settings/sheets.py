"""Settings of the Google Sheet that callers work from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from leadflow.settings.base import BUSY_WAIT_S, Part, Positive, Real, Seconds, Word, safe_url

_SHEET_ADDRESS = re.compile(r"/spreadsheets/(?:u/\d+/)?d/(?!e/)([\w-]+)")


class SheetsSettings(Part):
    """The Google Sheet that callers work from. `spreadsheet_id` is its id or its full URL.

    Google limits the writes per minute. `write_every_s` also sets a minimum time between two writes, for a stricter
    quota. When Google answers that a quota is used up (429), a job waits up to `busy_wait_s` seconds.
    """

    spreadsheet_id: Word
    worksheet: Word = "consolidated_data"
    base_url: str = "https://sheets.googleapis.com"
    credentials_file: Path | None = None
    key_column: Word = "Lead Key"
    writes_per_minute: Positive = 60
    reads_per_minute: Positive = 60
    write_every_s: Annotated[Real, Field(ge=0)] = 0.0
    timeout_s: Seconds = 180.0
    attempts: Positive = 6
    busy_wait_s: Seconds = BUSY_WAIT_S

    _urls = field_validator("base_url")(safe_url)

    @field_validator("spreadsheet_id")
    @classmethod
    def _id(cls, text: str) -> str:
        """Return the spreadsheet's id; extract it if the value is a URL."""
        found = _SHEET_ADDRESS.search(text)
        if not found and not re.fullmatch(r"[\w-]+", text):
            raise ValueError(
                "is no spreadsheet's id; it is the long word after /spreadsheets/d/ in the sheet's address"
            )
        return found[1] if found else text
