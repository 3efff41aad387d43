"""Make leads.csv and truth.csv: fictional US leads with the dirt of real exports, always the same ones.

python data_samples/generate.py        (standard library only)
"""

from __future__ import annotations

import csv
import importlib.util
import json
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
SEED = 7
PEOPLE, DOUBLES, NAMELESS, SHARED = 2_080, 90, 30, 60
COLUMNS = [
    "Lead Number", "Campaign Date", "Lead Campaign", "Lead Source", "Ref ID",
    "First Name", "Last Name", "Address", "City", "State", "Zip",
]  # fmt: skip
FIRST = [
    "James",
    "Mary",
    "Robert",
    "Patricia",
    "John",
    "Jennifer",
    "Michael",
    "Linda",
    "David",
    "Elizabeth",
    "William",
    "Barbara",
    "Richard",
    "Susan",
    "Joseph",
    "Jessica",
    "Thomas",
    "Karen",
    "Daniel",
    "Nancy",
    "Anthony",
    "Lisa",
    "José",
    "Núria",
    "Zoë",
    "Renée",
    "François",
    "Søren",
    "Anaïs",
    "Jürgen",
    "Chloë",
    "Mary-Kate",
    "Beyoncé",
    "Luís",
    "D'Andre",
    "Siobhán",
    "Ángel",
    "Noël",
    "Inês",
    "Tomás",
]
LAST = [
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez",
    "Hernandez", "Lopez", "Gonzalez", "Wilson",
    "O'Brien", "D'Angelo", "O'Neill", "Nuñez", "Peña", "Muñoz", "Müller", "Ibáñez", "Lefèvre", "Sørensen",
    "Gómez", "Smith-Jones", "Dvořák",
    "de la Cruz", "St. John", "Van Der Berg", "McDonald Jr.", "Le Blanc",
]  # fmt: skip
STREETS = [
    "Main St",
    "Oak Avenue",
    "St. Charles Ave",
    "Elm Street",
    "N 4th St",
    "Martin Luther King Jr Blvd",
    "County Road 12",
    "O'Keefe Ave",
    "Calle Sol",
    "Rue Royale",
    "Cañon Dr",
    "Peachtree St NE",
    "Old Mill Rd",
    "Sunset Blvd",
    "Harbor View Ln",
    "Magnolia St",
]
CITIES = (
    ("New Orleans", "LA", "701"), ("Boston", "MA", "021"), ("Portland", "ME", "041"), ("Newark", "NJ", "071"),
    ("Hartford", "CT", "061"), ("Providence", "RI", "029"), ("Burlington", "VT", "054"), ("Manchester", "NH", "031"),
    ("Houston", "TX", "770"), ("Phoenix", "AZ", "850"), ("Miami", "FL", "331"), ("Atlanta", "GA", "303"),
    ("Coeur d'Alene", "ID", "838"), ("Cañon City", "CO", "812"), ("Chicago", "IL", "606"), ("San José", "CA", "951"),
    ("Seattle", "WA", "981"), ("Cheyenne", "WY", "820"), ("St. Louis", "MO", "631"), ("Oklahoma City", "OK", "731"),
)  # fmt: skip
CAMPAIGNS = ("Probate", "Probate LA", "Tax Lien", "Absentee Owner", "Pre-Foreclosure", "=1+1", "FHA; Expired")
SOURCES = (
    "County Records",
    "Courthouse",
    "List Broker",
    '=HYPERLINK("https://example.com","x")',
    "@import",
    "",
    "+List",
)


