"""The model card of a training: nothing in it that was not measured in this very run."""

import json
from datetime import timedelta

import numpy as np

from features.config import Config
from features.contract.database import LeadDatabase
from models import plots
from models.card import Card, Grid, Section, estimated
from models.comparison import Comparison
from models.registry import Training
from models.statistics.bootstrap import Floats, bootstrapped, rarer
from models.statistics.calibration import CalibrationGroup
from models.statistics.estimate import FEW_LEADS, UNKNOWN, Estimate
from models.statistics.judge import METRICS, Judgement
from models.statistics.metrics import Ranking
from training import card_beside
from training import card_origin as origin
from training.record import Trained

REPLICATES = 300  # of the bootstrap of a group's ROC AUC
KINDS = {"source": "source", "age": "age of the lead"}
WORDS = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss (lower is better)",
    "brier": "Brier score (lower is better)",
    "ece": "calibration error (lower is better)",
    "precision": "won on the list",
    "gain": "deals found",
    "lift": "lift",
}


def card_files(
    config: Config, database: LeadDatabase, found: Trained, kept: Training
) -> dict[str, str]:
    """The card as MLflow keeps it, by file name: to be read, and to make the page from."""
    card = card_of(config, database, found, kept)
    pictures = {section.picture for section in card.sections if section.picture}
    drawn = {f"plots/{name}.svg": plots.svg(kept.figures[name], name) for name in pictures}
    return {
        "card.md": card.markdown(),
        "card.json": json.dumps(card.to_dict(), allow_nan=False),
        **drawn,
    }


def card_of(config: Config, database: LeadDatabase, found: Trained, kept: Training) -> Card:
    """The card of a registered training. kept: what MLflow keeps of it."""
    compared = found.comparison
    return Card(
        version=found.model.version,
        run_id=found.model.run_id,
        verdict=compared.verdict,
        sections=[
            _figures(found),
            card_beside.baselines(found),
            card_beside.feature_groups(config, found),
            _calibration(found),
            _groups(config, found),
            _time_to_close(found),
            _limits(found),
            origin.data(database, kept),
            origin.cohort(found, kept),
            origin.features(config, found, kept),
            origin.settings(found),
            origin.again(config, found, kept),
        ],
    )


def _figures(found: Trained) -> Section:
    judged = found.comparison.judgement
    rows = [
        [
            WORDS[metric],
            *(_beside_chance(judged, name, metric) for name in judged.names),
            _figure(judged.baselines["base_rate"][metric]),
            estimated(judged.difference[metric], "{:+.3f}"),
        ]
        for metric in METRICS
    ]
    size = f"{judged.snapshots:,} snapshots of {judged.leads:,} leads, {judged.wins:,} won"
    without = f" No figure has an interval: {judged.too_few}." if judged.too_few else ""
    return Section(
        "How good it was on the final test",
        said=[
            f"{size}, at {len(judged.cutoffs)} cutoffs from {min(judged.cutoffs)} to "
            f"{max(judged.cutoffs)}, a whole horizon or more after the last cutoff trained on. "
            f"Each list: the top {100 * judged.share:.3g} % of the open leads of its cutoff."
            f"{without}"
        ],
        grids=[
            Grid(
                ["figure", "model", "rules", "all leads alike", "model minus rules"],
                rows,
                "Beside a figure its 95 % interval, from a bootstrap of leads: another season, or "
                "another training, may differ by more. A difference whose interval holds 0 may be "
                "chance; so may a calibration error up to the figure beside it. Points are no "
                "probability, so they have no log loss, Brier score or calibration.",
            )
        ],
    )


def _beside_chance(judged: Judgement, name: str, metric: str) -> str:
    """A figure with its interval; a calibration error with what chance alone shows."""
    told = estimated(judged.estimates[name][metric])
    if metric == "ece" and name in judged.ece_by_chance:
        return f"{told} (by chance up to {judged.ece_by_chance[name]:.3f})"
    return told


def _calibration(found: Trained) -> Section:
    compared = found.comparison
    bins = compared.calibration.bins
    estimates = map(Estimate, bins["observed"], bins["low"], bins["high"])
    rows = [
        [f"{promised:.1%}", f"{won.point:.1%}",
         f"{won.low:.1%} to {won.high:.1%}" if won.known else "-", f"{count:,}"]
        for promised, won, count in zip(bins["predicted"], estimates, bins["count"], strict=True)
    ]  # fmt: skip
    return Section(
        "Whether its percentages can be taken at their word",
        said=[_mean_gap(compared.judgement)],
        grids=[
            Grid(
                ["readiness, mean", "won", "95 % interval", "snapshots"],
                rows,
                "The snapshots of a lead that is in several share its fate: the intervals allow "
                "for that.",
            )
        ],
        picture="calibration",
    )


