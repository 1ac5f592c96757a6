"""Which rule of promotion chooses the truly better model: the backtest, or realised evidence?

    .venv/bin/python -m benchmarks.realised [NIGHTS] [--companies N] [--write]

Simulated companies whose market changes: at four random days two sources change places in what
their leads are worth, or all of them are worth more or less. Four versions are trained as
`readiness train` trains them, the trees without a search: trees and a regression before the first
night, and trees again after one quarter and after two. From its training on each is scored on the
lists of every third night. Every seven weeks each rule may promote a version that is newer than its
champion, by what is mature that day. What was truly better is known from the simulator: the true
chances on the Mondays of the quarter after.

Both judge by `judge`, which `promote` and models/realised.py call, the backtest on `fair_cutoffs`,
realised evidence on the nights since both were there; intervals from 200 replicates (`promote`
takes 1,000); what is surely better says `decide`.

The simulator rewrites no past, so a version says of a past night what it said in it: the readiness
of the ledger is that of `ReadinessModel.rank` on the frame of its cutoff, as in
serve/scoring/shadow.py, and no ledger is needed. For the same reason the backtest has all that
realised evidence has, and more: what a past rewritten would do to it is not measured here.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.measure import HOME
from benchmarks.page import put
from features.catalog import catalog_of
from features.config import Config, load
from features.dataset import Dataset, labelled
from features.errors import Refused
from features.open_database import open_database
from features.simulator.simulate import World, simulate, write
from features.simulator.simulated import START
from features.simulator.world import MOST_QUALITY, SOURCES, QualityChange
from features.spec.spec import Spec, distinct
from features.starter.starter import write_starter
from models.classifier.model import ReadinessModel
from models.comparison import fair_cutoffs, judge_on
from models.rules.rules import load_rules
from models.statistics.intervals import UNKNOWN, Estimate
from models.statistics.judge import Contender, Judgement
from training.fit import SMALL, fit, is_small
from training.learners import logistic_regression
from training.promotion.decision import Takes, decide
from training.search import DEFAULT
from training.splits import configured_split

COMPANIES, LEADS, SEED, REPLICATES = 12, 2_000, 15, 200
HISTORY, QUARTER, HORIZON = 300, 91, 30  # days before the first night; after a promotion
EVERY_NIGHTS, EVERY_DATES, FIRST_DATE, BEGIN = 3, 49, 84, 70
# Night of the training, and the learner, of the versions 1 to 4.
TRAININGS = ((0, "trees"), (0, "logistic"), (91, "trees"), (182, "trees"))
LEAST_NIGHTS = 231  # the first date at which all four have matured lists
FEW = 6  # companies, below which a mean over them has no interval
MARKET = (0.6, 1.5)  # how much all leads may become worth, times what they were

Floats = npt.NDArray[np.float64]


def day(number: int) -> datetime:
    """The midnight of a day, counted from 0."""
    return (START + timedelta(days=number)).to_pydatetime()


def changes(rng: np.random.Generator, days: int) -> list[QualityChange]:
    """Four changes of the market: two of what two sources are worth, two of all sources."""
    quality = {source: quality for source, (_, quality) in SOURCES.items()}
    made = []
    for number, when in enumerate(np.sort(rng.integers(HISTORY // 2, days, 4)).tolist()):
        before = dict(quality)
        if number % 2:
            times = float(rng.choice(MARKET))
            quality = {name: min(MOST_QUALITY, each * times) for name, each in quality.items()}
        else:
            one, other = rng.choice(list(SOURCES), 2, replace=False).tolist()
            quality[one], quality[other] = quality[other], quality[one]
        made += [
            QualityChange(name, when, each)
            for name, each in quality.items()
            if each != before[name]
        ]
    return made


@dataclass(frozen=True)
class Company:
    """A simulated company: every snapshot that is used, with the readiness of every version, the
    points, the outcome and the true chance."""

    config: Config
    models: dict[str, ReadinessModel]
    rows: pd.DataFrame
    nights: int
    judged: dict[tuple[object, ...], Judgement | None] = field(default_factory=dict)

    @classmethod
    def of(cls, number: int, nights: int) -> "Company":
        """Simulate, train each version once, and score."""
        days = HISTORY + nights + QUARTER + HORIZON
        moved = changes(np.random.default_rng([SEED, number]), days)
        world = simulate(LEADS, 1000 * SEED + number, days, changes=moved)
        with tempfile.TemporaryDirectory() as name:
            write(world, Path(name))
            write_starter(Path(name))
            config = load(Path(name))
            rules = load_rules(config.folder / config.rules)
            times = config.time.model_copy(update={"first_cutoff": day(BEGIN)})
            config = config.model_copy(update={"time": times})
            with open_database(config, rules.specs) as database:
                specs = catalog_of(config, database)
                needed = distinct((*specs, *rules.specs))
                cutoffs = _cutoffs(config, nights)
                dataset = labelled(database, needed, cutoffs, HORIZON, config.engine.memory_gb)
        models = dict(_trained(config, dataset, specs))
        rows = dataset.frame[["lead_id", "cutoff"]].assign(won=dataset.won)
        rows["rules"] = rules.rank(dataset.frame)
        rows["truth"] = _truth(world, rows)
        for version, model in models.items():
            rows[version] = model.rank(dataset.frame)
        return cls(config, models, rows, nights)

    @property
    def dates(self) -> range:
        """The nights at which a version may be promoted."""
        return range(FIRST_DATE, self.nights + 1, EVERY_DATES)

    def at(self, cutoffs: Sequence[datetime]) -> pd.DataFrame:
        """The rows of some cutoffs."""
        return self.rows[self.rows["cutoff"].isin(cutoffs)].reset_index(drop=True)

    def registered(self, night: int) -> list[str]:
        """The versions that there are."""
        return [str(n) for n, (when, _) in enumerate(TRAININGS, 1) if when <= night]

    def backtest(self, night: int, challenger: str, champion: str) -> Judgement | None:
        """As `promote` judges them that night; None where no cutoff is fair."""
        pair = [self.models[challenger], self.models[champion]]
        try:
            rows = self.at(fair_cutoffs(self.config, pair, day(HISTORY + night)))
        except Refused:
            return None
        return self._judged(rows, challenger, champion)

    def realised(self, night: int, challenger: str, champion: str) -> Judgement | None:
        """By the lists on which both have a readiness; None where none is fair and mature."""
        pair = self.models[challenger], self.models[champion]
        both = max(TRAININGS[int(version) - 1][0] for version in (challenger, champion))
        nights = range(0, night - HORIZON + 1, EVERY_NIGHTS)
        fair = max(model.fair_from for model in pair)
        lists = [day(HISTORY + each) for each in nights if each >= both]
        rows = self.at([each for each in lists if each >= fair])
        return self._judged(rows, challenger, champion)

    def _judged(self, rows: pd.DataFrame, challenger: str, champion: str) -> Judgement | None:
        """As `promote` and `judge_realised` judge, with fewer replicates."""
        if not 0 < rows["won"].sum() < len(rows):
            return None
        contenders = [
            Contender("challenger", rows[challenger].to_numpy(), True),
            Contender("rules", rows["rules"].to_numpy(), False),
            Contender("champion", rows[champion].to_numpy(), True),
        ]
        dataset = Dataset(rows, rows["won"].to_numpy())
        base_rate = self.models[challenger].base_rate
        return judge_on(dataset, self.config, contenders, base_rate, REPLICATES)

    def truly(self, night: int) -> dict[str, tuple[float, float]]:
        """Of each version on the quarter after: true wins per 100 calls of its lists, and its log
        loss to the truth."""
        first = HISTORY + night
        mondays = [day(each) for each in range(first, first + QUARTER) if each % 7 == 0]
        rows = self.at(mondays)
        return {version: self._true(rows, version) for version in self.registered(night)}

    def _true(self, rows: pd.DataFrame, version: str) -> tuple[float, float]:
        readiness, chance = rows[version].to_numpy(), rows["truth"].to_numpy()
        loss = -(chance * np.log(readiness) + (1 - chance) * np.log1p(-readiness)).mean()
        wins = calls = 0.0
        for _, each in rows.groupby("cutoff"):
            slots = round(float(self.config.capacity.slots(np.array([float(len(each))]))[0]))
            wins += each.nlargest(slots, version)["truth"].sum()
            calls += slots
        return 100 * wins / calls, float(loss)


def _cutoffs(config: Config, nights: int) -> list[datetime]:
    """The Mondays of the settings to the end of the quarter after the last night, and the nights of
    which there are lists."""
    last = HISTORY + nights + QUARTER
    mondays = {each for each in config.time.cutoffs(day(last)) if each < day(last)}
    return sorted(mondays | {day(HISTORY + night) for night in range(0, nights, EVERY_NIGHTS)})


def _trained(
    config: Config, dataset: Dataset, specs: Sequence[Spec]
) -> Iterator[tuple[str, ReadinessModel]]:
    for number, (night, learner) in enumerate(TRAININGS, start=1):
        split = configured_split(config, day(HISTORY + night))
        past = dataset.at(split.fit)
        if learner == "trees":
            settings = SMALL if is_small(past) else DEFAULT
            model = fit(past, specs, settings, HORIZON, config.seed)
        else:
            model = logistic_regression(config, past, specs, split.fit).model
        yield str(number), replace(model, version=str(number))


def _truth(world: World, rows: pd.DataFrame) -> Floats:
    return world.true_probability(rows[["lead_id", "cutoff"]], HORIZON)


Evidence = Callable[[Company, int, str, str], Judgement | None]


@dataclass(frozen=True)
class Rule:
    """A rule of promotion. evidence: None for one that looks at no figures; surely: only what
    `promote` takes without a person's approval, else whatever has the higher figure."""

    name: str
    evidence: Evidence | None = None
    surely: bool = False

    def chosen(self, company: Company, night: int, champion: str) -> str:
        """The champion from that night on: of those that may be promoted the best by the metric of
        the settings; the champion that was where there is none."""
        newer = [each for each in company.registered(night) if int(each) > int(champion)]
        if self.evidence is None:
            return newer[-1] if newer and self.name == NEWEST else champion
        best, most = champion, -np.inf if self.surely else 0.0
        for challenger in newer:
            key = (self.evidence, night, challenger, champion)
            if key not in company.judged:
                company.judged[key] = self.evidence(company, night, challenger, champion)
            judged = company.judged[key]
            if judged is None:
                continue
            figure = judged.differences["champion"][company.config.promotion.metric].point
            if self.surely and not _promoted(company, judged, challenger, champion):
                continue
            if figure > most:
                best, most = challenger, figure
        return best


