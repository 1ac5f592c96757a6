"""The page of `readiness effect`; its words and layout are in effect/page.html."""

from dataclasses import dataclass
from itertools import chain

from models.effects.effect import Effect
from models.effects.power import POINTS
from models.statistics.bootstrap import FEW_WINS
from models.statistics.intervals import FEW_LEADS, Estimate
from serve.reports import page
from serve.reports.effect.figures import EffectReport

HEADROOM = 1.08  # of the pictures, beyond the longest interval
_THIRDS = ("Readiest third", "Middle third", "Last third")


@dataclass(frozen=True)
class Axis:
    """The picture of some differences: percent of its width, with 0 at `zero`."""

    zero: float
    scale: float

    @classmethod
    def of(cls, estimates: list[Estimate]) -> "Axis":
        """Wide enough for all intervals that are known."""
        ends = [0.0, *(end for each in estimates if each.known for end in each)]
        low, high = (HEADROOM * end for end in (min(ends), max(ends)))
        scale = 100 / (high - low) if high > low else 0.0
        return cls(-low * scale if scale else 50.0, scale)

    def at(self, figure: float) -> float:
        """Where a difference lies."""
        return round(self.zero + self.scale * figure, 2)


def render(report: EffectReport) -> str:
    """The page as text; the same report gives the same page."""
    rows = named(report)
    sides = [arm for _, each in rows for arm in (each.called.share, each.held_back.share)]
    return page.render(
        "effect/page.html",
        report=report,
        verdict=report.verdict,
        notes=list(report.notes()),
        rows=rows,
        axis=Axis.of([each.difference for _, each in rows]),
        scale=page.scale_of(chain(*sides), HEADROOM),
        weeks=_weeks(report),
        sizes=[f"{100 * size:.0f} points" for size in POINTS],
        by_effect=[name for each in report.by_effect for name, row in rows if row is each],
        few_wins=FEW_WINS,
        few_leads=FEW_LEADS,
    )


def named(report: EffectReport) -> list[tuple[str, Effect]]:
    """The effects in all and by thirds, as they are called."""
    everyone = [("All", report.effect)] if report.effect else []
    return everyone + list(zip(_THIRDS, report.thirds, strict=False))


def _weeks(report: EffectReport) -> dict[float, list[int | None]]:
    """Weeks until each of POINTS is seen, by the share held back."""
    weeks: dict[float, list[int | None]] = {}
    for each in report.power.needed:
        weeks.setdefault(each.holdout, []).append(each.weeks)
    return weeks
