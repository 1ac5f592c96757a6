"""The model card of a training: nothing in it that was not measured in this very run.

First what it is for and what it is not for; then how the version did: against rules, base rate and
simpler ways, on a part of its features, by groups of leads, in its percentages and days; then what
it was made from and how to make it again.
"""

import json
import platform
import sys
from collections.abc import Iterable
from datetime import timedelta
from importlib.metadata import version
from itertools import groupby

import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from features.spec.wording import plural
from models import plots
from models.card import Card, Grid, Section, estimated
from models.classifier.classifier import AVERAGE
from models.classifier.subsample import ALWAYS_ROWS, NOT_WON_PER_WON
from models.comparison import Comparison
from models.fairness import wording
from models.fairness.figures import Fairness
from models.fit_engagement.axes import ENGAGEMENT, RANKS
from models.registry import TrainingRecord
from models.simpler import LOWER_IS_BETTER, MODEL, SideBySide
from models.statistics.bootstrap import Floats, bootstrapped, rarer
from models.statistics.calibration_report import CalibrationGroup
from models.statistics.intervals import FEW_LEADS, UNKNOWN, Estimate, percentage_points
from models.statistics.judge import METRICS, Judgement
from models.statistics.metrics import Ranking
from training.by_segment import OwnModels
from training.record import Trained

REPLICATES = 300  # of the bootstrap of a group's ROC AUC
KINDS = {"source": "source", "age": "age"}
WORDS = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error",
    "precision": "won on the list",
    "gain": "deals found",
    "lift": "lift",
}
SHARES = ("precision", "gain")
BESIDE = ("precision", "roc_auc", "average_precision", "log_loss")
CAPTION = (
    "Beside each figure the difference to the model (model minus this), with its 95% interval, "
    "paired and clustered by lead; an interval that holds 0 may be chance. Log loss: lower is "
    "better; points are no probability, so they have none."
)
GRID_TEXT = (
    "Fit is learnt from what is known of a lead without its events, engagement from its events "
    "alone. A and 1 are the best quarter of the training's latest cutoffs."
)
GRID_CAPTION = "Win rate within the horizon, its 95% interval clustered by lead; snapshots."
LIBRARIES = ("scikit-learn", "numpy", "pandas", "duckdb", "skops", "mlflow")
TOP = 10
THINNED = (
    f"Where their cutoffs hold more than {ALWAYS_ROWS:,} snapshots, the trees are grown on all won "
    f"ones and a random part of the others: {NOT_WON_PER_WON} for each won one, or what makes "
    f"{ALWAYS_ROWS:,} in all. The calibration sees every snapshot of its own cutoffs."
)
TIMES = {
    "events": "occurred_at",
    "leads": "created_at",
    "deals": "closed_at",
    "contacts": "contacted_at",
    "stages": "entered_at",
}


def card_files(card: Card, run: TrainingRecord) -> dict[str, str]:
    """The card as MLflow stores it, by file name: to be read, and to make the page from."""
    pictures = {section.picture for section in card.sections if section.picture}
    svgs = {f"plots/{name}.svg": plots.svg(run.figures[name], name) for name in pictures}
    return {
        "card.md": card.markdown(),
        "card.json": json.dumps(card.stored(), allow_nan=False),
        **svgs,
    }


def card_of(config: Config, database: LeadDatabase, trained: Trained, run: TrainingRecord) -> Card:
    """The card of a registered training. run: what MLflow stores of it."""
    compared = trained.comparison
    return Card(
        version=trained.model.version,
        run_id=trained.model.run_id,
        verdict=compared.verdict,
        sections=[
            _purpose(config, trained),
            _limits(config, trained),
            _performance(config, trained),
            _baselines(trained),
            *([own_models_section(trained.own_models, config.unit)] if trained.own_models else []),
            _feature_groups(config, trained),
            _calibration(trained),
            _groups(config, trained),
            _fit_engagement(trained),
            *([_fairness(trained.fairness, config.unit)] if trained.fairness else []),
            _time_to_close(trained),
            _data(database, run),
            _cohort(trained, run),
            _features(config, trained, run),
            settings(trained),
            _again(config, trained, run),
        ],
    )


