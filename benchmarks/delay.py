"""Late cutoffs in the calibration, as they stand and corrected, against the true probability.

    .venv/bin/python -m benchmarks.delay            # prints a section of docs/results.md
    .venv/bin/python -m benchmarks.delay --write    # and puts it there

Each simulated company is cut at its final test: what came later is not known to the training. The
trees are the same throughout; the calibration learns from the mature cutoffs alone (left out), or
from the late ones as well, whose open leads count as not won (naive) or by the correction of
models/partly_mature.py. From CHANGED_DAYS before the final test on, new leads of every source are
worth so many times as much as KINDS says. The bank's log, whose truth nobody knows, is cut
at one origin after the other, and each is judged by the outcomes of the cutoffs after it.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.baselines import bank
from benchmarks.page import RESULTS, put
from benchmarks.small_data import log_loss
from features.catalog import catalog
from features.config import Config, load
from features.contract.database import open_database
from features.cutoffs import grid, mature
from features.dataset import Dataset, LateSnapshots, endings, labelled, late_snapshots
from features.simulator.simulate import World, simulate, write
from features.simulator.world import MOST_WORTH, SOURCES, WorthChange
from features.starter.starter import write_starter
from models.calibrators import surprise
from models.partly_mature import Seen, learn_pace
from models.readiness import ReadinessModel
from training.fit import fit
from training.partly_mature import recalibrated
from training.search import DEFAULT
from training.splits import Split, between, final_split, split_before
from training.timing import unseen_readiness

SEEDS, LEADS, TRAINED_ON = range(6), 10_000, 24  # companies, and cutoffs that each learns from
KINDS, CHANGED_DAYS = {"steady": 1.0, "rising": 1.8, "falling": 0.5}, 60
LEAST_CUTOFFS = 6  # to train on, at the first origin of the bank's log
TITLE = "## Late cutoffs in the calibration: left out, as they stand, and corrected\n"
WAYS = ("left out", "naive", "corrected")
LABELS = {
    "naive": "naive labels",
    "corrected": "corrected labels",
    "left out": "labels in the end",
}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """A lead database cut at the first judged cutoff of a split: what each way made of it."""

    late: LateSnapshots
    test: Dataset
    models: dict[str, ReadinessModel]
    seen: Seen


def cut(config: Config, split: Split, late: Sequence[datetime]) -> Cut:
    """Train at the split's cutoffs, with default settings, in every way."""
    times, memory_gb, until = config.time, config.engine.memory_gb, split.judge[0]
    with open_database(config) as database:
        specs = catalog(config.features, database.actions, database.attributes)
        both = [*split.fit, *split.judge]
        dataset = labelled(database, specs, both, times.horizon_days, memory_gb)
        past = dataset.at(split.fit)
        known = endings(database, split.fit, until)
        added = late_snapshots(database, specs, late, until, memory_gb)
    model = fit(past, specs, DEFAULT, times.horizon_days, config.seed)
    unseen = unseen_readiness(past, model, DEFAULT, config.seed)
    pace = learn_pace(unseen, known, times.horizon_days)
    ending = added.endings["ending"].to_numpy(object)
    seen = pace.seen(model.rank(added.frame), added.age, ending)
    won = (ending == "won").astype(np.float64)
    models = {
        "left out": model,
        "naive": recalibrated(model, past, added, Seen(won, 1 - won)),
        "corrected": recalibrated(model, past, added, seen),
    }
    return Cut(added, dataset.at(split.judge), models, seen)


def company(seed: int, worth: float = 1.0, leads: int = LEADS) -> tuple[Cut, World]:
    """A simulated company under the settings of `readiness init`, cut at its final test; new leads
    are worth so many times as much in the end."""
    day = 540 - 66 - CHANGED_DAYS  # the final test begins about 66 days before the end
    changes = [
        WorthChange(source, day, min(MOST_WORTH, worth * usual))
        for source, (_, usual) in SOURCES.items()
    ]
    world = simulate(leads, seed, changes=changes if worth != 1 else ())
    with tempfile.TemporaryDirectory() as name:
        write(world, Path(name))
        write_starter(Path(name))
        config = load(Path(name))
        times = config.time
        with open_database(config) as database:
            cutoffs = grid(times.first_cutoff, times.cutoff_every_days, database.data_end)
            known = mature(cutoffs, times.horizon_days, database.data_end)
        split = final_split(known, times.test_cutoffs, times.horizon_days)
        split = Split(split.fit[-TRAINED_ON:], split.judge)
        return cut(config, split, between(known, split)), world