def _promoted(company: Company, judged: Judgement, challenger: str, champion: str) -> bool:
    """Whether `promote` would, without an approval."""
    ours, theirs = company.models[challenger], company.models[champion]
    simpler = ours.is_linear > theirs.is_linear
    simpler &= judged.differences["champion"]["log_loss"].low <= 0
    metric = company.config.promotion.metric
    differences = {name: each[metric] for name, each in judged.differences.items()}
    decision = decide(differences, judged.leads, stale=False, doubted=False, simpler=simpler)
    return decision.takes is Takes.NOTHING


NEVER, NEWEST, LOT = "the first version for good", "always the newest", "one by lot"
RULES = (
    Rule(NEVER),
    Rule(NEWEST),
    Rule("backtest: the higher figure", Company.backtest),
    Rule("realised: the higher figure", Company.realised),
    Rule("backtest: surely better", Company.backtest, surely=True),
    Rule("realised: surely better", Company.realised, surely=True),
)


def history(company: Company, number: int) -> Iterator[dict[str, object]]:
    """One row per date and rule: the version chosen, its regret in wins per 100 calls and in log
    loss, and whether it was the best there was by wins."""
    champions = {rule.name: "1" for rule in RULES}
    for night in company.dates:
        true = company.truly(night)
        wins, losses = ({name: each[at] for name, each in true.items()} for at in (0, 1))
        row = {"company": number, "night": night, "best": max(wins, key=wins.__getitem__)}
        for rule in RULES:
            version = champions[rule.name] = rule.chosen(company, night, champions[rule.name])
            yield row | {
                "rule": rule.name,
                "version": version,
                "wins": max(wins.values()) - wins[version],
                "loss": losses[version] - min(losses.values()),
                "right": float(version == row["best"]),
            }
        yield row | {
            "rule": LOT,
            "version": "",
            "wins": max(wins.values()) - np.mean(list(wins.values())),
            "loss": np.mean(list(losses.values())) - min(losses.values()),
            "right": 1 / len(wins),
        }


