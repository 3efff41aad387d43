"""Death, fake phones and answers without people: what idiCORE does not plainly deny counts; nothing is paid twice."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outcome import SCRIPT, observe, sheet_rows, table_keys

import leadflow as lf
from leadflow.errors import JobFailedError, UnusableAnswerError
from leadflow.leads.people import Answer, Person
from leadflow.services.idicore import Idicore
from leadflow.services.idicore.answer import is_plainly_false
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract, filter_unprocessed, lookup_people

_ANN = Person("a" * 32, "Ann", "Lee", "12 Elm St", "Bath", "ME", "04530")
_FOUND = {
    "pid": "71",
    "name": [{"first": "ANN", "last": "LEE"}],
    "address": [{"data": "12 ELM ST", "city": "BATH", "zip": "04530"}],
    "phone": [{"number": "(504) 555-0143", "meta": {"rank": 1}}],
    "email": [{"data": "ann@example.com"}],
}
_PLAIN_NO = [False, None, 0, 0.0, "", "false", "False", " FALSE ", "0", "N", "no", "f"]
_NOT_PLAINLY_NO = [
    True,
    1,
    2,
    -1,
    "true",
    "1",
    "Y",
    "yes",
    "20200101",
    "2020",
    "deceased",
    "unknown",
    "N/A",
    "?",
    {"date": "20200101"},
    {},
    [],
    [False],
    [{"date": "20200101"}],
]


@pytest.fixture
def lookup(world):
    """What idiCORE's answer with these people is read as."""
    with Idicore(world.settings.idicore.model_copy(update={"attempts": 4, "timeout_s": 5.0})) as idicore:

        def ask(*people, body=None):
            world.fail("idicore", "body", body=json.dumps({"result": people} if body is None else body), on="search")
            return idicore.lookup(_ANN)

        yield ask


@pytest.fixture
def engine(world):
    idicore = world.settings.idicore.model_copy(update={"attempts": 4, "timeout_s": 5.0})
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20, "idicore": idicore})) as engine:
        yield engine


def _leads(world, count):
    with Warehouse(world.settings.warehouse) as warehouse:
        return filter_unprocessed(extract(SCRIPT, warehouse), warehouse).head(count)


# The dead.


@pytest.mark.parametrize("said", _NOT_PLAINLY_NO, ids=repr)
def test_a_person_who_may_be_dead_is_deceased(lookup, said):
    answer = lookup({**_FOUND, "isDead": said})
    assert (answer.status, answer.phones, answer.emails) == ("deceased", (), ())
    assert answer.candidates[0].deceased


@pytest.mark.parametrize("said", _PLAIN_NO, ids=repr)
def test_a_person_who_is_plainly_alive_is_found(lookup, said):
    assert lookup({**_FOUND, "isDead": said}).status == "found"


def test_a_person_of_whom_nothing_is_said_is_found(lookup):
    assert lookup(_FOUND).status == "found"


@pytest.mark.parametrize(
    "more",
    [
        {"dod": "20200101"},
        {"deceased": "Y"},
        {"is_deceased": True},
        {"dateOfDeath": "2020"},
        {"deathDate": {"year": 2020}},
        {"Death Index": ["SSDI"]},
        {"IsDead": 1},
        {"died": "2020"},
        {"dob": [{"age": 90, "isDead": True}]},
        {"dob": [{"dod": "2020"}]},
        {"meta": {"deceased": True}},
    ],
    ids=repr,
)
def test_a_death_is_heard_by_other_names(lookup, more):
    assert lookup({**_FOUND, **more}).status == "deceased"


@pytest.mark.parametrize(
    "more",
    [
        {"dod": ""},
        {"dod": None},
        {"deceased": "N"},
        {"dob": [{"age": 61, "dod": ""}]},
        {"dob": "x"},
        {"relationship": [{"isDead": True}]},
        {"deadline": None},
    ],
    ids=repr,
)
def test_no_death_is_invented(lookup, more):
    assert lookup({**_FOUND, **more}).status == "found"


@pytest.mark.parametrize(
    "more",
    [
        {"indicators": {"isDead": True}},
        {"meta": {"is_dead": 1}},
        {"dob": {"age": 61, "dod": "2020"}},
        {"name": [{"first": "ANN", "last": "LEE", "meta": {"deceased": "Y"}}]},
        {"flags": [{"kind": "x"}, {"values": [{"dateOfDeath": "2020"}]}]},
    ],
    ids=repr,
)
def test_a_death_is_heard_wherever_it_stands_in_the_record(lookup, more):
    assert lookup({**_FOUND, **more}).status == "deceased"


@pytest.mark.parametrize(
    "part", ["relatives", "Relative", "associates", "neighbors", "spouse", "relationship", "phone"]
)
def test_a_death_among_others_is_not_the_persons(lookup, part):
    assert lookup({**_FOUND, part: [*_FOUND.get(part, []), {"isDead": True, "name": "X"}]}).status == "found"


