"""Time to close, against what came true and against the simulator's truth, as Markdown.

    .venv/bin/python -m benchmarks.timing

The same classifier (default settings, no search) under ever more curves: what each step is worth.
The simulated company is trained as of an earlier day, so that what is promised for 180 days can be
held against what came.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalog import catalog
from features.config import Config, load
from features.dataset import endings, labelled
from features.open_database import open_database
from features.simulator.simulate import World, simulate, write
from features.starter.starter import write_starter
from models.classifier.classifier import Settings
from models.timing.time_to_close import LADDER, QUARTILES, SILENCE, TimeToClose, fit_time_to_close
from models.timing.timing import Timing, judge_timing
from training.fit import fit
from training.search import DEFAULT
from training.splits import final_split
from training.timing import unseen_readiness, with_time_to_close

EXAMPLE = Path(__file__).parent.parent / "examples" / "bpic2012"
# Trees of this size learn a few thousand snapshots by heart.
TOO_LARGE: Settings = {
    **DEFAULT,
    "max_iter": 400,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
}
LEADS, SEED, AS_OF = 20_000, 7, datetime(2024, 12, 26)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Study:
    """A model's test snapshots, what became of them, and the curves to be compared."""

    frame: pd.DataFrame
    readiness: Floats
    known: pd.DataFrame
    data_end: datetime
    curves: dict[str, TimeToClose]
    description: str

    @property
    def chosen(self) -> TimeToClose:
        return self.curves["four bands and the postponing"]

    def judged(self, curves: TimeToClose) -> Timing:
        return judge_timing(curves, self.frame, self.readiness, self.known, self.data_end)


def study(config: Config, as_of: datetime | None = None, settings: Settings = DEFAULT) -> Study:
    """Train on what was known at `as_of` (default the data end), judge by all that is known."""
    times = config.time
    with open_database(config) as database:
        known_then = times.mature_cutoffs(as_of or database.data_end)
        split = final_split(known_then, times.test_cutoffs, times.horizon_days)
        specs = catalog(config.features, database.actions, database.attributes)
        requested = [*split.fit, *split.judge]
        dataset = labelled(database, specs, requested, times.horizon_days, config.engine.memory_gb)
        past, test = dataset.at(split.fit), dataset.at(split.judge)
        model = fit(past, specs, settings, times.horizon_days, config.seed)
        unseen = unseen_readiness(past, model, settings, config.seed)
        chosen = with_time_to_close(database, model, past, split, unseen).time_to_close
        until = model.trained_until + timedelta(days=times.horizon_days)
        learnt = endings(database, split.fit, until)
        known, data_end = endings(database, split.judge, database.data_end), database.data_end
    assert chosen is not None
    blind = past.frame.drop(columns=SILENCE)
    plain = fit_time_to_close(blind, unseen, learnt, times.horizon_days)
    own = fit_time_to_close(past.frame, model.rank(past.frame), learnt, times.horizon_days)
    single = replace(plain, edges=(), bands=(plain.pooled,))
    curves = {
        "one curve through each lead's readiness": single,
        "four bands of readiness": plain,
        "four bands and the postponing": chosen,
        "the same, by readiness of leads seen in training": own,
    }
    text = (
        f"Trained at {len(split.fit)} cutoffs to {split.fit[-1]:%Y-%m-%d} on what was known at "
        f"{until:%Y-%m-%d}; {len(known):,} snapshots at {len(split.judge)} cutoffs from "
        f"{split.judge[0]:%Y-%m-%d}, followed to {data_end:%Y-%m-%d}. Looking "
        f"{chosen.reach} days ahead."
    )
    return Study(test.frame, model.rank(test.frame), known, data_end, curves, text)


def timing() -> str:
    """Both data sets."""
    with tempfile.TemporaryDirectory() as folder:
        return "\n".join([*_simulator(Path(folder) / "simulated"), *_bpic2012(Path(folder) / "b")])


def _simulator(folder: Path) -> Iterator[str]:
    world = simulate(LEADS, SEED)
    write(world, folder)
    write_starter(folder)
    result = study(load(folder), AS_OF)
    yield f"## Time to close, simulator, {LEADS:,} leads, seed {SEED}\n\n{result.description}\n"
    yield contenders(result)
    yield against_truth(result, world)


def _bpic2012(folder: Path) -> Iterator[str]:
    yield "## Time to close, BPI Challenge 2012\n"
    data = (EXAMPLE / load(EXAMPLE).tables.folder).resolve()
    if not data.is_dir():
        yield f"Not run: the log is not in {data}.\n"
        return
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("out"))
    config = load(folder)
    tables = config.tables.model_copy(update={"folder": str(data)})
    config = config.model_copy(update={"tables": tables})
    result = study(config)
    yield f"{result.description}\n"
    yield contenders(result)
    yield ladder(result.judged(result.chosen))
    yield "The same with trees that are too large, which learn the training by heart:\n"
    yield contenders(study(config, settings=TOO_LARGE))