def _purpose(config: Config, trained: Trained) -> Section:
    """What it answers, for whom, and from which time it knows that."""
    fit, judge, days = trained.split.fit, trained.split.judge, trained.model.horizon_days
    return Section(
        "What it is for",
        facts={
            "Purpose": f"ranks open {config.unit}s by the probability that their deal is won "
            f"within {plural(days, 'day')}, so that sales call the readiest first",
            "Training period": f"{fit[0]:%Y-%m-%d} to {fit[-1]:%Y-%m-%d} "
            f"({plural(len(fit), 'cutoff')}); tested on {judge[0]:%Y-%m-%d} to "
            f"{judge[-1]:%Y-%m-%d} ({plural(len(judge), 'cutoff')})",
        },
    )


def _performance(config: Config, trained: Trained) -> Section:
    judged = trained.comparison.judgement
    rows = [
        [
            WORDS[metric] + (" (lower is better)" if metric in LOWER_IS_BETTER else ""),
            *(_beside_chance(judged, name, metric) for name in judged.names),
            estimated(UNKNOWN._replace(point=judged.baselines["base_rate"][metric]), _form(metric)),
            _difference(judged.difference[metric], metric),
        ]
        for metric in METRICS
    ]
    size = (
        f"{plural(judged.snapshots, 'snapshot')} of {plural(judged.leads, config.unit)}, "
        f"{judged.wins:,} won"
    )
    without = f" No figure has an interval: {judged.too_few}." if judged.too_few else ""
    return Section(
        "How good it was on the final test",
        paragraphs=[
            f"{size}, at {plural(len(judged.cutoffs), 'cutoff')} from {min(judged.cutoffs)} to "
            f"{max(judged.cutoffs)}, a whole horizon or more after the last cutoff trained on. "
            f"Each list: the top {100 * judged.share:.3g}% of the open {config.unit}s of its "
            f"cutoff.{without}"
        ],
        grids=[
            Grid(
                ["figure", "model", "rules", "same for all (base rate)", "model minus rules"],
                rows,
                f"Beside a figure its 95% interval, from a bootstrap of {config.unit}s: "
                "another season, or another training, may differ by more. A difference whose "
                "interval holds 0 may be chance; so may a calibration error up to the figure "
                "beside it. Points are no probability, so they have no log loss, Brier score or "
                "calibration. pp: percentage points.",
            )
        ],
        picture="gain",
    )


def _beside_chance(judged: Judgement, name: str, metric: str) -> str:
    """A figure with its interval; a calibration error with what chance alone shows."""
    figure = estimated(judged.estimates[name][metric], _form(metric))
    if metric == "ece" and name in judged.ece_by_chance:
        return f"{figure} (by chance up to {judged.ece_by_chance[name]:.3f})"
    return figure


def _form(metric: str) -> str:
    """How a figure is written: shares in percent."""
    return "{:.1%}" if metric in SHARES else "{:.3f}"


def _difference(difference: Estimate, metric: str) -> str:
    """A difference with its interval, of shares in percentage points."""
    if metric in SHARES:
        return percentage_points(difference)
    return estimated(difference, "{:+.3f}")


def _baselines(trained: Trained) -> Section:
    """What is simpler, fitted on the same training cutoffs, and the verdict on it."""
    return Section(
        "Baselines, on the same test",
        paragraphs=[
            f"The model is the {trained.model.way}. {trained.simpler.verdict}",
            *([f"Registered all the same, because: {trained.accepted}"] * bool(trained.accepted)),
        ],
        grids=[_comparison("way to rank", trained.simpler.side_by_side)],
    )


