"""Two names are one person's, or not."""

from __future__ import annotations

import pytest
from matched import same_by_name


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Maria", "Garcia", {"first": "MARIA", "last": "GARCIA"}),
        ("J", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("John", "Smith", {"first": "J", "last": "SMITH"}),
        ("J.", "Smith", {"first": "JOHN", "last": "SMITH", "middle": "ROBERT"}),
        ("J. R.", "Smith", {"first": "JOHN", "last": "SMITH", "middle": "ROBERT"}),
        ("John A", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("John A.", "Smith", {"first": "JOHN", "last": "SMITH", "middle": "ALLEN"}),
        ("John", "Smith", {"first": "JOHN A", "last": "SMITH"}),
        ("John", "Smith Jr", {"first": "JOHN", "last": "SMITH"}),
        ("John", "Smith Jr.", {"first": "JOHN", "last": "SMITH", "suffix": "JR"}),
        ("John Jr.", "Smith", {"first": "JOHN", "last": "SMITH", "suffix": "JR"}),
        ("John", "Smith III", {"first": "JOHN", "last": "SMITH 3RD"}),
        ("John", "Smith", {"first": "JOHN", "last": "SMITH SR"}),
        ("Søren", "Sørensen", {"first": "SOREN", "last": "SORENSEN"}),
        ("Søren", "Sørensen", {"first": "SOEREN", "last": "SOERENSEN"}),
        ("Jürgen", "Müller", {"first": "JURGEN", "last": "MULLER"}),
        ("Juergen", "Mueller", {"first": "JÜRGEN", "last": "MÜLLER"}),
        ("Jürgen", "Müller", {"first": "JUERGEN", "last": "MUELLER"}),
        ("Łukasz", "Wałęsa", {"first": "LUKASZ", "last": "WALESA"}),
        ("Zoë", "Groß", {"first": "ZOE", "last": "GROSS"}),
        ("Þóra", "Æsir", {"first": "THORA", "last": "AESIR"}),
        ("Ann", "O'Neil", {"first": "ANN", "last": "ONEIL"}),
        ("Ann", "O\u2019Neil", {"first": "ANN", "last": "O NEIL"}),
        ("Ann", "ONeil", {"first": "ANN", "last": "O'NEIL"}),
        ("D'Andre", "Brown", {"first": "DANDRE", "last": "BROWN"}),
        ("Mary-Kate", "Brown", {"first": "MARY KATE", "last": "BROWN"}),
        ("Mary-Kate", "Brown", {"first": "MARYKATE", "last": "BROWN", "middle": "L"}),
        ("Mary-Kate", "Brown", {"first": "MARY", "last": "BROWN"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "GARCIA LOPEZ"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "GARCIALOPEZ"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "GARCIA"}),
        ("Maria", "García", {"first": "MARIA", "last": "GARCIA-LOPEZ"}),
        ("Maria", "García López", {"first": "MARIA", "middle": "GARCIA", "last": "LOPEZ"}),
        ("Ana", "van der Berg", {"data": "ANA VAN DER BERG"}),
        ("Ana", "van der Berg", {"first": "", "last": None, "data": "Ana M. van der Berg"}),
        ("Ana", "van der Berg", {"first": "ANA VAN DER", "last": "BERG"}),
        ("Ana", "de la Cruz", {"data": "DE LA CRUZ, ANA"}),
        ("John", "Smith", {"data": "JOHN SMITH, JR"}),
        ("John", "Smith III", {"data": "JOHN SMITH 3RD"}),
        ("John", "Smith", {"data": "SMITH, JOHN A"}),
        ("John", "Smith", {"last": "SMITH", "data": "JOHN SMITH"}),
        ("Ann", "St. John", {"first": "ANN", "last": "SAINT JOHN"}),
        ("Ольга", "Иванова", {"first": "ОЛЬГА", "last": "ИВАНОВА"}),
        ("Ольга", "Иванова", {"data": "ольга иванова"}),
        ("伟", "王", {"first": "伟", "last": "王"}),
        (" Maria ", "=Garcia", {"first": "MARIA", "last": "GARCIA"}),
    ],
)
def test_names_of_one_person(first, last, name):
    assert same_by_name(first, last, name)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Ольга", "Иванова", {"data": "JOHN SMITH"}),
        ("Ольга", "Иванова", {"first": "ОЛЬГА", "last": "ПЕТРОВА"}),
        ("Андрей", "Май", {"first": "АНДРЕЙ", "last": "МАИ"}),
        ("伟", "王", {"first": "伟明", "last": "王"}),
        ("-", ".", {"data": "JOHN SMITH"}),
        ("-", ".", {"first": "-", "last": "."}),
        ("", "", {"data": "JOHN SMITH"}),
        ("", "", {"first": "", "last": "", "data": ""}),
        ("John", "", {"data": "JOHN SMITH"}),
        ("John", "", {"first": "JOHN", "last": ""}),
        ("John", "...", {"first": "JOHN", "last": "..."}),
        ("", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("John", "Smith", {"first": "", "last": "SMITH"}),
        ("John", "Smith", {"last": "SMITH", "data": "SMITH"}),
        ("John", "Smith", {"first": "JANE", "last": "SMITH"}),
        ("John", "Smith", {"first": "JOHNNY", "last": "SMITH"}),
        ("Jo", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("K", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("John", "Smith", {"first": "JOHN", "last": "SMYTHE"}),
        ("John", "S", {"first": "JOHN", "last": "SMITH"}),
        ("John A", "Smith", {"first": "JOHN", "middle": "B", "last": "SMITH"}),
        ("Mary-Kate", "Brown", {"first": "MARY ANN", "last": "BROWN"}),
        ("John", "Smith Jr", {"first": "JOHN", "last": "SMITH", "suffix": "SR"}),
        ("John", "Smith II", {"first": "JOHN", "last": "SMITH III"}),
        ("John", "Smith Sr", {"data": "JOHN SMITH JR"}),
        ("John", "Jr", {"data": "JOHN SMITH JR"}),
        ("Jr", "Jr", {"first": "JOHN", "last": "SMITH"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "LOPEZ"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "GARCIA PEREZ"}),
        ("Ana", "van der Berg", {"first": "ANA", "last": "VAN"}),
        ("Ana", "Berg", {"data": "ANA VAN DER BERG"}),
        ("Ana", "Berg", {"first": "ANA VAN DER", "last": "BERG"}),
        ("Ana", "Santa Cruz", {"first": "ANA", "last": "SANTA"}),
        ("12", "34", {"first": "12", "last": "34"}),
        ("Ana", "A" * 400, {"first": "ANA", "last": "A" * 400}),
        ("Ana", "Cruz", {"data": "ANA B C D E F G H CRUZ"}),
        ("Minh", "Le", {"first": "MINH", "last": "LE BLANC"}),
        ("John", "Thomas", {"data": "JOHN THOMAS SMITH"}),
        ("Thomas", "Smith", {"data": "JOHN THOMAS SMITH"}),
        ("Smith", "John", {"data": "JOHN SMITH"}),
        ("John", "Smith", {"data": "ROBERT SMITH, JOHN"}),
        ("John", "Müller", {"first": "JOHN", "last": "MILLER"}),
        ("John", "Muller", {"first": "JOHN", "last": "MUELLER"}),
    ],
)
def test_names_of_two_people(first, last, name):
    assert not same_by_name(first, last, name)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("Mr. John", "Smith"),
        ("Dr John", "Smith"),
        ("REV. JOHN", "SMITH"),
        ("Hon. John", "Smith"),
        ("DR", "JOHN SMITH"),
        ("John", "Smith MD"),
        ("John", "Smith, M.D."),
        ("John", "Smith Ph.D., Esq."),
        ("JOHN", "SMITH TR"),
        ("JOHN", "SMITH CO-TRUSTEE"),
        ("JOHN SMITH", "TTEE"),
        ("JOHN SMITH", "TRUSTEE"),
        ("JOHN ET UX", "SMITH"),
        ("JOHN", "SMITH ET AL"),
        ("JOHN", "SMITH ETUX MARY"),
        ("JOHN", "SMITH JTRS"),
        ("JOHN", "SMITH LIFE EST"),
        ("JOHN", "SMITH H/W"),
        ("JOHN", "SMITH ET ALS"),
        ("JOHN", "SMITH SUCC TR"),
        ("JOHN", "SMITH AS TRUSTEE"),
        ("JOHN", "SMITH L/E"),
        ("JOHN", "SMITH 1/2 INT"),
        ("JOHN", "SMITH, A SINGLE MAN"),
        ("JOHN", "SMITH PERSONAL REPRESENTATIVE"),
        ("JOHN", "SMITH M D"),
        ("JOHN", "SMITH, RN, BSN"),
        ("JOHN", "SMITH SGT"),
        ("FATHER JOHN", "SMITH"),
        ("SRA. JOHN", "SMITH"),
        ("JOHN", "SMITH C/O MARY JONES"),
        ("JOHN", "SMITH A/K/A JONES"),
        ("JOHN NMN", "SMITH"),
        ("John (Jack)", "Smith"),
        ('John "Jack"', "Smith"),
        ("JOHN & MARY", "SMITH"),
        ("JOHN AND MARY", "SMITH"),
        ("JOHN/MARY", "SMITH"),
        ("MR & MRS JOHN", "SMITH"),
        ("JOHN &", "MARY SMITH"),
        ("JOHN", "SMITH & MARY JONES"),
    ],
)
def test_what_stands_around_a_name_is_no_part_of_it(first, last):
    assert same_by_name(first, last, {"first": "JOHN", "last": "SMITH"})
    assert same_by_name("John", "Smith", {"first": first.upper(), "last": last.upper()})
    assert not same_by_name(first, last, {"first": "ROBERT", "last": "SMITH"})
    assert not same_by_name(first, last, {"first": "JOHN", "last": "JONES"})


