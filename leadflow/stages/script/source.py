"""Tokenize a script: find its statements, and the text that is sent to Snowflake.

sqlglot's tokenizer finds the tokens. Their text always comes from the analyst's script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from sqlglot import Token, TokenType
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import SqlglotError

from leadflow.errors import ScriptError

STRINGS = {TokenType.STRING, TokenType.RAW_STRING, TokenType.NATIONAL_STRING, TokenType.HEX_STRING}
_SPACE = " \t\r\n"
# Some editors break a line here, but Snowflake does not: the next line would be removed with the comment.
_ODD_BREAKS = re.compile("[\x0b\x0c\x85\u2028\u2029]")


class _Tokenizer(Snowflake.Tokenizer):
    """A Snowflake tokenizer that also tokenizes commands that sqlglot does not parse (CALL ...)."""

    COMMANDS: ClassVar[set[TokenType]] = set()


@dataclass(frozen=True)
class Source:
    """A script's text, its tokens, and the same text with every comment replaced by spaces."""

    text: str
    tokens: tuple[Token, ...]

    @classmethod
    def of(cls, text: str) -> Source:
        """Tokenize a script. Raises ScriptError with the line, never with the text.

        >>> [s.sent for s in Source.of("SELECT ';' -- one;\\n; SELECT 2").statements]
        ["SELECT ';'", 'SELECT 2']
        """
        try:
            return cls(text, tuple(_Tokenizer(dialect="snowflake").tokenize(text)))
        except SqlglotError as error:
            failure = ScriptError(f"the script cannot be read: {_unclosed(str(error.__cause__ or error))}")
        # Raised here, it does not carry the tokenizer's error along, which quotes the script.
        raise failure

    @cached_property
    def clean(self) -> str:
        """The text with comments replaced by spaces: the same length and line breaks."""
        return "".join(self._pieces(blank_literals=False))

    @cached_property
    def code(self) -> str:
        """The text with comments, literals and quoted names replaced by spaces: the same length."""
        return "".join(self._pieces(blank_literals=True))

    def _pieces(self, blank_literals: bool) -> Iterator[str]:
        gaps = self.gaps()
        for token in self.tokens:
            yield _blanked(next(gaps)[1])
            raw = self.raw(token)
            yield _blanked(raw) if blank_literals and is_literal(token) else raw
        yield _blanked(next(gaps)[1])

    def raw(self, token: Token) -> str:
        """Return the text of a token as it is in the script."""
        return self.text[token.start : token.end + 1]

    def place(self, offset: int) -> str:
        """Return the line and column (1-based) of an offset."""
        return f"line {self.line(offset)}, column {offset - self.text.rfind(chr(10), 0, offset)}"

    def line(self, offset: int) -> int:
        """Return the line (1-based) of an offset."""
        return self.text.count("\n", 0, offset) + 1

    def gaps(self) -> Iterator[tuple[int, str]]:
        """Yield the text between the tokens (white space and comments), each with its offset."""
        end = 0
        for token in self.tokens:
            yield end, self.text[end : token.start]
            end = token.end + 1
        yield end, self.text[end:]

    def raise_if_comments_hide(self) -> None:
        """Refuse a comment with an unusual line break: code after the break could be removed with the comment."""
        for start, gap in self.gaps():
            if odd := _ODD_BREAKS.search(gap):
                raise ScriptError(
                    f"{self.place(start + odd.start())} of the script: an unusual line break (U+{ord(odd[0]):04X}) "
                    "stands in a comment; put a usual line break there"
                )

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements in order, without empty ones."""
        groups: list[list[Token]] = [[]]
        for token in self.tokens:
            if token.token_type == TokenType.SEMICOLON:
                groups.append([])
            else:
                groups[-1].append(token)
        return tuple(Statement(self, n, tuple(group)) for n, group in enumerate(filter(None, groups), 1))


@dataclass(frozen=True)
class Statement:
    """Tokens of one statement, or of one part of a `->>` chain; `number` is the statement's (1-based)."""

    source: Source
    number: int
    tokens: tuple[Token, ...]

    @property
    def sent(self) -> str:
        """The text that is sent to Snowflake: the analyst's text without comments."""
        return self.source.clean[self.tokens[0].start : self.tokens[-1].end + 1]

    @property
    def line(self) -> int:
        """The line (1-based) on which it begins."""
        return self.source.line(self.tokens[0].start)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Each token in upper case; a literal or a quoted name is ""."""
        return tuple("" if is_literal(t) else " ".join(self.source.raw(t).upper().split()) for t in self.tokens)

    @property
    def parts(self) -> tuple[Statement, ...]:
        """The statements that the operator ->> chains, or the statement alone."""
        groups: list[list[Token]] = [[]]
        for token, word in zip(self.tokens, self.words, strict=True):
            if word == "->>":
                groups.append([])
            else:
                groups[-1].append(token)
        if not all(groups):
            raise ScriptError(f"{self} has nothing before or after a ->> operator")
        return tuple(Statement(self.source, self.number, tuple(group)) for group in groups)

    def places(self, tokens: Sequence[Token]) -> str:
        """Return the line and column of the first of these tokens."""
        return self.source.place(tokens[0].start)

    def __str__(self) -> str:
        """Return the statement's name in messages."""
        return f"statement {self.number} of the script"


def is_literal(token: Token) -> bool:
    """Whether a token is a string or a quoted name."""
    return token.token_type in STRINGS or token.token_type == TokenType.IDENTIFIER


def _blanked(text: str) -> str:
    return text if not text.strip(_SPACE) else "".join(c if c in _SPACE else " " for c in text)


def _unclosed(said: str) -> str:
    """Describe the tokenizer's error without the text that it quotes."""
    found = re.search(r"Missing (\S+) from (\d+):", said)
    return (
        f"the {found[1]} that is opened on line {found[2]} is not closed"
        if found
        else "it has characters that are no SQL"
    )