def own_models_section(own: OwnModels, unit: str) -> Section:
    """Which values have a model of their own, and why others have not."""
    rows = [
        [
            each.value,
            f"{each.leads:,}",
            f"{each.wins:,}",
            f"{each.best:.0%}",
            estimated(each.difference, "{:+.4f}"),
            f"{each.share:.0%}" if each.share else f"0%: {each.why}",
        ]
        for each in own.values
    ]
    return Section(
        f"Own models by {own.feature}",
        paragraphs=[
            f"{own.verdict} The log-odds of each {unit} are those of its own model times its "
            f"share, and those of the model of all {unit}s times the rest. A value never seen, and "
            f"none, has the model of all {unit}s; so have "
            f"{plural(own.others, 'further value')} with fewer than "
            f"{plural(own.least_wins, 'win')} each, {own.others_wins:,} in all."
        ],
        grids=[
            Grid(
                [
                    "value",
                    f"{unit}s",
                    f"won {unit}s",
                    "best share",
                    "difference in log loss",
                    "share",
                ],
                rows,
                f"Difference: the mix of the best share minus the model of all {unit}s, on the "
                "later snapshots of earlier periods of the training; below 0 the mix is better. "
                "The intervals hold at 95% for all values and shares together.",
            )
        ]
        * bool(rows),
    )


def _feature_groups(config: Config, trained: Trained) -> Section:
    """Behaviour against attributes: the same learner on a part of the features."""
    counts = ", ".join(f"{len(names)} {name}" for name, names in trained.groups.features.items())
    attributes = ", ".join(config.features.attributes) or "none"
    by_value = trained.own_models is not None and trained.own_models.shares is not None
    whole = f"The model of all {config.unit}s" if by_value else "The model"
    return Section(
        "Behaviour against attributes, on the same test",
        paragraphs=[
            f"{whole} fitted again on a part of its features. Explicit is what the table of leads "
            f"tells without watching anyone: the age and the attributes (listed: {attributes}). "
            f"Implicit is all that needs the events. Features: {counts}; those that cannot tell "
            f"{config.unit}s apart are dropped."
        ],
        grids=[_comparison("features", trained.groups.side_by_side)],
    )


def _comparison(first: str, others: SideBySide) -> Grid:
    rows = [[name, *(_cell(others, name, metric) for metric in BESIDE)] for name in others.figures]
    return Grid([first, *(WORDS[metric] for metric in BESIDE)], rows, CAPTION)


def _cell(others: SideBySide, name: str, metric: str) -> str:
    point = others.figures[name][metric].point
    figure = estimated(UNKNOWN._replace(point=point), _form(metric))
    if figure == "-" or name == MODEL:
        return figure
    less, _, interval = _difference(others.difference[name][metric], metric).partition(" (")
    return f"{figure} ({less}; {interval}" if interval else f"{figure} ({less})"


def _calibration(trained: Trained) -> Section:
    compared = trained.comparison
    bins = compared.calibration.bins
    estimates = map(Estimate, bins["observed"], bins["low"], bins["high"])
    rows = [
        [f"{promised:.1%}", f"{won.point:.1%}",
         f"{won.low:.1%} to {won.high:.1%}" if won.known else "-", f"{count:,}"]
        for promised, won, count in zip(bins["predicted"], estimates, bins["count"], strict=True)
    ]  # fmt: skip
    return Section(
        "Whether its percentages can be taken at their word",
        paragraphs=[_mean_gap(compared.judgement)],
        grids=[
            Grid(
                ["readiness, mean", "won", "95% interval", "snapshots"],
                rows,
                "The snapshots of a lead that is in several share its fate: the intervals allow "
                "for that.",
            )
        ],
        picture="calibration",
    )


def _mean_gap(judged: Judgement) -> str:
    ece = judged.estimates["model"]["ece"].point
    gap = (
        f"On average, what was promised and what was won differ by {100 * ece:.1f} percentage "
        "points over ten groups of equal size."
    )
    if "model" not in judged.ece_by_chance:
        return gap
    return (
        f"{gap} Where every promise holds, chance alone shows up to "
        f"{100 * judged.ece_by_chance['model']:.1f} (19 times of 20): this is "
        f"{judged.against_chance('model')}."
    )


