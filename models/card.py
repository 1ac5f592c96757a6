"""A model card: what was measured of one version, as sections of plain words, facts and tables.

Who measures writes the sections (training/card.py); here they become Markdown, and JSON and back,
so that the page (serve/reports/card/page.py) shows the very same text. After Mitchell et al.,
Model Cards for Model Reporting, FAT* 2019.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from features.result_json import to_json
from models.statistics.intervals import Estimate
from models.statistics.verdict import Verdict


@dataclass(frozen=True)
class Grid:
    """A table; the first column names its rows. `caption`: how to read it, "" if that is plain."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """One heading of the card. `paragraphs`; `listed`: points of a list; `facts`: words and
    what they are; `picture`: the name of a plot of the run, "" for none."""

    title: str
    paragraphs: Sequence[str] = ()
    listed: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    grids: Sequence[Grid] = ()
    picture: str = ""


@dataclass(frozen=True)
class Card:
    """The card of a version. `verdict` sums it up."""

    version: str
    run_id: str
    verdict: Verdict
    sections: Sequence[Section]

    def stored(self) -> dict[str, Any]:
        """As JSON that `from_stored` reads back: the parts of the verdict apart."""
        return {**to_json(self), "verdict": vars(self.verdict)}

    @classmethod
    def from_stored(cls, given: Mapping[str, Any]) -> Card:
        """The card of `stored`; one stored before verdicts had parts has a headline
        alone, and its paragraphs as `said`."""
        sections = [
            Section(
                paragraphs=each.pop("paragraphs", None) or each.pop("said", ()),
                **each | {"grids": [Grid(**grid) for grid in each["grids"]]},
            )
            for each in map(dict, given["sections"])
        ]
        verdict = given["verdict"]
        verdict = Verdict(verdict) if isinstance(verdict, str) else Verdict(**verdict)
        return cls(given["version"], given["run_id"], verdict, sections)

    def head(self) -> str:
        """Its beginning as Markdown, without pictures: the verdict, what the model is for and what
        not, and how good it was."""
        first = [replace(section, picture="") for section in self.sections[:3]]
        return replace(self, sections=first).markdown()

    def markdown(self) -> str:
        """The card as GitHub's Markdown; pictures are those of the run, beside it in MLflow."""
        blocks = [f"# Model card, version {self.version}", str(self.verdict)]
        for section in self.sections:
            blocks += [f"## {section.title}", *section.paragraphs]
            blocks += _list(section.listed)
            blocks += _list(f"**{_plain(key)}**: {fact}" for key, fact in section.facts.items())
            for grid in section.grids:
                blocks += [_table(grid), *([grid.caption] if grid.caption else [])]
            if section.picture:
                blocks.append(f"![{section.title}](plots/{section.picture}.png)")
        return "\n\n".join(blocks).replace("<", "&lt;") + "\n"


def _list(points: Any) -> list[str]:
    listed = [f"- {point}" for point in points]
    return ["\n".join(listed)] if listed else []


def _table(grid: Grid) -> str:
    align = ["---", *["---:"] * (len(grid.columns) - 1)]
    lines = [grid.columns, align, *grid.rows]
    return "\n".join(f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines)


def _plain(cell: str) -> str:
    """A name of the data must not end its cell."""
    return cell.replace("|", "\\|").replace("\n", " ")


def estimated(estimate: Estimate, form: str = "{:.3f}") -> str:
    """A figure with its interval.

    >>> estimated(Estimate(0.7444, 0.7, 0.79), "{:.1%}")
    '74.4% (70.0% to 79.0%)'
    >>> nan = math.nan
    >>> estimated(Estimate(0.5, nan, nan)), estimated(Estimate(nan, nan, nan))
    ('0.500', '-')
    """
    if math.isnan(estimate.point):
        return "-"
    if math.isnan(estimate.low):
        return form.format(estimate.point)
    point, low, high = map(form.format, estimate)
    return f"{point} ({low} to {high})"
