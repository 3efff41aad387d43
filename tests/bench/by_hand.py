"""The same job without leadflow, as its own good user would write it with asyncio and aiohttp.

`python -m tests.bench.by_hand '{...}'` reads the vendors' addresses from the LEADFLOW_ variables of a local world and
imports nothing of leadflow. It has no checkpoints, no history, no accounting, no review and no opt-outs.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import resource
import sys
import time
from typing import Any

import aiohttp  # pyright: ignore[reportMissingImports] - of the extra `bench`
import snowflake.connector

_COLUMNS = ("key", "first", "last", "address", "city", "state", "zip")
_READ = '"Lead Number", "First Name", "Last Name", "Address", "City", "State", "Zip"'
_SHAPE = '"key" VARCHAR, "name" VARCHAR, "phones" VARCHAR, "emails" VARCHAR, "status" VARCHAR'
_NAMES = ("key", "name", "phones", "emails", "status")
_CLEAN = frozenset("CWY")
_ATTEMPTS = 5
_PHONES = 3
Lead = dict[str, str]


class Job:
    """One run: lookups through a semaphore; each batch is checked, appended and merged as soon as it is complete."""

    def __init__(self, http: aiohttp.ClientSession, order: dict[str, Any]) -> None:
        self.http, self.order = http, order
        self.slots = asyncio.Semaphore(order["in_flight"])
        self.started = time.monotonic()
        self.first_lookup_s, self.first_row_s, self.refused, self.delivered = 0.0, 0.0, 0, 0
        self.sheet, self.next_append = asyncio.Lock(), 0.0
        self.waiting: list[list[str]] = []
        self.warehouse = asyncio.Lock()
        self.token = ""

    async def run(self) -> None:
        """Sign in to all systems at once, then send each batch through the steps."""
        db, self.token, _ = await asyncio.gather(asyncio.to_thread(_connect), self._login(), self._open_sheet())
        self.db = db
        leads = await asyncio.to_thread(_extract, db, self.order["leads"])
        self.first_lookup_s = time.monotonic() - self.started
        size, finishing = self.order["batch"], []
        batches = [leads[n : n + size] for n in range(0, len(leads), size)]
        searches = [[asyncio.create_task(self._look_up(lead)) for lead in batch] for batch in batches]
        for batch, found in zip(batches, searches, strict=True):
            finishing.append(asyncio.create_task(self._finish(batch, await asyncio.gather(*found))))
        await asyncio.gather(*finishing)
        await asyncio.to_thread(db.close)

    async def _post(self, url: str, **options: Any) -> bytes:
        for attempt in range(_ATTEMPTS):
            async with self.http.post(url, **options) as answer:
                body = await answer.read()
                if answer.status == 429:
                    self.refused += 1
                if answer.status == 429 or answer.status >= 500:
                    await asyncio.sleep(float(answer.headers.get("Retry-After") or 2**attempt))
                    continue
                answer.raise_for_status()
                return body
        raise RuntimeError(f"no answer after {_ATTEMPTS} attempts")

    async def _login(self) -> str:
        client = f"{_env('IDICORE__CLIENT_ID')}:{_env('IDICORE__CLIENT_SECRET')}"
        headers = {"authorization": f"Basic {base64.b64encode(client.encode()).decode()}"}
        purposes = {"glba": _env("IDICORE__GLBA"), "dppa": _env("IDICORE__DPPA")}
        return (await self._post(_env("IDICORE__LOGIN_URL"), json=purposes, headers=headers)).decode()

    async def _look_up(self, lead: Lead) -> Lead:
        """Search one person; keep the phones of the one result with the lead's name and street."""
        body = {
            "firstName": lead["first"], "lastName": lead["last"], "address": lead["address"], "city": lead["city"],
            "state": lead["state"], "zip": lead["zip"], "referenceId": lead["key"],
            "fields": ["name", "address", "phone", "email"],
        }  # fmt: skip
        async with self.slots:
            text = await self._post(_env("IDICORE__SEARCH_URL"), json=body, headers={"authorization": self.token})
        same = [person for person in json.loads(text)["result"] if _is_same(lead, person)]
        if len(same) != 1:
            return {**lead, "phones": "", "emails": "", "status": "ambiguous" if same else "no_match"}
        listed = sorted(same[0].get("phone", []), key=lambda phone: phone["meta"]["rank"])
        phones = [digits for phone in listed if not phone["fake"] and len(digits := _digits(phone["number"])) == 10]
        mails = [mail["data"] for mail in same[0].get("email", [])]
        return {**lead, "phones": ",".join(phones), "emails": ",".join(mails), "status": "found"}

    async def _finish(self, batch: list[Lead], found: list[Lead]) -> None:
        phones = sorted({phone for lead in found for phone in lead["phones"].split(",") if phone})
        litigators, codes = await asyncio.gather(self._litigators(phones), self._codes(phones))
        rows = []
        for lead in found:
            good = [p for p in lead["phones"].split(",") if litigators.get(p) is False and codes.get(p) in _CLEAN]
            if good:
                cells = (*(lead[name] for name in _COLUMNS), *(good + [""] * _PHONES)[:_PHONES], lead["emails"])
                rows.append([str(cell) for cell in cells])
        await self._append(rows)
        async with self.warehouse:
            await asyncio.to_thread(_merge, self.db, found)

    async def _litigators(self, phones: list[str]) -> dict[str, Any]:
        login = _env("LITIGATOR__LOGIN_ID")
        body = {"phoneList": ",".join(phones), "loginId": login, "OutputFormat": "JsonArray"}
        rows = json.loads(await self._post(_env("LITIGATOR__URL"), json=body, headers={"loginId": login}))
        return {str(row["Phone"]): row["IsLitigator"] for row in rows}

    async def _codes(self, phones: list[str]) -> dict[str, str]:
        login = _env("DNC__LOGIN_ID")
        body = {"phoneList": ",".join(phones), "version": "5", "output": "json", "loginId": login}
        rows = json.loads(await self._post(_env("DNC__URL"), json=body, headers={"loginId": login}))
        return {row["Phone"]: row["ResultCode"] for row in rows}

    async def _open_sheet(self) -> None:
        """Write the header, which also shows that the sheet is writable."""
        titles = [*_COLUMNS, *(f"Phone {n}" for n in range(1, _PHONES + 1)), "Emails"]
        await self._append([titles])
        self.first_row_s = self.delivered = 0

    async def _append(self, rows: list[list[str]]) -> None:
        url = f"{_env('SHEETS__BASE_URL')}/v4/spreadsheets/{_env('SHEETS__SPREADSHEET_ID')}/values/A1:append"
        how = {"valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS"}
        self.waiting.extend(rows)
        async with self.sheet:
            await asyncio.sleep(max(0.0, self.next_append - time.monotonic()))
            rows, self.waiting = self.waiting, []
            if not rows:
                return  # another batch has taken them along
            self.next_append = time.monotonic() + self.order["append_every_s"]
            await self._post(url, params=how, json={"values": rows})
        self.first_row_s = self.first_row_s or time.monotonic() - self.started
        self.delivered += len(rows)


