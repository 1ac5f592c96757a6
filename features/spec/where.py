"""A condition on an event's own properties, beside its action.

>>> Where(content="/pricing/*", value_from=100).name
'[content="/pricing/*", value>=100]'
>>> Where(content="/pricing/*", value_from=100).words
'content /pricing/*, value from 100'
"""

import json
import re
from dataclasses import dataclass

from features.sql import literal


@dataclass(frozen=True)
class Where:
    """The properties that an event must have; those left None may be anything.

    content, source: the whole text, letter by letter; each * in it stands for any text, also none.
    value_from <= value < value_below. A property that is null never fits.
    """

    content: str | None = None
    source: str | None = None
    value_from: float | None = None
    value_below: float | None = None

    @property
    def name(self) -> str:
        """Part of a feature's name: different conditions have different names."""
        parts = [f"{key}={json.dumps(text, ensure_ascii=False)}" for key, text in self._texts]
        parts += [f"value{sign}{_number(bound)}" for sign, bound in self._bounds]
        return f"[{', '.join(parts)}]"

    @property
    def words(self) -> str:
        """The condition in words."""
        parts = [f"{key} {text}" for key, text in self._texts]
        signs = {">=": "from", "<": "below"}
        return ", ".join(parts + [f"value {signs[sign]} {b:,g}" for sign, b in self._bounds])

    @property
    def sql(self) -> tuple[str, ...]:
        """The terms that all hold for such an event, over its columns content, source, value."""
        terms = [fits_sql(column, text) for column, text in self._texts]
        terms += [f"value {sign} {float(bound)!r}::DOUBLE" for sign, bound in self._bounds]
        return tuple(terms)

    @property
    def _texts(self) -> list[tuple[str, str]]:
        texts = (("content", self.content), ("source", self.source))
        return [(column, text) for column, text in texts if text is not None]

    @property
    def _bounds(self) -> list[tuple[str, float]]:
        bounds = ((">=", self.value_from), ("<", self.value_below))
        return [(sign, bound) for sign, bound in bounds if bound is not None]


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which each * stands for any text.

    >>> fits("/pricing/*", "/pricing/teams"), fits("/pricing/*", "/pricing"), fits("a?", "ab")
    (True, False, False)
    """
    first, *between = pattern.split("*")
    if not between:
        return text == pattern
    *between, last = between
    if not text.startswith(first):
        return False
    place = len(first)
    for part in between:  # each where it is found first: no other choice leaves more room
        place = text.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return len(text) - place >= len(last) and text.endswith(last)


def fits_sql(column: str, pattern: str) -> str:
    """`fits` as an SQL condition on a text. DuckDB's LIKE with ESCAPE tries all ways to place
    several %, which takes minutes for ten of them; its regular expressions never do."""
    parts = pattern.split("*")
    match parts:
        case [_]:
            return f"{column} = {literal(pattern)}"
        case [_, _]:
            like = re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%")
            return f"{column} LIKE {literal(like)} ESCAPE '\\'"
        case ["", part, ""]:
            return f"contains({column}, {literal(part)})"
    expression = literal("(?s)" + ".*".join(map(re.escape, parts)))
    return f"regexp_full_match({column}, {expression})"


def _number(number: float) -> str:
    return repr(float(number)).removesuffix(".0")
