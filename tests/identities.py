"""People and SQL that the tests of identities share."""

from __future__ import annotations

from leadflow.leads.columns import IDENTITY

ANN = ("Ann", "Lee", "12 Elm St", "Bath", "ME", "04530")


TITLES = ("First Name", "Last Name", "Address", "City", "State", "Zip")


def written(**parts: str) -> tuple[str, ...]:
    return tuple({**dict(zip(IDENTITY, ANN, strict=True)), **parts}.values())


def select(*people: tuple[str, ...], zip_type: str = "VARCHAR") -> str:
    texts = [[part.replace("'", "''") for part in person] for person in people]
    rows = (
        ", ".join(f"'{part}' AS \"{title}\"" for part, title in zip(person, TITLES, strict=True)) for person in texts
    )
    inner = " UNION ALL ".join(f"SELECT {row}" for row in rows)
    names = '"First Name", "Last Name", "Address", "City", "State"'
    return f'SELECT {names}, CAST("Zip" AS {zip_type}) AS "Zip" FROM ({inner}) people'
