"""Read an answer of idiCORE. A value that is not understood never makes a phone callable."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from leadflow.errors import RejectedError, UnusableAnswerError
from leadflow.leads.emails import read_emails
from leadflow.leads.matching import is_same
from leadflow.leads.matching.near_match import closeness, is_near_match
from leadflow.leads.people import Answer, Candidate, Person, Phone
from leadflow.leads.phones import to_e164
from leadflow.services.transport.http import read_json

if TYPE_CHECKING:
    import httpx

    from leadflow.settings import IdicoreSettings

_NAME = "idiCORE"
_NO_RANK = 9_999
_FALSE = frozenset({"", "0", "0.0", "f", "false", "n", "no", "none", "null"})
_DEATH = re.compile("dead|deceas|death")
_DIED = frozenset({"dod", "died"})
# Fields about other people, phones or property. They do not show whether the person is alive.
_OF_OTHERS = re.compile("relativ|associat|neighbo|spous|famil|househol|contact|relation|phone|email|propert|vehicle")
_DEEPEST = 6
_FAKE = frozenset({"fake", "isfake"})
_LONGEST_PID = 64
_RANK_DIGITS = 10
_NESTED = (dict, list)


def read_answer(person: Person, response: httpx.Response, settings: IdicoreSettings) -> Answer:
    """Return the answer for one person.

    Raises RejectedError if idiCORE refused the search, UnreadableError if the body is not JSON, and UnusableAnswerError
    if the JSON has no list of people: an immediate repeat would cost the same and return the same.
    """
    body = read_json(_NAME, response)
    if not isinstance(body, dict):
        raise _unusable(person, "unexpected JSON")
    error, people = body.get("error"), body.get("result")
    code = error.get("code") if isinstance(error, dict) else None
    if code == "TooManyMatches":
        return Answer(person.person_key, "ambiguous")
    # An empty result with an error does not prove that nobody was found.
    has_error = any(error.values()) if isinstance(error, dict) else error
    if code or response.status_code == 400 or (has_error and not people):
        raise RejectedError(f"{_NAME} refused the search for lead {person.person_key}; check the lead, then resume")
    if not isinstance(people, list):
        raise _unusable(person, "no list of people")
    if not people:
        return Answer(person.person_key, "no_match")
    found = [one for one in people if isinstance(one, dict)]
    if not found:
        raise _unusable(person, "an unexpected result")
    if _has_death_flag(body):  # a flag outside the result applies to every person in it
        found = [{**one, "isDead": True} for one in found]
    return _answer_of(person, found, settings)


def _unusable(person: Person, what: str) -> UnusableAnswerError:
    return UnusableAnswerError(
        f"{_NAME} answered with {what} for lead {person.person_key}; resume the job to look it up again"
    )


def _answer_of(person: Person, people: list[dict[str, Any]], settings: IdicoreSettings) -> Answer:
    """Return the person searched for, or an answer for review."""
    same = [found for found in people if is_same(person, found)]
    pids = {_pid(found) for found in same}
    if same and (len(same) == 1 or (len(pids) == 1 and "" not in pids)):  # two entries with one pid are one person
        if any(map(_is_dead, same)):
            return Answer(
                person.person_key, "deceased", pid=_pid(same[0]), candidates=_candidates(person, same, settings)
            )
        return Answer(person.person_key, "found", _phones(same[0], settings), _emails(same[0]), pid=_pid(same[0]))
    is_near = not same and any(is_near_match(person, found) for found in people)
    return Answer(
        person.person_key, "near_match" if is_near else "ambiguous", candidates=_candidates(person, people, settings)
    )


def _candidates(person: Person, people: list[dict[str, Any]], settings: IdicoreSettings) -> tuple[Candidate, ...]:
    """Return all people of an answer without a clear match, closest matches first."""
    found = [_candidate(person, one, f"#{n}", settings) for n, one in enumerate(people, 1)]
    return tuple(sorted(found, key=lambda candidate: -len(candidate.agrees)))


def _candidate(person: Person, found: dict[str, Any], position: str, settings: IdicoreSettings) -> Candidate:
    close = closeness(person, found)
    return Candidate(
        _pid(found) or position,
        close.name,
        close.address,
        _phones(found, settings),
        _emails(found),
        close.agrees,
        close.differs,
        _is_dead(found),
    )


def _pid(found: dict[str, Any]) -> str:
    """Return idiCORE's id of a person; "" for an invalid id such as 0, which different people could share."""
    pid = found.get("pid")
    if isinstance(pid, bool) or not isinstance(pid, str | int):
        return ""
    text = str(pid).strip()
    return text if text.strip("0").casefold() not in _FALSE and len(text) <= _LONGEST_PID else ""