def against_truth(found: Cut, world: World) -> Iterator[dict[str, object]]:
    """By way and place (a late cutoff by its age, or the final test): mean predicted less mean
    true probability, and the log loss against the truth; and the same of the labels by age."""
    horizon = found.models["left out"].horizon_days
    late, test = found.late.frame, found.test.frame
    truth = world.true_probability(late[["lead_id", "cutoff"]], horizon)
    truth_of_test = world.true_probability(test[["lead_id", "cutoff"]], horizon)
    open_is_not_won = (found.late.endings["ending"] == "won").to_numpy(np.float64)
    in_the_end = complete(late, world, horizon)
    for way in WAYS:
        said = found.models[way].rank(late)
        labels = {
            "left out": in_the_end,
            "naive": open_is_not_won,
            "corrected": found.seen.won(said),
        }
        for age in np.unique(found.late.age):
            at = found.late.age == age
            yield {"way": way, "place": f"{age} days", "off": (said[at] - truth[at]).mean()}
            off = (labels[way][at] - truth[at]).mean()
            yield {"way": LABELS[way], "place": f"{age} days", "off": off}
        said = found.models[way].rank(test)
        off, loss = (said - truth_of_test).mean(), log_loss(truth_of_test, said)
        yield {"way": way, "place": "final test", "off": off, "loss": loss}


def complete(late: pd.DataFrame, world: World, horizon_days: int) -> Floats:
    """The labels of late snapshots once their horizon was over: what chance made of the truth."""
    deals = world.deals.set_index("lead_id")
    closed, outcome = (late["lead_id"].map(deals[name]) for name in ("closed_at", "outcome"))
    won = (outcome == "won") & (closed < late["cutoff"] + pd.Timedelta(days=horizon_days))
    return won.to_numpy(np.float64)


def simulated(worth: float, seeds: Sequence[int] = SEEDS, leads: int = LEADS) -> pd.DataFrame:
    """`against_truth` of every seed."""
    rows = []
    for seed in seeds:
        print(f"worth {worth:g}, seed {seed}", file=sys.stderr)
        rows += [row | {"seed": seed} for row in against_truth(*company(seed, worth, leads))]
    return pd.DataFrame(rows)


def rolling(config: Config) -> Iterator[dict[str, object]]:
    """By origin and way: what was promised and won at the cutoffs from the origin on, the log loss,
    and how much less it is than without the late cutoffs, with its standard error by lead."""
    times = config.time
    with open_database(config) as database:
        cutoffs = grid(times.first_cutoff, times.cutoff_every_days, database.data_end)
        known = mature(cutoffs, times.horizon_days, database.data_end)
    for first in range(len(known) - times.test_cutoffs + 1):
        judged = known[first : first + times.test_cutoffs]
        split = split_before(known, judged, times.horizon_days)
        if len(split.fit) < LEAST_CUTOFFS:
            continue
        print(f"origin {judged[0]:%Y-%m-%d}", file=sys.stderr)
        found = cut(config, split, between(known, split))
        won, frame = found.test.won, found.test.frame
        usual = surprise(found.models["left out"].rank(frame), won)
        for way in WAYS:
            said = found.models[way].rank(frame)
            less = usual - surprise(said, won)
            of_leads = pd.Series(less - less.mean()).groupby(frame["lead_id"].to_numpy()).sum()
            yield {
                "origin": judged[0],
                "way": way,
                "off": said.mean() - won.mean(),
                "loss": surprise(said, won).mean(),
                "less": less.mean(),
                "error": np.sqrt((of_leads**2).sum()) / len(won),
            }


