"""Read settings from the environment, .env files and a folder of secrets.

Every LEADFLOW_ name must be a setting. An unknown name is an error that names the nearest setting. Names may be in any
case, as in pydantic-settings.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource

from leadflow.settings.nearest import nearest, plain, similarity
from leadflow.settings.textfile import read_text

PREFIX = "LEADFLOW_"
EnvFiles = str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None
# The test suite and lf.local.start() read these names.
_NO_SETTINGS = {"LEADFLOW_SCREENSHOTS", "LEADFLOW_LOCAL_PYTHON"}
_PLACEHOLDER = re.compile(r"\.{3,}|…|<[^<>]*>")
_LIKE_PREFIX = 0.8
_LIKE_NAME = 0.85


@dataclass(frozen=True)
class Place:
    """The names and values of one source; `where` describes the source, as in "in .env"."""

    where: str
    names: Mapping[str, str | None]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """The names of settings. `single` maps each name to its field; `open_` holds prefixes that accept any key."""

    single: dict[str, Any] = field(default_factory=dict)
    open_: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: type[BaseModel], prefix: str = PREFIX) -> Known:
        """Return all names of a settings class, with the names of its parts and their members."""
        found, below = {}, []
        for name, info in model.model_fields.items():
            full, kind = f"{prefix}{name}".upper(), info.annotation
            found[full] = info
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                part = cls.of(kind, f"{full}__")
                found |= part.single
                below += part.open_
            elif getattr(kind, "__origin__", None) is dict:
                below.append(f"{full}__")
        return cls(found, tuple(below))

    def holds(self, name: str) -> bool:
        """Whether this upper-case name is a setting, or a key of a setting that is a mapping."""
        return name in self.single or any(name.startswith(prefix) and len(name) > len(prefix) for prefix in self.open_)


def places(env_files: EnvFiles, encoding: str | None, secrets_dir: Any) -> list[Place]:
    """Return all sources of settings; a later source overrides an earlier one."""
    listed = [env_files] if isinstance(env_files, str | os.PathLike) else list(env_files or ())
    found = [_secrets(Path(folder).expanduser()) for folder in _folders(secrets_dir)]
    found += [_env_file(path, encoding) for name in listed if (path := Path(name).expanduser()).is_file()]
    return [*found, Place("in the environment", os.environ)]


def _folders(secrets_dir: Any) -> list[Any]:
    return [secrets_dir] if isinstance(secrets_dir, str | os.PathLike) else list(secrets_dir or ())


def _secrets(folder: Path) -> Place:
    """Read a folder of secrets as Docker mounts it: one file per setting, named like the setting."""
    if not folder.is_dir():
        return Place(f"in {folder}", {}, (f"there is no folder of secrets at {folder}",))
    names = {
        path.name: path for path in sorted(folder.iterdir()) if path.is_file() and path.name.upper().startswith(PREFIX)
    }
    texts = {name: read_text(path) for name, path in names.items()}
    faults = [_uncertain(path) for name, path in names.items() if not texts[name][1]]
    return Place(f"in {folder}", {name: text.rstrip("\r\n") for name, (text, _) in texts.items()}, tuple(faults))


def _uncertain(path: Path) -> str:
    return f"{path} has a setting with characters that are not UTF-8; save the file as UTF-8"


def _env_file(path: Path, encoding: str | None) -> Place:
    """Read a .env file. A line is a fault if python-dotenv would skip it or append it to another value."""
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    text, certain = read_text(path, encoding)
    faults: list[str] = []
    seen: dict[str, str | None] = {}
    for binding in parse_stream(io.StringIO(text)):
        first, *others = binding.original.string.strip().splitlines() or [""]
        if binding.error and _is_ours(first):
            faults.append(f"line {binding.original.line} of {path.name} is not NAME=value")
        elif any(map(_is_ours, others)):
            faults.append(
                f"a quote of line {binding.original.line} of {path.name} is not closed, "
                f"so that a later {PREFIX} line belongs to its value"
            )
        name = (binding.key or "").upper()
        if name.startswith(PREFIX) and seen.setdefault(name, binding.value) != binding.value:
            faults.append(f"{name} stands twice in {path.name} with different values; keep one")
    with _WithoutLogging(logging.getLogger("dotenv.main")):
        names = dotenv_values(stream=io.StringIO(text))
    if not certain and any(
        name.upper().startswith(PREFIX) and not (value or "").isascii() for name, value in names.items()
    ):
        faults.append(_uncertain(path))
    return Place(f"in {path.name}", names, tuple(faults))


class _WithoutLogging:
    """Disable a logger while leadflow collects the same faults for its own error."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger, self._before = logger, logger.disabled

    def __enter__(self) -> None:
        self._logger.disabled = True

    def __exit__(self, *_: object) -> None:
        self._logger.disabled = self._before


def _is_ours(line: str) -> bool:
    return bool(re.match(r"\W*(export\s+|set\s+|\$env:)?LEADFLOW", line, re.IGNORECASE))