@pytest.mark.parametrize(
    "name",
    [
        {"first": "JOHN", "last": "SMITH (DECEASED)"},
        {"first": "JOHN", "last": "SMITH", "suffix": "DECD"},
        {"first": "ESTATE OF JOHN", "last": "SMITH"},
        {"data": "ESTATE OF JOHN SMITH"},
        {"data": "SMITH, JOHN (DEC'D)"},
        {"first": "JOHN", "last": "SMITH FAMILY TRUST"},
        {"data": "JOHN SMITH TRUST"},
        {"data": "JOHN SMITH LLC"},
    ],
)
def test_what_the_vendor_calls_so_is_no_living_person(name):
    assert not same_by_name("John", "Smith", name)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("N/A", "Smith", {"first": "NANCY", "last": "SMITH"}),
        ("N/A", "Smith", {"first": "N", "middle": "A", "last": "SMITH"}),
        ("J/M", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("Jennifer", "Null", {"first": "JENNIFER", "last": "NULLMAN"}),
        ("Md", "Rahman", {"first": "ABDUL", "last": "RAHMAN"}),
        ("JOHN & MARY", "SMITH", {"first": "MARY", "last": "SMITH"}),
        ("JOHN (DECEASED)", "SMITH", {"first": "JOHN", "last": "SMITH"}),
        ("Major", "Smith", {"first": "JOHN", "last": "SMITH"}),
    ],
)
def test_a_placeholder_a_joint_owner_and_a_title_find_nobody_else(first, last, name):
    assert not same_by_name(first, last, name)