def load_people() -> ModuleType:
    """leadflow/local/people.py by itself, so that nothing has to be installed."""
    spec = importlib.util.spec_from_file_location("people", HERE.parent / "leadflow" / "local" / "people.py")
    if spec is None or spec.loader is None:
        raise SystemExit("leadflow/local/people.py is missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules["people"] = module
    spec.loader.exec_module(module)
    return module


def make_date(rng: random.Random) -> str:
    """A campaign date in May to July 2026, mostly ISO, sometimes as a US spreadsheet writes it."""
    month, day = rng.choice((5, 6, 6, 6, 7)), rng.randint(1, 28)
    return f"{month:02d}/{day:02d}/2026" if rng.random() < 0.1 else f"2026-{month:02d}-{day:02d}"


def make_lead(rng: random.Random, number: int) -> dict[str, str]:
    """One lead, with dirt now and then."""
    city, state, prefix = rng.choice(CITIES)
    address = f"{rng.randint(1, 9900)} {rng.choice(STREETS)}"
    lot = rng.random()
    if lot < 0.05:
        address += f" Apt {rng.randint(1, 40)}, #B"
    elif lot < 0.06:
        address += f"\nUnit {rng.randint(1, 40)}"
    elif lot < 0.08:
        address = f'{address} "Rear"'
    first, last = rng.choice(FIRST), rng.choice(LAST)
    lot = rng.random()
    if lot < 0.08:
        first, last = first.upper(), last.upper()
    elif lot < 0.12:
        first, last = f" {first}", f"{last}  "
    elif lot < 0.125:
        last = f"={last}"
    zip_code = f"{prefix}{rng.randint(1, 99):02d}"
    if rng.random() < 0.05:
        zip_code += f"-{rng.randint(1, 9999):04d}"
    return {
        "Lead Number": f"{number:07d}",
        "Campaign Date": make_date(rng),
        "Lead Campaign": rng.choice(CAMPAIGNS),
        "Lead Source": rng.choice(SOURCES),
        "Ref ID": rng.choice((f"R-{number}", f"00{number}", "", "1e5", "-5", "=A1")),
        "First Name": first,
        "Last Name": last,
        "Address": address,
        "City": city,
        "State": state,
        "Zip": zip_code,
    }


def make_double(rng: random.Random, lead: dict[str, str], number: int) -> dict[str, str]:
    """The same person once more: as it was, in capitals, or with spaces around."""
    change = rng.choice((str, str.upper, str.lower, lambda text: f" {text} "))
    parts = {name: change(lead[name]) for name in ("First Name", "Last Name", "Address", "City", "State")}
    return {**lead, **parts, "Lead Number": f"{number:07d}", "Ref ID": f"R-{number}"}


def make_nameless(rng: random.Random, lead: dict[str, str]) -> dict[str, str]:
    """A lead nobody can be found by: no name at all, or no address."""
    gone = rng.choice((("First Name", "Last Name"), ("Address",)))
    return {**lead, **{name: rng.choice(("", "  ")) for name in gone}}


def key_of(people: ModuleType, lead: dict[str, str]) -> str:
    """The lead's person key."""
    return people.key_of(*(lead[c] for c in ("First Name", "Last Name", "Address", "City", "State", "Zip")))


def make_truth(people: ModuleType, rng: random.Random, keys: list[str]) -> list[dict[str, str]]:
    """Every person's truth: each number belongs to one person, but for SHARED numbers that belong to two."""
    taken: set[str] = set()
    truths = [people.invent(key, SEED) for key in keys]
    for truth in truths:
        fresh: list[str] = []
        for phone in truth.phones:
            while phone in taken:
                area = people.AREA_CODES[rng.randrange(len(people.AREA_CODES))]
                phone = f"{area}55501{rng.randrange(100):02d}"
            taken.add(phone)
            fresh.append(phone)
        truth.phones = fresh
    found = [truth for truth in truths if truth.outcome == "found"]
    for one, other in zip(found[:SHARED], found[SHARED : 2 * SHARED], strict=True):
        other.phones[-1] = one.phones[0]
    return [as_row(people, truth) for truth in truths]


def as_row(people: ModuleType, truth: Any) -> dict[str, str]:
    """A row of truth.csv; the phones are a JSON list, best first."""
    phones = [
        {
            "number": phone,
            "e164": f"+1{phone}",
            "written": people.dirty(phone, truth.person_key),
            "type": people.phone_type(phone),
            "litigator": people.is_litigator(phone),
            "dnc_code": people.dnc_code(phone),
            "dnc": people.dnc_code(phone) == "D",
        }
        for phone in truth.phones
    ]
    columns = {"person_key": truth.person_key, "outcome": truth.outcome}
    return {**columns, "phones": json.dumps(phones), "emails": json.dumps(truth.emails)}


def main() -> None:
    """Write both files."""
    people, rng = load_people(), random.Random(SEED)
    leads = [make_lead(rng, n) for n in range(1, PEOPLE + 1)]
    keys = list(dict.fromkeys(key_of(people, lead) for lead in leads))
    leads += [make_double(rng, rng.choice(leads[:PEOPLE]), PEOPLE + n) for n in range(1, DOUBLES + 1)]
    leads += [make_nameless(rng, make_lead(rng, PEOPLE + DOUBLES + n)) for n in range(1, NAMELESS + 1)]
    rng.shuffle(leads)
    truth = make_truth(people, rng, keys)
    write(HERE / "leads.csv", COLUMNS, leads)
    write(HERE / "truth.csv", ["person_key", "outcome", "phones", "emails"], truth)
    print(f"{len(leads)} leads, {len(truth)} people")


def write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
