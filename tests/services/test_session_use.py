"""Which statements leave a session as it was after the sign-in."""

from __future__ import annotations

import pytest

from leadflow.services.warehouse.browser import SessionUse

pytestmark = pytest.mark.connector


@pytest.mark.parametrize("comment", ["/* a */ ", "-- a\n", "/* a -- */ -- /*\n", "/**/", "\n \t"])
@pytest.mark.parametrize(("statement", "is_clean"), [("SELECT 1", True), ("USE SCHEMA X", False)])
@pytest.mark.timeout(20)
def test_any_number_of_comments_is_read_at_once(comment, statement, is_clean):
    use = SessionUse()
    use.record(comment * 2_000 + statement)
    assert use.is_clean is is_clean
