"""The page of the monitor, and what MLflow stores of it. Words and layout: page.html."""

from __future__ import annotations

from matplotlib.figure import Figure

from features.result_json import to_json
from models.registry import Registry
from serve.reports import page
from serve.reports.monitor import plot as plots
from serve.reports.monitor.figures import Monitoring


def pictures(report: Monitoring) -> dict[str, Figure]:
    """drifts always; past_scores and over_time where there is something to show."""
    figures = {"drifts": plots.drifts(report.drifts)}
    mine = report.versions[0]
    if mine.overall.leads:
        figures["past_scores"] = plots.past_scores(mine.bands or [mine.overall])
    if report.over_time["cutoff"].nunique() > 1:
        figures["over_time"] = plots.over_time(report.over_time)
    return figures


def render(report: Monitoring) -> str:
    """The page as text; the same report gives the same page."""
    svgs = {name: page.inline(figure, name) for name, figure in pictures(report).items()}
    return page.render("monitor/page.html", report=report, pictures=svgs, most_bars=plots.MOST_BARS)


def log(report: Monitoring, registry: Registry) -> str:
    """Store the figures, the statuses, all details and the pictures in MLflow; the run's id."""
    statuses = {f"light_{check.key}": check.status for check in report.checks}
    return registry.log_monitoring(
        f"monitor-{report.cutoff:%Y-%m-%dT%H:%M}",
        report.metrics(),
        statuses | {"light": report.status, "model_version": report.model_version},
        {"monitor.json": to_json(report)},
        pictures(report),
    )
