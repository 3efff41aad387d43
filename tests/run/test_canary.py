"""DNCScrub's answers: no wireless line is clean, and a project without a do-not-call list buys no lookup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcome import SCRIPT, observe, sheet_rows, truth_phones

import leadflow as lf
from leadflow.errors import JobFailedError
from leadflow.leads.verdicts import Verdict
from leadflow.local.people import dnc_code
from leadflow.services.dncscrub import DncScrub
from leadflow.services.dncscrub.codes import CODES, overridden, verdict_of

_BY_CODE = {phone["dnc_code"]: phone["number"] for phone in reversed(truth_phones()) if not phone["litigator"]}
_LISTED = _BY_CODE["D"]


def _settings(world, **changes):
    return world.settings.model_copy(update={"dnc": world.settings.dnc.model_copy(update=changes)})


# A wireless line.

_WIRELESS = [
    {"IsWirelessOrVoIP": "1"},
    {"IsWirelessOrVoIP": 1},
    {"IsWirelessOrVoIP": True},
    {"IsWirelessOrVoIP": "true"},
    {"IsWirelessOrVoIP": "Y"},
    {"IsWirelessOrVoIP": "2"},
    {"IsWirelessOrVoIP": "unknown"},
    {"IsWirelessOrVoIP": ["1"]},
    {"IsWirelessOrVoIP": "0", "LineType": "Wireless"},
    {"IsWirelessOrVoIP": "0", "LineType": "VoIP"},
    {"LineType": "WIRELESS "},
    {"LineType": "Cellular"},
    {"IsWirelessOrVoIP": "0", "Reason": ";;;W"},
    {"IsWirelessOrVoIP": "0", "CarrierInfo": '5820;WIRELESS;"Fictional"'},
    {"IsWirelessOrVoIP": "0", "CarrierInfo": '5820;VOIP;"Fictional"'},
]
_LAND = [
    {},
    {"IsWirelessOrVoIP": "0"},
    {"IsWirelessOrVoIP": ""},
    {"IsWirelessOrVoIP": 0},
    {"IsWirelessOrVoIP": False},
    {"IsWirelessOrVoIP": "false"},
    {"IsWirelessOrVoIP": None},
    {
        "IsWirelessOrVoIP": " 0 ",
        "LineType": "AllOther",
        "CarrierInfo": '5820;ALLOTHER;"Wireless Fictional"',
        "Reason": ";;;",
    },
]


@pytest.mark.parametrize("fields", _WIRELESS)
def test_a_clean_answer_for_a_wireless_line_is_clean_wireless(fields):
    assert verdict_of(fields, "C", CODES) == Verdict.CLEAN_WIRELESS


@pytest.mark.parametrize("fields", _LAND)
def test_a_clean_answer_for_a_land_line_is_clean(fields):
    assert verdict_of(fields, "C", CODES) == Verdict.CLEAN


@given(
    st.sampled_from(sorted(CODES)),
    st.sampled_from([*_WIRELESS, *_LAND]),
    st.dictionaries(st.sampled_from(sorted(CODES)), st.sampled_from(list(Verdict)), max_size=4),
)
def test_no_wireless_line_is_ever_clean_whatever_the_codes_mean(code, fields, changed):
    codes = CODES | overridden({name: word.value for name, word in changed.items()})
    verdict = verdict_of(fields, code, codes)
    assert verdict != Verdict.CLEAN or fields in _LAND
    if fields in _LAND:
        assert verdict == codes[code]


def test_a_wireless_line_is_held_where_its_codes_are():
    codes = CODES | overridden({"W": "hold", "Y": "dnc"})
    assert verdict_of({"LineType": "Wireless"}, "C", codes) == Verdict.HOLD
    assert verdict_of({"LineType": "VoIP"}, "C", codes) == Verdict.DNC
    assert verdict_of({"IsWirelessOrVoIP": "1"}, "C", codes) == Verdict.DNC
    assert verdict_of({"IsWirelessOrVoIP": "0"}, "C", codes) == Verdict.CLEAN


@pytest.mark.parametrize("code", ["W", "Y", "L", "G"])
def test_a_project_without_wireless_numbers_answers_clean_wireless(world, code):
    world.configure(dnc_project="without_wireless")
    dnc = DncScrub(world.settings.dnc)
    phone = f"+1{_BY_CODE[code]}"
    scrub = dnc.check([phone])[phone]
    assert (scrub.code, scrub.verdict) == ("C", Verdict.CLEAN_WIRELESS)
    dnc.close()


def test_no_wireless_phone_is_delivered_where_none_may_be(world):
    world.configure(dnc_project="without_wireless")
    policy = world.settings.policy.model_copy(update={"deliver_wireless": False})
    with lf.Engine(world.settings.model_copy(update={"policy": policy})) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        assert job.counts.delivered > 0
    phones = [
        value.removeprefix("+1")
        for row in sheet_rows(world)
        for name, value in row.items()
        if name.startswith("Phone ") and name[6:].isdigit() and value
    ]
    assert {dnc_code(phone) for phone in phones} == {"C"}


def test_a_check_kept_before_wireless_was_looked_at_is_made_again(world):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=30, progress=False)
        kept = engine.checkpoints._db.execute(
            "SELECT count(*) FROM scrubs WHERE kind = 'dnc' AND json_extract(payload, '$.verdict') = 'clean'"
        ).fetchone()[0]
        assert kept
        engine.checkpoints._db.execute("PRAGMA user_version = 0")
    with lf.Engine(world.settings) as engine:
        left = dict(
            engine.checkpoints._db.execute(
                "SELECT kind || json_extract(payload, '$.verdict'), count(*) FROM scrubs GROUP BY 1"
            ).fetchall()
        )
        assert "dncclean" not in left
        assert left["litigatorclean"]
        assert left["dncclean_wireless"]


# The canary.


def test_a_listed_canary_lets_the_job_run_and_costs_one_number(world):
    with lf.Engine(_settings(world, canary=_LISTED)) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        assert job.ok
        assert "Do-not-call coverage: proven" in job.report().to_markdown()
        assert "Do-not-call coverage: proven" in job.report()._repr_html_()
        assert engine.checkpoints.scrubs([f"+1{_LISTED}"], "dnc") == {}
        stats = world.stats()
        assert stats["dnc"]["numbers"] - stats["litigator"]["numbers"] == 1
        assert job.counts.checked == stats["dnc"]["numbers"] + stats["litigator"]["numbers"]
        assert observe(world, engine, job.id).clean
        for text in (job.report().to_markdown(), engine.trace(job.id).to_csv(), repr(engine.settings)):
            assert _LISTED not in text


@pytest.mark.parametrize("project", ["litigator_only", "wireless_only"])
def test_a_project_that_covers_no_list_is_refused_before_the_first_lookup(world, project):
    world.configure(dnc_project=project)
    with lf.Engine(_settings(world, canary=_LISTED)) as engine:
        with pytest.raises(
            JobFailedError,
            match="LEADFLOW_DNC__CANARY came back as clean, so the do-not-call check does not cover the national list",
        ) as caught:
            engine.run(SCRIPT, limit_rows=20, progress=False)
        assert _LISTED not in str(caught.value)
        assert world.stats()["idicore"]["calls"] == 0
        assert not sheet_rows(world)
        world.configure(dnc_project="full")
        job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
        assert job.ok
        assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("code", ["C", "W", "Y", "P", "L", "I", "B", "X"])
def test_a_canary_that_is_not_said_to_be_listed_proves_nothing(world, code):
    number = _BY_CODE.get(code)
    if number is None:
        world.fail("dnc", "lie", set={"ResultCode": code, "Reason": ""})
        number = _LISTED
    with (
        lf.Engine(_settings(world, canary=number)) as engine,
        pytest.raises(JobFailedError, match="LEADFLOW_DNC__CANARY"),
    ):
        engine.run(SCRIPT, limit_rows=5, progress=False)
    assert world.stats()["idicore"]["calls"] == 0


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("503", {}),
        ("drop", {}),
        ("html", {}),
        ("empty", {}),
        ("missing_row", {}),
        ("unknown_code", {}),
        ("malformed_number", {}),
        ("lie", {"set": {"Reason": "Litigator"}}),
        ("401", {}),
    ],
)
def test_a_canary_without_an_answer_buys_nothing(world, kind, options):
    world.fail("dnc", kind, times=20, **options)
    quick = {"attempts": 2, "timeout_s": 5.0, "canary": _LISTED}
    with lf.Engine(_settings(world, **quick)) as engine:
        with pytest.raises(JobFailedError) as caught:
            engine.run(SCRIPT, limit_rows=5, progress=False)
        assert _LISTED not in str(caught.value)
        assert world.stats()["idicore"]["calls"] == 0
        world.heal()
        assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok


def test_each_of_several_canaries_must_be_listed(world):
    with (
        lf.Engine(
            _settings(world, canary=f"({_LISTED[:3]}) {_LISTED[3:6]}-{_LISTED[6:]}, +1{_BY_CODE['C']}")
        ) as engine,
        pytest.raises(JobFailedError, match="number 2 of 2"),
    ):
        engine.run(SCRIPT, limit_rows=5, progress=False)


def test_a_code_of_the_list_made_callable_is_no_coverage(world):
    with (
        lf.Engine(_settings(world, canary=_LISTED, codes={"D": "clean"})) as engine,
        pytest.raises(JobFailedError, match="does not cover"),
    ):
        engine.run(SCRIPT, limit_rows=5, progress=False)


def test_a_canary_proves_a_list_of_the_house_s_own_too(world, tmp_path):
    from datetime import datetime, timezone

    path = tmp_path / "list.txt"
    day = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    for listed in (_LISTED, _BY_CODE["P"]):
        path.write_text(f"{listed}\n")
        dnc = {"provider": "list", "list_path": path, "list_date": day, "canary": _LISTED}
        with lf.Engine(world.settings.model_copy(update={"dnc": lf.settings.DncSettings(**dnc)})) as engine:
            if listed == _LISTED:
                assert engine.run(SCRIPT, limit_rows=3, progress=False).ok
            else:
                with pytest.raises(JobFailedError, match="CANARY"):
                    engine.run(SCRIPT, limit_rows=3, progress=False)


def test_without_a_canary_the_report_says_that_coverage_is_unproven(world):
    with lf.Engine(world.settings) as engine:
        report = engine.run(SCRIPT, limit_rows=5, progress=False).report()
        assert report.ok
        for text in (report.to_markdown(), report._repr_html_(), repr(report)):
            assert "Do-not-call coverage: unproven, no canary is set (LEADFLOW_DNC__CANARY" in text
