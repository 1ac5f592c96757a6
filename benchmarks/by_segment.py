"""What a model of its own for each product gains, and that it costs nothing where there is nothing.

    .venv/bin/python -m benchmarks.by_segment [differ] [alike] [bank]    # default: all of them

Simulated companies with two products, drawn by lot among the leads. Where the products differ, the
buyers of one do what those of the other do with another intent: the actions of its leads are
exchanged, pair by pair, and the true chances stay what they were. Where they do not, the product is
a name, which is drawn by lot DRAWS times. Trees, and a regression, of the default settings for all
leads, and own models as `readiness train` chooses them on the folds of the training cutoffs; the
final test is looked at here alone. bank: the log of BPI Challenge 2012, by bands of the amount
asked for (it has no goal of the loan). docs/by-segment.md has what it printed.
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
from features.dataset import Dataset
from features.open_database import open_database
from features.simulator.simulate import World, simulate, write
from features.spec.spec import Spec
from features.starter.starter import write_starter
from models.classifier.classifier import AnySettings
from models.statistics.bootstrap import bootstrapped, rarer
from models.statistics.intervals import Estimate
from training.by_segment import OwnModels, choose_own_models
from training.fit import fit, with_own_models
from training.search import DEFAULT, WITHOUT_FOLDS
from training.splits import Split, configured_split, labelled_sides

SEEDS, LEADS, DRAWS, REPLICATES = (601, 602, 603), 6_000, 6, 400
LEARNERS: dict[str, AnySettings] = {"trees": DEFAULT, "regression": WITHOUT_FOLDS.settings}
PRODUCT, PRODUCTS = "attribute(product)", ("software", "machine")
EXCHANGED = {  # of the leads of the second product
    "visited_pricing": "visited_blog",
    "opened_quote": "email_opened",
    "form_submitted": "email_clicked",
    "read_reference": "visited_homepage",
    "form_begun": "watched_webinar",
    "called_in": "unsubscribed",
}
BANDS = """ AS amount_requested,
    CASE WHEN amount_requested < 7500 THEN 'small' WHEN amount_requested < 17500 THEN 'medium'
    ELSE 'large' END AS band"""
HEAD = (
    "| products | learner | seed | won | shares | log loss: true chances | one model | own models "
    "| own models - one model | as the truth expects |\n|---|---|---|---|---|---|---|---|---|---|"
)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """What is trained on, and the final test; truth: the true chances there, if they are known."""

    config: Config
    specs: Sequence[Spec]
    split: Split
    past: Dataset
    test: Dataset
    truth: Floats | None

    def redrawn(self, seed: int) -> "Task":
        """The same with the products drawn by lot anew, where they mean nothing."""
        ids = np.concatenate([each.frame["lead_id"] for each in (self.past, self.test)])
        leads = np.unique(ids)
        product_of = dict(zip(leads, products(len(leads), seed), strict=True))
        past, test = (
            replace(
                each, frame=each.frame.assign(**{PRODUCT: each.frame["lead_id"].map(product_of)})
            )
            for each in (self.past, self.test)
        )
        return replace(self, past=past, test=test)


@dataclass(frozen=True)
class Result:
    """On a final test: whose snapshot, the outcome, and the log loss of the true chances, of the
    model of all leads and with own models; expected: the last two averaged over the outcomes that
    the truth expects. NaN where the truth is not known."""

    lead_id: npt.NDArray[np.object_]
    won: Floats
    losses: Floats  # (3, n)
    expected: Floats  # (2, n)
    own: tuple[OwnModels, ...]

    @property
    def difference(self) -> Estimate:
        """Own models minus the model of all leads, paired, by resampling leads."""
        less = self.losses[2] - self.losses[1]

        def mean(weight: Floats) -> float:
            return float(np.average(less, weights=weight))

        wins = rarer(self.lead_id, self.won)
        return bootstrapped(mean, self.lead_id, wins, REPLICATES, seed=1)

    def row(self, products: str, learner: str, seed: str) -> str:
        """One line of the table."""
        tried = [each for own in self.own for each in own.values]
        shares = ", ".join(f"{each.share:.0%}" for each in tried)
        if len(self.own) > 1:
            shares = f"{sum(each.share > 0 for each in tried)} of {len(tried)} have an own model"
        losses = " | ".join(figure(each, ".4f") for each in self.losses.mean(axis=1))
        less, low, high = self.difference
        one, own = self.expected.mean(axis=1)
        return (
            f"| {products} | {learner} | {seed} | {self.won.sum():,.0f} | {shares} | {losses} "
            f"| {less:+.4f} ({low:+.4f} to {high:+.4f}) | {figure(own - one, '+.4f')} |"
        )


def figure(value: float, form: str) -> str:
    """A number, or a dash."""
    return "-" if np.isnan(value) else f"{value:{form}}"


def products(count: int, seed: int) -> npt.NDArray[np.object_]:
    """Drawn by lot."""
    return np.array(PRODUCTS, object)[np.random.default_rng(seed).integers(2, size=count)]


def with_products(world: World, seed: int, differ: bool) -> World:
    """The same company with a product for each lead."""
    product = products(len(world.leads), seed)
    leads = world.leads.assign(product=product)
    if not differ:
        return replace(world, leads=leads)
    both = EXCHANGED | {theirs: ours for ours, theirs in EXCHANGED.items()}
    action = world.events["action"].astype(object)
    second = product[world.events["lead_id"].to_numpy() - 1] == PRODUCTS[1]
    exchanged = action.where(~second, action.map(lambda each: both.get(each, each)))
    return replace(world, leads=leads, events=world.events.assign(action=exchanged))


def company(seed: int, differ: bool, folder: Path, leads: int = LEADS) -> Task:
    """A simulated company, its tables and settings in the folder."""
    world = with_products(simulate(leads, seed), seed, differ)
    write(world, folder)
    write_starter(folder)
    return task(load(folder), "product", world)


def task(config: Config, by: str, world: World | None = None) -> Task:
    """The snapshots, with own models by a column of leads, which is an attribute then."""
    attributes = list(dict.fromkeys([*config.features.attributes, by]))
    features = config.features.model_copy(update={"attributes": attributes})
    training = config.training.model_copy(update={"by": by})
    config = config.model_copy(update={"features": features, "training": training})
    with open_database(config) as database:
        specs = catalog_of(config, database)
        split = configured_split(config, database.data_end)
        past, test = labelled_sides(config, database, specs, split)
    keys, horizon = test.frame[["lead_id", "cutoff"]], config.time.horizon_days
    truth = None if world is None else world.true_probability(keys, horizon)
    return Task(config, specs, split, past, test, truth)


def judged(given: Task, settings: AnySettings) -> Result:
    """Trained on the training cutoffs, judged on the final test."""
    config, specs, past, test = given.config, given.specs, given.past, given.test
    own = choose_own_models(config, past, specs, given.split.fit, settings)
    assert own is not None
    of_all = fit(past, specs, settings, config.time.horizon_days, config.seed)
    models = of_all, of_all if own.shares is None else with_own_models(of_all, past, own.shares)
    unknown = np.full(len(test.won), np.nan)
    truth = unknown if given.truth is None else given.truth
    chances = [model.rank(test.frame) for model in models]
    tell(own)
    return Result(
        test.frame["lead_id"].to_numpy(object),
        test.won,
        np.stack([log_losses(test.won, each) for each in (truth, *chances)]),
        np.stack([log_losses(truth, each) for each in chances]),
        (own,),
    )


def together(every: Sequence[Result]) -> Result:
    """All companies as one; a lead is one company's."""
    leads = [[f"{n} {name}" for name in each.lead_id] for n, each in enumerate(every)]
    return Result(
        np.concatenate(leads).astype(object),
        np.concatenate([each.won for each in every]),
        np.concatenate([each.losses for each in every], axis=1),
        np.concatenate([each.expected for each in every], axis=1),
        tuple(own for each in every for own in each.own),
    )