def _groups(config: Config, trained: Trained) -> Section:
    report = trained.comparison.calibration
    small = f" {report.groups_too_small} more are too small." if report.groups_too_small else ""
    grids = []
    for kind, words in KINDS.items():
        groups = [group for group in report.every_group if group.kind == kind]
        grids += [_grid(words, groups, trained.comparison, config.seed)] if groups else []
    return Section(
        f"By groups of {config.unit}s, on the same test",
        paragraphs=[
            "Groups that won other than promised, beyond chance at 95% for all groups together: "
            f"{_groups_off(trained) or 'none'}. Judged: {plural(len(report.groups), 'group')}, "
            f"those by points included.{small}"
        ],
        grids=grids,
    )


def _groups_off(trained: Trained) -> str:
    off = trained.comparison.calibration.off
    return "; ".join(
        f"{group.name} ({group.promised:.1%} promised, {group.won.point:.1%} won)"
        for group in off
        if group.kind in KINDS
    )


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
        columns, rows, f"Beside each figure its 95% interval; none below {FEW_LEADS} leads."
    )


def _roc_auc(group: CalibrationGroup, compared: Comparison, seed: int) -> Estimate:
    """Of the model within a group."""
    rows = (compared.calibration.names[group.kind] == group.name).to_numpy()
    lead, won = compared.snapshots["lead_id"][rows], compared.won[rows]
    ranking = Ranking(won, compared.model[rows])

    def area(weight: Floats) -> float:
        return ranking.tally(weight).roc_auc()

    return bootstrapped(area, lead, rarer(lead, won), REPLICATES, seed)


def _or_few(group: CalibrationGroup, trained: Estimate, form: str) -> str:
    bare = UNKNOWN._replace(point=trained.point)
    return estimated(bare if group.leads < FEW_LEADS else trained, form)


def _fit_engagement(trained: Trained) -> Section:
    grid, axes = trained.comparison.fit_engagement, trained.model.fit_engagement
    if grid is None:
        lacking = [name for name in RANKS if axes is None or name not in axes.axes]
        why = f"Not ranked by {' and '.join(lacking)}: no feature of it tells the leads apart."
        return Section("Fit and engagement", paragraphs=[why])
    best_first = list(reversed(RANKS[ENGAGEMENT]))
    rows = [
        [fit, *(f"{estimated(each.won.rate, '{:.1%}')}; {each.won.snapshots:,}" for each in cells)]
        for fit, cells in groupby(grid.cells, key=lambda cell: cell.fit)
    ]
    ranks = [
        [f"{axis} {each.rank}", f"{each.won.snapshots:,}", f"{each.promised:.1%}",
         estimated(each.won.rate, "{:.1%}")]
        for axis in RANKS
        for each in grid.ranks[axis]
        if each.won.snapshots
    ]  # fmt: skip
    return Section(
        "Fit and engagement",
        paragraphs=[GRID_TEXT, *grid.verdicts()],
        grids=[
            Grid(["fit", *(f"engagement {rank}" for rank in best_first)], rows, GRID_CAPTION),
            Grid(["rank", "snapshots", "promised", "won"], ranks),
        ],
    )


def _fairness(fairness: Fairness, unit: str) -> Section:
    """The groups that the owner named, on the model's list and on that of the rules."""
    few = wording.without_interval(fairness)
    return Section(
        "Fairness by group, on the same test",
        paragraphs=[
            "The lists at capacity, by groups that readiness.toml names; the model need not see "
            f"them. Values of fewer than {plural(fairness.least_leads, unit)} are put together. "
            + wording.CAPTION,
            *([f"Without some intervals: {few}."] if few else []),
            wording.summary(fairness, unit),
        ],
        listed=wording.warnings(fairness, unit),
        grids=[_list_by_group(fairness, ranker, unit) for ranker in fairness.rankers],
    )


