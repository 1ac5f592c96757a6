"""Tables of the terminal."""

import math

from rich.table import Table

from models.judge import Estimate, Judgement

_ROWS = (
    ("precision", "won of the list", "{:.1%}"),
    ("gain", "share of all wins", "{:.1%}"),
    ("lift", "lift", "{:.2f}"),
    ("roc_auc", "ROC AUC", "{:.3f}"),
    ("average_precision", "average precision", "{:.3f}"),
    ("log_loss", "log loss (less is better)", "{:.4f}"),
    ("brier", "Brier score (less is better)", "{:.4f}"),
    ("ece", "calibration error (less is better)", "{:.4f}"),
)


def judgement_table(judged: Judgement) -> Table:
    """Every metric of the two contenders, chance and the base rate, with the paired difference."""
    first, second = judged.names
    table = Table(title=_title(judged), title_justify="left")
    for column in ("", first, second, "random", "base rate", f"{first} - {second} (95 % interval)"):
        table.add_column(column, justify="left" if column == "" else "right")
    for metric, words, form in _ROWS:
        table.add_row(
            words,
            _figure(judged.estimates[first][metric].point, form),
            _figure(judged.estimates[second][metric].point, form),
            _figure(judged.baselines["random"][metric], form),
            _figure(judged.baselines["base_rate"][metric], form),
            _difference(judged.difference[metric], form),
        )
    return table


def _title(judged: Judgement) -> str:
    return (
        f"{judged.snapshots:,} snapshots of {judged.leads:,} leads at {len(judged.cutoffs)} "
        f"cutoffs, {judged.wins:,} won; each list the top {judged.share:.0%} of each cutoff"
    )


def _figure(figure: float, form: str) -> str:
    return "-" if math.isnan(figure) else form.format(figure)


def _difference(found: Estimate, form: str) -> str:
    if math.isnan(found.point):
        return "-"
    if form.endswith("%}"):  # a difference of shares is told in points, not in per cent
        point, low, high = (f"{100 * figure:+.1f}" for figure in found)
        return f"{point} points ({low} to {high})"
    signed = form.replace("{:", "{:+")
    point, low, high = (signed.format(figure) for figure in found)
    return f"{point} ({low} to {high})"
