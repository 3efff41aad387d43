"""The grants that leadflow ships suffice for a job, and each of them is needed."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from outcome import SCRIPT, observe
from warehouse_tables import make_tables, refused, with_warehouse

import leadflow as lf

pytestmark = pytest.mark.connector

_GRANTS = (files("leadflow.services.warehouse") / "grants.sql").read_text()
_GRANT = re.compile(r"^GRANT ([A-Z, ]+) ON (WAREHOUSE|DATABASE|SCHEMA|TABLE) (\S+) TO ROLE LEADFLOW;$", re.MULTILINE)
_ALL = [(right, kind, name) for rights, kind, name in _GRANT.findall(_GRANTS) for right in rights.split(", ")]


def _roles(grants):
    """As World.configure takes them: with an entry for each object, also for one without a right."""
    rights = {name.rpartition(".")[2] if kind == "TABLE" else kind: [] for _, kind, name in _ALL}
    for right, kind, name in grants:
        rights[name.rpartition(".")[2] if kind == "TABLE" else kind].append(right)
    return {"LEADFLOW": rights}


def _name(grant):
    right, kind, name = grant
    return f"{right} on {kind.lower()} {name}"


def test_every_grant_is_read():
    assert len(_ALL) == 16
    lines = [line for line in _GRANTS.splitlines() if line.startswith("GRANT ")]
    assert len(lines) == len(_GRANT.findall(_GRANTS)) + 1  # and the role's grant to the user


def test_the_ledger_may_be_read_and_appended_to_alone():
    assert [right for right, _, name in _ALL if name.endswith("SCRUB_LEDGER")] == ["SELECT", "INSERT"]
    assert "-- GRANT DELETE ON TABLE LEADS_DB.PUBLIC.SCRUB_LEDGER TO ROLE LEADFLOW;" in _GRANTS


@pytest.mark.parametrize("there", [True, False], ids=["tables are there", "tables are missing"])
def test_a_role_with_these_grants_runs_a_job(world, there):
    if there:
        make_tables(world)
    world.configure(roles=_roles(_ALL))
    with lf.Engine(with_warehouse(world, role="LEADFLOW")) as engine:
        job = engine.run(SCRIPT, limit_rows=6, progress=False)
        assert job.ok
        assert observe(world, engine, job.id).clean


# A job reads SUPPRESSIONS; engine.suppress() writes it.
_OF_A_JOB = [grant for grant in _ALL if not grant[2].endswith("SUPPRESSIONS") or grant[0] == "SELECT"]


@pytest.mark.parametrize("grant", _OF_A_JOB, ids=_name)
def test_each_grant_taken_away_is_said_and_nothing_is_bought(world, grant):
    if grant[0] != "CREATE TABLE":
        make_tables(world)
    world.configure(roles=_roles([each for each in _ALL if each != grant]))
    said = refused(world, with_warehouse(world, role="LEADFLOW"))
    named = {"WAREHOUSE": "warehouse", "DATABASE": "LEADFLOW", "SCHEMA": "LEADFLOW"}.get(grant[1])
    assert (named or grant[2].rpartition(".")[2]) in said
    assert "does not exist or not authorized" in said or "privileges" in said or "warehouse" in said
