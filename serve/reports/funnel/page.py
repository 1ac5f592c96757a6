"""The page of the funnel: its words, and its pictures; the layout is in page.html."""

from markupsafe import Markup

from serve.reports import page
from serve.reports.funnel import plot
from serve.reports.funnel.figures import FunnelReport
from serve.reports.funnel.transitions import Way


def span(days: float | None) -> str:
    """A time as it is read.

    >>> [span(days) for days in (None, 0, 0.0003, 0.01, 0.5, 11.04)]
    ['unknown', '0 s', '26 s', '14 min', '12.0 h', '11.0 d']
    """
    if days is None:
        return "unknown"
    hours = 24 * days
    if hours >= 24:
        return f"{days:,.1f} d"
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{60 * hours:.0f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"


MEANINGS = {
    "cohort": "Leads by when they entered the first stage.",
    "source": "Leads by the source that brought them.",
    "period": "Leads by when they entered the phase at hand.",
    "segment": "Leads by the segments that they were in just before they entered the phase.",
}


def render(report: FunnelReport) -> str:
    """The page as text; the same report gives the same page."""
    most = max(report.reached.values())
    return page.render(
        "funnel/page.html",
        report=report,
        verdict=report.greatest_loss,
        widths={name: 100 * count / most for name, count in report.reached.items()},
        pictures=[
            _picture(way, place) for place, way in enumerate(report.ways) if way.mature.any()
        ],
        ways_of=report.measured,
        phase_heads=[Markup("{}<br>to {}").format(way.begin, way.to) for way in report.measured],
        any_reference=any(step.reference for step in report.steps),
        meaning=MEANINGS[report.by] if report.by else "",
        plan=report.plan,
        span=span,
    )


def _picture(way: Way, place: int) -> dict[str, str | Markup]:
    return {
        "svg": page.inline(plot.fates(way), f"phase{place}"),
        "alt": f"Shares of the leads counted of {way.begin} that have gone on to {way.to}, been "
        "lost, or are still there, by days since they entered.",
    }