def is_plainly_false(value: object) -> bool:
    """Return whether a vendor's flag is false or empty.

    >>> [is_plainly_false(value) for value in (False, None, 0, "0", "False", " n ", "", "true", 1, "Y", "unknown", [])]
    [True, True, True, True, True, True, True, False, False, False, False, False]
    """
    if value is None or (isinstance(value, int | float) and value == 0):
        return True
    return isinstance(value, str) and value.strip().casefold() in _FALSE


def _has_death_flag(part: dict[str, Any]) -> bool:
    return any(_is_death_field(name) and not is_plainly_false(value) for name, value in part.items())


def _is_dead(found: Any) -> bool:
    """Return whether any field of the record, nested ones included, reports that the person died.

    Public integrations read a boolean `isDead`. idiCORE's reference is not public, so a date, a word or a list counts
    too, and so does any other field whose name refers to death. Records of relatives do not count.
    """
    parts = [(found, 0)]
    while parts:
        part, depth = parts.pop()
        if isinstance(part, list):
            parts += [(item, depth + 1) for item in part]
        elif isinstance(part, dict) and depth <= _DEEPEST:
            for name, value in part.items():
                if _is_death_field(name):
                    if not is_plainly_false(value):
                        return True
                elif isinstance(value, _NESTED) and not _is_about_others(name):
                    parts.append((value, depth + 1))
    return False


@lru_cache(maxsize=256)
def _is_about_others(name: str) -> bool:
    return bool(_OF_OTHERS.search(name.lower()))


@lru_cache(maxsize=256)
def _is_death_field(name: str) -> bool:
    plain = re.sub("[^a-z]", "", name.lower())
    return plain in _DIED or bool(_DEATH.search(plain))


def _dicts(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = found.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _meta(item: dict[str, Any]) -> dict[str, Any]:
    meta = item.get("meta")
    return meta if isinstance(meta, dict) else {}


def _rank(meta: dict[str, Any]) -> int:
    rank = meta.get("rank")
    text = str(rank) if isinstance(rank, int | str) else ""
    return int(text) if text.isdecimal() and len(text) < _RANK_DIGITS else _NO_RANK


def _has_fake_flag(part: dict[str, Any]) -> bool:
    """Return whether a fake flag, in any spelling of its name, is not plainly false."""
    return not all(map(is_plainly_false, [value for name, value in part.items() if _is_fake_field(name)]))


@lru_cache(maxsize=256)
def _is_fake_field(name: str) -> bool:
    return re.sub("[^a-z]", "", name.lower()) in _FAKE


def _phones(found: dict[str, Any], settings: IdicoreSettings) -> tuple[Phone, ...]:
    """Return the phones, best first, those without a rank last, without numbers that are flagged as fake."""
    sign = -1 if settings.rank_order == "descending" else 1
    fake: set[str] = set()
    listed: list[Phone] = []
    for item in _dicts(found, "phone"):
        meta = _meta(item)
        number = to_e164(str(item.get("number") or "")) or ""
        if _has_fake_flag(item) or _has_fake_flag(meta):
            fake.add(number)
        elif number:
            listed.append(Phone(number, str(item.get("type") or ""), _rank(meta), str(meta.get("lastSeen") or "")))
    listed.sort(key=lambda phone: (phone.rank == _NO_RANK, sign * phone.rank))
    phones: dict[str, Phone] = {}
    for phone in listed:
        if phone.number not in fake:
            phones.setdefault(phone.number, phone)
    return tuple(phones.values())


def _emails(found: dict[str, Any]) -> tuple[str, ...]:
    emails: dict[str, str] = {}
    for item in sorted(_dicts(found, "email"), key=lambda item: _rank(_meta(item))):
        for email in read_emails(item.get("data")):
            emails.setdefault(email.casefold(), email)
    return tuple(emails.values())
