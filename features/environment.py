"""Settings that name an environment variable, as ${NAME}, so that no file shows a secret."""

import os
import re
from collections.abc import Callable
from urllib.parse import quote

from features.errors import BadInput

VARIABLE = re.compile(r"\$\{(\w+)\}")


def from_environment(text: str, key: str, spelled: Callable[[str], str] = str) -> str:
    """A text of a `key` of readiness.toml, each ${NAME} in it replaced from the environment, as
    `spelled` writes it. Raises BadInput for a variable that is not set, or is
    empty."""

    def value(match: re.Match[str]) -> str:
        if not os.environ.get(match[1]):
            empty = "is empty" if match[1] in os.environ else "is not set"
            raise BadInput(
                f"{key} names the environment variable {match[1]}, which {empty}: "
                f"export {match[1]}='...'"
            )
        return spelled(os.environ[match[1]])

    return VARIABLE.sub(value, text)


def url_from_environment(url: str, key: str) -> str:
    """A URL, each ${NAME} in it replaced from the environment; a variable that is a part of it may
    have any characters. Raises as from_environment.

    >>> os.environ["DOCTEST_PASSWORD"] = "p@ss/word"
    >>> url_from_environment("postgresql://anna:${DOCTEST_PASSWORD}@host/db", "mlflow.uri")
    'postgresql://anna:p%40ss%2Fword@host/db'
    >>> del os.environ["DOCTEST_PASSWORD"]
    """
    if VARIABLE.fullmatch(url):
        return from_environment(url, key)
    return from_environment(url, key, lambda value: quote(value, safe=""))