def _list_by_group(fairness: Fairness, ranker: str, unit: str) -> Grid:
    forms = ("{:.1%}", "{:.2f}", "{:.1%}", "{:.1%}")
    rows = []
    for group in fairness.groups:
        shown, numbers = group.lists[ranker], (group.leads, group.snapshots, group.wins)
        figures = (shown.listed, shown.ratio, shown.won, shown.missed)
        rows.append(
            [f"{group.column} {group.name}", *map("{:,}".format, numbers),
             *map(estimated, figures, forms)]
        )  # fmt: skip
    return Grid([f"{ranker}: group", f"{unit}s", "snapshots", "won", *wording.COLUMNS], rows)


def _time_to_close(trained: Trained) -> Section:
    timing = trained.timing
    rows = [
        [plural(rung.days, 'day'), f"{rung.snapshots:,}", f"{rung.promised:.1%}", f"{rung.won:.1%}",
         f"{rung.brier:.4f}", f"{rung.brier_one_curve:.4f}"]
        for rung in timing.ladder
    ]  # fmt: skip
    columns = ["won within", "snapshots", "promised", "won", "Brier score", "one curve for all"]
    return Section(
        "Time to close", paragraphs=[str(timing)], grids=[Grid(columns, rows)] if rows else []
    )


def _limits(config: Config, trained: Trained) -> Section:
    days = trained.model.horizon_days
    last = trained.model.trained_until + timedelta(days=days)
    off = _groups_off(trained)
    return Section(
        "What it is not for, and what was not measured",
        listed=[
            *([f"Its probabilities are surely too high or too low for {off}."] if off else []),
            f"It answers one question: is a deal of an open {config.unit} won within "
            f"{plural(days, 'day')} of the cutoff? Won later counts as not won.",
            "It ranks whom to call. It does not say what a call changes: the outcomes it learnt "
            "from came about under the sales work of their time.",
            "It is not for decisions about people other than whom to call, such as credit, price "
            "or employment; no such use was judged. Credit, life and health insurance, and "
            "employment are another legal class: high-risk under Annex III of the EU AI Act; and a "
            "score that such a decision draws strongly on is itself an automated decision under "
            "Art. 22 GDPR (CJEU, C-634/21).",
            f"It is not for another company's {config.unit}s, nor for actions and sources that it "
            f"never saw: those count as unknown. It knows outcomes up to {last:%Y-%m-%d}.",
            "Only the cutoffs named here were judged. Other seasons, another market, or the "
            "spread between trainings were not.",
            f"Groups were looked at by {_looked_at(trained.fairness)} alone; no other trait of the "
            "people or firms was.",
            *trained.notes,
        ],
    )


def _looked_at(fairness: Fairness | None) -> str:
    """By what groups were looked at."""
    groups = fairness.groups if fairness else ()
    named = dict.fromkeys(group.column for group in groups)
    *first, last = ("source", "age", *named)
    return f"{', '.join(first)} and {last}"


def _data(database: LeadDatabase, run: TrainingRecord) -> Section:
    """Rows, span of time and digest of every table."""
    rows = []
    for table, digest in run.digests.items():
        rows.append([table, f"{digest.rows:,}", *_span(database, table), digest.content])
    return Section(
        "Data",
        paragraphs=[f"Data end: {database.data_end:%Y-%m-%d %H:%M} UTC. {_outcomes(database)}"],
        grids=[Grid(["table", "rows", "from", "to", "digest of the rows"], rows)],
    )


def _span(database: LeadDatabase, table: str) -> list[str]:
    column = TIMES[table]
    (low, high) = database.query(f"SELECT min({column}) l, max({column}) h FROM {table}").iloc[0]
    return ["-" if pd.isna(at) else f"{at:%Y-%m-%d}" for at in (low, high)]


