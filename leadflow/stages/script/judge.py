"""Whether a statement only reads: every word and every node in it must be understood as reading, else it does not run.

What may be made and changed without leave is the script's own temporary tables, which go with the session.
"""

from __future__ import annotations

import logging
import re

from sqlglot import Token, exp
from sqlglot.dialects.snowflake import Snowflake

from leadflow.errors import ScriptError
from leadflow.stages.script import kinds
from leadflow.stages.script.names import Parts, intos, made, name_at, new_names, targets
from leadflow.stages.script.session import raise_if_setting
from leadflow.stages.script.temporary import Temporaries
from leadflow.stages.script.text import STRINGS, Statement, is_literal

QUERIES = ("SELECT", "WITH", "(", "VALUES")
_SHOWS = ("SHOW", "DESC", "DESCRIBE", "EXPLAIN", "LIST", "LS", "UNSET")
_CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "DROP", "ALTER", "COPY")
_WRITES = (*_CHANGES, "CREATE", "UNDROP", "GRANT", "REVOKE", "COMMENT", "PUT", "REMOVE", "RM", "EXECUTE")
_TRANSACTION = ("COMMIT", "ROLLBACK", "START")
_BLOCKS = ("BEGIN", "DECLARE", "IF", "FOR", "WHILE", "LOOP", "REPEAT", "LET", "RETURN", "CASE", "END", "ELSE", "ELSEIF", "EXCEPTION", "AWAIT", "OPEN", "CLOSE")
_TEMPORARY_KINDS = ("TABLE", "VIEW", "FUNCTION", "FILE FORMAT", "STAGE")
# Words of commands; in a query they can only be names. INSERT and TRUNCATE are functions too: then a parenthesis follows.
_COMMAND_WORDS = {
    "INTO", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "ALTER", "DROP", "UNDROP", "TRUNCATE", "COPY", "PUT", "REMOVE", "GRANT",
    "REVOKE", "CALL", "EXECUTE", "PROCEDURE", "BEGIN", "COMMIT", "ROLLBACK", "DECLARE",
}  # fmt: skip
# https://docs.snowflake.com/en/sql-reference/functions-system: those that only tell something.
_SYSTEM_READS = re.compile(
    r"SYSTEM\$(?:(?:GET|SHOW|LIST|ESTIMATE|EXPLAIN|IS|VALIDATE|VERIFY)_\w+|TYPEOF|CLUSTERING_\w+|LAST_CHANGE_COMMIT_TIME|STREAM_HAS_DATA|PIPE_STATUS"
    r"|CURRENT_USER_TASK_NAME|ALLOWLIST\w*|WHITELIST\w*|STREAM_GET_TABLE_TIMESTAMP|STREAM_BACKLOG|BEHAVIOR_CHANGE_BUNDLE_STATUS|REFERENCE|WAIT)"
)

_NO_DROP = "remove it, CREATE OR REPLACE TEMPORARY TABLE needs none before it"

# sqlglot warns when it falls back to a command; that is judged here, and the warning would only puzzle.
logging.getLogger("sqlglot").addFilter(lambda record: "contains unsupported syntax" not in str(record.msg))


