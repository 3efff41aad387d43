"""Calls to the stand-ins of the local world, as clients make them."""

from __future__ import annotations

import csv

import google.auth.credentials
import gspread
import httpx

from leadflow.local import World
from leadflow.local.world import SAMPLES


def rows_of(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def login(world: World) -> str:
    s = world.settings.idicore
    auth = (s.client_id, s.client_secret.get_secret_value())
    answer = httpx.post(s.login_url, auth=auth, json={"glba": s.glba, "dppa": s.dppa})
    assert answer.status_code == 200
    return answer.text


def search(world: World, token: str, key: str = "k1", **more: object) -> httpx.Response:
    person = {
        "firstName": "Ann",
        "lastName": "Lee",
        "address": "1 Elm St",
        "city": "Bath",
        "state": "ME",
        "zip": "04530",
    }
    body = {**person, "referenceId": key, "fields": ["name", "phone"], **more}
    return httpx.post(world.settings.idicore.search_url, headers={"authorization": token}, json=body, timeout=5)


def scrub(world: World, phones: str, **more: object) -> httpx.Response:
    body = {"phoneList": phones, "loginId": "local-login", "version": "5", "output": "json", **more}
    return httpx.post(world.settings.dnc.url, json=body, timeout=5)


def litigators(world: World, phones: str, login_id: str = "local-login") -> httpx.Response:
    return httpx.post(world.settings.litigator.url, json={"phoneList": phones, "loginId": login_id}, timeout=5)


def sheet_client(world: World) -> gspread.Spreadsheet:
    base = world.settings.sheets.base_url

    class Local(gspread.HTTPClient):
        def request(self, method, endpoint, *args, **kwargs):
            return super().request(method, endpoint.replace("https://sheets.googleapis.com", base), *args, **kwargs)

    client = gspread.Client(auth=google.auth.credentials.AnonymousCredentials(), http_client=Local)
    return client.open_by_key(world.settings.sheets.spreadsheet_id)