def read(model: type[BaseSettings], found: Iterable[Place]) -> tuple[dict[str, Any], list[str]]:
    """Return the values as nested dicts for a settings class, and one sentence per fault."""
    known = Known.of(model)
    values: dict[str, str] = {}
    faults: list[str] = []
    for place in found:
        faults += place.faults
        values |= _named(place, known, faults)
    source = EnvSettingsSource(model)
    for name in [*values]:
        info = known.single.get(name)
        if info is None or not source.field_is_complex(info) or _takes_text(info):
            continue
        if fault := _json_fault(name, values[name], known):
            faults.append(fault)
            del values[name]
    source.env_vars = {name.lower(): value for name, value in values.items()}
    return source(), faults


def _takes_text(info: Any) -> bool:
    """Whether a setting may be plain text, or a JSON list."""
    return isinstance(info.annotation, UnionType) and not {str, Path}.isdisjoint(get_args(info.annotation))


def _named(place: Place, known: Known, faults: list[str]) -> dict[str, str]:
    """Return the settings of one source by upper-case name."""
    values: dict[str, str] = {}
    for written, value in place.names.items():
        name = written.upper()
        if name in _NO_SETTINGS:
            continue
        if not known.holds(name):
            faults += (
                [f"{written}, {place.where}, is no setting; the nearest is {near}"]
                if (near := _suggestion(name, known))
                else []
            )
        elif fault := _value_fault(value, known.single.get(name)):
            faults.append(f"{name}, {place.where}, {fault}")
        elif value is not None and values.setdefault(name, value) != value:
            faults.append(f"{name} stands twice {place.where}, in different case and with different values; keep one")
    return values


def _value_fault(value: str | None, info: Any) -> str:
    """Return the fault of a value that is wrong for every type, or "" if there is none."""
    if value is None:
        return "has no value; write NAME=value"
    if not value.strip() and not (info is not None and info.default == ""):
        return "is empty; give it a value or remove it"
    return (
        "still holds a placeholder; give it your own value or remove it"
        if _PLACEHOLDER.fullmatch(value.strip())
        else ""
    )


def _suggestion(name: str, known: Known) -> str:
    """Return the setting nearest to an unknown name, or "" if the name belongs to another program."""
    if name.startswith(PREFIX) or _is_misspelt_prefix(name, known):
        tail = plain(name)[len(plain(PREFIX)) :]
        ends = [k for k in known.single if tail and k.endswith(f"__{tail}") and "__" in k]
        return " or ".join(ends) if len(ends) > 1 else nearest(name, known.single)
    return ""


def _is_misspelt_prefix(name: str, known: Known) -> bool:
    """Whether a name resembles LEADFLOW_ plus a setting, as LEADFOW_MAX_COST and LEAD_FLOW_HOME do."""
    ours = plain(PREFIX)
    parts = [part for part in re.split(r"[^A-Z0-9]+", name) if part]
    cuts = [("".join(parts[:n]), "".join(parts[n:])) for n in (1, 2)]
    cuts += [(ours, plain(name)[len(ours) :])] if plain(name).startswith(ours) else []
    for head, tail in cuts:
        if tail and similarity(head, ours) >= _LIKE_PREFIX:
            # A single word such as HOME or PRICE may belong to another program.
            tails = [plain(k)[len(ours) :] for k in known.single if head == ours or "_" in k.removeprefix(PREFIX)]
            if any(similarity(tail, other) >= _LIKE_NAME for other in tails):
                return True
    return False


def _json_fault(name: str, value: str, known: Known) -> str:
    """Return why a value is not the JSON that its setting needs, or "". The text omits the value: it may be secret."""
    info = known.single[name]
    is_list = getattr(info.annotation, "__origin__", None) is tuple
    example = (
        f"""a JSON list such as {name}='["a", "b"]'"""
        if is_list
        else f"""a JSON object such as {name}='{{"key": "value"}}'"""
    )
    single = next((k for k in known.single if k.startswith(f"{name}__")), "")
    also = f", or single values such as {single}" if single else ""
    try:
        read_json = json.loads(value, object_pairs_hook=_without_repeats)
    except ValueError as error:
        what = "says a key twice" if isinstance(error, _RepeatedKeyError) else "is not JSON"
        return f"{name} {what}; write {example}{also}"
    return (
        ""
        if isinstance(read_json, list if is_list else dict)
        else f"{name} is JSON of another kind; write {example}{also}"
    )


class _RepeatedKeyError(ValueError):
    """A JSON object contains a key twice; Python's parser would keep only the last value."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKeyError
    return found


def home() -> Path:
    """Return the folder of history and checkpoints: LEADFLOW_HOME in the environment or .env, else ~/.leadflow.

    Raises SettingsError if .env cannot be read.
    """
    found = "~/.leadflow"
    for place in places(".env", None, None):
        found = next((value for name, value in place.names.items() if name.upper() == f"{PREFIX}HOME" and value), found)
    return Path(found).expanduser()
