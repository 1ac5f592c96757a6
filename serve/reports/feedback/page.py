"""The page of `readiness feedback`; its words and layout are in pages/feedback.html."""

from serve.reports import page
from serve.reports.feedback.figures import FATES, Feedback

HEADINGS = {
    "route": ("By route", "All contacts of leads in the ledger, by where the lead had been sent."),
    "readiness": ("By readiness", "What the model promised, and which version promised it."),
    "points": ("By points", "The band of the points table."),
    "marked": ("Where model and rules disagree", "Marked leads against the others on the list."),
    "source": ("By source", "Where the lead came from."),
    "basket": ("By basket", "The basket of its source."),
    "seller": ("By seller", "Who made the contact."),
    "decided by": ("By who decided", "Leads that people put on the list, and the machine's."),
}


def span(hours: float | None) -> str:
    """How long, as it is said.

    >>> span(None), span(3.5), span(24.0), span(242.0)
    ('unknown', '3.5 hours', '24 hours', '10 days')
    """
    if hours is None:
        return "unknown"
    return f"{page.number(hours)} hours" if hours <= 48 else f"{page.number(hours / 24)} days"


def render(report: Feedback) -> str:
    """The page as text; the same feedback gives the same page."""
    shown = {
        how: groups
        for how, groups in report.acceptance.items()
        if how == "route" or len(groups) > 1
    }
    most = max(report.reasons_of_rejection.values(), default=1)
    return page.render(
        "feedback/page.html",
        report=report,
        verdict=report.verdict,
        shown=shown,
        headings=HEADINGS,
        span=span,
        fates=FATES,
        whole=report.speed[0],
        widths={why: 100 * count / most for why, count in report.reasons_of_rejection.items()},
    )
