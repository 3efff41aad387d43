"""Do-not-call lists for tests, and services that read them."""

from __future__ import annotations

import sqlite3
import zipfile
from datetime import datetime, timedelta, timezone

from leadflow.services.dnc_list import DncListFile
from leadflow.settings import DncSettings

LISTED, FREE = "+15045550143", "+12025550199"

TODAY = datetime.now(timezone.utc).date()


def today(days=0):
    return (datetime.now(timezone.utc).date() - timedelta(days=days)).isoformat()


def list_service(path, day=None, **more):
    """A list of all area codes of these tests, and of Louisiana's own list."""
    covers = {"list_covers": ("federal", "LA", "wireless"), "list_area_codes": ("202",)}
    return DncListFile(DncSettings(provider="list", list_path=path, list_date=day or today(), **{**covers, **more}))


def sqlite_list(path, create, rows):
    db = sqlite3.connect(path)
    db.execute(f"CREATE TABLE dnc_list {create}")
    db.executemany(f"INSERT INTO dnc_list VALUES ({', '.join('?' * len(rows[0]))})", rows)
    db.commit()
    db.close()
    return path


def dated_service(path, day=TODAY, **more):
    """A list of Louisiana that is dated by the settings, or by its names where `day` is None."""
    known = {"list_covers": ("federal", "LA", "wireless"), "list_date": day and day.isoformat()}
    return DncListFile(DncSettings(provider="list", list_path=path, **{**known, **more}))


def verdicts(path, *digits, **more):
    found = dated_service(path, **more).check([f"+1{number}" for number in digits])
    return [str(found[f"+1{number}"].verdict) for number in digits]


def zip_list(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return path
