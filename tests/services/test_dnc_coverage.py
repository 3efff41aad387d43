"""A do-not-call list clears only what it covers; numbers of no US consumer are invalid with either provider."""

from __future__ import annotations

from datetime import datetime, timezone

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome import SCRIPT, observe, sheet_rows, truth_phones

import leadflow as lf
from leadflow.errors import SettingsError
from leadflow.leads.area_codes import STATE_OF, is_us, not_a_consumer, state_code
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.services.dnc_list import DncListFile, dnc_service
from leadflow.services.dnc_list.coverage import NO_WIRELESS, STATE_LISTS
from leadflow.services.dncscrub import DncScrub
from leadflow.settings import DncSettings, Policy, Settings
from leadflow.stages import check_dnc
from leadflow.stages.settle import settle

_TODAY = datetime.now(timezone.utc).date().isoformat()
_EVERY = ("federal", "wireless", *sorted(STATE_LISTS))


@pytest.fixture
def listing(tmp_path):
    """A function: write these numbers as a list, and give its service."""

    def make(*numbers, **more):
        (tmp_path / "list.txt").write_text("\n".join(numbers))
        return dnc_service(DncSettings(provider="list", list_path=tmp_path / "list.txt", list_date=_TODAY, **more))

    return make


def _verdicts(service, *phones):
    found = service.check(phones)
    return [str(found[phone].verdict) for phone in phones]


# Area codes.


def test_an_area_code_that_the_list_does_not_have_is_not_clear(listing):
    service = listing("3125550143")
    assert _verdicts(service, "+13125550143", "+13125550144", "+12025550144") == ["dnc", "clean", "unchecked"]
    assert _verdicts(listing("3125550143", list_area_codes=["202"]), "+12025550144", "+12065550144") == [
        "clean",
        "unchecked",
    ]


def test_a_second_number_of_a_row_brings_no_area_code(listing):
    assert _verdicts(listing("3125550143,2025550100"), "+12025550100", "+12025550199", "+13125550199") == [
        "dnc",
        "unchecked",
        "unchecked",
    ]


@pytest.mark.parametrize("codes", [["504", "5O4"], ["416"], ["800"], ["999"], ["50"], "504 985"])
def test_declared_area_codes_are_us_ones(listing, codes):
    with pytest.raises(SettingsError, match="LIST_AREA_CODES"):
        listing("3125550143", list_area_codes=codes)


# States with lists of their own, and with no wireless calls.


@pytest.mark.parametrize("state", sorted(STATE_LISTS | NO_WIRELESS))
def test_a_state_with_rules_of_its_own_needs_to_be_named(listing, state):
    code = next(code for code, of in STATE_OF.items() if of == state)
    phone = f"+1{code}5550144"
    assert _verdicts(listing(f"{code}5550143"), phone, f"+1{code}5550143") == ["unchecked", "dnc"]
    others = sorted((STATE_LISTS | NO_WIRELESS) - {state})
    assert _verdicts(listing(f"{code}5550143", list_covers=others), phone) == ["unchecked"]
    only_wireless = "unchecked" if state in STATE_LISTS else "clean"
    assert _verdicts(listing(f"{code}5550143", list_covers=["wireless"]), phone) == [only_wireless]
    for covers in ([state], ["federal", state.lower()], f"federal, {state}"):
        assert _verdicts(listing(f"{code}5550143", list_covers=covers), phone) == ["clean"]


@pytest.mark.parametrize(
    "covers", [["federal", "CA"], ["Lousiana"], ["federal", "national"], "LA, everything", ["federal", ""]]
)
def test_covers_that_no_list_can_hold_are_refused(listing, covers):
    with pytest.raises(SettingsError, match="LIST_COVERS"):
        listing("3125550143", list_covers=covers)


