"""The fictional people of the local world: their phones, and the entries of the lists about a number.

Standard library only, and without imports from leadflow: data_samples/generate.py loads this file by itself.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

# Numbers come only from 555-0100 to 555-0199, which are kept free for fiction in every area code.
AREA_CODES = [
    "201",
    "202",
    "203",
    "205",
    "206",
    "207",
    "208",
    "209",
    "210",
    "212",
    "213",
    "214",
    "215",
    "216",
    "217",
    "218",
    "219",
    "224",
    "225",
    "228",
    "229",
    "231",
    "234",
    "239",
    "240",
    "248",
    "251",
    "252",
    "253",
    "254",
    "256",
    "260",
    "262",
    "267",
    "269",
    "270",
    "276",
    "281",
    "301",
    "302",
    "303",
    "304",
    "305",
    "307",
    "308",
    "309",
    "310",
    "312",
    "313",
    "314",
    "315",
    "316",
    "317",
    "318",
    "319",
    "320",
    "321",
    "323",
    "325",
    "330",
    "334",
    "336",
    "337",
    "339",
    "347",
    "351",
    "352",
    "360",
    "361",
    "386",
    "401",
    "402",
    "404",
    "405",
    "406",
    "407",
    "408",
    "409",
    "410",
    "412",
    "413",
    "414",
    "415",
    "417",
    "419",
    "423",
    "424",
    "425",
    "432",
    "434",
    "435",
    "440",
    "443",
    "469",
    "478",
    "479",
    "480",
    "484",
    "501",
    "502",
    "503",
    "504",
    "505",
    "507",
    "508",
    "509",
    "510",
    "512",
    "513",
    "515",
    "516",
    "517",
    "518",
    "520",
    "530",
    "540",
    "541",
    "559",
    "561",
    "562",
    "563",
    "567",
    "570",
    "573",
    "574",
    "580",
    "585",
    "586",
    "601",
    "602",
    "603",
    "605",
    "606",
    "607",
    "608",
    "609",
    "610",
    "612",
    "614",
    "615",
]
CODES = (
    ("C", 46),
    ("W", 26),
    ("D", 14),
    ("L", 3),
    ("P", 2),
    ("Y", 2),
    ("X", 2),
    ("S", 2),
    ("B", 1),
    ("I", 1),
    ("G", 1),
)
_FORMATS = (
    "({a}) {b}-{c}",
    "{a}-{b}-{c}",
    "{a}{b}{c}",
    "+1 ({a}) {b}-{c} x12",
    "1-{a}-{b}-{c}",
    "{a}.{b}.{c}",
    " ({a}){b}-{c} ",
)


@dataclass
class Truth:
    """The truth about one person: the outcome of a search, the phones (10 digits, best first) and the e-mails."""

    person_key: str
    outcome: str  # found | no_match | ambiguous | no_phone
    phones: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)


def key_of(first: str, last: str, address: str, city: str, state: str, zip_code: str) -> str:
    """Return the person key of six parts, as the PERSON_CACHE tables use it."""
    text = "|".join((part or "").strip(" ").lower() for part in (first, last, address, city, state, zip_code))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def draw(text: str, below: int) -> int:
    """Return a number below `below` that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % below


def is_litigator(phone: str) -> bool:
    """Return whether a 10 digit phone belongs to a litigator: about one in twenty-five."""
    return draw(f"litigator {phone}", 25) == 0


def reassigned(phone: str) -> bool | None:
    """Return whether a 10 digit phone was reassigned: about one in eight; None, not enough data, for one in eight."""
    return (True, None)[lot] if (lot := draw(f"reassigned {phone}", 16) // 2) < 2 else False


def dnc_code(phone: str) -> str:
    """Return the DNCScrub result code of a 10 digit phone."""
    ticket = draw(f"dnc {phone}", sum(weight for _, weight in CODES))
    for code, weight in CODES:
        ticket -= weight
        if ticket < 0:
            return code
    raise AssertionError("unreachable")


def phone_type(phone: str) -> str:
    """Return the line type idiCORE reports; it agrees with the scrub's code."""
    code = dnc_code(phone)
    return "Mobile" if code in "WLG" else "VoIP" if code == "Y" else "Landline"


def dirty(phone: str, key: str) -> str:
    """Return the phone as a vendor writes it: one of several styles, sometimes with an extension."""
    style = _FORMATS[draw(f"style {key} {phone}", len(_FORMATS))]
    return style.format(a=phone[:3], b=phone[3:6], c=phone[6:])


def invent(key: str, seed: int = 7, codes: tuple[str, ...] | list[str] = tuple(AREA_CODES)) -> Truth:
    """Return a person's truth from the key: 4 % no match, 3 % ambiguous, 5 % without a phone, else 1 to 4 phones."""
    lot = draw(f"{seed} outcome {key}", 100)
    outcome = "no_match" if lot < 4 else "ambiguous" if lot < 7 else "no_phone" if lot < 12 else "found"
    count = 1 + draw(f"{seed} phones {key}", 4) if outcome in ("found", "ambiguous") else 0
    phones: list[str] = []
    for n in range(count):
        area = codes[draw(f"{seed} area {key} {n}", len(codes))]
        number = f"{area}55501{draw(f'{seed} line {key} {n}', 100):02d}"
        if number not in phones:
            phones.append(number)
    emails = [f"{key[:8]}.{n}@example.com" for n in range(draw(f"{seed} emails {key}", 4))]
    return Truth(key, outcome, phones, [] if outcome == "no_match" else emails)


def read_truth(path: Path) -> dict[str, Truth]:
    """Return the rows of truth.csv by person_key."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["person_key"]: Truth(
                row["person_key"],
                row["outcome"],
                [phone["number"] for phone in json.loads(row["phones"])],
                json.loads(row["emails"]),
            )
            for row in csv.DictReader(file)
        }