def test_lists_nested_a_thousandfold_end_no_job(lookup):
    assert lookup({**_FOUND, "notes": json.loads("[" * 800 + '{"isDead": true}' + "]" * 800)}).status == "found"


def test_a_death_beside_the_result_is_everybodys(world):
    world.fail("idicore", "lie", set={"isDead": True}, on="search")
    with Idicore(world.settings.idicore) as idicore:
        answer = idicore.lookup(_ANN)
    assert answer.status in ("deceased", "ambiguous")
    assert all(candidate.deceased for candidate in answer.candidates)


@pytest.mark.parametrize(
    "flag", [{"fake": True}, {"meta": {"fake": "true"}}, {"is-fake": 1}, {"Is Fake": "Y"}], ids=repr
)
def test_a_number_called_fake_once_is_left_out_though_it_stands_twice(lookup, flag):
    listed = [{"number": "504-555-0143", **flag}, {"number": "(504) 555-0143", "fake": False}, {"number": "5045550144"}]
    assert [phone.number for phone in lookup({**_FOUND, "phone": listed}).phones] == ["+15045550144"]


def test_one_of_two_entries_of_a_person_is_enough(lookup):
    assert lookup(_FOUND, {**_FOUND, "isDead": "true"}).status == "deceased"


def test_another_persons_death_is_not_the_leads(lookup):
    father = {**_FOUND, "pid": "8", "name": [{"first": "OTTO", "last": "LEE"}], "isDead": True}
    assert lookup(father, _FOUND).status == "found"


def test_the_dead_are_held_for_good_and_never_called(world, engine):
    dead = _leads(world, 40)["person_key"].to_list()[:20:3]
    world.configure(dead=dead)
    job = engine.run(SCRIPT, limit_rows=40, progress=False)
    held = set(engine.checkpoints.keys(job.id, "held"))
    answered = engine.checkpoints.answers(dead)
    there = [key for key in dead if answered[key].status == "deceased"]
    assert job.counts.held["deceased"] == len(there) >= 4
    assert set(there) <= held
    assert not set(dead) & {row["Lead Key"] for row in sheet_rows(world)}
    assert set(there) <= set(table_keys(world, "PERSON_CACHE", "person_key"))
    assert job.counts.balanced
    assert job.report().ok
    assert f"deceased {len(there)}" in job.report().to_markdown()
    assert observe(world, engine, job.id).clean
    assert job.review().query("person_key in @there").empty


def test_is_dead_is_asked_for_and_comes_only_then(world):
    world.configure(dead=[_ANN.person_key])
    named = _leads(world, 1)
    person = Person(
        _ANN.person_key,
        *(named.iloc[0][name] for name in ("First Name", "Last Name", "Address", "City", "State", "Zip")),
    )
    with Idicore(world.settings.idicore) as idicore:
        assert idicore.lookup(person).status == "deceased"
    without = world.settings.idicore.model_copy(update={"fields": ("name", "address", "phone", "email")})
    with Idicore(without) as idicore:
        assert idicore.lookup(person).status != "deceased"


# Fake phones.


@pytest.mark.parametrize("said", _NOT_PLAINLY_NO, ids=repr)
def test_a_phone_that_may_be_fake_is_left_out(lookup, said):
    phones = [{"number": "5045550144", "fake": said}, {"number": "5045550143"}]
    assert [phone.number for phone in lookup({**_FOUND, "phone": phones}).phones] == ["+15045550143"]


@pytest.mark.parametrize("name", ["Fake", "isFake", "is_fake", "FAKE"])
def test_a_fake_flag_is_heard_however_its_name_is_written(lookup, name):
    assert lookup({**_FOUND, "phone": [{"number": "5045550144", name: "Y"}]}).phones == ()


@pytest.mark.parametrize("said", _PLAIN_NO, ids=repr)
def test_a_phone_that_is_plainly_genuine_stays(lookup, said):
    assert len(lookup({**_FOUND, "phone": [{"number": "5045550143", "fake": said}]}).phones) == 1


def test_emails_that_are_none_are_left_out(lookup):
    said = [
        "@",
        "none@none",
        "a@x, b@x",
        "Ann@Example.com",
        "ann@example.com",
        "5045550143@vtext.com",
        None,
        7,
        ["a@x.com"],
    ]
    assert lookup({**_FOUND, "email": [{"data": text} for text in said]}).emails == ("Ann@Example.com",)


# Ids that are none.


@pytest.mark.parametrize(
    "pid", [None, 0, "0", "000", "", " ", "null", "None", True, False, 1.5, [], ["7"], {"id": 7}, "x" * 65], ids=repr
)
def test_what_cannot_be_a_pid_names_nobody(lookup, pid):
    answer = lookup({**_FOUND, "pid": pid}, {**_FOUND, "pid": pid})
    assert (answer.status, answer.pid) == ("ambiguous", "")
    assert [candidate.pid for candidate in answer.candidates] == ["#1", "#2"]


