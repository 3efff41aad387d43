"""The shortcuts in reading addresses and identities give what the long way gives, whatever the text is."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from leadflow.leads import identity, matching
from leadflow.leads.matching.text import fold
from leadflow.leads.people import Person

_WORDS = [
    "12",
    "12-A",
    "Elm",
    "St",
    "N.E.",
    "PO Box 7",
    "Apt",
    "#4",
    "c/o Lee",
    "County Rd",
    "ß",
    "Ñ",
    "HC 1",
    "km 4.5",
]
_LINES = st.one_of(st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join), st.text(max_size=30))
_CITIES = st.sampled_from(["Bath", "ST. LOUIS", "", "n/a", "San Juan", "Peñasco"])
_STATES = st.sampled_from(["ME", "mo", "", "PR", "Maine", "??"])
_ZIPS = st.sampled_from(["04530", "4530", "63101-1234", "", "99999", "630"])


@given(_LINES, _CITIES, _STATES, _ZIPS, st.sampled_from([str.upper, str.lower, str.title, str]))
@examples(max_examples=400, deadline=None)
@example("12 Elm St, Bath, ME 04530", "", "", "", str.upper)
def test_an_address_in_the_lead_s_own_words_is_the_lead_s_place_by_the_long_way_too(line, city, state, zip_code, write):
    person = Person("k", "Ann", "Lee", line, city, state, zip_code)
    _, home = matching._read(person)
    address = dict(zip(("data", "city", "state", "zip"), map(write, (line, city, state, zip_code)), strict=True))
    if home is None:
        return
    place = matching.read_place(*address.values(), told=(city, state))
    long_way = place is not None and matching.same_place(home, place)
    assert matching.is_home(home, person, address) == long_way


_NAMES = st.one_of(
    st.lists(
        st.sampled_from(
            ["Ann", "O'Neil", "Muñoz", "Jürgen", "Dvořák", "de la", "Jr", "Dr.", "&", "A", "N/A", "\u017f"]
        ),
        max_size=3,
    ).map(" ".join),
    st.text(max_size=12),
)


@given(_NAMES, _NAMES, st.sampled_from([str.upper, str.lower, str.title, str]), st.sampled_from([None, "", "B", "Jr"]))
@examples(max_examples=600, deadline=None)
def test_a_name_in_the_lead_s_own_words_is_the_lead_s_by_the_long_way_too(first, last, write, more):
    person = Person("k", first, last, "12 Elm St", "Bath", "ME", "04530")
    mine, _ = matching._read(person)
    name = {"first": write(first), "last": write(last), "middle": more, "suffix": more}
    long_way = [
        reading for umlauts in matching.spellings(*name.values()) for reading in matching.readings(name, umlauts)
    ]
    same = any(matching.same_name(one, other) for one in mine for other in long_way)
    assert matching._has_name(mine, person, name) == same


def test_latin_letters_that_are_one_in_lower_case_are_one_to_every_reader():
    by_lower_case = {}
    for letter in filter(matching._LATIN.fullmatch, map(chr, range(0x11_0000))):
        by_lower_case.setdefault(letter.lower(), []).append(letter)
    for lower, letters in by_lower_case.items():
        for read in (fold, lambda text: fold(text, umlauts=True), str.isascii, str.isalpha):
            assert {read(letter) for letter in letters} == {read(lower)}
        assert all(unicodedata.is_normalized("NFC", letter) for letter in letters)


_SPACED = st.lists(
    st.sampled_from(
        [*(word.strip() for word in identity._replacements()), "elm", "12", "p", "o", "box", "#", "r", "|"]
    ),
    max_size=8,
)


@given(_SPACED, st.sampled_from(["  ", " "]))
@examples(max_examples=400, deadline=None)
def test_all_replacements_are_made_as_the_warehouse_makes_them_one_after_another(words, between):
    text = f" {between.join(words)} | {between.join(words[::-1])} "
    by_turns = text
    for written, standard in identity._replacements().items():
        by_turns = by_turns.replace(written, standard)
    assert identity._replaced(text) == by_turns
