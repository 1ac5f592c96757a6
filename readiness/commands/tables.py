"""Tables of the terminal, each within 80 columns."""

import math

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from models.simpler import MODEL, SideBySide
from models.statistics.calibration import CalibrationReport
from models.statistics.estimate import Estimate
from models.statistics.judge import Judgement

_ROWS = (
    ("precision", "won on the list", "{:.1%}"),
    ("gain", "deals found", "{:.1%}"),
    ("lift", "lift", "{:.2f}"),
    ("roc_auc", "ROC AUC", "{:.3f}"),
    ("average_precision", "average precision", "{:.3f}"),
    ("log_loss", "log loss ↓", "{:.4f}"),
    ("brier", "Brier score ↓", "{:.4f}"),
    ("ece", "calibration error↓", "{:.4f}"),
)

_BESIDE = ("precision", "roc_auc", "average_precision", "log_loss")


def judgement_table(judged: Judgement) -> Table:
    """Every metric of the two contenders and of chance, with the paired difference. Chance is a
    random order; where a probability is asked for, the base rate for everyone."""
    first, second = judged.names
    caption = ["↓ lower is better; chance: a random list, or the base rate for all"]
    caption += [
        f"{name}: calibration error {judged.against_chance(name)} alone shows (up to {up_to:.4f})"
        for name, up_to in judged.ece_by_chance.items()
    ]
    caption += [judged.too_few] if judged.too_few else []
    table = Table(
        title=_title(judged),
        title_justify="left",
        caption="\n".join(caption),
        caption_justify="left",
    )
    table.add_column("")
    for column in (first, second, "chance", f"{first} - {second}\n(95 % interval)"):
        table.add_column(column, justify="right", no_wrap=True)
    random, base_rate = judged.baselines["random"], judged.baselines["base_rate"]
    for metric, words, form in _ROWS:
        if all(math.isnan(estimates[metric].point) for estimates in judged.estimates.values()):
            continue  # two points tables: neither is a probability
        chance = base_rate[metric] if math.isnan(random[metric]) else random[metric]
        table.add_row(
            words,
            _figure(judged.estimates[first][metric].point, form),
            _figure(judged.estimates[second][metric].point, form),
            _figure(chance, form),
            _difference(judged.difference[metric], form),
        )
    return table


def beside_table(simpler: SideBySide, groups: SideBySide) -> Table:
    """The model next to simpler ways, then next to itself on a part of the features: each with
    the difference to the model, and the interval of that."""
    table = Table(
        title="Simpler ways, and parts of the features, on the same snapshots",
        title_justify="left",
        caption="(difference to the model), 95 % interval below; log loss: - favours the model\n"
        "explicit: attributes and age; implicit: events of the lead",
        caption_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("", max_width=13)
    shown = [row for row in _ROWS if row[0] in _BESIDE]
    for _, words, _ in shown:
        table.add_column(words.replace(" ", "\n", 1), justify="right", no_wrap=True)
    model = simpler.figures[MODEL]
    table.add_row(MODEL, *(_figure(model[metric].point, form) for metric, _, form in shown))
    table.add_section()
    for each in (simpler, groups):
        for name in each.others:
            table.add_row(name, *(_beside(each, name, metric, form) for metric, _, form in shown))
        table.add_section()
    return table


def _beside(result: SideBySide, name: str, metric: str, form: str) -> str:
    figure, (point, low, high) = result.figures[name][metric].point, result.difference[name][metric]
    if math.isnan(figure):
        return "-"
    signed = form.replace("4f", "3f").replace("{:", "{:+")
    interval = "-" if math.isnan(low) else f"{signed.format(low)}..{signed.format(high)}"
    return f"{form.replace('4f', '3f').format(figure)} ({signed.format(point)})\n{interval}"


def calibration_table(result: CalibrationReport) -> Table | None:
    """The groups of leads for which the model is not calibrated; None if it is for all."""
    if not result.off:
        return None
    table = Table(
        title=f"The readiness is off for {len(result.off)} of {len(result.groups)} groups",
        title_justify="left",
        caption="beyond chance, at 95 % for all groups together",
        caption_justify="left",
    )
    for heading in ("group", "", "snapshots", "predicted", "won (95 % interval)"):
        table.add_column(heading, justify="left" if heading in ("group", "") else "right")
    for group in result.off:
        point, low, high = group.won
        won = f"{point:.1%} ({low:.1%} to {high:.1%})"
        name = escape(group.name)
        table.add_row(group.kind, name, f"{group.snapshots:,}", f"{group.promised:.1%}", won)
    return table


def _title(judged: Judgement) -> str:
    cutoffs = len(judged.cutoffs)
    return (
        f"{judged.snapshots:,} snapshots ({judged.leads:,} leads, {cutoffs} "
        f"cutoff{'s' * (cutoffs != 1)}), {judged.wins:,} won.\n"
        f"Each list: the top {100 * judged.share:.3g} % of the open leads of its cutoff."
    )


def _figure(figure: float, form: str) -> str:
    return "-" if math.isnan(figure) else form.format(figure)


def _difference(result: Estimate, form: str) -> str:
    if math.isnan(result.point):
        return "-"
    signed = form.replace("{:", "{:+")
    if math.isnan(result.low):
        return signed.format(result.point)
    low, high = signed.format(result.low), signed.format(result.high)
    return f"{signed.format(result.point)} ({low} to {high})"