def section() -> str:
    """The section of docs/results.md, measured afresh."""
    parts = [_company_table(name, simulated(worth)) for name, worth in KINDS.items()]
    with tempfile.TemporaryDirectory() as folder:
        config = bank(Path(folder) / "bpic2012")
        rows = pd.DataFrame(rolling(config)) if config else None
    told = "Not run: the log is not where examples/bpic2012 says.\n"
    title = "### BPI Challenge 2012, cut at one origin after the other\n\n"
    parts.append(title + (told if rows is None else _bank_table(rows)))
    return (
        f"{TITLE}\n`python -m benchmarks.delay` (docs/delay.md): {len(SEEDS)} simulated companies "
        f"of {LEADS:,} leads of each kind, trained at {TRAINED_ON} cutoffs, horizon 30 days, cut "
        "at the final test. Percentage points that the mean readiness (or the mean label) lies "
        "above the mean true probability, at the late cutoffs by their age and at the final test, "
        "with its standard error over the companies; the log loss there against the truth. Labels "
        "in the end: what the late cutoffs came to when their horizon was over, which is how far "
        "chance alone is off.\n\n" + "\n".join(parts)
    )


def _company_table(name: str, rows: pd.DataFrame) -> str:
    """A line per way; the log loss is against the truth, at the final test."""
    told = f"new leads are worth {KINDS[name]:g} times as much from {CHANGED_DAYS} days before it"
    title = f"{name.capitalize()}: {'nothing changes' if name == 'steady' else told}"
    ages = sorted((p for p in set(rows["place"]) if "days" in p), key=lambda p: int(p.split()[0]))
    places = [*ages, "final test"]
    losses = rows.dropna().pivot(index="seed", columns="way", values="loss")
    lines = []
    for way in (*LABELS.values(), *WAYS):
        cells = [_off(rows, way, place) for place in places]
        if way in WAYS:
            gain = losses["left out"] - losses[way]
            cells.append(f"{losses[way].mean():.4f}")
            cells.append("" if way == "left out" else f"{(gain > 0).sum()} of {len(gain)}")
        else:
            cells += ["", ""]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    columns = [f"{place} old" for place in ages] + ["final test", "log loss", "less than left out"]
    head = f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n"
    return f"### {title}\n\n{head}" + "\n".join(lines) + "\n"


def _off(rows: pd.DataFrame, way: str, place: str) -> str:
    off = 100 * rows.loc[(rows["way"] == way) & (rows["place"] == place), "off"]
    if off.empty:
        return ""
    return f"{off.mean():+.2f} ± {off.std() / np.sqrt(len(off)):.2f}"


def _bank_table(rows: pd.DataFrame) -> str:
    lines = []
    for origin, part in rows.groupby("origin"):
        by_way = part.set_index("way")
        offs = [f"{100 * by_way.at[way, 'off']:+.1f}" for way in WAYS]
        losses = [f"{by_way.at[way, 'loss']:.4f}" for way in WAYS]
        less, error = by_way.loc["corrected", ["less", "error"]]
        cells = [*offs, *losses, f"{less:+.4f} ± {error:.4f}"]
        lines.append(f"| {origin:%Y-%m-%d} | {' | '.join(cells)} |")
    columns = [f"{way}, points off" for way in WAYS] + [f"{way}, log loss" for way in WAYS]
    return (
        "At the five cutoffs from each origin on: percentage points promised above those won, the "
        "log loss, and how much less it is corrected than left out, with its standard error by "
        "lead. Periods overlap.\n\n"
        f"| origin | {' | '.join(columns)} | corrected saves |\n"
        f"|---|{'---|' * (len(columns) + 1)}\n" + "\n".join(lines) + "\n"
    )


def main() -> None:
    """Print the section; with --write, exchange it in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into docs/results.md")
    asked, found = parser.parse_args(), section()
    if asked.write:
        put(RESULTS, found, "python -m benchmarks.delay")
    print(found)


if __name__ == "__main__":
    main()
