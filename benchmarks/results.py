"""Writes docs/results/: what a training reaches on real data, and against the simulator's truth.

    .venv/bin/python -m benchmarks.results [PART ...]

All parts take many minutes; those not named stay as they are. The real log is looked for where
examples/bpic2012/readiness.toml says; else the page says so.
"""

import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import log_loss

from benchmarks import baselines, sources
from benchmarks.audit import measured
from benchmarks.coverage import coverage
from benchmarks.funnel import funnel
from benchmarks.page import RESULTS, put
from benchmarks.small_data import small_data
from benchmarks.timing import timing
from features.config import load
from features.simulator.simulate import World, simulate, write
from features.starter.starter import write_starter
from models.statistics.judge import METRICS, Judgement
from training.record import Trained
from training.train import train

LEADS, SEED = 20_000, 7
AUDIT = (
    "## The leakage audit: what is planted in simulated worlds, and what is found\n\n"
    "Printed by `python -m benchmarks.audit`: found by its very code, of 20 seeds (100 to 119, at "
    "which nobody looked while the thresholds were set); the first row is false alarms.\n\n"
)
Floats = npt.NDArray[np.float64]


# Each part: the page of docs/results/ that holds it, and what measures it.
PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "bpic2012": ("model.md", lambda: bpic2012()),
    "simulator": ("model.md", lambda: simulator()),
    "baselines": ("baselines.md", baselines.section),
    "funnel": ("funnel.md", funnel),
    "timing": ("time-to-close.md", timing),
    "sources": ("sources.md", sources.simulated),
    "olist": ("sources.md", sources.olist),
    "small_data": ("small-data.md", small_data),
    "audit": ("audit.md", lambda: AUDIT + measured() + "\n"),
    "coverage": ("intervals.md", coverage),
}


def main(requested: Sequence[str]) -> None:
    """Measure the parts, and put each into its page as soon as it is measured."""
    unknown = set(requested) - PARTS.keys()
    if unknown:
        sys.exit(f"There is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}.")
    for name in requested or PARTS:
        page, measure = PARTS[name]
        section = measure()
        put(RESULTS / page, section, f"python -m benchmarks.results {name}")
        print(section)


def bpic2012() -> str:
    """Train on the bank's log, in a copy of the example."""
    title = "## BPI Challenge 2012: will this application be approved within 30 days?\n\n"
    with tempfile.TemporaryDirectory() as folder:
        config = baselines.bank(Path(folder) / "bpic2012")
        if config is None:
            return f"{title}Not run: the log is not where examples/bpic2012 says.\n"
        return title + describe(train(config))


def simulator() -> str:
    """Train on a simulated lead database and hold the model against the truth."""
    world = simulate(LEADS, SEED)
    with tempfile.TemporaryDirectory() as folder:
        write(world, Path(folder))
        write_starter(Path(folder))
        config = load(Path(folder))
        unsearched = config.training.model_copy(update={"candidates": 1})
        trained = train(config.model_copy(update={"training": unsearched}))
    title = (
        f"## Simulator, {LEADS:,} leads, seed {SEED}, default settings (no search): against the "
        "true probability\n\n"
    )
    return title + against_truth(world, trained) + "\n" + describe(trained)


def against_truth(world: World, trained: Trained) -> str:
    """Calibration error against the truth, and how far the model goes from knowing nothing but
    the base rate to knowing the truth, in log loss."""
    compared = trained.comparison
    truth = world.true_probability(compared.snapshots, compared.horizon_days)
    base = np.full_like(truth, trained.model.base_rate)
    losses = [float(log_loss(compared.won, p)) for p in (base, compared.model, truth)]
    covered = (losses[0] - losses[1]) / (losses[0] - losses[2])
    return (
        f"Expected calibration error against the true probability: "
        f"**{truth_error(compared.model, truth):.4f}** (ten bins of equal size).\n\n"
        f"Log loss: base rate {losses[0]:.4f}, model {losses[1]:.4f}, truth {losses[2]:.4f}. The "
        f"model covers **{covered:.0%}** of the way from the base rate to the truth, which knows "
        "each lead's hidden intent.\n"
    )


def truth_error(readiness: Floats, truth: Floats, bins: int = 10) -> float:
    """Mean over bins of equal size of |mean readiness - mean truth|."""
    order = np.array_split(np.argsort(readiness, kind="stable"), bins)
    gaps = [abs(readiness[part].mean() - truth[part].mean()) * len(part) for part in order]
    return float(sum(gaps) / len(readiness))


def describe(trained: Trained) -> str:
    """The judgement of the final test as a Markdown table."""
    compared = trained.comparison
    judged = compared.judgement
    fit, test = trained.split.fit, trained.split.judge
    rows = "\n".join(_row(judged, metric) for metric in METRICS)
    return (
        f"Trained on {trained.snapshots:,} snapshots at {len(fit)} cutoffs, {fit[0]:%Y-%m-%d} to "
        f"{fit[-1]:%Y-%m-%d}; tested on {judged.snapshots:,} at {len(test)} cutoffs, "
        f"{test[0]:%Y-%m-%d} to {test[-1]:%Y-%m-%d} ({judged.wins / judged.snapshots:.1%} won). "
        f"{len(trained.model.specs)} features, {trained.model.way}. "
        f"Lists of the top {judged.share:.0%}.\n\n"
        f"> {compared.verdict}\n\n"
        "| metric | model | rules | base rate | model - rules (95% interval) |\n"
        f"|---|---|---|---|---|\n{rows}\n"
    )


def _row(judged: Judgement, metric: str) -> str:
    first, second = judged.names
    result = judged.difference[metric]
    difference = (
        "-"
        if math.isnan(result.point)
        else f"{result.point:+.4f} ({result.low:+.4f} to {result.high:+.4f})"
    )
    figures = [
        judged.estimates[first][metric].point,
        judged.estimates[second][metric].point,
        judged.baselines["base_rate"][metric],
    ]
    cells = " | ".join("-" if math.isnan(f) else f"{f:.4f}" for f in figures)
    return f"| {metric.replace('_', ' ')} | {cells} | {difference} |"


if __name__ == "__main__":
    main(sys.argv[1:])
