"""What an answer of idiCORE means. Whatever is not understood is never to the lead's advantage."""

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
# Lists of other people's facts, and of values: nothing in them says whether the person lives.
_OF_OTHERS = re.compile("relativ|associat|neighbo|spous|famil|househol|contact|relation|phone|email|propert|vehicle")
_DEEPEST = 6
_FAKE = frozenset({"fake", "isfake"})
_LONGEST_PID = 64
_RANK_DIGITS = 10


def read_answer(person: Person, response: httpx.Response, settings: IdicoreSettings) -> Answer:
    """The answer for one person.

    Raises RejectedError where idiCORE refused the search, UnreadableError for what is not JSON, and UnusableAnswerError
    for JSON that says nothing of people: sent again at once, the same search would cost and say the same.
    """
    body = read_json(_NAME, response)
    if not isinstance(body, dict):
        raise UnusableAnswerError(f"{_NAME} answered JSON of another shape for {person.person_key}")
    error, people = body.get("error"), body.get("result")
    code = error.get("code") if isinstance(error, dict) else None
    if code == "TooManyMatches":
        return Answer(person.person_key, "ambiguous")
    # An error beside an empty result is no proof that nobody was found.
    said = any(error.values()) if isinstance(error, dict) else error
    if code or response.status_code == 400 or (said and not people):
        raise RejectedError(f"{_NAME} refused the search for {person.person_key}")
    if not isinstance(people, list):
        raise UnusableAnswerError(f"{_NAME} answered without a result for {person.person_key}")
    if not people:
        return Answer(person.person_key, "no_match")
    found = [one for one in people if isinstance(one, dict)]
    if not found:
        raise UnusableAnswerError(f"{_NAME} answered a result of another shape for {person.person_key}")
    if _says_death(body):  # beside the result: of whom is not said, so of everybody
        found = [{**one, "isDead": True} for one in found]
    return _chosen(person, found, settings)


def _chosen(person: Person, people: list[dict[str, Any]], settings: IdicoreSettings) -> Answer:
    """The person asked for, or an answer for somebody to judge."""
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
    """All people of a paid answer that names nobody for certain, those that agree most first."""
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
    """The vendor's id of a person; "" for what cannot be one, such as 0, since it would make strangers one person."""
    pid = found.get("pid")
    if isinstance(pid, bool) or not isinstance(pid, str | int):
        return ""
    text = str(pid).strip()
    return text if text.strip("0").casefold() not in _FALSE and len(text) <= _LONGEST_PID else ""


def is_plainly_false(value: object) -> bool:
    """Whether a vendor's flag says no, or says nothing.

    >>> [is_plainly_false(value) for value in (False, None, 0, "0", "False", " n ", "", "true", 1, "Y", "unknown", [])]
    [True, True, True, True, True, True, True, False, False, False, False, False]
    """
    if value is None or (isinstance(value, int | float) and value == 0):
        return True
    return isinstance(value, str) and value.strip().casefold() in _FALSE


def _says_death(part: dict[str, Any]) -> bool:
    return any(_is_of_death(name) and not is_plainly_false(value) for name, value in part.items())


def _is_dead(found: Any, depth: int = 0) -> bool:
    """Whether anything in the record says that the person died, in its own fields or deeper.

    Public code asks for `isDead` by that name and reads a boolean; the vendor's reference is not public, so a date, a
    word or a list counts too, and so does any other field named like a death. Records of relatives are not looked at.
    """
    if isinstance(found, list):
        return any(_is_dead(item, depth + 1) for item in found)
    if not isinstance(found, dict) or depth > _DEEPEST:
        return False
    return any(
        (_is_of_death(name) and not is_plainly_false(value))
        or (isinstance(value, dict | list) and not _is_of_others(name) and _is_dead(value, depth + 1))
        for name, value in found.items()
    )


@lru_cache(maxsize=256)
def _is_of_others(name: str) -> bool:
    return bool(_OF_OTHERS.search(name.lower()))


@lru_cache(maxsize=256)
def _is_of_death(name: str) -> bool:
    plain = re.sub("[^a-z]", "", name.lower())
    return plain in _DIED or bool(_DEATH.search(plain))


def _dicts(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = found.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _meta(item: dict[str, Any]) -> dict[str, Any]:
    meta = item.get("meta")
    return meta if isinstance(meta, dict) else {}


def _rank(item: dict[str, Any]) -> int:
    rank = _meta(item).get("rank")
    text = str(rank) if isinstance(rank, int | str) else ""
    return int(text) if text.isdecimal() and len(text) < _RANK_DIGITS else _NO_RANK


def _is_fake(phone: dict[str, Any]) -> bool:
    """Whether the vendor's flag, however its name is written, is anything but a plain no."""
    parts = (phone, _meta(phone))
    return any(_is_of_fake(name) and not is_plainly_false(value) for part in parts for name, value in part.items())


@lru_cache(maxsize=256)
def _is_of_fake(name: str) -> bool:
    return re.sub("[^a-z]", "", name.lower()) in _FAKE


def _phones(found: dict[str, Any], settings: IdicoreSettings) -> tuple[Phone, ...]:
    """Best first, those without a rank last; a number that the vendor does not plainly call genuine is left out."""
    sign = -1 if settings.rank_order == "descending" else 1
    listed = _dicts(found, "phone")
    fake = {to_e164(str(item.get("number") or "")) for item in listed if _is_fake(item)}
    items = [item for item in listed if not _is_fake(item)]
    items.sort(key=lambda item: (_rank(item) == _NO_RANK, sign * _rank(item)))
    phones: dict[str, Phone] = {}
    for item in items:
        number = to_e164(str(item.get("number") or ""))
        if number and number not in phones and number not in fake:
            last_seen = str(_meta(item).get("lastSeen") or "")
            phones[number] = Phone(number, str(item.get("type") or ""), _rank(item), last_seen)
    return tuple(phones.values())


def _emails(found: dict[str, Any]) -> tuple[str, ...]:
    emails: dict[str, str] = {}
    for item in sorted(_dicts(found, "email"), key=_rank):
        for email in read_emails(item.get("data")):
            emails.setdefault(email.casefold(), email)
    return tuple(emails.values())
