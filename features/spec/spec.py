"""What a feature is: a typed object that says what is measured at a snapshot (lead, cutoff).

Specs are frozen dataclasses that name themselves; equal specs are the same feature. Each is a leaf,
read off the lead or measured over its events or its account, or is derived from other features. All
kinds are in `features.spec.kinds` and, of accounts, `features.spec.accounts`, but for segments
(`features.conditions.segments`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from features.spec.cells import DAY, Cells
from features.spec.where import Where
from features.spec.wording import Words, during, none_of, number, say

Floats = npt.NDArray[np.float64]

Value = float | str | None


def whole_days(counts: Floats) -> Floats:
    """For each time span one that `days` words alike: whole days, or hours.

    >>> whole_days(np.array([12.4, 12.0, 0.26, 0.25])).tolist()
    [12.0, 12.0, 0.25, 0.25]
    """
    hours = np.rint(counts * 24) / 24
    is_short = (counts >= 0) & (hours < 2)  # 1.99 stays: 48 hours, which are not "2 days"
    return np.where(np.abs(counts) >= 2, np.rint(counts), np.where(is_short, hours, counts))


class Spec(ABC):
    """A feature."""

    # Whether anyone can check a value by looking at the lead and counting.
    is_countable: ClassVar[bool] = False
    # Whether a value is a time span in days.
    in_days: ClassVar[bool] = False

    if TYPE_CHECKING:  # at run time it would be taken for the default of a field, as in Custom

        @property
        @abstractmethod
        def name(self) -> str:
            """Unique: it holds all that makes the spec another one."""

    @property
    def is_text(self) -> bool:
        """Whether the values are text (a category) rather than numbers."""
        return False

    @property
    def topic(self) -> str:
        """What the feature is about; the reasons add up all features about one topic."""
        return getattr(self, "column", None) or action_of(self) or "activity"

    @abstractmethod
    def meaning(self, words: Words) -> str:
        """What the feature measures, for lists and reports."""

    def phrase(self, value: Value, words: Words) -> str:
        """One value as a fact about the lead, for the reasons beside a score. A missing value
        (None, or NaN) says that there was nothing."""
        if value is None or value != value:
            return self.absence(words)
        if isinstance(value, str):
            return f"{self.meaning(words)}: {say(value, words)}"
        return self.fact(value, words)

    def as_worded(self, values: Floats) -> Floats:
        """The values, of which those that are put into the same words may have become one: of a
        long list fewer are left to word."""
        return whole_days(values) if self.in_days else values

    def fact(self, value: float, words: Words) -> str:
        """A number as a fact."""
        return f"{self.meaning(words)}: {number(value)}"

    def absence(self, words: Words) -> str:
        """What a missing value says."""
        return f"{self.meaning(words)}: unknown"


class OfLead(Spec):
    """A leaf that is known without the events."""

    @property
    @abstractmethod
    def sql(self) -> str:
        """Its value, over a snapshot `s` (lead_id, cutoff) and the row `l` of its lead."""


class OfEvents(Spec):
    """A leaf that is measured over the events known before the cutoff."""

    # More columns of a lead's events that the aggregate reads, by name: SQL with window functions
    # over lead_id, occurred_at, known_at and the events' own columns.
    event_columns: ClassVar[Mapping[str, str]] = {}
    # Whether it is null, and not 0, where the aggregate is.
    is_null_without: ClassVar[bool] = False

    @property
    @abstractmethod
    def aggregate(self) -> str:
        """A SQL aggregate over the known events of a snapshot, or over those of the spec's action.

        Columns: action, source, content, value, occurred_at, cutoff, age_us (microseconds from the
        event to the cutoff, > 0) and `event_columns`. Where the spec is `once`: age_us alone. In
        microseconds where the value is `in_days`.
        """

    def result(self, measured: str) -> str:
        """SQL from the aggregate to the value; it is NULL where nothing was known."""
        if self.in_days:
            return f"{measured} / {DAY}::DOUBLE"
        return f"CAST({measured if self.is_null_without else f'coalesce({measured}, 0)'} AS DOUBLE)"

    def absence(self, words: Words) -> str:
        """That there was no such event."""
        window = during(getattr(self, "window", None))
        return none_of(action_of(self), window, words, where_of(self))

    @property
    def once(self) -> str | None:
        """SQL for what counts once however often it was seen, by its latest event: the aggregate is
        then over these. Costs half of count(DISTINCT ...)."""
        return None

    @property
    def cells(self) -> Cells | None:
        """How it is read off what the compiled pass keeps; None where only the SQL measures it."""
        return None


class Derived(Spec):
    """A feature computed from others at the same snapshot."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Spec, ...]:
        """The features that it is computed from."""

    @abstractmethod
    def values(self, columns: Mapping[str, Any]) -> Floats:
        """Its column, from those of the parts by their names; NaN where there is no value."""


@dataclass(frozen=True)
class OfOthers(Spec):
    """A feature of numbers that is measured over more people of the lead's account than itself."""

    of: Spec
    account: str

    @property
    def is_countable(self) -> bool:  # type: ignore[override]  # as that of the feature
        return self.of.is_countable

    @property
    def topic(self) -> str:
        return f"account: {self.of.topic}"

    def as_worded(self, values: Floats) -> Floats:
        return self.of.as_worded(values)


@dataclass(frozen=True)
class OfAccount(OfOthers):
    """A leaf: a feature of numbers of the lead's account (features/spec/accounts.py). A lead
    without an account is one of its own."""

    @property
    def name(self) -> str:
        return f"{self.account}:{self.of.name}"

    @property
    def column(self) -> str:
        """The column of the snapshots that holds it (features/engine/accounts.py). Not the name:
        to SQL, count(Visit) and count(visit) would be one."""
        return f"a_{sha256(self.name.encode()).hexdigest()}"

    @property
    def sql(self) -> str:
        """Its value, over a snapshot `s`."""
        return f"s.{self.column}"

    def meaning(self, words: Words) -> str:
        return f"in the account: {self.of.meaning(words)}"

    def fact(self, value: float, words: Words) -> str:
        return f"in the account: {self.of.fact(value, words)}"

    def absence(self, words: Words) -> str:
        return f"in the account: {self.of.absence(words)}"


Leaf = OfLead | OfEvents | OfAccount


def action_of(spec: Spec) -> str | None:
    """The action whose events a spec measures; None where it is any."""
    return getattr(getattr(spec, "of", spec), "action", None)


def where_of(spec: Spec) -> Where | None:
    """The condition on the events' own properties, where a spec has one."""
    return getattr(spec, "where", None)


def distinct(specs: Iterable[Spec]) -> tuple[Spec, ...]:
    """Each feature once, as first mentioned and in that order."""
    by_name: dict[str, Spec] = {}
    for spec in specs:
        by_name.setdefault(spec.name, spec)
    return tuple(by_name.values())
