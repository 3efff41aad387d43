"""Values for a script's session variables: any text arrives in Snowflake as it is, and nothing else is set."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadflow.errors import InputError
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract
from leadflow.stages.script import set_statements


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40))
def test_any_text_arrives_as_it_is(local_world, text):
    with Warehouse(local_world.settings.warehouse) as warehouse:
        found = extract("SELECT $word AS W, LENGTH($word) AS N", warehouse, params={"word": text})
    assert found["W"].tolist() == [text]
    assert found["N"].tolist() == [str(len(text))]


@pytest.mark.parametrize(
    ("value", "constant"),
    [
        ("O'Neil\\", "'O''Neil\\\\'"),
        ("'; DROP TABLE PERSON_CACHE; --", "'''; DROP TABLE PERSON_CACHE; --'"),
        (7, "7"),
        (-1, "-1"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (Decimal("12.50"), "12.50"),
        (True, "TRUE"),
        (date(2026, 11, 1), "'2026-11-01'::DATE"),
        (datetime(2026, 11, 1, 8, 30), "'2026-11-01 08:30:00'::TIMESTAMP_NTZ"),
        (datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc), "'2026-11-01 08:30:00+00:00'::TIMESTAMP_TZ"),
    ],
)
def test_constants(value, constant):
    assert set_statements({"x": value}, "SELECT $X") == [f"SET x = {constant}"]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), ["ME"], {"a": 1}, b"ME", "a\x00b"])
def test_what_is_no_constant_is_refused_by_its_name(value):
    with pytest.raises(InputError, match="for state; a session variable is text"):
        set_statements({"state": value}, "SELECT $state")


@pytest.mark.parametrize(
    ("params", "script", "said"),
    [
        ({"sate": "ME"}, "SELECT $state", r"does not use \$sate; the nearest is \$state"),
        ({"state": "ME"}, "SELECT '$state' -- $state\n/* $state */", "it uses none"),
        ({"state": "ME", "STATE": "NH"}, "SELECT $state", "twice"),
        ({"a b": 1}, "SELECT $a", "no session variable"),
        ({"x = 1; DROP TABLE T; --": 1}, "SELECT $x", "no session variable"),
        ({"": 1}, "SELECT $x", "no session variable"),
    ],
)
def test_a_name_that_the_script_does_not_use_is_refused(params, script, said):
    with pytest.raises(InputError, match=said):
        set_statements(params, script)