class Judge:
    """Judges the statements of one script in order; what the earlier ones made decides about the later ones."""

    def __init__(self, allow_writes: bool, home: tuple[str, str] = ("", "")) -> None:
        self.allow_writes = allow_writes
        self.temporaries = Temporaries(home)

    def judge(self, part: Statement) -> list[Parts]:
        """Raises ScriptError for what may not run; the names of the tables and views that it makes."""
        first = part.words[0]
        if first in QUERIES:
            self._query(part)
        elif first == "USE":
            self._use(part)
        elif first == "SET":
            self._acts(part)
            self._reads(part, _value_of(part))
        elif part.words[:2] == ("ALTER", "SESSION"):
            raise_if_setting(part)
        elif first == "CREATE":
            self._create(part)
        elif first in _CHANGES:
            self._change(part)
        elif first not in _SHOWS:
            self._other(part)
        return self.new_names(part)

    def judge_last(self, part: Statement) -> str:
        """The last statement: a query. Where sqlglot cannot read it, or "": then Snowflake's own compiler is asked before it runs."""
        if intos(part):
            self._raise_unless_allowed(part, "INTO")
        try:
            tree = _tree(part, part.tokens)
        except ScriptError as error:
            if part.words[0] not in ("SELECT", "WITH", "("):
                raise
            problem = str(error)
        else:
            unknown = kinds.unknown_to_reading(tree)
            problem = f"it has a {_name(unknown)}" if unknown is not None else ""
        if problem:
            _raise_if_commanding(part)
            self._acts(part)
        else:
            self._query(part)
        return problem

    def new_names(self, part: Statement) -> list[Parts]:
        """The names of the tables and views that a judged statement makes."""
        return _known_names(part)

    def _query(self, part: Statement) -> None:
        if intos(part):
            self._raise_unless_allowed(part, "INTO")
        self._acts(part)
        tree = _tree(part, part.tokens)
        unknown = kinds.unknown_to_reading(tree)
        if unknown is not None and not (self.allow_writes and isinstance(unknown, exp.Into)):
            raise ScriptError(f"{part} cannot be judged: leadflow does not know what {_name(unknown)} does in a query; only the last statement may have it")

    def _reads(self, part: Statement, tokens: tuple[Token, ...]) -> None:
        unknown = kinds.unknown_to_reading(_tree(part, tokens))
        if unknown is not None:
            raise ScriptError(f"{part} cannot be judged: leadflow does not know what {_name(unknown)} does in an expression")

    def _acts(self, part: Statement) -> None:
        if not self.allow_writes:
            _raise_if_acting(part)

    def _use(self, part: Statement) -> None:
        kind = part.words[1] if part.words[1:2] and part.words[1] in ("ROLE", "WAREHOUSE", "DATABASE", "SCHEMA", "SECONDARY") else ""
        self.temporaries.use(kind or "DATABASE", name_at(part, 2 if kind else 1) or ("",))

    def _create(self, part: Statement) -> None:
        head = made(part)
        if not head.temporary or head.kind not in _TEMPORARY_KINDS or "ALTER" in head.words:
            hint = "make it a TEMPORARY one" if head.kind in ("TABLE", "VIEW") else "remove it"
            self._raise_unless_allowed(part, f"CREATE {head.kind}".strip(), hint)
            return
        self._acts(part)
        if head.name is None:
            raise ScriptError(f"{part} makes a {head.kind.lower()} without a plain name; write its name out, so that leadflow can see that it hides no other")
        tree = _tree(part, _without_scope(part))
        unknown = kinds.unknown_to_making(tree)
        if unknown is not None:
            raise ScriptError(f"{part} cannot be judged: leadflow does not know what {_name(unknown)} does in a CREATE")
        self.temporaries.make(head.kind, head.name, surely=head.sure)

    def _change(self, part: Statement) -> None:
        """INSERT, UPDATE, DELETE, MERGE, TRUNCATE, DROP, ALTER and COPY INTO: of the script's own temporary tables."""
        found = targets(part)
        own = bool(found) and all(name is not None and self.temporaries.owns(kind, name) for kind, name in found)
        if not own or (part.words[0] == "COPY" and "PURGE" in part.words):
            reasons = [self.temporaries.why_not(name) for _, name in found if name is not None]
            self._raise_unless_allowed(part, part.words[0], next(filter(None, reasons), "remove it" if part.words[0] != "DROP" else _NO_DROP))
            return
        self._acts(part)
        if part.words[0] != "COPY":
            tree = _tree(part, part.tokens)
            unknown = kinds.unknown_to_changing(tree)
            if unknown is not None or (part.words[0] == "DROP" and "," in part.words):
                self._raise_unless_allowed(part, part.words[0])
        if part.words[0] == "DROP":
            self.temporaries.drop(found[0][1] or ())

    def _other(self, part: Statement) -> None:
        first = part.words[0]
        second = part.words[1] if len(part.words) > 1 else ""
        if part.words[:2] == ("EXECUTE", "IMMEDIATE"):
            raise ScriptError(f"{part} (EXECUTE IMMEDIATE) is not a query: it runs SQL that leadflow cannot read; write that SQL out as statements")
        if first in _WRITES:
            self._raise_unless_allowed(part, first)
        elif first in _TRANSACTION or (first == "BEGIN" and second in ("", "TRANSACTION", "WORK", "NAME")):
            if not self.allow_writes:
                raise ScriptError(f"{part} ({first}) is not a query: it opens or ends a transaction, which a script that only reads does not need; remove it")
        elif first in _BLOCKS:
            raise ScriptError(f"{part} ({first}) is not a query but part of a Snowflake Scripting block, which leadflow cannot read; write its statements out one by one")
        elif first == "GET":
            raise ScriptError(f"{part} (GET) is not a query: it copies files to this computer; remove it")
        elif first == "CALL":
            if not self.allow_writes:
                raise ScriptError(f"{part} (CALL) is not a query: leadflow cannot see what the procedure does; remove it, or select from what it makes")
        else:
            shown = first if re.fullmatch(r"[A-Z_]{1,30}", first) else "something else than a command"
            raise ScriptError(
                f"{part} cannot be read: {part.places(part.tokens)}: it begins with {shown}. "
                "Queries, SHOW, DESCRIBE, EXPLAIN, LIST, SET, USE, ALTER SESSION and temporary tables run"
            )

    def _raise_unless_allowed(self, part: Statement, what: str, hint: str = "remove it") -> None:
        if not self.allow_writes:
            raise ScriptError(f"{part} writes ({what}); {hint}, or set LEADFLOW_WAREHOUSE__ALLOW_WRITES=true")
        if part.words[0] in QUERIES or part.words[0] in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            _tree(part, part.tokens)


