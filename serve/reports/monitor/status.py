"""A check of the monitor: its status, its figure, its limits, and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["grey", "green", "amber", "red"]
ORDER: tuple[Status, ...] = ("grey", "green", "amber", "red")


@dataclass(frozen=True)
class MonitorCheck:
    """One check. `figure` is NaN where grey (not enough yet: `message` says what is missing).

    key: its name for machines, as MLflow's metric; limits: in words, with their numbers; todo: what
    to do if it is not green; details: what stands behind it, one each.
    """

    key: str
    name: str
    status: Status
    figure: float
    message: str
    limits: str
    todo: str
    details: Sequence[Any] = field(default_factory=list)

    def json_fields(self) -> dict[str, Any]:
        """The public names of status and message are light and said."""
        public = {"status": "light", "message": "said"}
        return {public.get(name, name): value for name, value in vars(self).items()}


def at_least(figure: float, amber: float, red: float) -> Status:
    """The status of a figure of which more is worse; grey for NaN.

    >>> at_least(0.12, 0.1, 0.25), at_least(0.05, 0.1, 0.25)
    ('amber', 'green')
    """
    if math.isnan(figure):
        return "grey"
    return "red" if figure >= red else "amber" if figure >= amber else "green"


def off_one(ratio: float, amber: float, red: float) -> Status:
    """The status of a ratio that should be 1: as far off either way, 2 is as bad as 1/2; grey for
    NaN.

    >>> off_one(0.5, 1.25, 1.6), off_one(1.3, 1.25, 1.6), off_one(0.9, 1.25, 1.6)
    ('red', 'amber', 'green')
    """
    return at_least(max(ratio, 1 / ratio if ratio > 0 else math.inf), amber, red)


def milder(one: Status, other: Status) -> Status:
    """The milder of two statuses: a change must be both large and beyond chance."""
    return min(one, other, key=ORDER.index)


def worst(statuses: Sequence[Status]) -> Status:
    """The worst of some statuses, grey if there are none.

    >>> worst(["green", "grey"]), worst([])
    ('green', 'grey')
    """
    return max(statuses, key=ORDER.index, default="grey")
