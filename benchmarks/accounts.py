"""What account features add, on simulated companies whose true chances are known, as Markdown.

    .venv/bin/python -m benchmarks.accounts [SEED ...]    # docs/accounts.md has what it printed

Boosted trees of default settings on the same snapshots with and without the features of accounts,
judged on the final test, beside the true chances. Of each company a second one is made in which the
accounts mean nothing: the same leads, events and deals, the account ids shuffled among the leads.
Differences have 95 % intervals from 1,000 resamples of accounts (a lead without one is its own).
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalog import catalog_of
from features.config import load
from features.open_database import open_database
from features.simulator.accounts import buying_groups
from features.simulator.simulate import write
from features.simulator.simulated import Simulated
from features.spec.compiled import compile_specs
from features.starter.starter import write_starter
from training.fit import fit
from training.search import DEFAULT
from training.splits import configured_split, labelled_sides

SEEDS, LEADS, DAYS, RESAMPLES = (101, 102, 103), 6_000, 540, 1_000
ACCOUNT = "account_id"
HEAD = """| accounts | seed | snapshots | won | log loss: true chances | without | with | \
with - without | as the truth expects | of what was to gain |
|---|---|---|---|---|---|---|---|---|---|"""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Losses:
    """Log loss of each test snapshot: of the outcomes under the truth, without and with features of
    accounts; `expected`, the same two averaged over the outcomes that the truth expects."""

    account: npt.NDArray[np.object_]
    won: Floats
    truth: Floats
    without: Floats
    with_: Floats
    expected: tuple[Floats, Floats, Floats]

    def row(self, name: str, seed: str) -> str:
        """One line of the table."""
        low, point, high = interval(self.with_ - self.without, self.account)
        least, without, with_ = (each.mean() for each in self.expected)
        gained = (without - with_) / (without - least)
        means = [f"{each.mean():.4f}" for each in (self.truth, self.without, self.with_)]
        difference = f"{point:+.4f} ({low:+.4f} to {high:+.4f})"
        counts = f"{len(self.won):,} | {self.won.sum():,.0f}"
        expected = f"{with_ - without:+.4f} | {gained:.0%}"
        return f"| {name} | {seed} | {counts} | {' | '.join(means)} | {difference} | {expected} |"


def log_losses(outcome: Floats, probability: Floats) -> Floats:
    """Of each outcome, 1, 0 or a chance."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    losses: Floats = -(outcome * np.log(p) + (1 - outcome) * np.log(1 - p))
    return losses


def interval(difference: Floats, account: npt.NDArray[np.object_]) -> tuple[float, float, float]:
    """The mean, between the ends of its 95 % interval by resampling accounts."""
    code = pd.factorize(account)[0]
    sums, counts = np.bincount(code, difference), np.bincount(code)
    rng = np.random.default_rng(1)
    weight = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    low, high = np.quantile(weight @ sums / (weight @ counts), [0.025, 0.975])
    return float(low), float(difference.mean()), float(high)


def shuffled(company: Simulated, seed: int) -> Simulated:
    """The same company, the account ids shuffled among the leads."""
    leads = company.tables["leads"]
    order = np.random.default_rng(seed).permutation(len(leads))
    moved = leads.assign(**{ACCOUNT: leads[ACCOUNT].array[order]})
    return Simulated({**company.tables, "leads": moved}, company.data_end, company.true_probability)


def judged(company: Simulated, folder: Path) -> Losses:
    """Train on a company's tables, and judge on its final test."""
    write(company, folder)
    write_starter(folder)
    config = load(folder)
    of_accounts = config.features.model_copy(
        update={"account": ACCOUNT, "attributes": ["job_title"]}
    )
    config = config.model_copy(update={"features": of_accounts})
    horizon = config.time.horizon_days
    with open_database(config) as database:
        specs = catalog_of(config, database)
        past, test = labelled_sides(
            config, database, specs, configured_split(config, database.data_end)
        )
    own = [spec for spec in specs if not compile_specs([spec]).of_account]
    assert 0 < len(own) < len(specs)
    without, with_ = (
        fit(past, some, DEFAULT, horizon, config.seed).rank(test.frame) for some in (own, specs)
    )
    keys = test.frame[["lead_id", "cutoff"]]
    truth = company.true_probability(keys, horizon)
    leads = company.tables["leads"].set_index("lead_id")[ACCOUNT].loc[keys["lead_id"]]
    alone = -keys["lead_id"].to_numpy()
    account = leads.astype(object).where(leads.notna(), alone).to_numpy()
    ways = (truth, without, with_)
    losses = [log_losses(test.won, way) for way in ways]
    first, second, third = (log_losses(truth, way) for way in ways)
    return Losses(account, test.won, losses[0], losses[1], losses[2], (first, second, third))


def together(every: Sequence[Losses]) -> Losses:
    """All companies as one; an account is one company's."""
    account = np.concatenate(
        [[f"{n} {name}" for name in each.account] for n, each in enumerate(every)]
    )
    columns = ("won", "truth", "without", "with_")
    joined = {name: np.concatenate([getattr(e, name) for e in every]) for name in columns}
    first, second, third = (
        np.concatenate(parts) for parts in zip(*(e.expected for e in every), strict=True)
    )
    return Losses(account=account.astype(object), **joined, expected=(first, second, third))


def main(seeds: tuple[int, ...]) -> None:
    """Print the table, a row as soon as it is known."""
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as home:
        for name in ("as they are", "shuffled"):
            every = []
            for seed in seeds:
                company = buying_groups(LEADS, seed, DAYS)
                if name == "shuffled":
                    company = shuffled(company, seed)
                every.append(judged(company, Path(home) / f"{name}-{seed}"))
                print(every[-1].row(name, str(seed)), flush=True)
            print(together(every).row(name, "all"), flush=True)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SEEDS)
