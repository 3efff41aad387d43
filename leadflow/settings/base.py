"""The base of all settings classes: strict names and values, and one SettingsError that lists every fault."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from leadflow.errors import SettingsError
from leadflow.settings.nearest import nearest

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# How long a job waits for a vendor that answers that it is busy.
BUSY_WAIT_S = 600.0
STRICT = ConfigDict(
    extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False, str_strip_whitespace=True
)


def safe_url(url: str) -> str:
    """Return an https URL, or an http one to loopback, without a slash at its end. Raises ValueError for others."""
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        return url.rstrip("/")
    raise ValueError("must be https://...; plain http is allowed only to loopback")


def _number(value: Any) -> Any:
    """Reject true and false, and number formats that depend on the reader's locale, such as "0,12" or "$0.12"."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    value = value.strip() if isinstance(value, str) else value
    if isinstance(value, str) and re.search(r"[\s,$€_]", value):
        raise ValueError("must be a plain number such as 0.12, without a comma, a blank or a currency sign")
    return value


def _as_text(value: Any) -> Any:
    """Convert a number to text: an identifier may be given as either."""
    return str(value) if type(value) is int else value


def _words(value: Any) -> Any:
    """Return a tuple of words; split text, such as an environment variable's, at its commas."""
    if isinstance(value, str | int):
        return tuple(word.strip() for word in str(value).split(",") if word.strip())
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(word, str | int) for word in value):
        return tuple(map(str, value))
    raise ValueError("must be words with commas between, or a JSON list of them")


def _paths(value: Any) -> Any:
    """Return one path, or a tuple of paths."""
    if isinstance(value, str | int | os.PathLike):
        return Path(str(value))
    if isinstance(value, list | tuple) and all(isinstance(path, str | os.PathLike) for path in value):
        return tuple(map(Path, value))
    raise ValueError("must be a path, or a JSON list of paths")


Whole = Annotated[int, BeforeValidator(_number)]
Positive = Annotated[int, BeforeValidator(_number), Field(ge=1)]
Real = Annotated[float, BeforeValidator(_number)]
Seconds = Annotated[float, BeforeValidator(_number), Field(gt=0)]
Price = Annotated[float, BeforeValidator(_number), Field(ge=0)]
Secret = Annotated[SecretStr, Field(min_length=1)]
Word = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[Word, BeforeValidator(_as_text)]
# The types include text, so that an environment variable does not have to be JSON.
Words = Annotated[tuple[str, ...] | str, BeforeValidator(_words)]
Paths = Annotated[Path | tuple[Path, ...], BeforeValidator(_paths)]


class Checked(BaseModel):
    """A model that raises SettingsError; `model_copy(update=...)` validates names and values like the constructor."""

    # The settings that an error names first, for a class without required settings.
    usual: ClassVar[tuple[str, ...]] = ()

    if not TYPE_CHECKING:

        def __init__(self, **values: Any) -> None:
            fill(self, values, [])

        # With this flag pydantic validates the parts of Settings together, so that one error lists all faults.
        __init__.__pydantic_base_init__ = True

        def __setattr__(self, name: str, value: Any) -> None:
            """Raise SettingsError: settings are immutable; model_copy makes a changed copy."""
            raise SettingsError(
                f"settings are not changed in place; make a copy with model_copy(update={{{name!r}: ...}})"
            )

        @classmethod
        def model_validate(cls, obj: Any, **options: Any) -> Self:
            """Return the settings in a dict; raise SettingsError as the constructor does."""
            return cls(**obj) if isinstance(obj, dict) and not options else super().model_validate(obj, **options)

    def model_copy(self, *, update: Any = None, deep: bool = False) -> Self:
        """Return a copy with some values changed. Raises SettingsError for an unknown name or an invalid value."""
        if not update:
            return super().model_copy(deep=deep)
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return fill(type(self).__new__(type(self)), {**values, **update}, [])


class Part(Checked):
    """One part of Settings. It is frozen, it rejects unknown names, and its errors contain no values."""

    model_config = STRICT


def fill(model: Any, values: dict[str, Any], faults: list[str]) -> Any:
    """Validate values into a new model. Raises one SettingsError with all faults, including those given."""
    try:
        model.__pydantic_validator__.validate_python(values, self_instance=model)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [*faults, *(_describe(type(model), fault) for fault in found)]
    if faults:
        advice = f". {_ADVICE}" if any(fault.endswith(_NOT_SET) for fault in faults) else ""
        # Raised outside the except block, so that pydantic's error, which may hold a secret, is not its context.
        raise SettingsError(f"the settings cannot be used: {'; '.join(dict.fromkeys(faults))}{advice}")
    return model


_NOT_SET = " is not set"
_ADVICE = "Set what is missing in the environment or in .env, or try lf.local.start()"


def _describe(model: type[BaseModel], fault: Any) -> str:
    """Describe one of pydantic's errors with the setting's name in the environment and without its value."""
    path = [str(part) for part in fault["loc"]]
    owner, name = _owner(model, path), _name(model, path)
    if fault["type"] == "extra_forbidden":
        return (
            f"{name} is no setting; the nearest is {_name(model, [*path[:-1], nearest(path[-1], owner.model_fields)])}"
        )
    if fault["type"] == "missing":
        return f"{_all_of(owner, path[-1], name)}{_NOT_SET}"
    return f"{name}: {fault['msg'].removeprefix('Value error, ')}"


def _owner(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """Return the class that has the last name of a path as a field."""
    for name in path[:-1]:
        kind = model.model_fields[name].annotation if name in model.model_fields else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            break
        model = kind
    return model


def _name(model: type[BaseModel], path: list[str]) -> str:
    prefix = model.model_config.get("env_prefix", "")
    return prefix + "__".join(path).upper() if prefix else ".".join([model.__name__, *path])


def _all_of(owner: type[BaseModel], name: str, shown: str) -> str:
    """Return the names to set for a missing setting; for a missing part, the names of its required members."""
    kind = owner.model_fields[name].annotation if name in owner.model_fields else None
    if not (isinstance(kind, type) and issubclass(kind, Checked)):
        return shown
    needed = [member for member, info in kind.model_fields.items() if info.is_required()] or list(kind.usual)
    return (", " if len(needed) > 2 else " or ").join(f"{shown}__{member.upper()}" for member in needed)