def _outcomes(database: LeadDatabase) -> str:
    counts = database.query(
        "SELECT outcome, count(*) AS n FROM own_closings GROUP BY 1 ORDER BY 1 DESC"
    )
    listed = ", ".join(f"{n:,} {outcome}" for outcome, n in counts.itertuples(index=False))
    return f"Closed deals: {listed}."


def _cohort(trained: Trained, run: TrainingRecord) -> Section:
    """Who was asked about, over which horizon, at which cutoffs."""
    fit, horizon = trained.split.fit, trained.model.horizon_days
    wins = int(run.params["training_wins"])
    return Section(
        "Cohort and horizon",
        facts={
            "Who": "leads open at a cutoff: created before it, no deal closed before it",
            "Horizon": f"{plural(horizon, 'day')}: a snapshot is won if its deal is won "
            "within them after "
            "the cutoff",
            "Trained on": f"{plural(trained.snapshots, 'snapshot')}, {wins:,} won "
            f"({wins / trained.snapshots:.1%}), at {plural(len(fit), 'cutoff')} from "
            f"{fit[0]:%Y-%m-%d} to "
            f"{fit[-1]:%Y-%m-%d}",
            "Censored": "cutoffs whose horizon was not over by the data end: neither trained on "
            "nor judged",
        },
    )


def _features(config: Config, trained: Trained, run: TrainingRecord) -> Section:
    """How many, which were left out, and those it relies on most."""
    model = trained.model
    names = {spec.name: spec.meaning(config.words) for spec in model.specs}
    costs = sorted(run.documents["importance.json"], key=lambda row: -row["cost"])[:TOP]
    rows = [
        [names.get(row["feature"], row["feature"]), f"{row['cost']:.4f}", f"{row['spread']:.4f}"]
        for row in costs
    ]
    dropped = _listed(f"{name} ({why})" for name, why in model.dropped.items())
    return Section(
        "Features",
        facts={
            "In the model": f"{len(model.specs)}, from what was known strictly before the cutoff",
            "Dropped": f"{len(model.dropped)}{dropped}",
            "Actions left out": ", ".join(model.leave_out_actions) or "none",
            "Points table": f"{trained.comparison.rules_name}, version "
            f"{trained.comparison.rules_version}",
        },
        grids=[
            Grid(
                ["what it relies on most", "cost", "spread"],
                rows,
                "Cost: the rise of the log loss on the final test when the feature is shuffled.",
            )
        ],
        picture="importance",
    )


def _listed(names: Iterable[str], most: int = 12) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f": {', '.join(listed[:most])}{more}" if listed else ""


def settings(trained: Trained) -> Section:
    """The settings chosen, and among how many."""
    chosen, model = trained.chosen, trained.model
    facts = {key.replace("_", " "): f"{value:g}" for key, value in chosen.settings.items()}
    if not chosen.folds:
        how = "Default settings: too few training cutoffs for a search."
    else:
        among = f"among {plural(len(trained.candidates), 'candidate')}"
        how = (
            f"Chosen {'for either part alone' if model.way == AVERAGE else among} on "
            f"{len(chosen.folds)} earlier "
            f"periods: log loss {chosen.log_loss:.4f}, ROC AUC {chosen.roc_auc:.3f} there."
        )
    paragraphs = [
        how,
        *([THINNED] if trained.snapshots > ALWAYS_ROWS and not model.is_linear else []),
    ]
    return Section(f"Settings of the {model.way}", paragraphs=paragraphs, facts=facts)


def _again(config: Config, trained: Trained, run: TrainingRecord) -> Section:
    """What it takes to train the very same model."""
    python = f"Python {platform.python_version()} on {sys.platform}"
    return Section(
        "How to get it again",
        paragraphs=[
            "readiness train on the same data, settings and seed gives bit-identical scores."
        ],
        facts={
            "Run": f"{trained.model.run_id}, experiment {config.mlflow.experiment}",
            "Seed": str(config.seed),
            "Code": str(run.tags["code_version"]),
            "Libraries": ", ".join([python, *(f"{name} {version(name)}" for name in LIBRARIES)]),
        },
    )
