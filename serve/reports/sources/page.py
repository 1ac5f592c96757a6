"""The page of the sources: which should move, and their picture; words and layout: page.html."""

from collections.abc import Sequence

from serve.reports import page
from serve.reports.sources import plot
from serve.reports.sources.figures import Review


def render(reviewed: Review, applied: Sequence[str] | None) -> str:
    """The page as text; the same review gives the same page. applied: the sources whose moves were
    written, None if none was to be."""
    rows = [
        plot.Row(s.name, s.basket, s.verdict.belief.mean, *s.interval, s.verdict.to)
        for s in reviewed.sources
    ]
    figure = plot.baskets(rows, reviewed.known.levels, reviewed.horizon_days)
    svg = page.inline(figure, "sources")
    return page.render("sources/page.html", review=reviewed, applied=applied, svg=svg)
