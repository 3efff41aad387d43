"""What tests of privacy look for, and where: the words that name a person, and all that a job writes anywhere."""

from __future__ import annotations

import csv
import io
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from outcome import personal_words, truth_phones

from leadflow.local import sample

SECRETS = ("local-secret", "local-token", "local-login", "local-pdl-key", "local-bla-key")


class LogRecords(logging.Handler):
    """Keeps every record as text, arguments and tracebacks with it."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.records = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record):
        extra = {k: v for k, v in record.__dict__.items() if k not in ("msg", "args", "exc_info")}
        self.records.append((record.name, f"{self.format(record)} {record.args!r} {extra!r}"))


def last_lead():
    """The last of the sample leads, as a row of their file."""
    with sample("leads.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))[-1]


def forbidden_words():
    """What names a person: as in personal_words, and each phone as a vendor or a body may write it."""
    words = personal_words() | {p["number"] for p in truth_phones()} | set(SECRETS)
    with sample("leads.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            first, last = row["First Name"].strip(), row["Last Name"].strip()
            words |= {
                f"{last}, {first}",
                f'"firstName": "{first}"',
                f'"firstName":"{first}"',
                f'"lastName":"{last}"',
                f'"lastName": "{last}"',
                f"'lastName': '{last}'",
            }
            words |= {
                f"{first} {last}".upper(),
                row["Address"].strip().upper(),
                f'{first}", "{last}',
                f'{first}","{last}',
                f"{first}', '{last}",
            }
    return {word for word in words if len(word) >= 8}


def words_in(text, words):
    """The words in a text. Only those whose beginning is there are searched for: thousands, in megabytes, stay fast."""
    text += json.dumps(text)
    beginnings = {text[n : n + 8] for n in range(len(text) - 7)}
    return sorted(word for word in words if word[:8] in beginnings and word in text)


def history_text(path):
    """Every table of the history, as text."""
    with duckdb.connect(str(path), read_only=True) as db:
        tables = [
            name
            for (name,) in db.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            ).fetchall()
        ]
        assert len(tables) >= 4, tables
        out = io.StringIO()
        for table in tables:
            rows = db.execute(f'SELECT * FROM "{table}"').fetchall()
            out.writelines(f"{table} {row!r}\n" for row in rows)
    return out.getvalue()


def traceback_text(error):
    """The error as any tool may print it: its own way, and every error it came from, suppressed or not."""
    texts, todo, seen = [], [error], set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        texts += [*traceback.format_exception(one), repr(one), repr(one.args), repr(getattr(one, "__notes__", ""))]
        todo += [one.__cause__, one.__context__]
    return "".join(texts)


@contextmanager
def everything_logged() -> Iterator[LogRecords]:
    """Everything that any logger says at DEBUG."""
    root, handler = logging.getLogger(), LogRecords()
    levels = {
        name: logger.level for name, logger in root.manager.loggerDict.items() if isinstance(logger, logging.Logger)
    }
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in levels:
        logging.getLogger(name).setLevel(logging.NOTSET)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
