"""An account's own readiness against what its people's readiness makes of it, on simulated
companies whose true chances are known, as Markdown.

    .venv/bin/python -m benchmarks.account_readiness [SEED ...]  # docs/accounts.md has the output

Two models of one company, by the same learner of default settings: of each lead, with the features
of its account, and of each account (unit = "account"). Both are judged on the accounts that are
open at the cutoffs of the final test, by whether the account is won within the horizon: the
account's own readiness; the maximum of the readiness of its open people; and 1 - prod(1 - p), as if
they were independent. Beside the share won, the means of the true chances and of the three; and the
differences in log loss with 95 % intervals by 1,000 resamples of accounts, then as averaged over
the outcomes that the truth expects. Last, the same where the others are calibrated by the line in
log-odds that fits these outcomes best, which no forecast could know.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from benchmarks.account_truth import AccountTruth
from benchmarks.accounts import ACCOUNT, DAYS, LEADS, SEEDS, interval, log_losses
from features.catalog import catalog_of
from features.config import Config, load
from features.dataset import Dataset
from features.open_database import open_database
from features.simulator.accounts import buying_groups
from features.simulator.simulate import write
from features.simulator.simulated import Simulated
from features.starter.starter import write_starter
from training.fit import fit
from training.search import DEFAULT
from training.splits import configured_split, labelled_sides

HEAD = """| open people | accounts | won | true | own | maximum | 1 - prod(1 - p) \
| own - maximum | own - (1 - prod(1 - p)) |
|---|---|---|---|---|---|---|---|---|"""
SIZES = {"1": (1, 1), "2 or 3": (2, 3), "4 or more": (4, 99), "any": (1, 99)}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Of each account and cutoff of the final test: how many of its people are open, whether it was
    won, and the probabilities."""

    account: npt.NDArray[np.object_]
    people: Floats
    won: Floats
    truth: Floats
    own: Floats
    most: Floats
    independent: Floats

    def row(self, size: str) -> str:
        """The line of the table of accounts of a size."""
        low, high = SIZES[size]
        part = self.where((self.people >= low) & (self.people <= high))
        ways = (part.won, part.truth, part.own, part.most, part.independent)
        means = " | ".join(f"{way.mean():.2%}" for way in ways)
        against = [part.against(each) for each in (part.most, part.independent)]
        return f"| {size} | {len(part.won):,} | {means} | {' | '.join(against)} |"

    def against(self, other: Floats) -> str:
        """The difference in log loss of the own readiness to another probability."""
        own = log_losses(self.won, self.own) - log_losses(self.won, other)
        low, point, high = interval(own, self.account)
        expected = (log_losses(self.truth, self.own) - log_losses(self.truth, other)).mean()
        return f"{point:+.4f} ({low:+.4f} to {high:+.4f}); {expected:+.4f}"

    def where(self, inside: npt.NDArray[np.bool_]) -> "Judged":
        """Some of the rows."""
        return Judged(*(getattr(self, each.name)[inside] for each in fields(self)))

    def calibrated_again(self) -> str:
        """A sentence of what is left when the others are calibrated by the outcomes."""
        most, independent = (
            self.against(lined(each, self.won)) for each in (self.most, self.independent)
        )
        return (
            f"With the line that fits these outcomes best: own - maximum {most}; "
            f"own - (1 - prod(1 - p)) {independent}."
        )


def lined(probability: Floats, won: Floats) -> Floats:
    """Calibrated by a line in log-odds that is fitted on the outcomes themselves."""
    x = logit(probability)[:, np.newaxis]
    fitted: Floats = expit(LogisticRegression(C=1e6).fit(x, won).decision_function(x))
    return fitted


def learned(config: Config) -> tuple[Dataset, Floats, pd.DataFrame]:
    """The final test of a question, what a model of it gives, and who is in which account."""
    with open_database(config) as database:
        split = configured_split(config, database.data_end)
        specs = catalog_of(config, database)
        past, test = labelled_sides(config, database, specs, split)
        people = database.query("FROM people") if config.account else pd.DataFrame()
    model = fit(past, specs, DEFAULT, config.time.horizon_days, config.seed)
    return test, model.rank(test.frame), people


def judged(company: Simulated, folder: Path) -> Judged:
    """Train both models on a company's tables, and judge them on the accounts."""
    write(company, folder)
    write_starter(folder)
    config = load(folder)
    changed = {"account": ACCOUNT, "title": "job_title", "attributes": ["job_title"]}
    config = config.model_copy(update={"features": config.features.model_copy(update=changed)})
    test, own, people = learned(config.model_copy(update={"unit": "account"}))
    of_leads, readiness, _ = learned(config)
    account = people.set_index("lead_id")["account_id"]
    by_person = of_leads.frame[["lead_id", "cutoff"]].assign(p=readiness, q=np.log1p(-readiness))
    by_person["lead_id"] = by_person["lead_id"].map(account)
    groups = by_person.groupby(["lead_id", "cutoff"]).agg(most=("p", "max"), none=("q", "sum"))
    keys = test.frame[["lead_id", "cutoff"]]
    both = keys.join(groups, on=["lead_id", "cutoff"], validate="1:1")
    assert both.notna().all(axis=None)  # of every open account somebody is open
    truth = AccountTruth(company, account.loc[company.tables["leads"]["lead_id"]])
    return Judged(
        account=keys["lead_id"].to_numpy(object),
        people=test.frame["people_open"].to_numpy(),
        won=test.won,
        truth=truth(keys, config.time.horizon_days),
        own=own,
        most=both["most"].to_numpy(),
        independent=-np.expm1(both["none"].to_numpy()),
    )


def together(every: Sequence[Judged]) -> Judged:
    """All companies as one; an account is one company's."""
    names = [[f"{n} {name}" for name in each.account] for n, each in enumerate(every)]
    columns: dict[str, Any] = {
        each.name: np.concatenate([getattr(judged, each.name) for judged in every])
        for each in fields(Judged)
    }
    return Judged(**columns | {"account": np.concatenate(names).astype(object)})


def main(seeds: tuple[int, ...]) -> None:
    """Print the table of all companies together."""
    with tempfile.TemporaryDirectory() as home:
        every = [judged(buying_groups(LEADS, seed, DAYS), Path(home) / str(seed)) for seed in seeds]
    whole = together(every)
    print(HEAD, *map(whole.row, SIZES), "", whole.calibrated_again(), sep="\n")


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SEEDS)
