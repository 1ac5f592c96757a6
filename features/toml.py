"""Values as the text of a TOML file."""

import json
from typing import Any


def toml_value(value: Any) -> str:
    """A text, number, bool, list or dict in TOML, on one line; a whole number is written as such.

    >>> print(toml_value({"warm": 20.0, "is": ["a", 1.5, True]}))
    { warm = 20, is = ["a", 1.5, true] }
    """
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            return "{ " + ", ".join(f"{key} = {toml_value(v)}" for key, v in value.items()) + " }"
        case list():
            return f"[{', '.join(map(toml_value, value))}]"
        case float() if value.is_integer():
            return str(int(value))
    return repr(value)