@pytest.mark.parametrize("pid", [7, "7", " 7 ", "A-10"], ids=repr)
def test_a_pid_may_be_a_number_or_a_word(lookup, pid):
    assert lookup({**_FOUND, "pid": pid}).pid == str(pid).strip()


# Answers without people.

_SHAPES = [
    {},
    {"result": None},
    {"result": {}},
    {"result": "x"},
    {"result": 0},
    {"message": "ok"},
    {"result": [None]},
    {"result": ["x", 1]},
    {"results": [_FOUND]},
    {"data": {"result": []}},
    [],
    "x",
    None,
    7,
    [_FOUND],
]


@pytest.mark.parametrize("body", _SHAPES, ids=repr)
def test_a_well_formed_answer_without_people_is_asked_for_once(world, lookup, body):
    world.fail("idicore", "body", times=10, body=json.dumps(body), on="search")
    with Idicore(world.settings.idicore) as idicore, pytest.raises(UnusableAnswerError, match=_ANN.person_key):
        idicore.lookup(_ANN)
    assert world.stats()["idicore"]["calls"] == 1


@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_an_answer_that_was_cut_is_asked_for_again(world, engine, kind):
    world.fail("idicore", kind, times=3, on="search")
    with Idicore(engine.settings.idicore) as idicore:
        assert idicore.lookup(_ANN).status
    assert world.stats()["idicore"]["calls"] == 4


def test_a_lead_without_an_answer_is_asked_for_once_a_resume_and_all_is_counted(world, engine):
    lead = _leads(world, 20).iloc[0]
    world.fail("idicore", "body", times=100, body="{}", on="search", key=lead["person_key"])
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert job.counts.retry == {"lookup_failed": 1}
    assert world.stats()["idicore"]["calls"] == 20
    assert job.counts.unanswered == 1
    job = engine.resume(job.id, progress=False)
    assert world.stats()["idicore"]["calls"] == 21
    assert (job.counts.retry, job.counts.unanswered) == ({"lookup_failed": 1}, 2)
    assert f"Lookup of {lead['person_key']} failed" in job.report().to_markdown()
    world.heal()
    job = engine.resume(job.id, progress=False)
    assert job.counts.retry == {}
    assert observe(world, engine, job.id).clean


def test_a_vendor_that_never_names_people_ends_the_job_before_the_list_is_burnt(world, engine):
    world.fail("idicore", "body", times=100_000, body="{}", on="search")
    with pytest.raises(JobFailedError, match="in a row"):
        engine.run(SCRIPT, limit_rows=400, progress=False)
    assert world.stats()["idicore"]["calls"] <= 20 + engine.settings.idicore.max_in_flight


# Whatever comes.

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=6), part, max_size=3),
    max_leaves=8,
)
_entry = st.fixed_dictionaries(
    {},
    optional={
        "first": st.sampled_from(["ANN", "NAN"]) | _json,
        "last": st.just("LEE") | _json,
        "data": st.sampled_from(["ANN LEE", "12 ELM ST", "12 ELM ST APT 4"]) | _json,
        "city": st.just("BATH") | _json,
        "zip": st.just("04530") | _json,
        "number": st.just("5045550143") | _json,
        "fake": _json,
        "meta": _json,
    },
)
_found = st.fixed_dictionaries(
    {},
    optional={
        "pid": st.just("7") | _json,
        "name": st.lists(_entry | _json, max_size=2) | _json,
        "address": st.lists(_entry | _json, max_size=2) | _json,
        "phone": st.lists(_entry, max_size=2) | _json,
        "email": st.lists(_entry, max_size=2) | _json,
        "isDead": st.sampled_from(_PLAIN_NO) | _json,
    },
)


@given(st.lists(_found | _json, max_size=3))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_people_come_nobody_is_found_who_may_be_dead_and_answers_survive_the_disk(local_world, people):
    local_world.heal()
    local_world.fail("idicore", "body", body=json.dumps({"result": people}), on="search")
    with Idicore(local_world.settings.idicore.model_copy(update={"attempts": 1})) as idicore:
        try:
            answer = idicore.lookup(_ANN)
        except UnusableAnswerError:
            return
    if answer.status == "found":
        assert any(isinstance(one, dict) and is_plainly_false(one.get("isDead")) for one in people)
    else:
        assert not answer.phones
    assert Answer.from_json(answer.to_json()) == answer
    assert "5045550143" not in repr(answer) + repr(answer.candidates)


def test_the_stage_gives_a_held_lead_no_phones(world):
    leads = _leads(world, 30)
    world.configure(dead=leads["person_key"].to_list())
    with Idicore(world.settings.idicore) as idicore:
        done = lookup_people(leads, idicore)
    assert (
        "deceased"
        in set(done["lookup_status"])
        <= {"deceased", "ambiguous", "no_match", "no_person_name", "unreadable_address"}
    )
    assert done["phones"].map(len).sum() == 0
    assert set(done["lookup_pid"]) == {""}
