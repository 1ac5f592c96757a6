"""Tables of the terminal that several verbs print; each can be read at 80 columns."""

import math

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Column, Table

from features.spec.wording import plural
from models.simpler import MODEL, SideBySide
from models.statistics.calibration_report import CalibrationReport
from models.statistics.intervals import Estimate, percentage_points
from models.statistics.judge import Judgement
from readiness.commands.printing import (
    figure,
    out,
    print_table,
    report_table,
    with_interval,
)

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


def judgement_table(judged: Judgement, unit: str = "lead") -> Table:
    """Every metric of the two contenders and of chance, with the paired difference. Chance is a
    random order; where a probability is asked for, the base rate for everyone."""
    first, second = judged.names
    caption = ["↓ lower is better; chance: a random list, or the base rate for all"]
    caption += ["pp: percentage points, a difference of two percentages"]
    caption += [
        f"{name}: calibration error {judged.against_chance(name)} alone shows (up to {up_to:.4f})"
        for name, up_to in judged.ece_by_chance.items()
    ]
    caption += [judged.too_few] if judged.too_few else []
    random, base_rate = judged.baselines["random"], judged.baselines["base_rate"]
    rows = []
    for metric, words, form in _ROWS:
        figures = [judged.estimates[name][metric].point for name in judged.names]
        if all(map(math.isnan, figures)):
            continue  # two points tables: neither is a probability
        figures.append(base_rate[metric] if math.isnan(random[metric]) else random[metric])
        difference = _difference(judged.difference[metric], form)
        rows.append((words, *(figure(value, form) for value in figures), difference))
    return report_table(
        _title(judged, unit),
        ["", f">{first}", f">{second}", ">chance", f">{first} - {second}\n(95% interval)"],
        rows,
        "\n".join(caption),
    )


def print_judgement(
    judged: Judgement, calibration: CalibrationReport | None = None, unit: str = "lead"
) -> None:
    """The table, and the groups of leads, or of accounts, for which the model is not calibrated."""
    out.print(judgement_table(judged, unit))
    if calibration and calibration.off:
        _print_calibration(calibration)


def print_beside(simpler: SideBySide, groups: SideBySide) -> None:
    """The model next to simpler ways, then next to itself on a part of the features: each with
    the difference to the model, and the interval of that."""
    shown = [row for row in _ROWS if row[0] in _BESIDE]
    model = simpler.figures[MODEL]
    rows = [(MODEL, *(figure(model[metric].point, form) for metric, _, form in shown)), ()]
    for each in (simpler, groups):
        for name in each.others:
            rows.append(
                (name, *(_with_difference(each, name, metric, form) for metric, _, form in shown))
            )
        rows.append(())
    print_table(
        "Simpler ways, and parts of the features, on the same snapshots",
        [
            Column("", max_width=13 if out.width < 100 else None),
            *(">" + words.replace(" ", "\n", 1) for _, words, _ in shown),
        ],
        rows,
        "(difference to the model), 95% interval below; log loss: - favours the model\n"
        "differences of percentages: in percentage points\n"
        "explicit: attributes and age; implicit: events of the lead",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )


def _with_difference(result: SideBySide, name: str, metric: str, form: str) -> str:
    value, difference = result.figures[name][metric].point, result.difference[name][metric]
    if math.isnan(value):
        return "-"
    short = form.replace("4f", "3f")
    point, _, interval = _difference(difference, short).partition(" (")
    below = interval.rstrip(")").replace(" to ", "..") or "-"
    return f"{short.format(value)} ({point.removesuffix(' pp')})\n{below}"  # as the caption says


def _print_calibration(result: CalibrationReport) -> None:
    rows = [
        (
            group.kind,
            escape(group.name),
            f"{group.snapshots:,}",
            f"{group.promised:.1%}",
            with_interval(group.won, "{:.1%}"),
        )
        for group in result.off
    ]
    print_table(
        f"The readiness is off for {len(result.off)} of {plural(len(result.groups), 'group')}",
        ["group", "", ">snapshots", ">predicted", ">won (95% interval)"],
        rows,
        "beyond chance, at 95% for all groups together",
    )


def _difference(difference: Estimate, form: str) -> str:
    """A difference of two figures that are written in a form, with its interval."""
    if "%" in form:
        return percentage_points(difference)
    return with_interval(difference, form.replace("{:", "{:+"))


def _title(judged: Judgement, unit: str) -> str:
    return (
        f"{plural(judged.snapshots, 'snapshot')} ({plural(judged.leads, unit)}, "
        f"{plural(len(judged.cutoffs), 'cutoff')}), {judged.wins:,} won.\n"
        f"Each list: the top {100 * judged.share:.3g}% of the open {unit}s of its cutoff."
    )
