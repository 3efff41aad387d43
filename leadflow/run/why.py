"""Answer why a lead was delivered or not: find the person's keys, and read what each place knows of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from leadflow.errors import InputError, LeadflowError
from leadflow.leads.columns import IDENTITY, columns_of, person_key
from leadflow.leads.identity import identity_text
from leadflow.reports.lead_facts import history_facts, not_found
from leadflow.reports.lead_facts import why as answer
from leadflow.reports.why import HELD, RETRY, SHEET_EVENTS, Why
from leadflow.run.lead_records import checkpoint_facts, warehouse_facts
from leadflow.services.warehouse import Warehouse
from leadflow.stages.person_cache import people_like, same_person_keys

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.history import History
    from leadflow.settings import Settings

T = TypeVar("T")
_MOST_SHOWN = 10
_DECIDED = (*SHEET_EVENTS, HELD, RETRY)
_PLACES = ("PERSON_CACHE", "UNIQUE_CONSOLIDATED_DATA", "SCRUB_LEDGER", "SUPPRESSIONS", "the checkpoints")


class LeadSearch:
    """Looks for one lead in the history, the checkpoints and the warehouse."""

    def __init__(self, settings: Settings, history: History, checkpoints: Checkpoints, warehouse: Warehouse) -> None:
        self._settings, self._history = settings, history
        self._checkpoints, self._warehouse = checkpoints, warehouse
        self._notes = list[str]()

    def why(self, key: str | None, who: Mapping[str, str]) -> Why:
        """Return the answer. Raises InputError, LeadNotFound."""
        keys = [_key(key)] if key is not None else self._keys_of(parts_of(who))
        facts = history_facts(self._history, keys)
        if not any(fact.what in _DECIDED for fact in facts):
            keys = self._with_other_spellings(keys)
        own = history_facts(self._history, keys)
        found = self._try(lambda: warehouse_facts(keys, self._warehouse, own), own)
        told = {(fact.what, int(fact.at.timestamp())) for fact in found}
        here = checkpoint_facts(keys, self._checkpoints)
        facts = [*found, *(fact for fact in here if (fact.what, int(fact.at.timestamp())) not in told)]
        return answer(keys, facts, history=self._history, notes=self._notes, searched=self._searched)

    @property
    def _searched(self) -> tuple[str, ...]:
        return _PLACES if not self._notes else ("the checkpoints",)

    def _try(self, read: Callable[[], T], otherwise: T) -> T:
        """Read from the warehouse; if that fails, note it once."""
        try:
            return self._warehouse.repeated(read)
        except LeadflowError as error:
            if not self._notes:
                self._notes.append(f"Snowflake could not be read, so this is what this machine knows: {error}")
            return otherwise

    def _with_other_spellings(self, keys: list[str]) -> list[str]:
        others = self._try(lambda: same_person_keys(keys, self._warehouse), [])
        return list(dict.fromkeys([*keys, *(other for _, other in others)]))

    def _keys_of(self, parts: Sequence[str]) -> list[str]:
        """Return the keys of the one person who has these parts. Raises LeadNotFound, and InputError for several."""
        whole = [person_key(*parts)] if all(part.strip() for part in parts) else []
        if whole and (history_facts(self._history, whole) or checkpoint_facts(whole, self._checkpoints)):
            return whole
        people: dict[str, list[str]] = {}
        found = [*self._try(lambda: people_like(parts, self._warehouse), []), *self._listed(parts)]
        for key, identity in dict.fromkeys(found):
            people.setdefault(identity, []).append(key)
        if len(people) > 1:
            raise self._several([key for keys in people.values() for key in keys[:1]])
        if not people and not whole:
            hint = "A person whom every job left out is found by the key, or by all six parts as the script has them."
            raise not_found(self._history, "", self._searched, [*self._notes, hint])
        return list(dict.fromkeys([*whole, *(key for keys in people.values() for key in keys)]))

    def _listed(self, parts: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Yield key and identity of the leads in the checkpoints that have these parts."""
        wanted = identity_text(*parts).split("|")
        words = (max(re.findall("[A-Za-z0-9]+", part), key=len, default="") for part in parts)
        for key, row in self._checkpoints.rows_with([word for word in words if word]):
            identity = identity_text(*(row.get(name) or "" for name in IDENTITY))
            segments = zip(parts, wanted, identity.split("|"), strict=True)
            if all(not part.strip() or text == own for part, text, own in segments):
                yield key, identity

    def _several(self, keys: Sequence[str]) -> InputError:
        """Return the error for parts that several people have. It names them by key, with what became of them."""
        lines = [f"  {key}  {self._outcome(key)}" for key in keys[:_MOST_SHOWN]]
        more = f"\n  and {len(keys) - _MOST_SHOWN} more" if len(keys) > _MOST_SHOWN else ""
        listed = "\n".join(lines) + more
        return InputError(
            f"{len(keys)} people have these parts. Give more of them, or lf.why(key) for one of:\n{listed}"
        )

    def _outcome(self, key: str) -> str:
        counts = Counter(fact.what for fact in history_facts(self._history, [key]) if not fact.place)
        return ", ".join(counts) or "in no job of this history"


def why(key: str | None, who: Mapping[str, str], settings: Settings, history: History, checkpoints: Checkpoints) -> Why:
    """Return why a lead was delivered or not; see Engine.why."""
    if (key is None) == (not who):
        raise InputError(
            "why is of one lead: name it by its key, or by parts of name and address, as in "
            'why(first="Ann", last="Lee", zip="04530")'
        )
    with Warehouse(settings.warehouse, query_tag="leadflow:why") as warehouse:
        return LeadSearch(settings, history, checkpoints, warehouse).why(key, who)


def parts_of(who: Mapping[str, object]) -> list[str]:
    """Return the six parts of a person, "" for those that are not given. Names are those of a script's columns.

    Raises InputError for an unknown name, and if neither a last name nor an address is given.

    >>> parts_of({"first": "Ann", "last": "Lee", "zip": "04530"})
    ['Ann', 'Lee', '', '', '', '04530']
    """
    found = {part: columns_of(part, who) for part in IDENTITY}
    known = {name for names in found.values() for name in names}
    if unknown := sorted(set(who) - known):
        raise InputError(f"a person has no part {', '.join(unknown)}; name first, last, address, city, state or zip")
    parts = [str(who[names[0]] or "") if names else "" for names in found.values()]
    if not parts[1].strip() and not parts[2].strip():
        raise InputError("these parts fit too many people; give at least the last name or the address")
    return parts


def _key(key: object) -> str:
    text = str(key).strip() if isinstance(key, str) else ""
    if not text:
        raise InputError("the lead's key is empty; it is in the sheet's Lead Key column")
    return text
