"""The page of the sources: which should move, and their picture; words and layout: page.html."""

from collections.abc import Sequence
from pathlib import Path

from serve.reports import page
from serve.reports.sources import plot
from serve.reports.sources.figures import Review


def write_page(reviewed: Review, applied: Sequence[str] | None, path: Path) -> Path:
    """Write the page to `path`, whole or not at all, and return it. applied: the sources whose
    moves were written, None if none was to be."""
    rows = [
        plot.Row(s.name, s.basket, s.verdict.belief.mean, *s.interval, s.verdict.to)
        for s in reviewed.sources
    ]
    figure = plot.baskets(rows, reviewed.known.levels, reviewed.horizon_days)
    text = page.render(
        "sources/page.html",
        review=reviewed,
        applied=applied,
        svg=page.inline(figure, "sources"),
    )
    return page.write_page(path, text)
