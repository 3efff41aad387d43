"""The stand-ins, over real sockets and with the real client libraries."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import google.auth.credentials
import gspread
import httpx
import pytest
import snowflake.connector
from gspread.exceptions import APIError

from leadflow.leads.columns import person_key
from leadflow.local import World, start
from leadflow.local.world import SAMPLES
from leadflow.settings import Settings

IDENTITY = ("First Name", "Last Name", "Address", "City", "State", "Zip")
MERGE = (
    'merge into pc t using st s on t."person_key" = s."person_key" when matched then update set t.n = s.n '
    'when not matched then insert ("person_key", n) values (s."person_key", s.n)'
)


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


@pytest.fixture
def warehouse(world: World):
    s = world.settings.warehouse
    with snowflake.connector.connect(
        user=s.user, token=s.token.get_secret_value(), authenticator=s.authenticator, account=s.account, host=s.host,
        port=s.port, protocol=s.protocol, database=s.database, schema=s.schema_name, paramstyle="qmark",
        session_parameters=s.session_parameters, network_timeout=20, login_timeout=10,
    ) as connection:  # fmt: skip
        yield connection.cursor()


def test_samples_hold_the_dirt_of_real_exports():
    leads, truth = rows_of("leads.csv"), rows_of("truth.csv")
    text = (SAMPLES / "leads.csv").read_text(encoding="utf-8")
    keys = [person_key(*(lead[c] for c in IDENTITY)) for lead in leads]
    phones = [p for row in truth for p in json.loads(row["phones"])]
    numbers = [p["number"] for p in phones]
    assert len(leads) >= 2000
    assert len(set(keys)) < len(keys)
    assert any(lead["Zip"].startswith("0") for lead in leads)
    assert "O'Brien" in text
    assert "Muñoz" in text
    assert any(v.startswith("=") for lead in leads for v in lead.values())
    assert any(not lead["Address"].strip() for lead in leads)
    assert all(n[3:8] == "55501" for n in numbers)
    assert len(numbers) - len(set(numbers)) >= 50
    assert any("x12" in p["written"] for p in phones)
    assert {row["outcome"] for row in truth} == {"found", "no_match", "ambiguous", "no_phone"}
    named = {k for k, lead in zip(keys, leads, strict=True) if lead["Address"].strip() and lead["First Name"].strip()}
    assert named <= {row["person_key"] for row in truth}


def test_generator_repeats_itself(tmp_path: Path):
    repo = SAMPLES.parent
    (tmp_path / "leadflow/local").mkdir(parents=True)
    (tmp_path / "data_samples").mkdir()
    for name in ("leadflow/local/people.py", "data_samples/generate.py"):
        (tmp_path / name).write_bytes((repo / name).read_bytes())
    subprocess.run([sys.executable, "-I", str(tmp_path / "data_samples/generate.py")], check=True, capture_output=True)
    for name in ("leads.csv", "truth.csv"):
        assert (tmp_path / "data_samples" / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_idicore_wants_a_basic_login_and_a_raw_token(world: World):
    token = login(world)
    assert not token.startswith(("{", '"'))
    assert search(world, f"Bearer {token}").status_code == 401
    assert (
        httpx.post(world.settings.idicore.login_url, auth=("x", "y"), json={"glba": "a", "dppa": "b"}).status_code
        == 401
    )
    assert "result" in search(world, token).json()
    assert world.stats()["idicore"]["bought"] == {"k1": 1}


def test_idicore_answers_come_from_the_truth(world: World):
    token = login(world)
    for row in [r for r in rows_of("truth.csv") if r["outcome"] == "found"][:60]:
        result = search(world, token, row["person_key"]).json()["result"]
        mine = next(p for p in result if p["name"][0]["first"] == "ANN")
        ranked = sorted((p for p in mine["phone"] if not p["fake"]), key=lambda p: p["meta"]["rank"])
        assert [p["number"] for p in ranked] == [p["written"] for p in json.loads(row["phones"])]
        assert [m["data"] for m in mine.get("email", [])] == json.loads(row["emails"])
    for outcome, size in (("no_match", 0), ("ambiguous", 2)):
        key = next(r["person_key"] for r in rows_of("truth.csv") if r["outcome"] == outcome)
        assert len(search(world, token, key).json()["result"]) == size


def test_an_answer_goes_out_in_one_piece(world: World):
    world.configure(latency={"idicore": 0.01})
    s = world.settings.idicore
    body, host = b"{}", httpx.URL(s.search_url).host
    asked = (
        f"POST {httpx.URL(s.search_url).path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    with socket.create_connection((host, httpx.URL(s.search_url).port), timeout=10) as line:
        for _ in range(20):
            line.sendall(asked)
            head, _, said = line.recv(65_536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 401")
            assert f"content-length: {len(said)}".encode() in head.lower()


def test_tokens_expire(world: World):
    world.configure(token_life_s=0.05)
    token = login(world)
    time.sleep(0.1)
    assert search(world, token).status_code == 401
    world.configure(token_life_s=900)
    token = login(world)
    world.fail("idicore", "expired_token")
    assert search(world, token).status_code == 401
    assert search(world, login(world)).status_code == 200


def test_generic_faults(world: World):
    token = login(world)
    world.fail("idicore", "503", after=1)
    assert [search(world, token).status_code for _ in range(3)] == [200, 503, 200]
    world.fail("idicore", "429", retry_after=3)
    assert search(world, token).headers["retry-after"] == "3"
    for kind in ("html", "truncated"):
        world.fail("idicore", kind)
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
            search(world, token).json()
    world.fail("idicore", "drop")
    with pytest.raises(httpx.RemoteProtocolError):
        search(world, token)
    world.fail("idicore", "truncated", short=True)
    with pytest.raises(httpx.TransportError):
        search(world, token)
    world.fail("idicore", "timeout", s=30)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(world.settings.idicore.search_url, json={}, timeout=0.2)
    world.fail("idicore", "500", key="victim")
    assert search(world, token).status_code == 200
    assert search(world, token, "victim").status_code == 500
    world.fail("idicore", "empty")
    assert search(world, token).json() == {}
    with pytest.raises(ValueError, match="no fault"):
        world.fail("idicore", "nonsense")


def test_in_flight_cap_refuses_what_is_above_it(world: World):
    token = login(world)
    world.configure(latency={"idicore": 2.0}, in_flight={"idicore": 2})
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda n: search(world, token, str(n)).status_code, range(6)))
    assert codes.count(200) == 2
    assert codes.count(429) == 4
    stats = world.stats()["idicore"]
    assert stats["max_in_flight"] == 2
    assert stats["refused"] == 4


def test_litigator_list_speaks_integers_and_scrub_strings(world: World):
    phones = [p for r in rows_of("truth.csv") for p in json.loads(r["phones"])][:500]
    text = ",".join(p["number"] for p in phones)
    assert {r["Phone"]: r["IsLitigator"] for r in litigators(world, text).json()} == {
        int(p["number"]): p["litigator"] for p in phones
    }
    rows = scrub(world, text).json()
    assert {r["Phone"]: r["ResultCode"] for r in rows} == {p["number"]: p["dnc_code"] for p in phones}
    assert all(isinstance(v, str) for r in rows for v in r.values())
    assert scrub(world, f"{phones[0]['number']}|abc").json()[0]["Reserved"] == "abc"
    assert litigators(world, text, "wrong").status_code == 401
    assert world.stats()["litigator"]["numbers"] == len(phones)


def test_one_malformed_number_fails_the_request(world: World):
    assert litigators(world, "5045550143,12").status_code == 400
    assert scrub(world, "5045550143,12").status_code == 400
    assert [r["ResultCode"] for r in scrub(world, "5045550143,12", ignoreInvalid="1").json()][1] == "M"


def test_scrub_faults(world: World):
    world.fail("dnc", "missing_row")
    assert len(scrub(world, "5045550143,5045550144").json()) == 1
    world.fail("dnc", "unknown_code")
    assert scrub(world, "5045550143").json()[0]["ResultCode"] == "Q"
    world.fail("litigator", "unknown_code")
    assert litigators(world, "5045550143").json()[0]["IsLitigator"] is None
    world.fail("litigator", "malformed_number")
    assert litigators(world, "5045550143").status_code == 400


def test_sheet_with_gspread(world: World):
    tab = sheet_client(world).worksheet("consolidated_data")
    tab.update([["Lead Key", "Zip"], ["a", "04013"], ["b", "=1+1"]], "A1", raw=True)
    assert tab.get_all_values() == [["Lead Key", "Zip"], ["a", "04013"], ["b", "=1+1"]]
    tab.append_rows([["c", "007"]], value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range="A1")
    assert tab.col_values(1) == ["Lead Key", "a", "b", "c"]
    tab.update([["00123"]], "B2", raw=False)
    assert tab.acell("B2").value == "123"
    tab.add_rows(5)
    tab.add_cols(2)
    tab.insert_row(["x"], 2)
    tab.delete_rows(2)
    tab.batch_update([{"range": "A5:B5", "values": [["d", "1"]]}])
    assert tab.batch_get(["A4:A5", "B1"]) == [[["c"], ["d"]], [["Zip"]]]
    fresh = sheet_client(world).worksheet("consolidated_data")
    assert (fresh.row_count, fresh.col_count) == (1006, 28)
    tab.freeze(rows=1)
    tab.batch_clear(["A5:B5"])
    other = sheet_client(world).add_worksheet("two words's", 10, 3)
    other.update([["1"]], "A1")
    assert world.sheet_values("two words's") == [["1"]]
    other.clear()
    assert other.get_all_values() in ([], [[]])
    assert world.stats()["sheets"]["rows"] == 3


def test_sheet_refuses_as_google_does(world: World):
    book = sheet_client(world)
    tab = book.worksheet("consolidated_data")
    with pytest.raises(APIError, match="exceeds grid limits"):
        tab.update([["x"]], "A1001")
    with pytest.raises(APIError, match="already exists"):
        book.add_worksheet("consolidated_data", 1, 1)
    with pytest.raises(APIError, match="tried writing to row"):
        tab.update([["x"], ["y"]], "A1:B1")
    for n in range(60 - world.stats()["sheets"]["writes"]):
        tab.update([[str(n)]], "A1")
    with pytest.raises(APIError) as refusal:
        tab.update([["one too many"]], "A1")
    assert refusal.value.code == 429
    assert refusal.value.error["status"] == "RESOURCE_EXHAUSTED"
    assert world.stats()["sheets"]["refused"] == 1


def test_sheet_write_applied_though_it_failed(world: World):
    tab = sheet_client(world).worksheet("consolidated_data")
    world.fail("sheets", "applied_then_503")
    with pytest.raises(APIError):
        tab.append_rows([["a"]])
    assert world.sheet_values() == [["a"]]
    world.fail("sheets", "applied_then_drop")
    with pytest.raises(Exception, match=r"aborted|reset|closed"):
        tab.append_rows([["b"]])
    world.fail("sheets", "applied_late", s=0.3)
    with pytest.raises(APIError):
        tab.append_rows([["c"]])
    assert world.sheet_values() == [["a"], ["b"]]
    time.sleep(0.5)
    assert world.sheet_values() == [["a"], ["b"], ["c"]]


def test_people_edit_the_sheet(world: World):
    world.edit_sheet([("append", ["h"]), ("append", ["1"]), ("insert", 2, ["0"])])
    world.edit_sheet(lambda rows: [rows[0], *reversed(rows[1:])])
    assert world.sheet_values() == [["h"], ["1"], ["0"]]
    world.edit_sheet([("delete", 2), ("set", 2, ["9"])])
    assert world.sheet_values() == [["h"], ["9"]]


def test_raw_leads_are_seeded_as_text(warehouse):
    warehouse.execute("select * from RAW_LEADS")
    rows = warehouse.fetchall()
    assert [c.name for c in warehouse.description] == list(rows_of("leads.csv")[0])
    assert sorted(tuple(v or "" for v in r) for r in rows) == sorted(tuple(r.values()) for r in rows_of("leads.csv"))


@pytest.mark.parametrize("name", ["june_leads", "probate", "all_leads"])
def test_scripts_run(warehouse, name: str):
    import sqlglot

    for statement in sqlglot.parse((SAMPLES / f"scripts/{name}.sql").read_text(), dialect="snowflake"):
        if statement and not isinstance(statement, sqlglot.exp.Semicolon):
            warehouse.execute(statement.sql("snowflake"))
    assert len(warehouse.fetchall()) > 200


@pytest.mark.parametrize("transaction", [False, True])
def test_merge_as_snowflake_does_it(warehouse, transaction: bool):
    run = warehouse.execute
    run('create table pc ("person_key" varchar, n int)')
    run('create temp table st ("person_key" varchar, n int)')
    run("insert into pc values ('a', 0), ('a', 5)")
    run("insert into st values ('a', 1), ('b', 2)")
    if transaction:
        run("begin")
        run("create or replace temp table other as select 1 as x")
    run(MERGE)
    if transaction:
        run("commit")
    assert sorted(run("select * from pc").fetchall()) == [("a", 1), ("a", 1), ("b", 2)]
    run("insert into st values ('a', 3)")
    with pytest.raises(snowflake.connector.errors.ProgrammingError, match="Duplicate row") as error:
        run(MERGE)
    assert error.value.errno == 100090
    assert sorted(run("select * from pc").fetchall()) == [("a", 1), ("a", 1), ("b", 2)]


def test_a_merge_of_the_same_text_means_the_tables_that_are_there(world: World, warehouse):
    run, connection = warehouse.execute, warehouse.connection
    for schema in ("one", "two", "one"):
        run(f"create schema if not exists {schema}")
        run(f"use schema {schema}")
        run('create or replace table pc ("person_key" varchar, n int)')
        run("create or replace temp table st as select 'a' as \"person_key\", 1 as n")
        run(MERGE)
        run(
            f"create or replace temp table st as select 'a' as \"person_key\", {len(schema)} as n union all select '{schema}', 7"
        )
        assert run(MERGE).fetchall() == [(1, 1)]
        assert sorted(connection.cursor().execute("select * from pc").fetchall()) == sorted([("a", 3), (schema, 7)])
    run("drop table pc")
    with pytest.raises(snowflake.connector.errors.ProgrammingError, match=r"(?i)pc"):
        run(MERGE)


def test_one_bound_json_inserts_many_rows(warehouse):
    rows = json.dumps([{"k": f"key {n}", "z": "00123"} for n in range(2000)])
    warehouse.execute("create temp table t (k varchar, z varchar)")
    warehouse.execute(
        "insert into t select value:k::varchar, value:z::varchar from table(flatten(input => parse_json(?)))", (rows,)
    )
    assert warehouse.execute("select count(*), min(z) from t").fetchall() == [(2000, "00123")]


def test_snowflake_faults_are_ridden_out_by_the_connector(world: World, warehouse):
    world.fail("snowflake", "503")
    assert warehouse.execute("select 1").fetchall() == [(1,)]
    assert world.stats()["snowflake"]["faults"] == 1


def test_reset_makes_everything_new(world: World, warehouse):
    warehouse.execute("create table PERSON_CACHE (a int)")
    warehouse.execute("delete from RAW_LEADS")
    world.edit_sheet([("append", ["x"])])
    login(world)
    home = world.settings.home
    began = time.monotonic()
    world.reset()
    assert time.monotonic() - began < 20
    stats = world.stats()
    assert stats["snowflake"]["rows"] == {"RAW_LEADS": len(rows_of("leads.csv"))}
    assert stats["idicore"]["logins"] == stats["sheets"]["rows"] == 0
    assert world.sheet_values() == []
    assert world.settings.home != home
    assert not list(world.settings.home.iterdir())


def test_env_gives_another_process_the_same_settings(world: World, monkeypatch: pytest.MonkeyPatch):
    for name, value in world.env().items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == world.settings


def test_own_leads_and_quick_start(tmp_path: Path):
    header = rows_of("leads.csv")[0]
    (tmp_path / "mine.csv").write_text(",".join(f'"{c}"' for c in header) + "\n" + ",".join("x" for _ in header) + "\n")
    began = time.monotonic()
    with start(leads=tmp_path / "mine.csv") as world:
        assert time.monotonic() - began < 60
        assert world.stats()["snowflake"]["rows"] == {"RAW_LEADS": 1}
        assert search(world, login(world)).status_code == 200
        pid = world.pid
    assert gone(pid)


def test_child_dies_with_a_killed_parent():
    code = "from leadflow.local import start; import time; w = start(); print(w.pid, flush=True); time.sleep(60)"
    env = {**os.environ, "PYTHONPATH": str(SAMPLES.parent)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env)
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait(60)
    parent.stdout.close()
    assert gone(child)


def gone(pid: int) -> bool:
    for _ in range(600):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False
