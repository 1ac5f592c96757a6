"""Seniority and department, read from the leads' titles by an editable table.

    [[title]]
    words = ["head of", "leiter*", "directeur*"]
    seniority = "director"

An entry knows a title that has one of its `words`: a word, or several in a row, whole, where * is
any run of letters in a word. Case, accents and all but letters and digits do not matter. Of each
of the two the first entry of the table that knows the title decides. A title that none knows is
null: nothing is guessed.

The table is `titles.toml` next to readiness.toml, else the one in this folder. A feature carries
its part of the table, so that a stored model goes by the one it was trained with.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from features.config import Config
from features.spec.accounts import IS_OPEN
from features.spec.kinds import Attribute, DaysSinceDate
from features.spec.spec import OfLead, Spec
from features.spec.wording import Words, people
from features.sql import literal, quoted
from features.toml import Strict, read_toml

DEFAULT = Path(__file__).with_name("titles.toml")
Axis = Literal["seniority", "department"]
AXES: tuple[Axis, ...] = ("seniority", "department")


@dataclass(frozen=True)
class OfTitle(OfLead):
    """What a table reads out of the lead's title, as known at its creation: its seniority or its
    department; null where no entry knows it. `table` is JSON: a list of [value, [words]], of which
    the first decides."""

    is_countable = True
    is_text = True

    axis: Axis
    column: str
    table: str

    @property
    def name(self) -> str:
        return self.axis

    @property
    def topic(self) -> str:
        return self.axis

    @property
    def sql(self) -> str:
        # A subquery of its own: DuckDB works it out once per distinct title, not per snapshot,
        # which takes a fiftieth of the time.
        cases = " ".join(
            f"WHEN regexp_matches(title, {literal(pattern(words))}) THEN {literal(value)}"
            for value, words in json.loads(self.table)
        )
        text = f"lower(TRY_CAST(l.{quoted(self.column)} AS VARCHAR))"
        text = f"strip_accents(replace({text}, 'ß', 'ss'))"
        text = rf"' ' || regexp_replace({text}, '[^\p{{L}}\p{{N}}]+', ' ', 'g') || ' '"
        of_title = f"CASE {cases} END" if cases else "NULL::VARCHAR"
        return f"(SELECT {of_title} FROM (SELECT {text} AS title))"

    @property
    def values(self) -> tuple[str, ...]:
        """What it may be."""
        return tuple(dict.fromkeys(value for value, _ in json.loads(self.table)))

    def meaning(self, words: Words) -> str:
        return words.get(self.axis, self.axis)


@dataclass(frozen=True)
class OpenPeopleOfTitle(OfLead):
    """People of an account whose own lead is open at the cutoff and whose title says `value`; only
    where accounts are what is scored (features/contract/whole_accounts.py)."""

    is_countable = True
    topic = "people"

    of: OfTitle
    value: str

    @property
    def name(self) -> str:
        return f"people_open({self.of.axis}={self.value})"

    @property
    def sql(self) -> str:
        return (
            "(SELECT count(*)::DOUBLE FROM open_people p JOIN main.leads l ON l.lead_id = p.person "
            f"WHERE {IS_OPEN} AND {self.of.sql} = {literal(self.value)})"
        )

    def meaning(self, words: Words) -> str:
        return f"people whose lead is open, {self.of.meaning(words)} {self.value}"

    def fact(self, value: float, words: Words) -> str:
        return f"{people(value)} open with {self.of.meaning(words)} {self.value}"


OfColumn = Attribute | DaysSinceDate | OfTitle  # what is read off one column of leads


def titles_of(specs: Iterable[Spec]) -> tuple[str, ...]:
    """The columns of titles that some specs read."""
    own = (spec.of if isinstance(spec, OpenPeopleOfTitle) else spec for spec in specs)
    return tuple(dict.fromkeys(spec.column for spec in own if isinstance(spec, OfTitle)))


def folded(words: str) -> str:
    """Words of the table as they are compared.

    >>> folded("Geschäftsführ*"), folded("Chef d'équipe")
    ('geschaftsfuhr*', 'chef d equipe')
    """
    letters = unicodedata.normalize("NFD", words.lower().replace("ß", "ss"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.findall(r"(?:[^\W_]|\*)+", plain))


def pattern(words: Iterable[str]) -> str:
    """A pattern for folded texts with a blank at both ends; words: letters, digits, blanks, *."""
    return f" (?:{'|'.join(words).replace('*', '[^ ]*')}) "


def _words(words: str) -> str:
    if not folded(words).strip("* "):
        raise ValueError(f"{words!r} has no letter and no digit: it would fit everything")
    return folded(words)


def _value(value: str) -> str:
    if value != value.strip() or not value or not value.isprintable() or ";" in value:
        raise ValueError(f"{value!r} must be one line of text, without a semicolon")
    return value


Value = Annotated[str, AfterValidator(_value)]
WordList = Annotated[list[Annotated[str, AfterValidator(_words)]], Field(min_length=1)]


class Entry(Strict):
    """Titles with one of the `words` have this seniority, this department, or both."""

    words: WordList
    seniority: Value | None = None
    department: Value | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Entry":
        if self.seniority is None and self.department is None:
            raise ValueError("an entry names a seniority, a department, or both")
        return self


class Titles(Strict):
    """The whole of titles.toml."""

    title: list[Entry] = Field(default_factory=list)

    def features(self, column: str) -> tuple[OfTitle, ...]:
        """Seniority and department of the titles in a column of leads."""
        return tuple(OfTitle(axis, column, self._table(axis)) for axis in AXES)

    def _table(self, axis: Axis) -> str:
        """The entries that have the axis; those in a row with one value are one."""
        named = [(getattr(entry, axis), entry.words) for entry in self.title]
        rows = groupby((row for row in named if row[0] is not None), key=lambda row: row[0])
        merged = [[value, [word for _, words in same for word in words]] for value, same in rows]
        return json.dumps(merged, ensure_ascii=False)


def load_titles(config: Config) -> Titles:
    """Read the table of titles: the titles.toml that readiness.toml names, or that is there under
    that name; else the default. Raises BadInput for a faulty one, and where the one named is
    missing."""
    path = config.optional_file("titles") or DEFAULT
    advice = "; readiness.toml names it under `titles`. Correct the path, or delete that line."
    return read_toml(path, Titles, advice)
