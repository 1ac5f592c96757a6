"""What is learnt from 60 wins: log loss beside the base rate's, over 20 simulated companies.

    .venv/bin/python -m benchmarks.small_data

Each company trains on as many of its leads, drawn at random, as hold 60 won ones, and is judged at
its final test on all of its leads. `noise` is the same training with 60 winners drawn by lot: there
is nothing to learn, and the truth of the test is the one chance for everyone.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.catalog import catalog
from features.config import load
from features.dataset import Dataset, labelled
from features.open_database import open_database
from features.progress import silent
from features.simulator.simulate import simulate, write
from features.spec.spec import Spec
from features.starter.starter import write_starter
from training.fit import SMALL, SMALL_LOGISTIC, fit
from training.search import DEFAULT
from training.splits import final_split

SEEDS, LEADS, WINS = range(20), 2_000, 60
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Company:
    """A simulated company: what can be trained on, its final test, and the true chances there."""

    past: Dataset
    test: Dataset
    truth: Floats
    specs: Sequence[Spec]
    horizon_days: int


@dataclass(frozen=True)
class Row:
    """Log losses on one company's test, of outcomes; of noise, against the one true chance."""

    seed: int
    leads: int
    base_rate: float
    small: float
    regression: float
    usual: float
    truth: float
    noise_base_rate: float
    noise: float
    noise_regression: float


def company(seed: int, leads: int = LEADS) -> Company:
    """A company of `leads` leads under the settings of `readiness init`."""
    world = simulate(leads, seed)
    with tempfile.TemporaryDirectory() as name:
        write(world, Path(name))
        write_starter(Path(name))
        config = load(Path(name))
        times = config.time
        with open_database(config) as database:
            known = times.mature_cutoffs(database.data_end)
            split = final_split(known, times.test_cutoffs, times.horizon_days)
            specs = catalog(config.features, database.actions, database.attributes)
            both = [*split.fit, *split.judge]
            dataset = labelled(database, specs, both, times.horizon_days, 4, silent)
    test = dataset.at(split.judge)
    truth = world.true_probability(test.frame[["lead_id", "cutoff"]], times.horizon_days)
    return Company(dataset.at(split.fit), test, truth, specs, times.horizon_days)


def with_wins(past: Dataset, wins: int, seed: int) -> Dataset:
    """The snapshots of as many leads, drawn at random, as hold so many won ones."""
    leads = np.random.default_rng(seed).permutation(past.frame["lead_id"].unique())
    won = np.isin(leads, past.frame.loc[past.won == 1, "lead_id"])
    sample = leads[: np.searchsorted(np.cumsum(won), wins) + 1]
    return past.rows(past.frame["lead_id"].isin(sample).to_numpy())


def by_lot(past: Dataset, wins: int, seed: int) -> Dataset:
    """The same snapshots, won by leads drawn by lot, each at all of its cutoffs."""
    leads = past.frame["lead_id"].unique()
    winners = np.random.default_rng(seed).choice(leads, wins, replace=False)
    return Dataset(past.frame, past.frame["lead_id"].isin(winners).to_numpy(np.float64))


def measure(seed: int, leads: int = LEADS, wins: int = WINS) -> Row:
    """Train on few wins and judge."""
    result = company(seed, leads)
    past = with_wins(result.past, wins, seed)
    frame, won = result.test.frame, result.test.won
    small = fit(past, result.specs, SMALL, result.horizon_days, seed)
    usual = fit(past, result.specs, DEFAULT, result.horizon_days, seed)
    lot = by_lot(past, wins, seed)
    of_lot = fit(lot, result.specs, SMALL, result.horizon_days, seed)
    shrunk = fit(past, result.specs, SMALL_LOGISTIC, result.horizon_days, seed)
    shrunk_of_lot = fit(lot, result.specs, SMALL_LOGISTIC, result.horizon_days, seed)
    sample = past.frame["lead_id"].nunique()
    chance = np.full(len(won), wins / sample)
    return Row(
        seed=seed,
        leads=sample,
        base_rate=log_loss(won, np.full(len(won), small.base_rate)),
        small=log_loss(won, small.rank(frame)),
        regression=log_loss(won, shrunk.rank(frame)),
        usual=log_loss(won, usual.rank(frame)),
        truth=log_loss(won, result.truth),
        noise_base_rate=log_loss(chance, np.full(len(won), of_lot.base_rate)),
        noise=log_loss(chance, of_lot.rank(frame)),
        noise_regression=log_loss(chance, shrunk_of_lot.rank(frame)),
    )


def log_loss(chance: Floats, text: Floats) -> float:
    """Mean log loss of what is said, where `chance` is the outcome, or its true chance."""
    text = np.clip(text, 1e-12, 1 - 1e-12)
    return float(-(chance * np.log(text) + (1 - chance) * np.log(1 - text)).mean())


def small_data(seeds: Sequence[int] = SEEDS) -> str:
    """The table as Markdown."""
    rows = []
    for seed in seeds:
        print(f"seed {seed}", file=sys.stderr)
        rows.append(measure(seed))
    lines = "\n".join(_line(row) for row in rows)
    small = np.array([row.small - row.base_rate for row in rows])
    usual = np.array([row.usual - row.base_rate for row in rows])
    line = np.array([row.regression - row.base_rate for row in rows])
    noise = np.array([row.noise - row.noise_base_rate for row in rows])
    line_noise = np.array([row.noise_regression - row.noise_base_rate for row in rows])
    return (
        f"## {WINS} wins, {len(rows)} simulated companies: log loss beside the base rate's\n\n"
        f"`python -m benchmarks.small_data`: {LEADS:,} leads each, trained on as many, drawn at "
        f"random, as hold {WINS} won ones (a training below 150 won leads is a small one: "
        "docs/enough-data.md); judged at the final test on all leads. Lower is better; small: its "
        "trees, regression: its logistic regression, which it registers if that does as well; "
        "usual: the "
        "settings and calibration for more data, on the same few; by lot: trained on winners "
        "drawn by lot, with nothing to learn.\n\n"
        "| seed | leads | base rate | small | regression | usual | truth | small - base rate "
        "| regression - base rate | by lot - base rate: small | regression |\n"
        f"|---|---|---|---|---|---|---|---|---|---|---|\n{lines}\n\n"
        f"> Worse than the base rate: small {(small > 0).sum()} times of {len(rows)} (at the "
        f"worst {small.max():+.4f}, on average {small.mean():+.4f}), regression "
        f"{(line > 0).sum()} (at the worst {line.max():+.4f}, on average {line.mean():+.4f}), "
        f"usual {(usual > 0).sum()} "
        f"(at the worst {usual.max():+.4f}, on average {usual.mean():+.4f}). Small is better than "
        f"usual {(small < usual).sum()} times. By lot: at the worst {noise.max():+.5f}, "
        f"regression {line_noise.max():+.5f}.\n"
    )


def _line(row: Row) -> str:
    figures = (row.base_rate, row.small, row.regression, row.usual, row.truth)
    losses = " | ".join(f"{figure:.4f}" for figure in figures)
    gains = (
        f"{row.small - row.base_rate:+.4f} | {row.regression - row.base_rate:+.4f} "
        f"| {row.noise - row.noise_base_rate:+.5f} "
        f"| {row.noise_regression - row.noise_base_rate:+.5f}"
    )
    return f"| {row.seed} | {row.leads} | {losses} | {gains} |"


if __name__ == "__main__":
    print(small_data())
