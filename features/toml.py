"""TOML files: read strictly, in one way for all of them; and values as their text."""

import codecs
import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import BadInput, shortened
from features.masking import without_secrets


class Strict(BaseModel):
    """A table of a TOML file: unknown keys, other types and NaN are refused. `removed_keys` are the
    keys that an earlier release had, in full, and why they were removed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    removed_keys: ClassVar[Mapping[str, str]] = {}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, without_secrets(value) if isinstance(value, str) else value


File = TypeVar("File", bound=Strict)


def read_toml(path: Path, model: type[File], if_missing: str = "") -> File:
    """The content of a TOML file.

    Raises BadInput, in one message, where there is no such file (`if_missing` says what to do),
    it is not UTF-8 or not TOML, and for every key and value that does not fit the model, unknown
    keys with the nearest known one.
    """
    return parse_toml(read_text(path, if_missing), path, model)


def read_text(path: Path, if_missing: str = "") -> str:
    """The text of a UTF-8 file (or UTF-16, where its byte-order mark says so), without that mark.
    Raises BadInput as `read_toml`."""
    try:
        content = path.read_bytes()
        is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
        return text.replace("\r\n", "\n")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise BadInput(f"There is no file {path}{if_missing or '.'}") from None
    except UnicodeDecodeError as error:
        content = error.object
        line = content.count(b"\n", 0, error.start) + 1
        place = error.start - content.rfind(b"\n", 0, error.start)
        raise BadInput(
            f"{path} is not UTF-8 text: line {line}, byte {place} is 0x{content[error.start]:02x}. "
            "Save it as UTF-8."
        ) from None
    except (OSError, ValueError) as error:  # of them one for a NUL in the path
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', error)}") from None


def parse_toml(text: str, path: Path, model: type[File]) -> File:
    """The content of the text of a TOML file; `path` is for the message. Raises BadInput as
    `read_toml`."""
    return validate_toml(load_toml(text, path), path, model)


def load_toml(text: str, path: Path) -> dict[str, Any]:
    """The content of the text of a TOML file. Raises BadInput where it is not TOML."""
    try:
        return tomllib.loads(text)
    except ValueError as error:  # of them one for a number of more than 4,300 digits
        raise BadInput(f"{path} is not valid TOML: {shortened(str(error))}") from None
    except RecursionError:
        raise BadInput(f"{path} has brackets within brackets, too deep to be read.") from None


def validate_toml(
    content: Mapping[str, Any], path: Path, model: type[File], within: str = ""
) -> File:
    """The content of a TOML file as its model; `within` stands before the keys of messages. Raises
    BadInput with every fault."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = _faults(error.errors(), content, model, within)
        raise BadInput(faults_text(path, faults)) from None


def faults_text(path: Path, faults: Sequence[str]) -> str:
    """The message of a file's faults, a line for each."""
    lines = "".join(f"\n  {fault}" for fault in faults)
    return f"{path} has {len(faults)} fault{'s' * (len(faults) > 1)}:{lines}"


Place = tuple[str | int, ...]  # keys of tables, and places in lists


def _faults(
    faults: Sequence[Any], content: Mapping[str, Any], model: type[Strict], within: str
) -> list[str]:
    """A line for each place. Of a value that may be one of several things there is a fault for each
    of them: they are one, and what lies deeper, within the thing that was meant, is the fault."""
    by_place: dict[Place, list[Any]] = {}
    for fault in faults:
        by_place.setdefault(_place(fault, content), []).append(fault)
    deepest = [
        place
        for place, several in by_place.items()
        if len(place) == len(several[0]["loc"])
        or not any(other[: len(place)] == place != other for other in by_place)
    ]
    return [_fault(by_place[place], place, model, within) for place in deepest]


def _place(fault: Any, content: Any) -> Place:
    """Where a fault is in the file: pydantic's location without what is not the user's, the kinds
    that a value may be of, `list[int]`."""
    place: list[str | int] = []
    for part in fault["loc"]:
        is_there = isinstance(content, Mapping) and part in content
        is_there |= isinstance(content, list) and isinstance(part, int) and part < len(content)
        if is_there:
            content = content[part]
            place.append(part)
    if fault["type"] == "missing":
        place.append(fault["loc"][-1])
    return tuple(place)


