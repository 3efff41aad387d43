"""Snowflake's stand-in: fakesnow's own server app, seeded with RAW_LEADS, behind faults, and mended in seven places.

1. fakesnow notes a comment for every CREATE with a property (TEMPORARY is one) in its `_fs_global` database, also when
   there is no comment. MERGE makes such a temp table. DuckDB lets a transaction write to one database only, so MERGE
   and CREATE TEMP TABLE inside BEGIN ... COMMIT died with HTTP 500. A comment that is not there is no longer written.
2. fakesnow accepts a MERGE whose source matches one row twice; Snowflake answers 100090. The guard below does too.
3. A DuckDB error that fakesnow does not translate became HTTP 500, which the connector repeats for minutes.
   Snowflake answers an SQL error; so does this. And DuckDB quotes the statement's line, which Snowflake does not.
4. Two sessions that CREATE a table IF NOT EXISTS in one moment died of a conflict, in fakesnow's own tables or DuckDB's.
   Snowflake makes it once. Here one CREATE waits for the other.
5. fakesnow reads a MERGE twice, makes five statements of it and leads each through some eighty passes: 45 ms of Python, in
   which the other stand-ins hardly answer. What it made of a MERGE is kept, and used for the next one of the same text.
   So is what it made of other long statements.
6. fakesnow has no roles, warehouses, session parameters nor schemas of temporary tables: see leadflow/local/rights.py.
7. fakesnow sets one session variable a statement, and looks for variables within literals: see leadflow/local/variables.py.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import threading
from contextlib import nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import duckdb
import fakesnow.server as server
import sqlglot
from fakesnow import cursor, info_schema, transforms
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.dialect import parse_one
from fakesnow.instance import FakeSnow
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

from leadflow.local import rights
from leadflow.local.faults import (
    Call,
    Fault,
    Gate,
    Receive,
    Reply,
    Scope,
    Send,
    drop,
    read_body,
    send_reply,
    status_reply,
    told,
)
from leadflow.local.results import keep_results
from leadflow.local.variables import mend_variables

DATABASE = "LEADS_DB"
_DUPLICATE = "Duplicate row detected during DML action"
_creating = threading.RLock()
_ignoring_case: ContextVar[bool] = ContextVar("ignoring_case", default=False)
_MOST_KEPT = 100
_LONG = 10_000
_OWN = re.compile(r"(system|temp|memory)$|_fs_|information_schema", re.IGNORECASE)


def mend() -> None:
    """Put the mends in place, once a process."""
    comment_sql, merge, execute = info_schema.insert_table_comment_sql, transforms.merge, FakeSnowflakeCursor.execute

    def insert_table_comment_sql(catalog: str, schema: str, table: str, comment: str | None) -> str:
        return "SELECT 1" if comment is None else comment_sql(catalog, schema, table, comment)

    def guarded_merge(statement: exp.Expression) -> list[Any]:
        parts = merge(statement)
        return _guard(statement, parts) if isinstance(statement, exp.Merge) else parts

    def translated(self: FakeSnowflakeCursor, command: str, *args: Any, **kwargs: Any) -> FakeSnowflakeCursor:
        session, place = rights.session_of(self._conn), (self._conn.database, self._conn._schema)
        try:
            command = rights.answered(session, command, self._conn)
            if rights.roles or not session.warehouse:
                rights.raise_if_forbidden(session, parse_one(command), self._conn)
            _ignoring_case.set(session.ignores_case)
            with _creating if command.lstrip()[:6].upper() == "CREATE" else nullcontext():
                return execute(self, command, *args, **kwargs)
        except ProgrammingError as problem:
            said = str(problem.raw_msg or problem.msg).partition("\n\nLINE ")[0]
            raise ProgrammingError(msg=said, errno=problem.errno, sqlstate=problem.sqlstate) from problem
        except duckdb.Error as problem:
            if _DUPLICATE in str(problem):
                raise ProgrammingError(msg=_DUPLICATE, errno=100090, sqlstate="42P18") from problem
            raise ProgrammingError(msg=str(problem).split("\n")[0], errno=603, sqlstate="XX000") from problem
        finally:
            if place == (None, None) and not self._conn.database_set:
                self._conn.database, self._conn._schema = place

    info_schema.insert_table_comment_sql = insert_table_comment_sql
    transforms.merge = guarded_merge
    FakeSnowflakeCursor.execute = translated
    _place_tables()
    _keep_merges()
    keep_results()
    mend_variables()


def _place_tables() -> None:
    """Have temporary tables found where Snowflake finds them."""
    transform, connect = FakeSnowflakeCursor._transform, FakeSnow.connect

    def placed(self: FakeSnowflakeCursor, expression: Any, params: Any) -> Any:
        statement = rights.place_temporary_tables(rights.session_of(self._conn), expression, self._conn)
        return transform(self, statement, params)

    def connected(self: FakeSnow, *args: Any, **kwargs: Any) -> Any:
        connection = connect(self, *args, **kwargs)
        rights.session_of(connection)  # while it is known who signs in
        return connection

    FakeSnowflakeCursor._transform = placed
    FakeSnow.connect = connected


def _keep_merges() -> None:
    """Have long statements and MERGEs without bound values read and translated once, for all of the same text."""
    explode, transform = FakeSnowflakeCursor._transform_explode, FakeSnowflakeCursor._transform
    read: dict[str, Any] = {}

    def kept_parse(text: str) -> Any:
        if text in read:
            return read[text]
        statement = parse_one(text)
        if _ignoring_case.get():
            for name in statement.find_all(exp.Identifier):
                name.set("this", name.this.upper())
            return statement
        if _is_worth_keeping(statement, text) and len(read) < _MOST_KEPT:
            statement.meta["made"] = {}
            read[text] = statement
        return statement

    def kept_explode(self: FakeSnowflakeCursor, statement: Any) -> list[Any]:
        made = statement.meta.get("made")
        if made is None:
            return explode(self, statement)
        there = self._conn.database, self._conn.schema
        if there not in made:
            made[there] = [_written(transform(self, part, None)) for part in explode(self, statement.copy())]
        else:
            rights.look_there(statement, self._conn)
            rights.note_temporary_table(rights.session_of(self._conn), statement, self._conn)
        return made[there]

    def kept_transform(self: FakeSnowflakeCursor, statement: Any, params: Any) -> Any:
        return statement if statement.meta.get("written") else transform(self, statement, params)

    server.parse_one = cursor.parse_one = kept_parse  # type: ignore[attr-defined]
    FakeSnowflakeCursor._transform_explode, FakeSnowflakeCursor._transform = kept_explode, kept_transform


def _is_worth_keeping(statement: Any, text: str) -> bool:
    """A MERGE, or a long statement that makes a table, as that of the people's identities; without bound values."""
    is_long = isinstance(statement, exp.Create) and len(text) > _LONG
    return (isinstance(statement, exp.Merge) or is_long) and not statement.find(exp.Placeholder)