def test_covers_are_read_from_the_environment(world, monkeypatch, tmp_path):
    (tmp_path / "list.txt").write_text("3035550143")
    given_ = {
        "PROVIDER": "list",
        "LIST_PATH": tmp_path / "list.txt",
        "LIST_DATE": _TODAY,
        "LIST_COVERS": "federal, Colorado",
        "LIST_AREA_CODES": "504",
    }
    for name, value in {
        **world.env(),
        **{f"LEADFLOW_DNC__{name}": str(value) for name, value in given_.items()},
    }.items():
        monkeypatch.setenv(name, value)
    assert _verdicts(dnc_service(Settings().dnc), "+13035550144", "+15045550144") == ["clean", "unchecked"]


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("IL", "clean"),
        ("Illinois", "clean"),
        (" il ", "clean"),
        ("PR", "clean"),
        ("AE", "clean"),
        ("LA", "unchecked"),
        ("louisiana", "unchecked"),
        ("La.", "unchecked"),
        ("US-TX", "unchecked"),
        ("N.J.", "unchecked"),
        ("New  Jersey", "unchecked"),
        ("az", "unchecked"),
        ("Okla-homa", "unchecked"),
        ("", "unchecked"),
        (None, "unchecked"),
        ("ON", "unchecked"),
        ("??", "unchecked"),
        ("60614", "unchecked"),
    ],
)
@pytest.mark.parametrize("column", ["state", "STATE", "State Code"])
def test_the_state_of_the_lead_counts_too(listing, state, verdict, column):
    leads = pl.DataFrame(
        {column: [state], "phones": [["+13125550144", "+13125550143"]]}, schema_overrides={column: pl.String}
    )
    assert check_dnc(leads, listing("3125550143"))["dnc_verdicts"].to_list() == [[verdict, "dnc"]]


def test_bare_phones_are_judged_by_their_own_state(listing):
    service = listing("3125550143", "5045550143")
    found = check_dnc(pd.DataFrame({"Phone 1": ["312-555-0144", "(504) 555-0144", "(202) 555-0100"]}), service)
    assert list(found["dnc_verdicts"]) == [["clean"], ["unchecked"], ["unchecked"]]
    assert list(found["dnc_not_covered"]) == [[""], ["state list LA"], ["area code 202"]]


def test_a_phone_that_is_not_e164_is_no_way_around(listing):
    found = check_dnc(
        pl.DataFrame({"state": ["LA"] * 4, "phones": [["3125550144"], ["3125550143"], ["+443125550144"], ["x"]]}),
        listing("3125550143"),
    )
    assert found["dnc_verdicts"].to_list() == [["unchecked"], ["dnc"], ["unchecked"], ["unchecked"]]


def test_a_scrub_that_is_used_again_covers_the_lead_too(listing):
    service = listing("3125550143")
    known = {"+13125550144": service.check(["+13125550144"])["+13125550144"]}
    asked, said = [], []
    leads = pl.DataFrame({"state": ["IL", "LA"], "phones": [["+13125550144"]] * 2})
    found = check_dnc(leads, service, known=known, on_scrubs=asked.extend, emit=said.append)
    assert found["dnc_verdicts"].to_list() == [["clean"], ["unchecked"]]
    assert asked == []
    assert "1 phones are not covered by the do-not-call list and stay unchecked: state list LA 1" in [
        event.message for event in said
    ]
    assert "5550144" not in str(said)


def test_the_policy_changes_with_what_the_list_covers(listing):
    policies = {
        listing("3125550143").policy,
        listing("3125550143", list_covers=["federal", "LA"]).policy,
        listing("3125550143", list_area_codes=["202"]).policy,
        listing("3125550143", "3125550144").policy,
    }
    assert len(policies) == 4


