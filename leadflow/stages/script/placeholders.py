"""Refuse placeholders that a template engine, a client or a driver should have filled.

Rules for what is refused and what counts as text:

- Anywhere, in quotes or not: {{ x }}, {% if x %}, <% x %>, ${x}, %(x)s, &{x}, #{x}, @{x}.
- In code: &x, $(x), {x}, a bare ?, and in place of a value :x, :1 and %s. After a value, : is a path and % is modulo.
- In quotes: &x at the beginning or after one of %_-/.:,( unless an = or ; follows, as in a URL or an HTML entity.
- In quotes, as the whole literal, compared by =, <>, <, >, BETWEEN or IN: ?, %s, {x}, {0}, $x, $(x) and :x. In
  LIKE and in functions they are text; but LIKE '?' has no wildcard, so its ? is a placeholder.
- Comments and the bodies of functions are not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType

from leadflow.errors import ScriptError
from leadflow.stages.script.source import STRINGS, Source, Statement, is_literal

_JINJA = "|".join(
    [
        "if",
        "elif",
        "else",
        "endif",
        "for",
        "endfor",
        "set",
        "endset",
        "macro",
        "endmacro",
        "call",
        "endcall",
        "filter",
        "endfilter",
        "include",
        "import",
        "from",
        "extends",
        "block",
        "endblock",
        "raw",
        "endraw",
        "do",
        "with",
        "endwith",
        "snapshot",
        "endsnapshot",
        "test",
        "docs",
    ]
)
_ANYWHERE = re.compile(
    rf"\{{\{{.+?\}}\}}|\{{%[-+]?\s*(?:{_JINJA})\b.*?%\}}|<%[=-]?\s+.+?\s*%>|<%=.+?%>|\$\{{\s*[A-Za-z_][^{{}}\n]*\}}"
    r"|%\([A-Za-z_]\w*\)[-#0 +]*\d*(?:\.\d+)?[sdifgrx]\b|&&?\{\w+\}|[#@]\{\w+\}",
    re.DOTALL,
)
_IN_CODE = re.compile(r"&&?\w+|\$\(\w+\)|\{[A-Za-z_]\w*\}|\?|\{\{|\{%|<%|(?<![:\w]):\w+|%[sdifr]\b")
_IN_QUOTES = re.compile(r"(?:^|(?<=[%_\-/.:,(]))&&?[A-Za-z_]\w*(?![\w;=])")
_WHOLE = re.compile(r"\?|%[sdifr]|\{\w+\}|[$:][A-Za-z_]\w*|\$\(\w+\)")
_COMMENTS = re.compile(r"(?:--|//)[^\r\n]*|/\*.*?\*/", re.DOTALL)
_COMPARE = {"=", "<>", "!=", "<", ">", "<=", ">=", "BETWEEN", "DATE", "TIMESTAMP"}
# A value follows these words, so a colon or a percent sign after them does not belong to an earlier value.
_BEFORE_A_VALUE = frozenset(
    [
        "AND",
        "ANY",
        "BETWEEN",
        "BY",
        "CASE",
        "DISTINCT",
        "ELSE",
        "ESCAPE",
        "FETCH",
        "FROM",
        "HAVING",
        "ILIKE",
        "IN",
        "INTERVAL",
        "IS",
        "JOIN",
        "LIKE",
        "LIMIT",
        "NOT",
        "OFFSET",
        "ON",
        "OR",
        "QUALIFY",
        "REGEXP",
        "RETURN",
        "RLIKE",
        "SELECT",
        "SET",
        "THEN",
        "TOP",
        "UNION",
        "USING",
        "VALUES",
        "WHEN",
        "WHERE",
    ]
) | {"GROUP BY", "ORDER BY", "PARTITION BY", "UNION ALL"}


def raise_if_unfilled(source: Source) -> None:
    """Raise ScriptError with the first unfilled placeholder and its place.

    >>> raise_if_unfilled(Source.of("SELECT src:name, 'AT&T', 100 % s, 'why?' FROM t WHERE a LIKE '%s'"))
    """
    for start, gap in source.gaps():
        # sqlglot reads this as a comment; Snowflake does not.
        if found := re.search(r"\{#.*?#\}", _COMMENTS.sub(lambda m: " " * len(m[0]), gap), re.DOTALL):
            raise _unfilled(source.place(start + found.start()), "{# #}")
    for statement in source.statements:
        found = min(
            _in_code(statement) + ([] if _has_body(statement) else _in_literals(statement)),
            key=lambda f: (f[0], -len(f[1])),
            default=None,
        )
        if found:
            raise _unfilled(source.place(found[0]), found[1])


def raise_if_unfilled_text(text: str) -> None:
    """Raise ScriptError for a placeholder in text that cannot be tokenized."""
    if found := _ANYWHERE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise _unfilled(f"line {line}", found[0])


def _unfilled(place: str, found: str) -> ScriptError:
    shown = re.sub(r"""(["']).*?(\1|$)""", "...", found, flags=re.DOTALL)
    shown = f"{shown[:40]} ..." if len(shown) > 44 else shown
    return ScriptError(
        f"the script has an unfilled placeholder, {shown}, at {place}; fill it in first. "
        "If it is meant as text, write it in two parts joined by ||"
    )


def _has_body(statement: Statement) -> bool:
    """Whether a statement creates a function or procedure: a body in another language has its own braces and signs."""
    head = statement.words[:8]
    return head[0] == "CREATE" and bool({"FUNCTION", "PROCEDURE"} & set(head))


def _in_code(statement: Statement) -> list[tuple[int, str]]:
    first, end = statement.tokens[0].start, statement.tokens[-1].end + 1
    code = statement.source.code
    places: list[tuple[int, str]] = []
    found = [m for pattern in (_ANYWHERE, _IN_CODE) for m in pattern.finditer(code, first, end)]
    starts = {token.start: n for n, token in enumerate(statement.tokens)}
    for match in found:
        n = starts.get(match.start())
        if match[0][0] not in ":%" or match[0][:2] == "%(" or (n is not None and _value_is_due(statement, n)):
            places.append((match.start(), statement.source.text[match.start() : match.end()]))
    return places


def _value_is_due(statement: Statement, n: int) -> bool:
    """Whether a value or a name is expected at the n-th token."""
    if n == 0:
        return True
    before, word = statement.tokens[n - 1], statement.words[n - 1]
    if n > 1 and statement.words[n - 2] in (".", ":"):
        return False  # a column or a key with the name of a keyword
    if is_literal(before) or before.token_type == TokenType.NUMBER or word in (")", "]", "}"):
        return False
    return word in _BEFORE_A_VALUE or not re.match(r"\w", word)


def _in_literals(statement: Statement) -> list[tuple[int, str]]:
    return [
        found
        for n, token in enumerate(statement.tokens)
        if is_literal(token)
        for found in _in_literal(statement, n, token)
    ]


def _in_literal(statement: Statement, n: int, token: Token) -> Iterator[tuple[int, str]]:
    raw = statement.source.raw(token)
    width = 2 if raw.startswith("$$") else 1
    inner = raw[width:-width]
    for pattern in (_ANYWHERE, _IN_QUOTES):
        if match := pattern.search(inner):
            yield token.start, match[0]
    if (
        token.token_type in STRINGS
        and _WHOLE.fullmatch(inner.strip())
        and _is_compared(statement.words, statement.tokens, n)
    ):
        yield token.start, inner.strip()


def _is_compared(words: Sequence[str], tokens: Sequence[Token], n: int) -> bool:
    """Whether the n-th token is compared with something, alone or in a list of IN."""
    if n and words[n - 1] in _COMPARE:
        return True
    if n and words[n - 1] in ("LIKE", "ILIKE") and tokens[n].text.strip() == "?":
        return True
    if n > 2 and words[n - 1] == "AND" and "BETWEEN" in words[max(0, n - 4) : n]:
        return True
    at = n - 1
    while at > 0 and (words[at] == "," or is_literal(tokens[at]) or tokens[at].token_type == TokenType.NUMBER):
        at -= 1
    return at > 0 and words[at] == "(" and words[at - 1] == "IN"