def tell(own: OwnModels) -> None:
    """What the folds showed of each value, on standard error."""
    for each in own.values:
        less, low, high = each.difference
        print(
            f"  {each.value}: {each.wins} won leads, best share {each.best:.0%}, "
            f"{less:+.4f} ({low:+.4f} to {high:+.4f}): {each.share:.0%}",
            file=sys.stderr,
            flush=True,
        )


def differ(home: Path) -> None:
    """Companies whose products differ."""
    results: dict[str, list[Result]] = {learner: [] for learner in LEARNERS}
    for seed in SEEDS:
        given = company(seed, True, home / f"differ {seed}")
        for learner, settings in LEARNERS.items():
            results[learner].append(judged(given, settings))
            print(results[learner][-1].row("differ", learner, str(seed)), flush=True)
    for learner, every in results.items():
        print(together(every).row("differ", learner, "all"), flush=True)


def alike(home: Path) -> None:
    """A company whose products do not differ, the products drawn by lot again and again."""
    given = company(SEEDS[0], False, home / "alike")
    for learner, settings in LEARNERS.items():
        every = [judged(given.redrawn(draw), settings) for draw in range(DRAWS)]
        print(together(every).row("do not differ", learner, f"{DRAWS} draws"), flush=True)


def by_amount(home: Path) -> None:
    """The bank's log."""
    config = bank(home / "bpic2012")
    if config is not None:
        leads = config.folder / "leads.sql"
        text = leads.read_text(encoding="utf-8")
        leads.write_text(text.replace(" AS amount_requested", BANDS), encoding="utf-8")
        given = task(config, "band")
        for learner, settings in LEARNERS.items():
            print(judged(given, settings).row("BPI Challenge 2012", learner, "-"), flush=True)


PARTS = {"differ": differ, "alike": alike, "bank": by_amount}

if __name__ == "__main__":
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for part in sys.argv[1:] or PARTS:
            PARTS[part](Path(folder))
