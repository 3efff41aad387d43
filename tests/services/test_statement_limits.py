"""How long a statement may take: leadflow's own, the script's, and a request that nobody answers."""

from __future__ import annotations

import time

import pytest
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow.errors import JobFailedError, LeadflowError, TransientError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import connector_major
from leadflow.stages import extract

pytestmark = pytest.mark.connector


def _settings(world, **limits):
    return world.settings.model_copy(update={"warehouse": world.settings.warehouse.model_copy(update=limits)})


def test_no_statement_is_held_to_the_limit_of_a_request(world):
    """Each is slower than network_timeout_s, which is for a network that does not answer."""
    settings = _settings(world, network_timeout_s=1)
    for text in ("LF_KEYED", "LF_IDENTITY", 'ORDER BY \\"lf_seq\\" LIMIT', "INSERT OVERWRITE", "MERGE INTO", "COMMIT"):
        world.fail("snowflake", "slow", s=2.5, key=text)
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=10, progress=False)
        assert job.ok
        assert observe(world, engine, job.id).clean
    assert world.stats()["snowflake"]["faults"] == 6


def test_a_script_on_its_own_has_the_limit_of_a_script(world):
    world.fail("snowflake", "slow", s=2.5, key="FROM (SELECT", times=2)
    limits = {"network_timeout_s": 1, "statement_timeout_s": 4}
    with Warehouse(_settings(world, **limits).warehouse) as warehouse:
        assert len(extract("SELECT * FROM RAW_LEADS LIMIT 7", warehouse)) == 7


@pytest.mark.skipif(connector_major() >= 5, reason="connector 5 has one limit for all statements")
@pytest.mark.parametrize(
    ("limits", "text", "said"),
    [
        ({"statement_timeout_s": 1}, "LF_KEYED", "LEADFLOW_WAREHOUSE__STATEMENT_TIMEOUT_S"),
        ({"script_timeout_s": 1}, "LF_SCRIPT", "LEADFLOW_WAREHOUSE__SCRIPT_TIMEOUT_S"),
    ],
)
def test_a_statement_beyond_its_limit_ends_the_job_with_words_and_is_not_repeated(world, limits, text, said):
    world.fail("snowflake", "slow", s=30, key=text, times=1_000)
    with lf.Engine(_settings(world, **limits)) as engine, pytest.raises(JobFailedError, match=said):
        engine.run(SCRIPT, limit_rows=10, progress=False)
    assert world.stats()["snowflake"]["faults"] == 1


@pytest.mark.skipif(connector_major() >= 5, reason="connector 5 has one limit for all statements")
def test_a_network_that_does_not_answer_is_given_up_at_its_own_limit(world):
    with Warehouse(_settings(world, network_timeout_s=2).warehouse) as warehouse:
        warehouse.connect()
        world.fail("snowflake", "503", times=1_000)
        start = time.monotonic()
        with pytest.raises(TransientError):
            warehouse.execute("SELECT 1")
        assert time.monotonic() - start < 60
        world.heal()
        assert warehouse.execute("SELECT 1") == [(1,)]


def test_the_limits_are_whole_seconds_of_their_own():
    with pytest.raises(LeadflowError, match="STATEMENT_TIMEOUT_S"):
        lf.Settings(_env_file=None, warehouse={"account": "a", "user": "u", "statement_timeout_s": 0})
