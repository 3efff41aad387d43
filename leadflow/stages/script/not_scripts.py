"""The right word for what is given in place of a script: a frame, nothing, a data file, a file that is not there."""

from __future__ import annotations

from pathlib import Path

from sqlglot.dialects.snowflake import Snowflake

from leadflow.errors import ScriptError
from leadflow.settings.nearest import nearest, similarity

_A_SCRIPT = "a script is SQL text or the path of a .sql file"
_LOAD = "engine.run takes leads from a .csv, .tsv or .parquet file, or from a DataFrame"
# How similar a file's name must be to be offered for a name that no file has, 0 to 1.
_SIMILAR = 0.6


def not_a_script(value: object) -> ScriptError:
    """Return the error for a value that is neither text nor a path."""
    kind = type(value).__name__
    if value is None:
        return ScriptError(f"no script was given: {_A_SCRIPT}, not None")
    if hasattr(value, "columns"):
        return ScriptError(f"{_A_SCRIPT}, not {kind}. This is a frame of leads; {_LOAD}")
    if isinstance(value, list | tuple | set):
        return ScriptError(f"{_A_SCRIPT}, not {kind}. engine.queue runs several scripts one after another")
    if isinstance(value, bytes | bytearray):
        return ScriptError(f"{_A_SCRIPT}, not {kind}. Decode it, as in script.decode()")
    return ScriptError(f"{_A_SCRIPT}, not {kind}")


def data_file(path: Path) -> ScriptError:
    """Return the error for a file of leads."""
    return ScriptError(f"{path.name} is a data file with leads, not a script; {_LOAD}: save it as one of these")


def no_such_file(path: Path) -> ScriptError:
    """Return the error for a file that is not there, with the script of its folder that has the most similar name."""
    try:
        scripts = sorted(file.name for file in path.parent.iterdir() if file.suffix.lower() == ".sql")
        folder = ""
    except OSError:
        scripts, folder = [], f": the folder {path.parent} is not there"
    found = nearest(path.name, scripts)
    meant = f"did you mean {found}?" if found and similarity(found, path.name) >= _SIMILAR else ""
    return ScriptError(
        f"there is no script file {path}{folder}; {meant or 'look at the path, or pass the SQL as text'}"
    )


def one_word(word: str) -> ScriptError | None:
    """Return the error for a single word that is no word of SQL, such as the name of a file or a table; else None."""
    file = Path(f"{word}.sql")
    try:
        named = file.is_file()
    except (OSError, ValueError):
        named = False
    if named:
        return ScriptError(f"{word} is not SQL; to run the file of that name: {file}")
    if word.isidentifier() and word.upper() not in Snowflake.Tokenizer.KEYWORDS:
        return ScriptError(f"{word} is neither SQL nor a file; to read a table: SELECT * FROM {word}")
    return None