@given(
    st.sets(st.sampled_from(sorted(STATE_OF)), max_size=8),
    st.sets(st.sampled_from(sorted({*STATE_LISTS, *NO_WIRELESS, "wireless"}))),
    st.sampled_from(sorted(STATE_OF)),
    st.sampled_from([None, "", "??", *sorted(set(STATE_OF.values()))]),
)
@settings(max_examples=150, deadline=None)
def test_no_number_outside_of_the_coverage_is_clean(tmp_path_factory, codes, covers, code, state):
    path = tmp_path_factory.mktemp("list") / "list.txt"
    path.write_text("\n".join(["3125550143", *(f"{found}5550143" for found in sorted(codes))]))
    service = DncListFile(
        DncSettings(provider="list", list_path=path, list_date=_TODAY, list_covers=["federal", *covers])
    )
    frame = pl.DataFrame({"phones": [[f"+1{code}5550144"]], **({} if state is None else {"state": [state]})})
    states = {STATE_OF[code]} | (set() if state is None else {state})
    covered = (
        code in {*codes, "312"}
        and not states & {"", "??"}
        and not (states - covers) & (STATE_LISTS if "wireless" in covers else STATE_LISTS | NO_WIRELESS)
    )
    assert check_dnc(frame, service)["dnc_verdicts"].to_list() == [["clean" if covered else "unchecked"]]


# Numbers of no US consumer.

_INVALID = {
    "416": "canada",
    "867": "canada",
    "876": "abroad_JM",
    "242": "abroad_BS",
    "809": "abroad_DO",
    "441": "abroad_BM",
    "800": "toll_free",
    "833": "toll_free",
    "888": "toll_free",
    "900": "premium",
    "500": "personal",
    "521": "personal",
    "700": "unassigned",
    "710": "unassigned",
    "999": "unassigned",
    "911": "unassigned",
    "411": "unassigned",
    "555": "unassigned",
    "988": "unassigned",
}
_SERVICE = [
    "+15049115555",
    "+15045551212",
    "+12129765555",
    "+12129505555",
    "+12022115555",
    "+12135550200",
    "+13129585555",
]
_US = ["787", "939", "340", "671", "670", "684", "907", "808", "202", "679", "861", "357", "471", "483"]


class _Counting(DncScrub):
    def __init__(self, settings):
        super().__init__(settings)
        self.asked = []

    def check(self, phones, stop=None):
        self.asked += phones
        return super().check(phones, stop)


@pytest.mark.parametrize("phone", [*(f"+1{code}5550143" for code in _INVALID), *_SERVICE])
def test_a_number_of_no_us_consumer_is_invalid_with_either_provider(world, listing, phone):
    scrub = _Counting(world.settings.dnc)
    known = {phone: Scrub(phone, "dnc", Verdict.CLEAN, "dncscrub", "C", datetime.now(timezone.utc))}
    leads = pl.DataFrame({"phones": [[phone]]})
    for service in (scrub, listing("3125550143", list_covers=_EVERY)):
        for before in ({}, known):
            assert check_dnc(leads, service, known=before)["dnc_verdicts"].to_list() == [["invalid"]]
    assert scrub.asked == []
    assert world.stats()["dnc"]["calls"] == 0
    assert _verdicts(listing("3125550143"), phone) == ["invalid"]
    scrub.close()


@pytest.mark.parametrize("code", _US)
def test_territories_and_new_area_codes_are_us(listing, code):
    assert not_a_consumer(f"+1{code}5550143") == ""
    assert _verdicts(listing(f"{code}5550143", list_covers=_EVERY), f"+1{code}5550143", f"+1{code}5550144") == [
        "dnc",
        "clean",
    ]


def test_the_reason_is_told_without_the_number():
    said = []
    assert {code: not_a_consumer(f"+1{code}5550143") for code in _INVALID} == _INVALID

    class Nobody:
        def check(self, phones, stop=None):
            return {}

    check_dnc(pl.DataFrame({"phones": [["+14165550143", "+18005550143", "+18005550144"]]}), Nobody(), emit=said.append)
    assert "3 phones are no US consumer's and count as invalid: toll_free 2, canada 1" in [
        event.message for event in said
    ]