def _fault(faults: Sequence[Any], place: Place, model: type[Strict], within: str) -> str:
    """In a line: the place, what is expected (one of several things, if so), the nearest known
    key."""
    fault, key = faults[0], shortened(".".join(str(part) for part in place))
    where = f"{within}{key}" if key else within.removesuffix(".") or "the file"
    match fault["type"]:
        case "extra_forbidden" if key in model.removed_keys:
            return f"{where}: was removed, delete this line: {model.removed_keys[key]}"
        case "extra_forbidden":
            return f"{where}: unknown key; {_nearest(fault['loc'], model)}"
        case "missing":
            return f"{where}: is required"
        case "value_error":
            return f"{where}: {fault['ctx']['error']}"
    if fault["type"] in _OF_TIMES and isinstance(fault["input"], str):
        example = _as_date(fault["input"]) or "2027-03-31"
        return f"{where}: a date has no quotes in TOML; write {key.rpartition('.')[2]} = {example}"
    should = " or ".join(dict.fromkeys(map(_should, faults))).replace(" or should be", " or")
    return f"{where}: {should}; it is {shortened(repr(fault['input']))}"


def _should(fault: Any) -> str:
    """What a value should be."""
    should = re.sub(
        r"^\w+ should ", "should ", fault["msg"]
    )  # "Input should be", "List should have"
    should = should.replace(" after validation", "").replace("valid dictionary", "table")
    return re.sub(r" (?:or|and) instance of \w+", "", should)


# The faults of what is no date, or no time, in pydantic.
_OF_TIMES = {"date_type", "datetime_type", "date_from_datetime_inexact"}


def _as_date(text: str) -> str | None:
    """The text as TOML has a date or a time; None where it is none."""
    with suppress(ValueError):
        tomllib.loads(f"it = {text}\n")
        datetime.fromisoformat(text)
        return text
    return None


def _nearest(location: Place, model: type[BaseModel]) -> str:
    """The known key nearest to an unknown one: in the same table, else anywhere in the file."""
    here = _keys_at(model, location[:-1])
    inside = {name: _keys_at(model, (name,)) for name in _keys_at(model, ())}
    anywhere = {name: f"{name} above the first [section]" for name in inside if not inside[name]}
    anywhere |= {key: f"[{name}] {key}" for name, keys in inside.items() for key in keys}
    for known in (dict(zip(here, here, strict=True)), anywhere):
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        if near:
            return f"did you mean {known[near[0]]}?"
    return f"known here: {', '.join(here)}"


def _keys_at(model: type[BaseModel], location: Place) -> list[str]:
    """The keys that the model has at a place of the file, of all things that may stand there; none
    within a plain value."""
    models = [model]
    for part in location:
        name = str(part)
        fields = [each.model_fields[name] for each in models if name in each.model_fields]
        if fields:
            models = [each for field in fields for each in _models_in(field.annotation)]
    keys = (
        field.alias or name
        for each in models
        for name, field in each.model_fields.items()
        if name != "path"
    )
    return list(dict.fromkeys(keys))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models inside an annotation such as `list[Rule]` or `dict[str, Group]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for part in getattr(annotation, "__args__", ()) for each in _models_in(part)]


def toml_value(value: Any) -> str:
    """A text, number, bool, time, list or dict in TOML, on one line; a whole number is written as
    such.

    >>> print(toml_value({"warm": 20.0, "is": ["a", 1.5, True]}))
    { warm = 20, is = ["a", 1.5, true] }
    """
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            return (
                "{ " + ", ".join(f"{_key(key)} = {toml_value(v)}" for key, v in _set(value)) + " }"
            )
        case date():  # or datetime
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(map(toml_value, value))}]"
        case float() if value.is_integer():
            return str(int(value))
    return repr(value)


def toml_text(content: Mapping[str, Any]) -> str:
    """The text of a TOML file with this content, a line per key; None is a key that is not there.

    >>> print(toml_text({"name": "ours", "words": {"e-mail sent": "was sent an e-mail"}}), end="")
    name = "ours"
    words = { "e-mail sent" = "was sent an e-mail" }
    """
    return "".join(f"{_key(key)} = {toml_value(value)}\n" for key, value in _set(content))


def _set(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in content.items() if value is not None)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)
