"""What a further people search found, in leadflow's own records, and the judgement whether it is the lead's person.

A further source is trusted no more than idiCORE: its person must pass the same rules of name and address (matching/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leadflow.leads.emails import read_emails
from leadflow.leads.matching import is_same
from leadflow.leads.matching.near_match import closeness, is_near_match
from leadflow.leads.people import Answer, Candidate, Person, Phone
from leadflow.leads.phones import to_e164

_LONGEST_PID = 64


@dataclass(frozen=True, repr=False)
class FoundName:
    """One name of a found person: its parts, or `full`, such as "Ann Lee", if the source does not give parts."""

    first: str = ""
    last: str = ""
    middle: str = ""
    suffix: str = ""
    full: str = ""


@dataclass(frozen=True, repr=False)
class FoundAddress:
    """One address of a found person, present or past. `street` has the unit too, as in "12 Elm St Apt 4"."""

    street: str
    city: str = ""
    state: str = ""
    zip: str = ""


@dataclass(frozen=True, repr=False)
class FoundPhone:
    """One phone of a found person, in any writing, with the source's words for its type and when it was last seen."""

    number: str
    type: str = ""
    last_seen: str = ""


@dataclass(frozen=True, repr=False)
class FoundPerson:
    """A person that a people search found. Phones and e-mails are listed best first; `pid` is the source's own id.

    Without a name and an address that agree with the lead's, the person is not used.
    """

    names: Sequence[FoundName]
    addresses: Sequence[FoundAddress]
    phones: Sequence[FoundPhone] = ()
    emails: Sequence[str] = ()
    pid: str = ""
    deceased: bool = False

    def __repr__(self) -> str:
        """Return counts, not contents: a log may contain the repr."""
        return f"FoundPerson({len(self.names)} names, {len(self.addresses)} addresses, {len(self.phones)} phones)"


@dataclass(frozen=True, repr=False)
class SearchResult:
    """The answer of a people search: the people it found, and whether the source charges for the search."""

    people: Sequence[FoundPerson] = ()
    charged: bool = True

    def __repr__(self) -> str:
        """Return a count, not contents."""
        return f"SearchResult({len(self.people)} people, charged={self.charged})"


def judged(person: Person, result: SearchResult, source: str) -> Answer:
    """Return the answer for one lead, as idiCORE's answers are judged.

    `found` if one person alone agrees, no_match without people, deceased, near_match or ambiguous otherwise. Raises
    TypeError, ValueError or AttributeError for a result that is not what its class says.

    >>> ann = Person("k", "Ann", "Lee", "12 Elm St", "Bath", "ME", "04530")
    >>> home = FoundAddress("12 ELM STREET", "Bath", "Maine", "04530")
    >>> phones = [FoundPhone("(207) 555-0143")]
    >>> judged(ann, SearchResult([FoundPerson([FoundName("ann", "lee")], [home], phones)]), "acme").status
    'found'
    >>> judged(ann, SearchResult([FoundPerson([FoundName("mary", "lee")], [home], phones)]), "acme").phones
    ()
    """
    people = [_checked(found) for found in result.people]
    if not people:
        return Answer(person.person_key, "no_match", source=source)
    read = [(found, _as_dict(found)) for found in people]
    same = [found for found, fields in read if is_same(person, fields)]
    pids = {_pid(found) for found in same}
    if same and (len(same) == 1 or (len(pids) == 1 and "" not in pids)):
        if any(found.deceased for found in same):
            return Answer(person.person_key, "deceased", pid=_pid(same[0]), source=source)
        return Answer(person.person_key, "found", _phones(same[0]), _emails(same[0]), pid=_pid(same[0]), source=source)
    is_near = not same and any(is_near_match(person, fields) for _, fields in read)
    candidates = tuple(_candidate(person, found, fields, n) for n, (found, fields) in enumerate(read, 1))
    return Answer(person.person_key, "near_match" if is_near else "ambiguous", candidates=candidates, source=source)


def _checked(found: FoundPerson) -> FoundPerson:
    """Return the person if all parts have their types. A wrong type may be an error of the source in a data field."""
    if not isinstance(found, FoundPerson):
        raise TypeError("a found person is no FoundPerson")
    parts = (*found.names, *found.addresses, *found.phones)
    kinds = (FoundName, FoundAddress, FoundPhone)
    texts = [value for part in parts if isinstance(part, kinds) for value in vars(part).values()]
    if not all(isinstance(part, kinds) for part in parts) or not isinstance(found.deceased, bool):
        raise TypeError("a part of a found person has another type")
    if not all(isinstance(text, str) for text in (*texts, *found.emails, found.pid)):
        raise TypeError("a text of a found person is no text")
    return found


def _as_dict(found: FoundPerson) -> dict[str, Any]:
    """Return names and addresses in the fields that matching reads."""
    return {
        "name": [
            {"first": n.first, "middle": n.middle, "last": n.last, "suffix": n.suffix, "data": n.full}
            for n in found.names
        ],
        "address": [{"data": a.street, "city": a.city, "state": a.state, "zip": a.zip} for a in found.addresses],
    }


def _candidate(person: Person, found: FoundPerson, fields: dict[str, Any], position: int) -> Candidate:
    close = closeness(person, fields)
    return Candidate(
        _pid(found) or f"#{position}",
        close.name,
        close.address,
        _phones(found),
        _emails(found),
        close.agrees,
        close.differs,
        found.deceased,
    )


def _pid(found: FoundPerson) -> str:
    text = found.pid.strip()
    return text if text.strip("0") and len(text) <= _LONGEST_PID else ""


def _phones(found: FoundPerson) -> tuple[Phone, ...]:
    """Return the phones that can be read, each once, in the source's order."""
    phones: dict[str, Phone] = {}
    for phone in found.phones:
        number = to_e164(phone.number)
        if number and number not in phones:
            phones[number] = Phone(number, phone.type, len(phones) + 1, phone.last_seen)
    return tuple(phones.values())


def _emails(found: FoundPerson) -> tuple[str, ...]:
    emails: dict[str, str] = {}
    for text in found.emails:
        for email in read_emails(text):
            emails.setdefault(email.casefold(), email)
    return tuple(emails.values())
