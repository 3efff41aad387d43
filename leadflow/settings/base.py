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
    """True is not 1, and "0,12" or "$0.12" would be read by one person as another amount than by the next."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    value = value.strip() if isinstance(value, str) else value
    if isinstance(value, str) and re.search(r"[\s,$€_]", value):
        raise ValueError("must be a plain number such as 0.12, without a comma, a blank or a currency sign")
    return value


def _as_text(value: Any) -> Any:
    """A number that only names something is as good as its digits."""
    return str(value) if type(value) is int else value


def _words(value: Any) -> Any:
    """A list of words; text, as of an environment variable, is split at its commas."""
    if isinstance(value, str | int):
        return tuple(word.strip() for word in str(value).split(",") if word.strip())
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(word, str | int) for word in value):
        return tuple(map(str, value))
    raise ValueError("must be words with commas between, or a JSON list of them")


def _paths(value: Any) -> Any:
    """One path, or a list of paths."""
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
# Text is among the types so that an environment variable need not be JSON.
Words = Annotated[tuple[str, ...] | str, BeforeValidator(_words)]
Paths = Annotated[Path | tuple[Path, ...], BeforeValidator(_paths)]


class Checked(BaseModel):
    """A model that raises SettingsError; `model_copy(update=...)` validates names and values like the constructor."""

    # What to set first, in a class that no single setting is required of.
    usual: ClassVar[tuple[str, ...]] = ()

    if not TYPE_CHECKING:

        def __init__(self, **values: Any) -> None:
            fill(self, values, [])

        # Parts of Settings are validated with it, so that one error says what is wrong in all of them.
        __init__.__pydantic_base_init__ = True

        def __setattr__(self, name: str, value: Any) -> None:
            """Raises SettingsError: settings are changed by a copy."""
            raise SettingsError(
                f"settings are not changed in place; make a copy with model_copy(update={{{name!r}: ...}})"
            )

        @classmethod
        def model_validate(cls, obj: Any, **options: Any) -> Self:
            """The settings of a dict; raises SettingsError as the class itself does."""
            return cls(**obj) if isinstance(obj, dict) and not options else super().model_validate(obj, **options)

    def model_copy(self, *, update: Any = None, deep: bool = False) -> Self:
        """A copy with some values changed. Raises SettingsError for an unknown name or a value that cannot be used."""
        if not update:
            return super().model_copy(deep=deep)
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return fill(type(self).__new__(type(self)), {**values, **update}, [])


class Part(Checked):
    """One part of Settings: frozen, no unknown names, no value in an error."""

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
        # Raised here, it does not carry pydantic's error along, whose traceback may show a secret.
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
    """The class that the last name of a path belongs to."""
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
    """A part that is missing as a whole, by the members it cannot do without."""
    kind = owner.model_fields[name].annotation if name in owner.model_fields else None
    if not (isinstance(kind, type) and issubclass(kind, Checked)):
        return shown
    needed = [member for member, info in kind.model_fields.items() if info.is_required()] or list(kind.usual)
    return (", " if len(needed) > 2 else " or ").join(f"{shown}__{member.upper()}" for member in needed)