def contenders(result: Study) -> str:
    """Curve by curve: pinball loss of the days to a win, and the Brier scores of the ladder."""
    judged = {name: result.judged(curves) for name, curves in result.curves.items()}
    first = next(iter(judged.values()))
    rungs = [rung.days for rung in first.ladder]
    rows = [
        f"| one curve for all | {first.pinball_one_curve:.3f} | - | - | - |"
        + "".join(f" {rung.brier_one_curve:.4f} |" for rung in first.ladder)
    ]
    for name, each in judged.items():
        saved = each.pinball_one_curve - each.pinball
        rows.append(
            f"| {name} | {each.pinball:.3f} "
            f"| {saved:+.3f} ({each.saved_low:+.3f} to {each.saved_high:+.3f}) "
            f"| {each.in_middle_half:.1%} | {each.by_median:.1%} |"
            + "".join(f" {rung.brier:.4f} |" for rung in each.ladder)
        )
    return (
        f"{first.wins:,} won snapshots.\n\n"
        "| curves | pinball loss, days | saved (95% interval) | won in the middle half "
        f"| won by the median |{''.join(f' Brier {days} d |' for days in rungs)}\n"
        f"|---|---|---|---|---|{'---|' * len(rungs)}\n" + "\n".join(rows) + "\n"
    )


def ladder(each: Timing) -> str:
    """Promised and seen, rung by rung, of the curves in use."""
    rows = [
        f"| {rung.days} | {rung.snapshots:,} | {rung.promised:.1%} | {rung.won:.1%} |"
        for rung in each.ladder
    ]
    head = "| within days | snapshots | promised | won |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def against_truth(result: Study, world: World) -> str:
    """The same against the true chances, which have no luck in them; and who postpones in truth."""
    curves, snapshots = result.chosen, result.frame[["lead_id", "cutoff"]]
    rungs = [days for days in LADDER if days <= curves.reach]
    promised = curves.chances(result.frame, result.readiness, rungs)
    seen = {rung.days: rung.won for rung in result.judged(curves).ladder}
    rows = []
    for column, days in enumerate(rungs):
        truth, own = world.true_probability(snapshots, days), promised[:, column]
        rows.append(
            f"| {days} | {own.mean():.2%} | {truth.mean():.2%} | {seen[days]:.2%} "
            f"| {truth_error(own, truth):.4f} |"
        )
    middle, median = true_coverage(curves, result, world)
    return (
        "| within days | promised | true | won | error by tenths |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n\nError by tenths: mean over ten bins of equal size of |mean promised - mean true|. "
        f"By the true chances, **{middle:.1%}** of the wins within {curves.reach} days fall "
        f"between the low and the high day, {median:.1%} by the median day.\n\n"
        f"{postponing(result, world)}"
    )


def truth_error(promised: Floats, truth: Floats, bins: int = 10) -> float:
    """Mean over bins of equal size of |mean promised - mean truth|."""
    parts = np.array_split(np.argsort(promised, kind="stable"), bins)
    return float(np.mean([abs(promised[part].mean() - truth[part].mean()) for part in parts]))


def true_coverage(curves: TimeToClose, result: Study, world: World) -> tuple[float, float]:
    """The true share of wins within reach that fall in the middle half, and by the median."""
    snapshots = result.frame[["lead_id", "cutoff"]]
    days = curves.quantiles(result.frame, result.readiness)
    by = np.zeros((len(days), len(QUARTILES)))
    for day in range(1, curves.reach + 1):
        rows, columns = np.nonzero(days == day)
        if len(rows):
            by[rows, columns] = world.true_probability(snapshots.iloc[rows], day)
    won = world.true_probability(snapshots, curves.reach).sum()
    return float((by[:, 2] - by[:, 0]).sum() / won), float(by[:, 1].sum() / won)


def postponing(result: Study, world: World) -> str:
    """Who is said to postpone, and what is true of them."""
    marked = result.chosen.postpones(result.frame, result.readiness)
    ready = (result.readiness >= result.chosen.ready_from) & ~marked
    snapshots = result.frame[["lead_id", "cutoff"]]
    hidden = world.intents(snapshots) == "postponed"
    soon, late = (world.true_probability(snapshots, days) for days in (30, result.chosen.reach))
    own, banded = (
        curves.chances(result.frame, result.readiness, [curves.reach])[:, 0]
        for curves in (result.chosen, result.curves["four bands of readiness"])
    )
    rows = [
        f"| {name} | {who.sum():,} | {hidden[who].mean():.1%} | {soon[who].mean():.1%} "
        f"| {late[who].mean():.1%} | {own[who].mean():.1%} | {banded[who].mean():.1%} |"
        for name, who in (
            ("postponing", marked),
            ("as ready, not silent", ready),
            ("all", np.ones(len(hidden), bool)),
        )
    ]
    return (
        "| leads said to be | snapshots | hidden intent is postponed | true chance, 30 days "
        f"| true chance, {result.chosen.reach} days | promised | promised by four bands alone |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    print(timing())