def _env(name: str) -> str:
    return os.environ[f"LEADFLOW_{name}"]


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text.partition("x")[0]))[-10:]


def _is_same(lead: Lead, person: dict[str, Any]) -> bool:
    name = f"{lead['first']} {lead['last']}".upper()
    return any(one["data"] == name for one in person["name"]) and any(
        one["data"] == lead["address"].upper() and one["zip"] == lead["zip"] for one in person["address"]
    )


def _connect() -> Any:
    names = {"account": "ACCOUNT", "user": "USER", "authenticator": "AUTHENTICATOR", "token": "TOKEN", "host": "HOST",
             "port": "PORT", "protocol": "PROTOCOL", "database": "DATABASE", "schema": "SCHEMA_NAME"}  # fmt: skip
    options = {option: _env(f"WAREHOUSE__{name}") for option, name in names.items()}
    parameters = {"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False}
    db = snowflake.connector.connect(**options, paramstyle="qmark", session_parameters=parameters)
    for table in ("HAND_CACHE", "HAND_DATA"):
        db.cursor().execute(f"CREATE TABLE IF NOT EXISTS {table} ({_SHAPE})")
    db.cursor().execute(f"CREATE TEMPORARY TABLE HAND_STAGE ({_SHAPE})")
    return db


def _extract(db: Any, count: int) -> list[Lead]:
    """Read the leads that nobody has looked up, each person once."""
    sql = (
        f'SELECT {_READ} FROM RAW_LEADS r WHERE NOT EXISTS (SELECT 1 FROM HAND_CACHE c WHERE c."key" = r."Lead Number")'
    )
    leads: dict[str, Lead] = {}
    for row in db.cursor().execute(f"{sql} LIMIT {count}"):
        number, *parts = (str(cell or "").strip() for cell in row)
        person = hashlib.sha256("|".join(parts).casefold().encode()).hexdigest()
        leads.setdefault(person, dict(zip(_COLUMNS, (number, *parts), strict=True)))
    return list(leads.values())


def _merge(db: Any, found: list[Lead]) -> None:
    """Upload a batch as one document, and merge it into both tables in one transaction."""
    rows = [{**lead, "name": f"{lead['first']} {lead['last']}"} for lead in found]
    document = json.dumps([{f"c{n}": row[name] for n, name in enumerate(_NAMES)} for row in rows])
    picked = ", ".join(f'value:c{n}::VARCHAR AS "{name}"' for n, name in enumerate(_NAMES))
    cursor = db.cursor()
    cursor.execute(
        f"INSERT OVERWRITE INTO HAND_STAGE SELECT {picked} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?)))", (document,)
    )
    sets = ", ".join(f't."{name}" = s."{name}"' for name in _NAMES[1:])
    names, values = ", ".join(f'"{n}"' for n in _NAMES), ", ".join(f's."{n}"' for n in _NAMES)
    cursor.execute("BEGIN")
    for table in ("HAND_CACHE", "HAND_DATA"):
        cursor.execute(
            f'MERGE INTO {table} t USING HAND_STAGE s ON t."key" = s."key" WHEN MATCHED THEN UPDATE SET {sets} '
            f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
        )
    cursor.execute("COMMIT")


async def _main(order: dict[str, Any]) -> dict[str, Any]:
    rss, cpu, start = _rss_mb(), time.process_time(), time.monotonic()
    connector = aiohttp.TCPConnector(limit=order["in_flight"] + 8)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as http:
        job = Job(http, order)
        await job.run()
    return {
        "wall_s": time.monotonic() - start,
        "cpu_s": time.process_time() - cpu,
        "rss_before_mb": rss,
        "rss_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "delivered": job.delivered,
        "first_lookup_s": job.first_lookup_s,
        "first_row_s": job.first_row_s,
    }


def _rss_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_main(json.loads(sys.argv[1])))))
