"""Names of tables and columns, as Snowflake reads them.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
"""

from __future__ import annotations

import re

from leadflow.errors import SettingsError
from leadflow.settings import WarehouseSettings

_PART = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z0-9_$]*))\s*')


def quoted(name: str) -> str:
    """Return an identifier in double quotes.

    >>> quoted('First Name')
    '"First Name"'
    """
    return '"' + name.replace('"', '""') + '"'


def name_parts(name: str) -> list[str]:
    """Split a table's name into its parts: upper case unless in double quotes. Raises SettingsError.

    >>> name_parts("leads_db.public.person_cache"), name_parts('"my.db".PUBLIC."person_cache"')
    (['LEADS_DB', 'PUBLIC', 'PERSON_CACHE'], ['my.db', 'PUBLIC', 'person_cache'])
    """
    parts, at = [], 0
    while part := _PART.match(name, at):
        exact, folded = part.groups()
        parts.append(exact.replace('""', '"') if exact else folded.upper())
        at = part.end()
        if at == len(name) and len(parts) <= 3:
            return parts
        if name[at : at + 1] != ".":
            break
        at += 1
    raise SettingsError(
        f"{name!r} is no name of a table; write NAME, SCHEMA.NAME or DB.SCHEMA.NAME, with double quotes around a part "
        "that is not upper case"
    )


def is_one_table(name: str, other: str, settings: WarehouseSettings) -> bool:
    """Return whether two names mean one table, such as person_cache and PUBLIC.PERSON_CACHE. Raises SettingsError."""
    home = [part for text in (settings.database, settings.schema_name) if text for part in name_parts(text)]
    one, two = ([*home[: 3 - len(parts)], *parts] for parts in map(name_parts, (name, other)))
    return name == other or one == two