def _mean_gap(judged: Judgement) -> str:
    ece = judged.estimates["model"]["ece"].point
    said = (
        f"On average, what was promised and what was won differ by {100 * ece:.1f} percentage "
        "points over ten groups of equal size."
    )
    if "model" not in judged.ece_by_chance:
        return said
    return (
        f"{said} Where every promise holds, chance alone shows up to "
        f"{100 * judged.ece_by_chance['model']:.1f} (19 times of 20): this is "
        f"{judged.against_chance('model')}."
    )


def _groups(config: Config, found: Trained) -> Section:
    report = found.comparison.calibration
    off = "; ".join(_promised_too(group) for group in report.off if group.kind in KINDS) or "none"
    small = f" {report.groups_too_small} more are too small." if report.groups_too_small else ""
    grids = []
    for kind, words in KINDS.items():
        groups = [group for group in report.every_group if group.kind == kind]
        grids += [_grid(words, groups, found.comparison, config.seed)] if groups else []
    return Section(
        "By groups of leads, on the same test",
        said=[
            "Groups that won other than promised, beyond chance at 95 % for all groups together: "
            f"{off}. {len(report.groups)} groups were judged, those by points included.{small}"
        ],
        grids=grids,
    )


def _promised_too(group: CalibrationGroup) -> str:
    word = {"fewer": "less"}.get(group.off, group.off)
    return f"{group.name} ({word}: {group.promised:.1%} promised, {group.won.point:.1%} won)"


def _grid(what: str, groups: list[CalibrationGroup], compared: Comparison, seed: int) -> Grid:
    rows = [
        [
            group.name,
            f"{group.snapshots:,}",
            f"{group.leads:,}",
            f"{group.wins:,}",
            f"{group.promised:.1%}",
            _or_few(group, group.won, "{:.1%}"),
            _or_few(group, _roc_auc(group, compared, seed), "{:.3f}"),
        ]
        for group in groups
    ]
    columns = [what, "snapshots", "leads", "wins", "promised", "won", "ROC AUC"]
    return Grid(
        columns, rows, f"Beside each figure its 95 % interval; none below {FEW_LEADS} leads."
    )


def _roc_auc(group: CalibrationGroup, compared: Comparison, seed: int) -> Estimate:
    """Of the model within a group."""
    rows = (compared.calibration.names[group.kind] == group.name).to_numpy()
    lead, won = compared.snapshots["lead_id"][rows], compared.won[rows]
    ranking = Ranking(won, compared.model[rows])

    def area(weight: Floats) -> float:
        return ranking.tally(weight).roc_auc()

    return bootstrapped(area, lead, rarer(lead, won), REPLICATES, seed)


def _or_few(group: CalibrationGroup, found: Estimate, form: str) -> str:
    bare = UNKNOWN._replace(point=found.point)
    return estimated(bare if group.leads < FEW_LEADS else found, form)


def _time_to_close(found: Trained) -> Section:
    timing = found.timing
    rows = [
        [f"{rung.days} days", f"{rung.snapshots:,}", f"{rung.promised:.1%}", f"{rung.won:.1%}",
         f"{rung.brier:.4f}", f"{rung.brier_one_curve:.4f}"]
        for rung in timing.ladder
    ]  # fmt: skip
    columns = ["won within", "snapshots", "promised", "won", "Brier score", "one curve for all"]
    return Section("Time to close", said=[str(timing)], grids=[Grid(columns, rows)] if rows else [])


def _limits(found: Trained) -> Section:
    days = found.model.horizon_days
    last = found.model.trained_until + timedelta(days=days)
    return Section(
        "What it is not for, and what was not measured",
        listed=[
            f"It answers one question: is the deal of an open lead won within {days} days of the "
            "cutoff? A lead that wins later counts as not won.",
            "It ranks whom to call. It does not say what a call changes: the outcomes it learnt "
            "from came about under the sales work of their time.",
            "It is not for decisions about people other than whom to call, such as credit, price "
            "or employment; no such use was judged.",
            "It is not for another company's leads, nor for actions and sources that it never "
            f"saw: those count as unknown. It knows outcomes up to {last:%Y-%m-%d}.",
            "Only the cutoffs named here were judged. Other seasons, another market, or the "
            "spread between trainings were not.",
            "Groups were looked at by source and age of the lead alone; no other trait of the "
            "people or firms was.",
            *found.notes,
        ],
    )


def _figure(figure: float) -> str:
    return "-" if np.isnan(figure) else f"{figure:.3f}"