def _mean(rows: pd.DataFrame, column: str) -> Estimate:
    """The mean with its 95% interval from a bootstrap over companies; of few it has none."""
    by_company = rows.groupby("company")[column].mean().to_numpy()
    if len(by_company) < FEW:
        return UNKNOWN._replace(point=by_company.mean())
    rng = np.random.default_rng(SEED)
    means = by_company[rng.integers(0, len(by_company), (2000, len(by_company)))].mean(axis=1)
    return Estimate(by_company.mean(), *np.quantile(means, [0.025, 0.975]))


def _figure(estimate: Estimate, digits: int, sign: str = "") -> str:
    point, low, high = (f"{each:{sign}.{digits}f}" for each in estimate)
    return f"{point} ({low} to {high})" if estimate.known else point


def section(rows: pd.DataFrame) -> str:
    """The tables as Markdown."""
    companies, nights = rows["company"].nunique(), rows["night"].max()
    late = rows[rows["night"] >= LEAST_NIGHTS]
    dates = len(rows[["company", "night"]].drop_duplicates())
    names = [LOT, *(rule.name for rule in RULES)]
    lines = "\n".join(_line(name, rows, late) for name in names)
    first = "\n".join(_first(rows[rows["company"] == 0]))
    differences = "\n".join(
        _difference(way, rows, late) for way in ("the higher figure", "surely better")
    )
    return f"""## Which rule chooses better

{companies} companies of {LEADS:,} leads, {dates} dates of promotion up to night {nights}. Regret:
what the version chosen is behind the truly best one of that date, in the quarter after, by the
true chances; in wins per 100 calls, and in log loss. `surely better`: what `promote` does without
an approval. 95% intervals are a bootstrap over companies; below {FEW} there are none.

| rule | chose the best | regret: wins | regret: log loss | wins, once all have matured lists |
|---|---:|---:|---:|---:|
{lines}

Regret by realised evidence minus by the backtest, below 0 where realised evidence is better:

| rule | wins | log loss | wins, once all have matured lists |
|---|---:|---:|---:|
{differences}

The first company, night by night: the version that was truly best by wins, and each rule's.

| night | truly best | {" | ".join(rule.name for rule in RULES[2:])} |
|---|---|---|---|---|---|
{first}
"""


