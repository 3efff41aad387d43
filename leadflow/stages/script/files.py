"""Read a script that is given as SQL text or as the path of a file, in UTF-8, UTF-16 or Windows-1252."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from leadflow.errors import InputError, ScriptError
from leadflow.settings.textfile import BYTE_ORDER_MARKS
from leadflow.stages.script.not_scripts import data_file, no_such_file, not_a_script, one_word

_LONGEST_PATH = 1_000
_DATA = {".csv", ".tsv", ".xlsx", ".xls", ".parquet", ".json", ".jsonl", ".feather", ".gz", ".zip"}
_OTHER = {".py", ".ipynb", ".md", ".docx", ".doc", ".pdf", ".rtf", ".html", ".yml", ".yaml"}
_BEGINS_SQL = re.compile(
    r"(?:SELECT|WITH|SET|UNSET|USE|CREATE|SHOW|DESC|DESCRIBE|EXPLAIN|LIST|LS|ALTER|INSERT|UPDATE|DELETE|MERGE|DROP"
    r"|TRUNCATE|CALL|COPY|BEGIN|VALUES)\b\s*\S|\(|--|//|/\*",
    re.IGNORECASE,
)
# These bytes are rare in Windows-1252 text; in other code pages they are accented letters.
_DOUBTFUL = re.compile(rb"[\x82-\x84\x86-\x8c\x8e\x98\x9a-\x9c\x9e\x9f\xa1-\xa4]")
_DRIVE = re.compile(r"[A-Za-z]:[\\/\s]")


def read_script(script: str | Path, name: str | None = None) -> tuple[str, str]:
    """Return the text of a script, given as SQL text or as the path of a .sql file, and the name of its job.

    A file may be UTF-8, UTF-16 (with a byte-order mark) or Windows-1252. Raises ScriptError if it is neither
    text nor a readable file.

    >>> read_script("SELECT 1 AS a")
    ('SELECT 1 AS a', 'script')
    """
    if path := _path_of(script):
        return _file_text(path), name or path.stem
    text = str(script)
    if not text.lstrip("\ufeff").strip():
        raise ScriptError("the script is empty")
    if len(text.split()) == 1 and (failure := one_word(text.strip())):
        raise failure
    return text, name or "script"


def script_id(text: str) -> str:
    """Return a short id of a script's text, the same on every machine; line ends do not count.

    >>> script_id("SELECT 1\\r\\nAS a") == script_id("SELECT 1\\nAS a")
    True
    """
    return hashlib.sha256(text.strip().replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _path_of(script: object) -> Path | None:
    """Return the path of the script's file, or None if the script is SQL text."""
    if isinstance(script, Path):
        return _expanded(str(script))
    if not isinstance(script, str):
        raise not_a_script(script)
    text = script.strip().strip("\ufeff").strip()
    bare = text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    if _DRIVE.match(bare) and bare.lower().endswith(".sql") and re.search(r"[\n\r\t\f\v\a\b]", bare):
        raise ScriptError(
            'the path of the script has a control character, as "C:\\new.sql" has in Python; write it as r"C:\\new.sql"'
        )
    if not bare or "\n" in bare or len(bare) > _LONGEST_PATH:
        return None
    path = _expanded(bare)
    if _exists(path):
        return path
    return path if _names_a_file(bare) else None


def _names_a_file(text: str) -> bool:
    """Whether one line of text, with no file of that name, is meant as a path."""
    if _BEGINS_SQL.match(text) and not re.match(r"\S+\.\w+$", text):
        return False
    suffix = Path(text.replace("\\", "/")).suffix.lower()
    return (
        suffix == ".sql"
        or (suffix in _DATA | _OTHER | {".txt"} and ";" not in text)
        or bool(re.match(r"(~|\.{1,2}|[A-Za-z]:)?[\\/][^\s;*]+$", text))
    )


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        failure = ScriptError(
            f"the script's path begins with {text.split('/')[0]}, and there is no such user on this machine"
        )
    raise failure


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _file_text(path: Path) -> str:
    """Read a file's text. Raises ScriptError with the reason if it is not a readable script."""
    if path.is_dir():
        raise ScriptError(f"{path} is a folder, not a script; name the .sql file in it")
    if path.suffix.lower() in _DATA:
        raise data_file(path)
    if path.suffix.lower() in _OTHER:
        raise ScriptError(f"{path.name} is not a script; name a .sql file, or pass the SQL as text")
    if not _exists(path):
        raise no_such_file(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        failure = ScriptError(
            f"the script file {path} cannot be opened ({error.strerror or type(error).__name__}); "
            "look at its permissions"
        )
    else:
        text = decoded(data, path)
        if text.strip():
            return text
        failure = ScriptError(f"the script file {path} is empty")
    raise failure


def decoded(data: bytes, path: Path, error: type[InputError] = ScriptError) -> str:
    """Decode a file by its byte-order mark, else as UTF-8, else as Windows-1252 if charset-normalizer agrees.

    Raises `error` for bytes that are not such text.
    """
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = "\x00" if encoding != "utf-8" else _detected(data)
    if "\x00" in text:
        what = "the script file " if error is ScriptError else ""
        raise error(
            f"{what}{path} is not text in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252; save it as UTF-8"
        )
    return text.removeprefix("\ufeff")


def _detected(data: bytes) -> str:
    """Decode bytes that are not UTF-8; return a NUL if they are not Windows-1252 text either."""
    from charset_normalizer import from_bytes

    found = from_bytes(data, cp_isolation=["cp1252"]).best()
    return "\x00" if found is None or _DOUBTFUL.search(data) else data.decode("cp1252")
