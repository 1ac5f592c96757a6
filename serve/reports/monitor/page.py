"""The page of the monitor, and what MLflow keeps of it. Words and layout: pages/monitor.html."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from features.result_json import to_json
from models.registry import Registry
from serve.reports import page
from serve.reports.monitor import plot as plots
from serve.reports.monitor.figures import Monitoring


def pictures(found: Monitoring) -> dict[str, Figure]:
    """drifts always; past_scores and over_time where there is something to show."""
    figures = {"drifts": plots.drifts(found.drifts)}
    mine = found.told[0]
    if mine.overall.leads:
        figures["past_scores"] = plots.past_scores(mine.bands or [mine.overall])
    if found.over_time["cutoff"].nunique() > 1:
        figures["over_time"] = plots.over_time(found.over_time)
    return figures


def write_page(found: Monitoring, path: Path) -> Path:
    """Write the page to `path`, whole or not at all, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = {name: page.inline(figure, name) for name, figure in pictures(found).items()}
    page.write(path, page.render("monitor/page.html", found=found, pictures=drawn))
    return path


def log(found: Monitoring, registry: Registry) -> str:
    """Keep the figures, the lights, all details and the pictures in MLflow; the run's id."""
    lights = {f"light_{check.key}": check.light for check in found.checks}
    return registry.log_monitoring(
        f"monitor-{found.cutoff:%Y-%m-%dT%H:%M}",
        found.metrics(),
        lights | {"light": found.light, "model_version": found.model_version},
        {"monitor.json": to_json(found)},
        pictures(found),
    )
