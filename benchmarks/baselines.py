"""What is simpler than the model, and parts of its features, on the bank's log, as Markdown.

.venv/bin/python -m benchmarks.results baselines    # puts it into docs/results/baselines.md
"""

import math
import shutil
import tempfile
from pathlib import Path

from benchmarks.measure import HOME
from features.config import Config, load
from models.simpler import SideBySide
from models.statistics.intervals import Estimate
from models.statistics.judge import METRICS
from training.record import Trained
from training.train import train

TITLE = "## Simpler ways and parts of the features, BPI Challenge 2012\n"


def section() -> str:
    """The section, trained afresh."""
    with tempfile.TemporaryDirectory() as folder:
        config = bank(Path(folder) / "bpic2012")
        if config is None:
            return f"{TITLE}\nNot run: the log is not where examples/bpic2012 says.\n"
        return f"{TITLE}\n{described(train(config))}"


def bank(folder: Path) -> Config | None:
    """A copy of the example in a folder that is not there yet, so that nothing is written into it;
    None where the log is missing."""
    example = HOME / "examples" / "bpic2012"
    named = load(example).tables.folder
    data = (example / named).resolve()
    if not data.is_dir():
        return None
    shutil.copytree(example, folder, ignore=shutil.ignore_patterns("out"))
    settings = folder / "readiness.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(named, str(data)), encoding="utf-8")
    return load(folder)


def described(trained: Trained) -> str:
    """Both tables: every figure, and below it the difference to the model, 95% interval."""
    counts = {name: len(specs) for name, specs in trained.groups.features.items()}
    features = " and ".join(f"{count} {name}" for name, count in counts.items())
    return (
        "Fitted on the training cutoffs, judged on the same snapshots of the final test as the "
        "model. In brackets: the difference to the model, 95% interval, paired and clustered by "
        "lead; for log loss, Brier score and calibration error (ece), below 0 the model is better."
        "\n\n"
        f"> {trained.simpler.verdict}\n\n{table(trained.simpler.side_by_side)}\n"
        "Behaviour against attributes: the model again, fitted on a part of its features. Explicit "
        "is what the table of leads tells (attributes and age), implicit all that needs the "
        f"events; {features}, of which those that cannot tell leads apart are dropped.\n\n"
        f"{table(trained.groups.side_by_side)}"
    )


def table(others: SideBySide) -> str:
    """One row per way to rank, one column per metric."""
    head = " | ".join(metric.replace("_", " ") for metric in METRICS)
    rows = [
        f"| {name} | {' | '.join(_cell(others, name, metric) for metric in METRICS)} |"
        for name in others.figures
    ]
    return "\n".join([f"| | {head} |", "|---" * (len(METRICS) + 1) + "|", *rows]) + "\n"


def _cell(others: SideBySide, name: str, metric: str) -> str:
    figure = others.figures[name][metric].point
    if math.isnan(figure):
        return "-"
    less = others.difference.get(name, {}).get(metric)
    return f"{figure:.4f}" + (f"<br>({_signed(less)})" if less else "")


def _signed(less: Estimate) -> str:
    return f"{less.point:+.4f}, {less.low:+.4f} to {less.high:+.4f}"