def _known_names(part: Statement) -> list[Parts]:
    """Raises ScriptError if a table's name cannot be told: it might hide one of leadflow's."""
    names = list(new_names(part))
    if None in names:
        raise ScriptError(f"{part} makes a table without a plain name; write its name out, so that leadflow can see that it hides no other")
    return [name for name in names if name]


def _tree(part: Statement, tokens: tuple[Token, ...]) -> exp.Expr:
    """The tree that sqlglot makes of tokens; raises ScriptError with line and column in the script, and no word of it."""
    try:
        trees = Snowflake().parser().parse(list(tokens), part.source.clean)
    except RecursionError:
        failure = ScriptError(f"{part} is nested too deeply to be read")
    except Exception as error:
        # What the parser stumbles over in its own code is not understood either.
        failure = ScriptError(f"{part} cannot be read: {_place(part, error)}")
    else:
        if len(trees) == 1 and trees[0] is not None and not isinstance(trees[0], exp.Command):
            return trees[0]
        failure = ScriptError(f"{part} cannot be read: {part.places(tokens)}: leadflow does not know this form of {part.words[0]}")
    # Raised here, it does not carry the parser's error along, which quotes the script.
    raise failure


def _place(part: Statement, error: Exception) -> str:
    """Line, column and keyword where the parser stopped."""
    found = (getattr(error, "errors", None) or [{}])[0]
    at = next((t for t in part.tokens if (t.line, t.col) == (found.get("line"), found.get("col"))), part.tokens[-1])
    raw = part.source.raw(at)
    near = "" if is_literal(at) or not re.fullmatch(r"[A-Za-z_]{1,30}|\W{1,3}", raw) else f", near {raw}"
    expects = re.match(r"Expecting [^\s'\"]{1,3}$", str(found.get("description", "")))
    return f"{part.source.place(at.start)}{near}{f' ({expects[0].lower()})' if expects else ''}"


def _raise_if_acting(part: Statement) -> None:
    """Functions that do something: SYSTEM$ functions other than those that tell something, and the next value of a sequence."""
    for n, token in enumerate(part.tokens):
        raw = part.source.raw(token).strip('"').upper()
        called = part.words[n + 1 : n + 2] == ("(",)
        if raw.startswith("SYSTEM$") and called and not _SYSTEM_READS.fullmatch(raw):
            raise ScriptError(f"{part} calls {raw}, a function that acts on the account, not only reads; remove it")
        if (raw == "NEXTVAL" and part.words[n - 1] == "." and n) or (raw == "GETNEXTVAL" and called):
            raise ScriptError(f"{part} takes the next value of a sequence, which uses it up for everybody; number the rows with ROW_NUMBER() instead")
        if raw == "IDENTIFIER" and called and _called_twice(part.words, n + 1) and not _names_a_reader(part, n + 2):
            raise ScriptError(f"{part} calls a function by IDENTIFIER(), so that leadflow cannot see which; write its name out")


def _names_a_reader(part: Statement, n: int) -> bool:
    """Whether the n-th token is a string that names a function other than those that act."""
    name = part.source.raw(part.tokens[n]).strip("'").upper() if part.tokens[n].token_type in STRINGS else ""
    return bool(re.fullmatch(r"[\w.$]+", name)) and not name.startswith("SYSTEM$") and "GETNEXTVAL" not in name


def _called_twice(words: tuple[str, ...], n: int) -> bool:
    """Whether what stands in the parentheses that open at n is itself called."""
    depth = 0
    for m in range(n, len(words)):
        depth += (words[m] == "(") - (words[m] == ")")
        if not depth:
            return words[m + 1 : m + 2] == ("(",)
    return False


def _raise_if_commanding(part: Statement) -> None:
    """A query that sqlglot cannot read must have no word that could make it something else than a query."""
    for n, word in enumerate(part.words):
        if word.split(" ")[0] in _COMMAND_WORDS and part.words[n + 1 : n + 2] != ("(",) and part.words[n - 1] not in (".", ":"):
            raise ScriptError(f"{part} cannot be read, and it has the word {word} ({part.source.place(part.tokens[n].start)}), so it may be more than a query; rewrite it")


def _value_of(part: Statement) -> tuple[Token, ...]:
    """The expression that SET gives to a variable."""
    at = next((n for n, word in enumerate(part.words) if word == "="), len(part.words))
    if at + 1 >= len(part.words):
        raise ScriptError(f"{part} cannot be read: {part.places(part.tokens)}: SET needs a name, = and a value")
    return part.tokens[at + 1 :]


def _without_scope(part: Statement) -> tuple[Token, ...]:
    """A CREATE's tokens without LOCAL and GLOBAL, which say nothing and which sqlglot does not read everywhere."""
    return tuple(t for n, t in enumerate(part.tokens) if n > 4 or part.words[n] not in ("LOCAL", "GLOBAL"))


def _name(node: exp.Expr) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