def _line(name: str, rows: pd.DataFrame, late: pd.DataFrame) -> str:
    mine, later = (each[each["rule"] == name] for each in (rows, late))
    cells = [f"{mine['right'].mean():.1%}", _figure(_mean(mine, "wins"), 2)]
    cells += [_figure(_mean(mine, "loss"), 4), _figure(_mean(later, "wins"), 2)]
    return f"| {name} | {' | '.join(cells)} |"


def _difference(way: str, rows: pd.DataFrame, late: pd.DataFrame) -> str:
    """The two rules of that way, date by date."""
    cells = []
    for part, column, digits in ((rows, "wins", 2), (rows, "loss", 4), (late, "wins", 2)):
        by_rule = part.pivot(index=["company", "night"], columns="rule", values=column)
        gap = by_rule[f"realised: {way}"] - by_rule[f"backtest: {way}"]
        cells.append(_figure(_mean(gap.rename("gap").reset_index(), "gap"), digits, "+"))
    return f"| {way} | {' | '.join(cells)} |"


def _first(rows: pd.DataFrame) -> Iterator[str]:
    for night, date in rows.groupby("night"):
        versions = date.set_index("rule")["version"]
        cells = [str(night), date["best"].iloc[0], *(versions[rule.name] for rule in RULES[2:])]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the tables after each company, of those so far; with --write put the last ones into
    docs/shadow.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("nights", nargs="?", type=int, default=365)
    parser.add_argument("--companies", type=int, default=COMPANIES)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.nights < LEAST_NIGHTS:
        parser.error(f"at least {LEAST_NIGHTS} nights: before, one version has no matured list")
    rows: list[dict[str, object]] = []
    for number in range(given.companies):
        rows += history(Company.of(number, given.nights), number)
        text = section(pd.DataFrame(rows))
        print(text, flush=True)
    if given.write:
        command = f"python -m benchmarks.realised {given.nights} --companies {given.companies}"
        put(HOME / "docs" / "shadow.md", text, command)


if __name__ == "__main__":
    main()
