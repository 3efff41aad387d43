"""Track the temporary tables and views that a script has made so far, by their full names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

Name = tuple[str, str, str]


class TemporaryTables:
    """Tracks CREATE, DROP and USE, statement by statement; an uncertain name does not count as the script's own.

    `home` is the database and the schema of the sign-in, "" for one that is not known.
    """

    def __init__(self, home: tuple[str, str] = ("", "")) -> None:
        self._unknown = (f"?{n}" for n in count())
        self._database, self._schema = (folded(part) if part else next(self._unknown) for part in home)
        self._made: dict[Name, str] = {}
        self._lost: dict[Name, str] = {}

    def use(self, kind: str, parts: Sequence[str]) -> None:
        """Apply a USE: set the database and the schema of later names that have none."""
        if kind in ("ROLE", "WAREHOUSE", "SECONDARY"):
            return
        known = [part or next(self._unknown) for part in parts]
        if len(known) == 2:
            self._database, self._schema = known
        elif kind == "SCHEMA" and len(known) == 1:
            self._schema = known[0]
        else:
            self._database, self._schema = (known[0] if len(known) == 1 else next(self._unknown)), next(self._unknown)

    def make(self, kind: str, parts: Sequence[str], *, surely: bool) -> None:
        """Record a CREATE TEMPORARY; `surely` is false with IF NOT EXISTS, which may find a permanent table."""
        name = self._full(parts)
        if surely:
            self._made[name] = kind
        elif name not in self._made:
            self._lost[name] = (
                "IF NOT EXISTS may have found a permanent table: use CREATE OR REPLACE TEMPORARY TABLE instead"
            )

    def drop(self, parts: Sequence[str]) -> None:
        """Record a DROP: later, the name would mean a permanent table."""
        name = self._full(parts)
        self._made.pop(name, None)
        self._lost[name] = "the script has dropped its own table, so this would be a permanent one: remove it"

    def owns(self, kind: str, parts: Sequence[str]) -> bool:
        """Whether a name is certainly a temporary table (or view) of this script."""
        return self._made.get(self._full(parts)) == kind

    def why_not(self, parts: Sequence[str]) -> str:
        """Return why a name is not the script's own, or ""."""
        return self._lost.get(self._full(parts), "")

    def _full(self, parts: Sequence[str]) -> Name:
        padded = [self._database, self._schema, *parts][-3:]
        return padded[0], padded[1], padded[2]


def folded(raw: str) -> str:
    """Return a name as Snowflake stores it: upper case, unless it is quoted.

    >>> folded('raw_leads'), folded('"Raw ""Leads"')
    ('RAW_LEADS', 'Raw "Leads')
    """
    return raw[1:-1].replace('""', '"') if raw.startswith('"') else raw.upper()