def test_the_table_of_area_codes_agrees_with_the_library():
    import phonenumbers
    from phonenumbers.geodata import GEOCODE_DATA

    for number in range(200, 1000):
        code, parsed = str(number), phonenumbers.parse(f"+1{number}2345678")
        region = phonenumbers.region_code_for_number(parsed)
        usual = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE
        assert is_us(code) or not (usual and region in ("US", "PR", "GU", "VI", "AS", "MP")), code
        assert code not in STATE_OF or region in (None, "US", "PR", "GU", "VI", "AS", "MP"), code
        name = GEOCODE_DATA.get(f"1{code}", {}).get("en", "").replace("D.C.", "DC")
        if state := state_code(name.rpartition(", ")[2]):
            assert STATE_OF[code] == state


# What becomes of the leads.


@pytest.mark.parametrize(
    ("dnc", "litigator", "reason"),
    [
        (["unchecked"], ["clean"], "not_covered"),
        (["unchecked", "dnc"], ["clean", "clean"], "not_covered"),
        (["unchecked", "clean"], ["clean", "clean"], ""),
        (["unchecked"], ["unchecked"], "unchecked"),
        (["unchecked"], ["litigator"], "litigator"),
        (["unchecked", "unchecked"], ["clean", "clean"], "unchecked"),
    ],
)
def test_a_lead_that_only_lacks_a_list_waits_for_one(dnc, litigator, reason):
    gaps = ["area code 202" if verdict == "unchecked" else "" for verdict in dnc]
    if reason == "unchecked":
        gaps[-1] = ""
    phones = [f"+1202555010{n}" for n in range(len(dnc))]
    leads = pl.DataFrame(
        {
            "phones": [phones],
            "lookup_status": ["found"],
            "litigator_verdicts": [litigator],
            "dnc_verdicts": [dnc],
            "dnc_not_covered": [gaps],
        }
    )
    settled = settle(leads, Policy(hold_lead_on_litigator=reason == "litigator"))
    assert settled["reason"].to_list() == [reason]
    assert settled["disposition"].to_list() == [
        "deliver" if not reason else "held" if reason == "litigator" else "retry"
    ]


def _job_settings(world, path, **more):
    dnc = DncSettings(provider="list", list_path=path, list_date=_TODAY, **more)
    return world.settings.model_copy(update={"batch_size": 20, "dnc": dnc})


def test_leads_that_the_list_does_not_cover_wait_and_are_delivered_by_a_resume_with_more(world, tmp_path):
    bad = [p["number"] for p in truth_phones() if p["dnc"] or p["dnc_code"] not in ("C", "W", "Y")]
    (tmp_path / "list.txt").write_text("\n".join(bad))
    with lf.Engine(_job_settings(world, tmp_path)) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        waiting = job.counts.retry["not_covered"]
        assert waiting > 5
        assert job.counts.balanced
        report = job.report()
        assert report.ok
        assert f"not_covered {waiting}" in report.to_markdown()
        assert f"does not cover the phones of {waiting} leads" in report.to_markdown()
        assert "may still clear: not covered by the do-not-call list" in report._repr_html_()
        assert any("state list TX" in message or "wireless" in message for message in job.trace()["message"])
        delivered = {row["Lead Key"] for row in sheet_rows(world)}
        assert not {row["State"] for row in sheet_rows(world)} & (STATE_LISTS | NO_WIRELESS)
        bought = world.stats()["idicore"]["calls"]
    more = _job_settings(world, tmp_path, list_covers=_EVERY, list_area_codes=sorted(STATE_OF))
    with lf.Engine(more) as engine:
        job = engine.resume(job.id, progress=False)
        assert "not_covered" not in job.counts.retry
        assert {row["Lead Key"] for row in sheet_rows(world)} > delivered
        assert observe(world, engine, job.id).clean
    assert world.stats()["idicore"]["calls"] == bought
