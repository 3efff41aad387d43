"""Properties of identities: Python and SQL agree, spellings of one person are one, two persons stay two."""

from __future__ import annotations

import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from identities import select, written

from leadflow.leads.columns import IDENTITY, person_key
from leadflow.leads.identity import identity_sql, identity_text
from leadflow.leads.matching.address_words import ALIKE
from leadflow.leads.postal import STATE_CODES, repaired_zip
from leadflow.services.warehouse import Warehouse
from leadflow.stages.extraction import open_extraction

WORDS = st.sampled_from(
    [
        *ALIKE,
        *STATE_CODES,
        "12",
        "0012",
        "4th",
        "12-3",
        "1/2",
        "#4",
        "n.e.",
        "P.O.",
        "Box",
        "O\u2019Neil",
        "\u00e9",
        "\u00c9",
        "\u00df",
        "\u00c6",
        "\u6797",
        "\u0416",
        "a|b",
        "~",
        "\\",
        "$x",
        "?",
        "%s",
        '"',
        "'",
        "=me",
        ":",
        "{}",
        "[a]",
        "e\u0301",
        "\u0130",
    ]
)


BLANKS = st.sampled_from([" ", "  ", "\t", "\u00a0", ", ", ". ", "-", "\u2013"])


TEXT = st.lists(
    st.tuples(
        WORDS
        | WORDS.map(str.upper)
        | st.text(st.characters(max_codepoint=0x17F, exclude_characters="\x00"), max_size=4),
        BLANKS,
    ),
    max_size=6,
)


LINES = TEXT.map(lambda pairs: "".join(word + blank for word, blank in pairs))


ZIPS = st.from_regex(r"[0-9]{3,9}(-[0-9]{1,4}|\.0*|\.00)?[ \t]?", fullmatch=True) | LINES


STATES = st.sampled_from([*STATE_CODES, "ME", "N.H.", "New  York", "", "XX"]) | LINES


@given(st.lists(st.tuples(LINES, LINES, LINES, LINES, STATES, ZIPS), min_size=40, max_size=120))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_warehouse_and_python_write_every_person_alike(local_world, people):
    rows = pl.DataFrame(people, schema=list(IDENTITY), orient="row").with_columns(
        pl.int_range(pl.len()).cast(pl.String).alias("row")
    )
    texts = ", ".join(f'COALESCE("{part}", \'\') AS "{part}"' for part in IDENTITY)
    with Warehouse(local_world.settings.warehouse) as warehouse:
        staged = warehouse.staged(rows)
        found = dict(
            warehouse.execute(identity_sql(f'SELECT CAST("row" AS INTEGER) AS "lf_row", {texts} FROM {staged}'))
        )
    assert found == {n: identity_text(*person) for n, person in enumerate(people)}


NAMES = st.sampled_from(["Ann", "Bob", "Jos\u00e9", "Mary Ann", "O'Neil", "St. John", "Lee"])


FORMS = {
    "St": ["Street", "ST.", "Str", "strt"],
    "Ave": ["Avenue", "AV", "Ave."],
    "Ln": ["Lane", "LN"],
    "Blvd": ["Boulevard", "BLVD."],
    "Ct": ["Court", "ct"],
}


PLACES = st.sampled_from(
    [
        ("Bath", "ME", "Maine", "04530"),
        ("San Juan", "PR", "Puerto Rico", "00901"),
        ("Boston", "MA", "Massachusetts", "02108"),
        ("Austin", "TX", "Texas", "78701"),
        ("Washington", "DC", "District of Columbia", "20001"),
    ]
)


PEOPLE = st.tuples(
    NAMES,
    NAMES,
    st.integers(1, 9999),
    st.sampled_from(["", "N ", "South "]),
    st.sampled_from(["Elm", "4th", "Oak Hill"]),
    st.sampled_from(list(FORMS)),
    st.integers(0, 9),
    PLACES,
)


def spelled(person, draw=None):
    """The person as Publication 28 has it, or as `draw` chooses."""
    first, last, number, side, street, suffix, unit, (city, code, state, zip_code) = person
    choose = draw or (lambda options: options[0])
    side = choose([side, {"": "", "N ": "North ", "South ": "S. "}[side]])
    street = choose([street, {"4th": "Fourth", "Elm": "ELM", "Oak Hill": "Oak Hl"}[street]])
    flat = choose([f" Apt {unit}", f", #{unit}", f" Apartment {unit}", f"  unit {unit}"]) if unit else ""
    zips = [
        zip_code,
        f"{zip_code}-1234",
        f"{zip_code}1234",
        f" {zip_code}\t",
        zip_code.lstrip("0"),
        f"{zip_code.lstrip('0')}.0",
        f"{zip_code.lstrip('0')}-1234",
    ]
    parts = [
        first,
        last,
        f"{number} {side}{street} {choose([suffix, *FORMS[suffix]])}{flat}",
        city,
        choose([code, state, code.lower()]),
        choose(zips),
    ]
    blank = choose(
        [
            lambda text: text,
            lambda text: f" {text} ",
            lambda text: text.replace(" ", "\u00a0"),
            lambda text: f"{text}\t",
            str.upper,
        ]
    )
    return tuple(blank(part) for part in parts)


@given(PEOPLE, st.data())
@settings(max_examples=300, deadline=None)
def test_random_spellings_of_one_person_are_one(person, data):
    other = spelled(person, lambda options: data.draw(st.sampled_from(options)))
    assert identity_text(*other) == identity_text(*spelled(person))


@given(PEOPLE, PEOPLE, st.data())
@settings(max_examples=300, deadline=None)
def test_random_spellings_of_two_persons_are_two(one, two, data):
    def draw(options):
        return data.draw(st.sampled_from(options))

    same = one == two
    assert (identity_text(*spelled(one, draw)) == identity_text(*spelled(two, draw))) == same


@given(ZIPS | st.text("0123459 .,-ab~|\t\u00a0'", max_size=10), STATES)
@example("beach. 0. ", "al")
@example("4530.0.0", "me")
@example("049293", "me")
@settings(deadline=None)
def test_a_repaired_zip_is_the_same_person_and_is_repaired_once(text, state):
    repaired = repaired_zip(text, state)
    assert repaired_zip(repaired, state) == repaired
    assert identity_text(*written(zip=repaired, state=state)) == identity_text(*written(zip=text, state=state))


def test_no_replacement_makes_a_word_that_another_replaces():
    from leadflow.leads.identity import _replacements

    words = {key.strip(): value.strip() for key, value in _replacements().items() if "  " not in key.strip()}
    assert not set(words.values()) & set(words)
    assert {"street", "north", "apartment", "first"} <= set(words)


def test_rows_come_out_of_the_warehouse_with_their_repaired_zip_beside_their_own_key(world):
    people = {
        person[2]: person
        for person in (written(address=f"{n} Elm St", zip=["4530", "04530", "4530.0"][n % 3]) for n in range(1, 61))
    }
    with Warehouse(world.settings.warehouse) as warehouse:
        leads = pl.concat(list(open_extraction(select(*people.values()), warehouse).batches(25)))
    assert sorted(leads["address"]) == sorted(people)
    assert set(leads["zip"]) == {"04530"}
    assert leads["person_key"].to_list() == [person_key(*people[address]) for address in leads["address"]]
