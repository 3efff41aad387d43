"""Retry-After is read in every form, and its wait has a limit."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from vendor_answers import CLEAN

from leadflow.errors import ServiceDownError
from leadflow.services.transport import http


def _date(seconds):
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        (lambda: "2", 2, 5),
        (lambda: "1.5", 1.5, 5),
        (lambda: _date(3), 1.9, 6),
        (lambda: _date(-3600), 0, 3),
        (lambda: "-5", 0, 3),
        (lambda: "0", 0, 3),
        (lambda: "soon", 1, 4),
        (lambda: "²", 1, 4),
        (lambda: "nan", 1, 4),
        (lambda: "", 1, 4),
        (lambda: "Wed, 99 Foo 2026", 1, 4),
        (lambda: "Wed, 25 Nov 2026 10:00:00 +9999999999999", 1, 4),
    ],
)
@pytest.mark.parametrize("name", ["dnc", "sheets"])
def test_retry_after_is_heard_in_every_form(world, check, name, header, least, most):
    import time

    from leadflow.services.sheets import Sheet

    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 5.0}))
    sheet.prepare(["Lead Key"])
    world.fail(name, "429", retry_after=header(), on=None if name == "dnc" else "write")
    start = time.monotonic()
    if name == "dnc":
        assert check("dnc", [CLEAN])
    else:
        assert sheet.append([{"Lead Key": "k1"}]) == 1
    assert least <= time.monotonic() - start < most


@pytest.mark.parametrize("name", ["dnc", "sheets"])
@pytest.mark.parametrize("header", ["3600", "1e9", "inf"])
def test_a_vendor_cannot_make_a_call_wait_for_an_hour(world, check, monkeypatch, name, header):
    monkeypatch.setattr(http, "_LONGEST_WAIT_S", 1.5)
    test_retry_after_is_heard_in_every_form(world, check, name, lambda: header, 1.5, 5)


@pytest.mark.parametrize("header", ["0", "-1", None])
def test_refused_again_and_again_without_a_wait_is_not_hammered(world, check, header):
    import time

    world.fail("dnc", "429", times=100, **({} if header is None else {"retry_after": header}))
    start = time.monotonic()
    with pytest.raises(ServiceDownError, match="busy for 4 s"):
        check("dnc", [CLEAN], busy_wait_s=4.0)
    assert 4 <= time.monotonic() - start < 8
    assert world.stats()["dnc"]["calls"] <= 5
