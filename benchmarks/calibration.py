"""Ways to calibrate, each judged on the final test, as Markdown (docs/adr/0012).

    .venv/bin/python -m benchmarks.calibration [--first-seed SEED]

The same trees (default settings, no search) fitted on the earlier training cutoffs and calibrated
on the latest in eight ways, judged on later cutoffs that none of them saw. Where the bank's log is
not at hand its column is left out. The rule that chooses was set by looking at seeds 100 to 105;
those from 200 on were not looked at before.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from benchmarks.measure import HOME
from features.catalog import catalog
from features.config import load
from features.dataset import Dataset, labelled
from features.open_database import open_database
from features.simulator.simulate import simulate, write
from features.spec.spec import Spec
from features.starter.starter import write_starter
from models.classifier.calibration_line import KINDS, choose_kind, fit_line, row_losses
from models.classifier.classifier import ReadinessClassifier
from models.statistics.metrics import Ranking
from training.fit import calibration_split
from training.search import DEFAULT
from training.splits import final_split

WORLDS = {1_000: 6, 2_000: 4, 5_000: 3}  # leads: how many companies
FRESH = 200  # the first of the seeds that the rule was not set by
Floats = npt.NDArray[np.float64]
Way = Callable[[Floats, Floats, Floats], Floats]  # log-odds and outcomes learnt from, those asked


def beta(learnt: Floats, won: Floats, requested: Floats) -> Floats:
    """Kull, Silva Filho and Flach 2017: logistic in ln p and -ln(1 - p), neither falling."""
    sides = [np.column_stack([np.log(expit(x)), -np.log(expit(-x))]) for x in (learnt, requested)]
    fitted = LogisticRegression(C=1e6, max_iter=1_000).fit(sides[0], won)
    if (fitted.coef_ < 0).any():
        stored = [int(np.argmax(fitted.coef_[0]))]
        sides = [side[:, stored] for side in sides]
        fitted = LogisticRegression(C=1e6, max_iter=1_000).fit(sides[0], won)
    return np.asarray(fitted.predict_proba(sides[1])[:, 1])


def isotonic(learnt: Floats, won: Floats, requested: Floats) -> Floats:
    """Clipped at Platt's softened targets, else a single surprise would cost infinity."""
    low, high = 1 / ((1 - won).sum() + 2), (won.sum() + 1) / (won.sum() + 2)
    steps = IsotonicRegression(out_of_bounds="clip").fit(learnt, won)
    return np.clip(steps.predict(requested), low, high)


def centred_isotonic(learnt: Floats, won: Floats, requested: Floats) -> Floats:
    """Oron and Flournoy 2017: each step becomes a point at its centre, straight lines between; each
    softened by one snapshot of the base rate."""
    step = IsotonicRegression().fit(learnt, won).predict(learnt)
    levels, at = np.unique(step, return_inverse=True)
    size = np.bincount(at)
    soft = (levels * size + won.mean()) / (size + 1)
    return np.asarray(expit(np.interp(requested, np.bincount(at, learnt) / size, logit(soft))))


def venn_abers(learnt: Floats, won: Floats, requested: Floats) -> Floats:
    """Vovk and Petej 2014, inductive, p1 / (1 - p0 + p1); on 200 log-odds, lines between."""
    points = np.quantile(requested, np.linspace(0, 1, 200))
    both = np.array([[_added(learnt, won, x, y) for y in (0.0, 1.0)] for x in points])
    return np.interp(requested, points, both[:, 1] / (1 - both[:, 0] + both[:, 1]))


def _added(learnt: Floats, won: Floats, at: float, outcome: float) -> float:
    steps = IsotonicRegression().fit(np.append(learnt, at), np.append(won, outcome))
    return float(steps.predict([at])[0])


FREE: dict[str, Way] = {
    "beta": beta,
    "isotonic": isotonic,
    "centred isotonic": centred_isotonic,
    "Venn-Abers": venn_abers,
}


def judged(
    name: str, past: Dataset, test: Dataset, specs: list[Spec], seed: int
) -> Iterator[dict[str, object]]:
    """A row per way: the data set, the log loss, calibration error and ROC AUC on the test."""
    split = calibration_split(past)
    early, late = past.at(split.fit), past.at(split.judge)
    trees = ReadinessClassifier.of(DEFAULT, seed, calibration="none")
    trees.fit(early.frame[[spec.name for spec in specs]], early.won)
    learnt, requested = trees.learner_log_odds(late.frame), trees.learner_log_odds(test.frame)
    result = {kind: fit_line(kind, learnt, late.won).probability(requested) for kind in KINDS}
    choice = choose_kind(learnt, late.won, late.frame["lead_id"], late.frame["cutoff"])
    ways: dict[str, Floats] = {**result, "as chosen": result[choice.kind]}
    ways |= {way: learner(learnt, late.won, requested) for way, learner in FREE.items()}
    for way, given in ways.items():
        loss = float(row_losses(np.clip(given, 1e-9, 1 - 1e-9), test.won).mean())
        yield {
            "data": name,
            "way": way,
            "log loss": loss,
            "calibration error": Ranking(test.won, given).tally().ece(),
            "ROC AUC": Ranking(test.won, given).tally().roc_auc(),
        }


def data(folder: Path) -> tuple[Dataset, Dataset, list[Spec]]:
    """The training part and the final test of a readiness.toml."""
    config = load(folder)
    times = config.time
    with open_database(config) as database:
        known = times.mature_cutoffs(database.data_end)
        split = final_split(known, times.test_cutoffs, times.horizon_days)
        specs = list(catalog(config.features, database.actions, database.attributes))
        requested = [*split.fit, *split.judge]
        result = labelled(database, specs, requested, times.horizon_days, config.engine.memory_gb)
    return result.at(split.fit), result.at(split.judge), specs


def rows(first_seed: int) -> Iterator[dict[str, object]]:
    """All data sets."""
    bank = HOME / "examples" / "bpic2012"
    if (bank / load(bank).tables.folder).is_dir():
        past, test, specs = data(bank)
        for seed in (7, 1, 2, 3):
            yield from judged("BPIC 2012", past, test, specs, seed)
    for leads, companies in WORLDS.items():
        for seed in range(first_seed, first_seed + companies):
            with tempfile.TemporaryDirectory() as folder:
                write(simulate(leads, seed), Path(folder))
                write_starter(Path(folder))
                yield from judged(f"{leads:,} leads", *data(Path(folder)), 7)


def calibration(first_seed: int = FRESH) -> str:
    """Means over the seeds, a table per figure."""
    result = pd.DataFrame(rows(first_seed))
    tables = []
    for figure in ("log loss", "calibration error", "ROC AUC"):
        table = result.pivot_table(figure, "way", "data", sort=False)
        lines = [
            f"| {way} | " + " | ".join(f"{value:.4f}" for value in row) + " |"
            for way, row in zip(table.index, table.to_numpy(), strict=True)
        ]
        head = f"| {figure} | {' | '.join(table.columns)} |\n|---|{'---|' * table.shape[1]}\n"
        tables.append(head + "\n".join(lines) + "\n")
    return "\n".join(tables)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    print(calibration(parser.parse_args().first_seed))
