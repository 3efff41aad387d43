"""The vendors' clock and Snowflake's user, which a check of the accounts reads."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpx
import pytest
from standins import litigators, login

from leadflow.services.warehouse import Warehouse


@pytest.mark.parametrize("ahead_s", [0, 600, -86_400])
def test_every_answer_has_one_date_by_the_vendors_clock(world, ahead_s):
    world.configure(clock_ahead_s=ahead_s)
    answers = [httpx.head(f"{world.url}/"), litigators(world, "5045550143")]
    answers += [httpx.get(f"{world.settings.sheets.base_url}/v4/spreadsheets/local-leads-sheet")]
    for answer in answers:
        (date,) = answer.headers.get_list("date")
        assert abs(parsedate_to_datetime(date).timestamp() - time.time() - ahead_s) < 3
    assert login(world)
    world.reset()
    assert abs(parsedate_to_datetime(httpx.head(world.url).headers["date"]).timestamp() - time.time()) < 3


def test_the_session_has_the_user_that_signed_in(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        assert warehouse.execute("SELECT CURRENT_USER(), CURRENT_ROLE()") == [("LEADFLOW", "PUBLIC")]
