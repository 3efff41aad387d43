"""Statements that Snowflake accepts and fakesnow does not.

1. Results of earlier statements: RESULT_SCAN within a query, LAST_QUERY_ID and the operator ->>.
2. EXPLAIN, and LIST of a user's own stage: they get an answer and have no effect.
3. The description of a query is made from its original text. fakesnow uses sqlglot's text, which DuckDB may refuse.
"""

from __future__ import annotations

import re
from typing import Any

import fakesnow.server as server
from fakesnow import cursor as cursors
from fakesnow.cursor import FakeSnowflakeCursor
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake

from leadflow.local import rights

_LAST_QUERY_ID = re.compile(r"\bLAST_QUERY_ID\s*\(\s*(-?\d*)\s*\)", re.IGNORECASE)
_RESULT_SCAN = re.compile(r"\bTABLE\s*\(\s*RESULT_SCAN\s*\(\s*'([0-9a-f-]{36})'\s*\)\s*\)", re.IGNORECASE)
_UNDONE = {
    r"\s*EXPLAIN\b": "SELECT 'GlobalStats' AS \"operation\"",
    r"\s*(LIST|LS)\s+@~": 'SELECT NULL AS "name", NULL AS "size" WHERE 1 = 0',
}
_MOST_RESULTS = 500  # fakesnow keeps the results of all statements as long as it runs
_EARLIER = re.compile(r"(\bFROM|\bJOIN|,)(\s+)\$(\d+)", re.IGNORECASE)


def patch_results() -> None:
    """Apply the patch once in a process."""
    execute, describe = FakeSnowflakeCursor.execute, FakeSnowflakeCursor._describe_only
    parse: Any = cursors.parse_one  # type: ignore[attr-defined]

    def executed(self: FakeSnowflakeCursor, command: str, *args: Any, **kwargs: Any) -> FakeSnowflakeCursor:
        ids: list[str] = []
        for part in _parts(command):
            execute(self, _resolved(self, part, ids), *args, **kwargs)
            ids.append(self._sfqid or "")
        _ids(self).append(ids[-1])
        for query_id in list(self._conn.results_cache)[:-_MOST_RESULTS]:
            self._conn.results_cache.pop(query_id, None)
        return self

    def described(self: FakeSnowflakeCursor, command: str) -> list[Any] | None:
        if len(_parts(command)) > 1:
            raise ProgrammingError(msg="Unsupported feature 'describe of a chain'.", errno=2, sqlstate="0A000")
        resolved = _resolved(self, command, [])
        statement = parse(resolved)
        if not isinstance(statement, exp.Select) or statement.find(exp.Placeholder):
            return describe(self, resolved)
        execute(self, f"DESCRIBE {resolved}")
        return self.fetchall()

    FakeSnowflakeCursor.execute, FakeSnowflakeCursor._describe_only = executed, described
    server.parse_one = lambda text: parse(_answered(_parts(text)[-1]))  # type: ignore[attr-defined]


def _ids(self: FakeSnowflakeCursor) -> list[str]:
    """Return the ids of a session's statements, in order."""
    return self._conn.__dict__.setdefault("lf_query_ids", [])


def _parts(command: str) -> list[str]:
    """Return the statements that ->> chains."""
    if "->>" not in command:
        return [command]
    ends = [(t.start, t.end + 1) for t in Snowflake().tokenize(command) if t.text == "->>"]
    starts = [0, *(end for _, end in ends)]
    return [
        command[start:end] for start, end in zip(starts, [*(start for start, _ in ends), len(command)], strict=True)
    ]


def _answered(command: str) -> str:
    return next((sql for pattern, sql in _UNDONE.items() if re.match(pattern, command, re.IGNORECASE)), command)


def _resolved(self: FakeSnowflakeCursor, command: str, ids: list[str]) -> str:
    """Return the command with earlier results as tables of its session, or a command with Snowflake's answer."""
    command = _answered(command)
    command = _EARLIER.sub(lambda m: f"{m[1]}{m[2]}TABLE(RESULT_SCAN('{ids[-int(m[3])]}'))" if ids else m[0], command)
    command = _LAST_QUERY_ID.sub(lambda m: f"'{_ids(self)[int(m[1] or -1)]}'", command)
    return _RESULT_SCAN.sub(lambda m: _table(self, m[1]), command)


def _table(self: FakeSnowflakeCursor, query_id: str) -> str:
    kept = self._conn.results_cache.get(query_id)
    if kept is None:
        raise ProgrammingError(msg=f"Statement {query_id} not found", errno=709, sqlstate="02000")
    name = f"{rights.RESULT}{query_id.replace('-', '_').upper()}"
    self._duck_conn.register(name, kept[0])
    return f'"temp"."main"."{name}"'  # in full, for a session without a current database
