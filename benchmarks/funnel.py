"""The funnel of the bank's log as Markdown, for docs/results/funnel.md.

.venv/bin/python -m benchmarks.funnel
"""

from pathlib import Path

from features.config import load
from serve.reports.funnel.figures import FunnelReport, funnel_report
from serve.reports.funnel.page import span
from serve.reports.funnel.transitions import Measured

EXAMPLE = Path(__file__).parent.parent / "examples" / "bpic2012"
TITLE = "## BPI Challenge 2012: the funnel from submission to approval\n\n"


def funnel() -> str:
    """What `readiness funnel examples/bpic2012` finds; says so where the log is not there."""
    config = load(EXAMPLE)
    data = (EXAMPLE / config.tables.folder).resolve()
    if not data.is_dir():
        return f"{TITLE}Not run: the log is not in {data}.\n"
    return TITLE + describe(funnel_report(config))


def describe(report: FunnelReport) -> str:
    """The report as Markdown."""
    rows = "\n".join(_row(each) for each in report.measured)
    return (
        "As `readiness funnel examples/bpic2012` prints it, as known before "
        f"{report.until:%Y-%m-%d %H:%M} UTC. Counted: those that entered the phase at least so "
        "many days before. Time in phase: until 25, 50 and 75% have left it, by going on or lost "
        "(Kaplan-Meier, open applications censored); gone on: the median of those that went on in "
        "time.\n\n"
        "| phase | entered | counted | within | went on (95% interval) | lost | still there "
        "| 25% | median | 75% | gone on |\n"
        f"|---|---|---|---|---|---|---|---|---|---|---|\n{rows}\n\n> {report.verdict}\n"
    )


def _row(each: Measured) -> str:
    shares = [
        f"{each.rate.point:.1%} ({100 * each.rate.low:.1f} to {100 * each.rate.high:.1f})",
        f"{each.lost / each.mature:.1%}",
        f"{each.still / each.mature:.1%}",
    ]
    times = [span(days) for days in (*each.days.values(), each.median_on)]
    counts = [f"{each.entered:,}", f"{each.mature:,}", f"{each.within} d"]
    return f"| {' | '.join([f'{each.begin} to {each.to}', *counts, *shares, *times])} |"


if __name__ == "__main__":
    print(funnel())
