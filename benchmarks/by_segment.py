"""What a model of its own for each product gains, and that it costs nothing where there is nothing.

    .venv/bin/python -m benchmarks.by_segment [SEED ...] [--bank]    # docs/by-segment.md has it

Simulated companies with two products, drawn by lot among the leads. Where the products differ, the
buyers of one do with the same intent what those of the other do with another: the actions of its
leads are exchanged, pair by pair, and the truth stays what it was. Where they do not, the product
is a name. Trees of the default settings for all leads, and by product as `readiness train` chooses;
the final test is looked at here alone. --bank: the log of BPI Challenge 2012 by the goal of the
loan, with the fewest wins that are allowed.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.accounts import log_losses
from benchmarks.baselines import bank
from features.catalog import catalog_of
from features.config import Config, load
from features.open_database import open_database
from features.simulator.simulate import World, simulate, write
from features.starter.starter import write_starter
from models.statistics.bootstrap import bootstrapped, rarer
from models.statistics.intervals import Estimate
from training.by_segment import OwnModels, choose_own_models
from training.fit import fit, with_own_models
from training.search import DEFAULT
from training.splits import configured_split, labelled_sides

SEEDS, LEADS, REPLICATES = (601, 602, 603), 6_000, 400
PRODUCTS = ("software", "machine")
EXCHANGED = {  # of the leads of the second product
    "visited_pricing": "visited_blog",
    "opened_quote": "email_opened",
    "form_submitted": "email_clicked",
    "read_reference": "visited_homepage",
    "form_begun": "watched_webinar",
    "called_in": "unsubscribed",
}
HEAD = (
    "| products | seed | snapshots | won | shares | log loss: true chances | one model "
    "| by product | by product - one model |\n|---|---|---|---|---|---|---|---|---|"
)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """On a final test: whose snapshot, the outcome, log losses of the true chances (empty: not
    known), of the model of all leads, and by segment; and what was chosen."""

    lead_id: npt.NDArray[np.object_]
    won: Floats
    truth: Floats
    of_all: Floats
    by_segment: Floats
    own: tuple[OwnModels, ...]

    @property
    def difference(self) -> Estimate:
        """By segment minus the model of all leads, paired, by resampling leads."""
        less = self.by_segment - self.of_all

        def mean(weight: Floats) -> float:
            return float(np.average(less, weights=weight))

        wins = rarer(self.lead_id, self.won)
        return bootstrapped(mean, self.lead_id, wins, REPLICATES, seed=1)

    def row(self, name: str, seed: str) -> str:
        """One line of the table."""
        shares = [f"{v.share:.0%}" for own in self.own for v in own.values]
        means = [
            f"{each.mean():.4f}" if len(each) else "-"
            for each in (self.truth, self.of_all, self.by_segment)
        ]
        less, low, high = self.difference
        return (
            f"| {name} | {seed} | {len(self.won):,} | {self.won.sum():,.0f} | {', '.join(shares)} "
            f"| {' | '.join(means)} | {less:+.4f} ({low:+.4f} to {high:+.4f}) |"
        )


def with_products(world: World, seed: int, differ: bool) -> World:
    """The same company with a product for each lead, drawn by lot."""
    product = np.random.default_rng(seed).integers(len(PRODUCTS), size=len(world.leads))
    leads = world.leads.assign(product=np.array(PRODUCTS)[product])
    if not differ:
        return replace(world, leads=leads)
    both = EXCHANGED | {theirs: ours for ours, theirs in EXCHANGED.items()}
    action = world.events["action"].astype(object)
    second = product[world.events["lead_id"].to_numpy() - 1] == 1
    exchanged = action.where(~second, action.map(lambda each: both.get(each, each)))
    return replace(world, leads=leads, events=world.events.assign(action=exchanged))


def company(seed: int, differ: bool, folder: Path, leads: int = LEADS) -> tuple[Config, World]:
    """Its tables and settings in a folder, with the product among the attributes."""
    world = with_products(simulate(leads, seed), seed, differ)
    write(world, folder)
    write_starter(folder)
    return by(load(folder), "product"), world


def by(config: Config, column: str) -> Config:
    """The settings with the column as an attribute, and own models by it."""
    attributes = list(dict.fromkeys([*config.features.attributes, column]))
    features = config.features.model_copy(update={"attributes": attributes})
    training = config.training.model_copy(update={"by": column})
    return config.model_copy(update={"features": features, "training": training})


def judged(config: Config, world: World | None = None) -> Result:
    """Trained on the training cutoffs, judged on the final test."""
    horizon = config.time.horizon_days
    with open_database(config) as database:
        specs = catalog_of(config, database)
        split = configured_split(config, database.data_end)
        past, test = labelled_sides(config, database, specs, split)
    own = choose_own_models(config, past, specs, split.fit, DEFAULT)
    assert own is not None
    of_all = fit(past, specs, DEFAULT, horizon, config.seed)
    by_segment = of_all if own.shares is None else with_own_models(of_all, past, own.shares)
    keys = test.frame[["lead_id", "cutoff"]]
    truth = [] if world is None else [log_losses(test.won, world.true_probability(keys, horizon))]
    return Result(
        keys["lead_id"].to_numpy(object),
        test.won,
        np.concatenate([np.empty(0), *truth]),
        *(log_losses(test.won, model.rank(test.frame)) for model in (of_all, by_segment)),
        (own,),
    )


def together(every: Sequence[Result]) -> Result:
    """All companies as one; a lead is one company's."""
    leads = [[f"{n} {name}" for name in each.lead_id] for n, each in enumerate(every)]
    columns = ("won", "truth", "of_all", "by_segment")
    joined = {name: np.concatenate([getattr(each, name) for each in every]) for name in columns}
    own = tuple(own for each in every for own in each.own)
    return Result(np.concatenate(leads).astype(object), own=own, **joined)


def tried(own: OwnModels) -> str:
    """What the folds showed of each value."""
    lines = [
        f"  {each.value}: {each.wins} won leads, best share {each.best:.0%}, "
        f"{each.difference.point:+.4f} ({each.difference.low:+.4f} to {each.difference.high:+.4f})"
        for each in own.values
    ]
    return "\n".join(lines)


def main(seeds: tuple[int, ...], of_bank: bool) -> None:
    """Print the table, a row as soon as it is known; what the folds showed on standard error."""
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as home:
        config = bank(Path(home) / "bpic2012") if of_bank else None
        if config is not None:
            result = judged(by(config, "goal"))
            print(result.row("BPI Challenge 2012", "-"), flush=True)
            print(tried(result.own[0]), file=sys.stderr, flush=True)
            return
        for name, differ in (("differ", True), ("do not differ", False)):
            every = []
            for seed in seeds:
                every.append(judged(*company(seed, differ, Path(home) / f"{name} {seed}")))
                print(every[-1].row(name, str(seed)), flush=True)
                print(tried(every[-1].own[0]), file=sys.stderr, flush=True)
            print(together(every).row(name, "all"), flush=True)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:] if each.isdigit()]
    main(tuple(given) or SEEDS, "--bank" in sys.argv)
