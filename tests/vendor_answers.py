"""Phones and a person for tests of what the vendors answer."""

from __future__ import annotations

from leadflow.leads.people import Person
from leadflow.leads.verdicts import Verdict
from leadflow.local.people import dnc_code, is_litigator

NUMBERS = [f"504555{n:04}" for n in range(100, 200)]
BAD, CLEAN, *_ = [n for n in NUMBERS if not is_litigator(n) and dnc_code(n) == "C"]
ANN = Person("a" * 32, "Ann", "Lee", "12 Elm St", "Bath", "ME", "04530")
FOUND = {
    "pid": "1",
    "name": [{"first": "ANN", "last": "LEE"}],
    "address": [{"data": "12 ELM ST", "city": "BATH", "zip": "04530"}],
    "phone": [{"number": "(504) 555-0143", "meta": {"rank": 1}}],
}


def verdict_of(found, number=CLEAN):
    scrub = found.get(f"+1{number}")
    return scrub.verdict if scrub else Verdict.UNCHECKED
