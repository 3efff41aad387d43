"""Refuse queries with side effects: functions that change the account, and keywords of commands."""

from __future__ import annotations

import re

from leadflow.errors import ScriptError
from leadflow.stages.script.source import STRINGS, Statement

# Keywords of commands. INSERT and TRUNCATE are functions if a parenthesis follows.
_COMMAND_WORDS = frozenset(
    [
        "INTO",
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "CREATE",
        "ALTER",
        "DROP",
        "UNDROP",
        "TRUNCATE",
        "COPY",
        "PUT",
        "REMOVE",
        "GRANT",
        "REVOKE",
        "CALL",
        "EXECUTE",
        "PROCEDURE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "DECLARE",
    ]
)
# Functions that only read. Source: https://docs.snowflake.com/en/sql-reference/functions-system
_SYSTEM_READS = re.compile(
    r"SYSTEM\$(?:(?:GET|SHOW|LIST|ESTIMATE|EXPLAIN|IS|VALIDATE|VERIFY)_\w+|TYPEOF|CLUSTERING_\w+"
    r"|LAST_CHANGE_COMMIT_TIME|STREAM_HAS_DATA|STREAM_GET_TABLE_TIMESTAMP|STREAM_BACKLOG|PIPE_STATUS"
    r"|CURRENT_USER_TASK_NAME|ALLOWLIST\w*|WHITELIST\w*|BEHAVIOR_CHANGE_BUNDLE_STATUS|REFERENCE|WAIT)"
)


def raise_if_side_effects(part: Statement) -> None:
    """Refuse SYSTEM$ functions with effects, the next value of a sequence, and functions that are called indirectly."""
    for n, token in enumerate(part.tokens):
        raw = part.source.raw(token).strip('"').upper()
        called = part.words[n + 1 : n + 2] == ("(",)
        if raw.startswith("SYSTEM$") and called and not _SYSTEM_READS.fullmatch(raw):
            raise ScriptError(f"{part} calls {raw}, a function that acts on the account, not only reads; remove it")
        if (raw == "NEXTVAL" and part.words[n - 1] == "." and n) or (raw == "GETNEXTVAL" and called):
            raise ScriptError(
                f"{part} takes the next value of a sequence, which uses it up for everybody; "
                "number the rows with ROW_NUMBER() instead"
            )
        if raw == "IDENTIFIER" and called and _called_twice(part.words, n + 1) and not _names_a_reader(part, n + 2):
            raise ScriptError(
                f"{part} calls a function by IDENTIFIER(), so that leadflow cannot see which; write its name out"
            )


def _names_a_reader(part: Statement, n: int) -> bool:
    """Whether the n-th token is a string that names a function without side effects."""
    name = part.source.raw(part.tokens[n]).strip("'").upper() if part.tokens[n].token_type in STRINGS else ""
    return bool(re.fullmatch(r"[\w.$]+", name)) and not name.startswith("SYSTEM$") and "GETNEXTVAL" not in name


def _called_twice(words: tuple[str, ...], n: int) -> bool:
    """Whether a second parenthesis follows the pair that opens at n, which calls its result."""
    depth = 0
    for m in range(n, len(words)):
        depth += (words[m] == "(") - (words[m] == ")")
        if not depth:
            return words[m + 1 : m + 2] == ("(",)
    return False


def raise_if_command_words(part: Statement) -> None:
    """Refuse a query that sqlglot cannot parse and that has a keyword of a command."""
    for n, word in enumerate(part.words):
        if (
            word.split(" ")[0] in _COMMAND_WORDS
            and part.words[n + 1 : n + 2] != ("(",)
            and part.words[n - 1] not in (".", ":")
        ):
            raise ScriptError(
                f"{part} cannot be read, and it has the word {word} ({part.source.place(part.tokens[n].start)}), "
                "so it may be more than a query; rewrite it"
            )