def _written(statement: Any) -> Any:
    """A statement that is written out now, not each time it is run."""
    text = statement.sql(dialect="duckdb")
    statement.meta["written"] = True
    statement.sql = lambda *_, **__: text
    return statement


def _guard(statement: exp.Merge, parts: list[Any]) -> list[Any]:
    """Add a check between fakesnow's table of candidates and the first change it makes."""
    matched = [str(n) for n, when in enumerate(statement.args["whens"]) if when.args.get("matched")]
    if not matched:
        return parts
    candidates, target = parts[0], statement.this
    select = candidates.expression
    select.append("expressions", sqlglot.parse_one(f"{target.alias or target.name}.rowid AS MERGE_TARGET"))
    check = sqlglot.parse_one(
        f"SELECT ERROR('{_DUPLICATE}') FROM (SELECT MERGE_TARGET FROM merge_candidates "
        f"WHERE MERGE_OP IN ({', '.join(matched)}) GROUP BY MERGE_TARGET HAVING COUNT(*) > 1) AS twice"
    )
    return [candidates, check, *parts[1:]]


class Snowflake:
    """The gate and the tables of fakesnow's server."""

    def __init__(self, leads: Path) -> None:
        """Seed from a CSV file."""
        mend()
        logging.getLogger("fakesnow.server").setLevel(logging.ERROR)
        server.shared_fs.duck_conn.execute("SET threads = 1")  # else it takes the core that the program is to run on
        self.gate = Gate("snowflake")
        self.leads = leads
        self.default_warehouse = True
        self.reset()

    def reset(self) -> None:
        """Drop every table of every user database, and seed anew; roll open transactions back, forget rights."""
        rights.roles.clear()
        for session in list(server.sessions.values()):
            try:
                session._duck_conn.rollback()
            except duckdb.Error:
                continue
        with server.shared_fs.connect(DATABASE, "PUBLIC") as connection:
            duck = connection._duck_conn
            for statement in _drops(duck):
                duck.execute(statement)
            duck.execute(
                f"create table {DATABASE}.PUBLIC.RAW_LEADS as select * from "
                "read_csv(?, header=true, all_varchar=true, quote='\"', delim=',', parallel=false)",
                [str(self.leads)],
            )

    def rows(self) -> dict[str, int]:
        """How many rows the tables of PUBLIC hold."""
        with server.shared_fs.connect(DATABASE, "PUBLIC") as connection:
            duck = connection._duck_conn
            names = duck.execute(
                "select table_name from duckdb_tables() where database_name = ? and schema_name = 'PUBLIC'", [DATABASE]
            ).fetchall()
            return {n: duck.execute(f'select count(*) from {DATABASE}.PUBLIC."{n}"').fetchall()[0][0] for (n,) in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to fakesnow, unless a fault says otherwise. Only queries count as calls."""
        if scope["type"] == "http" and scope["path"].startswith("/session/v1/login-request"):
            receive = await self._told_of_sign_in(scope, receive)
        if scope["type"] != "http" or not scope["path"].startswith("/queries/v1/query"):
            await server.app(scope, receive, send)
            return
        body = await read_body(receive)
        query = parse_qs(scope["query_string"].decode())
        # The connector packs what it sends; a fault's key is looked for in what it says.
        said = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        call = Call("snowflake", "query", scope["method"], scope["path"], {}, query, said)
        self.gate.count("calls")
        if self.gate.refuse("query"):
            self.gate.count("refused")
            await send_reply(send, Reply(_error(429, "too many requests"), 429))
            return
        try:
            if self.gate.latency:
                await asyncio.sleep(self.gate.latency)
            fault = self.gate.take_fault(call)
            if fault is None:
                await server.app(scope, _replay(body, receive), send)
            else:
                await self._fail(fault, scope, _replay(body, receive), receive, send)
        finally:
            self.gate.leave()

    async def _told_of_sign_in(self, scope: Scope, receive: Receive) -> Receive:
        """Keep what fakesnow does not: role, warehouse and parameters of a sign-in."""
        body = await read_body(receive)
        said = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        query = parse_qs(scope["query_string"].decode())
        parameters = json.loads(said)["data"].get("SESSION_PARAMETERS") or {}
        told: dict[str, Any] = {"role": query.get("roleName", [""])[0], "parameters": parameters}
        if warehouse := query.get("warehouse"):
            told["warehouse"] = warehouse[0]
        elif not self.default_warehouse:
            told["warehouse"] = ""
        rights.SIGN_IN.set(told)
        return _replay(body, receive)

    async def _fail(self, fault: Fault, scope: Scope, replay: Receive, receive: Receive, send: Send) -> None:
        self.gate.count("faults")
        if fault.kind.startswith("applied") or fault.options.get("applied"):
            await server.app(scope, replay, _nowhere)
        if fault.kind == "timeout":
            await asyncio.sleep(float(fault.options.get("s", 60)))
        if fault.kind in ("timeout", "drop", "applied_then_drop"):
            await drop(receive)
        elif fault.kind in ("html", "truncated", "empty"):
            await send_reply(send, Reply("" if fault.kind == "empty" else "<html>"))
        elif fault.kind == "body":
            await send_reply(send, told(fault))
        else:
            status = int(fault.kind) if fault.kind.isdigit() else 503
            await send_reply(send, status_reply(status, fault, _error))


def _drops(duck: duckdb.DuckDBPyConnection) -> list[str]:
    """The statements that drop what users made: everything but fakesnow's and DuckDB's own."""
    listing = duck.execute(
        "select 'VIEW', database_name, schema_name, view_name from duckdb_views() where not internal union all "
        "select 'TABLE', database_name, schema_name, table_name from duckdb_tables() where not temporary order by 1 desc"
    ).fetchall()
    return [
        f'drop {kind} if exists "{database}"."{schema}"."{name}" cascade'
        for kind, database, schema, name in listing
        if not _OWN.match(database) and not _OWN.match(schema) and not _OWN.match(name)
    ]


def _error(status: int, message: str) -> dict[str, Any]:
    return {"data": None, "code": str(status), "message": message, "success": False}


async def _nowhere(message: dict[str, Any]) -> None:
    """Swallow an answer."""


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives a body that was read already."""
    given = False

    async def again() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
