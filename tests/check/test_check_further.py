"""engine.check() has a row for each further provider, and spends nothing at a source."""

from __future__ import annotations

import pytest
from further_providers import OwnCheck, OwnSource, with_accounts

import leadflow as lf
from leadflow.errors import RefusedError

_SOURCE, _CHECK = "people_data_labs: a further source of phones", "blacklist_alliance: a further check of phones"


def _rows(settings, **more):
    with lf.Engine(settings, **more) as engine:
        return {row.what: row for row in engine.check().rows}


def test_both_shipped_ones_answer(world):
    rows = _rows(with_accounts(world, lookups=("people_data_labs",), checks=("blacklist_alliance",)))
    assert rows[_SOURCE].status == rows[_CHECK].status == "ok"
    assert "credits are left" in rows[_SOURCE].found
    assert "$0.004" in rows[_CHECK].found
    assert not world.stats()["people_data_labs"]["asked"]
    assert world.stats()["blacklist_alliance"]["numbers"] == 1


@pytest.mark.parametrize("kind", ["expired_token", "500", "timeout"])
def test_an_account_that_does_not_answer_is_a_failed_row_with_what_to_do(world, kind):
    for name, on in (("people_data_labs", "limits"), ("blacklist_alliance", "check")):
        world.fail(name, kind, times=99, on=on, **({"s": 9} if kind == "timeout" else {}))
    rows = _rows(with_accounts(world, lookups=("people_data_labs",), checks=("blacklist_alliance",)))
    assert rows[_SOURCE].status == rows[_CHECK].status == "failed"
    assert rows[_SOURCE].what_to_do
    assert "local-" not in rows[_SOURCE].found + rows[_CHECK].found


def test_without_further_providers_there_is_no_row(world):
    assert not [what for what in _rows(with_accounts(world)) if "further" in what]


def test_own_classes_have_rows_too(world):
    probed = OwnSource("probed")
    probed.probe = lambda stop=None: "all is well"
    refused = OwnSource("refused")

    def refuse(stop=None):
        raise RefusedError("the key is wrong")

    refused.probe = refuse
    odd = OwnCheck(answer=lambda check, phones: {})
    rows = _rows(world.settings, lookups=[OwnSource(), probed, refused], checks=[odd])
    status = {what.split(":")[0]: row.status for what, row in rows.items() if "further" in what}
    assert status == {"own": "warning", "probed": "ok", "refused": "failed", "own_list": "failed"}
