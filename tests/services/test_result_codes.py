"""Result codes of the scrub that the settings override."""

from __future__ import annotations

import pytest
from outcome import SCRIPT, sheet_rows
from vendor_answers import CLEAN, NUMBERS, verdict_of

import leadflow as lf
from leadflow.errors import SettingsError
from leadflow.leads.verdicts import Verdict
from leadflow.local.people import dnc_code


def _codes(world, **codes):
    return world.settings.model_copy(update={"dnc": world.settings.dnc.model_copy(update={"codes": codes})})


def test_wireless_can_be_held(world, check):
    number = next(n for n in NUMBERS if dnc_code(n) == "W")
    assert verdict_of(check("dnc", [number]), number) == Verdict.CLEAN_WIRELESS
    scrub = check("dnc", [number], codes={"w": "hold"})[f"+1{number}"]
    assert (scrub.verdict, scrub.policy) == (Verdict.HOLD, "dncscrub-2026-11+W=hold")


def test_no_wireless_phone_is_delivered_where_it_is_held(world):
    with lf.Engine(_codes(world, W="hold", Y="hold")) as engine:
        assert engine.run(SCRIPT, limit_rows=40, progress=False).counts.delivered > 0
    said = {value for row in sheet_rows(world) for name, value in row.items() if name.endswith(" Verdict")}
    assert said == {"clean", ""}


@pytest.mark.parametrize(
    ("codes", "match"),
    [({"W": "holdd"}, "known verdicts are clean"), ({"": "clean"}, "one letter"), ({"CW": "clean"}, "one letter")],
)
def test_a_wrong_override_is_refused_when_the_engine_is_made(world, codes, match):
    with pytest.raises(SettingsError, match=match):
        lf.Engine(_codes(world, **codes))


def test_no_override_clears_a_litigator(world, check):
    world.fail("dnc", "lie", set={"ResultCode": "D", "Reason": "Litigator"})
    assert verdict_of(check("dnc", [CLEAN], codes={"D": "clean"})) == Verdict.LITIGATOR


def test_a_code_made_callable_is_visible_in_every_scrub(world, check):
    world.fail("dnc", "lie", set={"ResultCode": "X", "Reason": "National (USA) 2003-06-01;;;"})
    scrub = check("dnc", [CLEAN], codes={"X": "clean", "E": "clean_wireless", "C": "clean"})[f"+1{CLEAN}"]
    assert (scrub.verdict, scrub.policy) == (Verdict.CLEAN, "dncscrub-2026-11+E=clean_wireless+X=clean")
