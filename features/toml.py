"""Values as the text of a TOML file."""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any


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
                "{ "
                + ", ".join(f"{_key(key)} = {toml_value(v)}" for key, v in value.items())
                + " }"
            )
        case date():  # or datetime
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(map(toml_value, value))}]"
        case float() if value.is_integer():
            return str(int(value))
    return repr(value)


def toml_text(content: Mapping[str, Any]) -> str:
    """The text of a TOML file with this content, a line per key.

    >>> print(toml_text({"name": "ours", "words": {"e-mail sent": "was sent an e-mail"}}), end="")
    name = "ours"
    words = { "e-mail sent" = "was sent an e-mail" }
    """
    return "".join(f"{_key(key)} = {toml_value(value)}\n" for key, value in content.items())


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)
