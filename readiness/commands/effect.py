"""The verb effect."""

from pathlib import Path
from typing import TYPE_CHECKING

from features.spec.wording import percent, plural
from readiness.commands.options import AsJson, Page, Question, Where
from readiness.commands.printing import (
    figure,
    out,
    print_json,
    print_notes,
    print_path,
    print_table,
    print_verdict,
)

if TYPE_CHECKING:
    from models.effects.effect import Arm
    from serve.reports.effect.figures import EffectReport, Power

_BEGIN = "To begin, hold a share of the list back at random: in readiness.toml"
_SETTING = """
    [routing]
    holdout = 0.1
"""
_THEN = (
    "From the next list on, each lead that has a place for the first time is in the draw once. Who "
    "is held back is called a horizon later; the list is as long as ever."
)


def verb(
    where: Where = Path(),
    question: Question = None,
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """What a call changes: how many more are won of the called than of a random holdout.

    Reads the draws in the ledger ([routing] holdout) against the outcomes within the horizon, each
    lead once: in all, and by thirds of readiness. Before there is a holdout it says how to begin,
    and how many weeks it takes until an effect can be seen. It never compares leads that sales
    chose to call with those they did not. Writes a self-contained HTML page (effect.html), and
    effect.json.
    """
    from features.open_database import open_database
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.ledger.ledger import open_ledger_of
    from serve.reports.effect.figures import effect_report
    from serve.reports.effect.page import render
    from serve.reports.page import write_page

    config = load(where, to, question=question)
    with open_database(config) as database, open_ledger_of(config) as ledger:
        result = effect_report(config, ledger, database)
    page = write_page(destination(config, to, "effect.html"), render(result), result)
    if as_json:
        print_json(result, page=page)
        return
    print_notes(result.notes())
    if result.in_draw:
        _print_effect(result)
    elif config.routing.holdout:
        out.print(f"No lead is in the draw of {percent(config.routing.holdout)} yet. {_THEN}")
    else:
        out.print(_BEGIN, _SETTING, _THEN, sep="\n", markup=False)
    _print_power(result.power, result.horizon_days)
    print_verdict(result.verdict)
    print_path(f"Report: {page}")


def _print_effect(result: "EffectReport") -> None:
    out.print(
        f"{plural(result.in_draw, 'lead')} in the draw, {result.waiting:,} of them not past the "
        f"horizon of {plural(result.horizon_days, 'day')} at the data end "
        f"({result.data_end:%Y-%m-%d})."
    )
    if result.effect is None:
        return
    from models.statistics.intervals import percentage_points

    rows = [
        (
            each.group,
            *_side(each.called),
            *_side(each.held_back),
            percentage_points(each.difference),
        )
        for each in (result.effect, *result.thirds)
    ]
    print_table(
        "Won within the horizon",
        ["readiness", ">called", ">won", ">held back", ">won", ">difference (95% interval)"],
        rows,
        "as drawn, whether or not anybody called; the called by the months of those held back\n"
        "pp: percentage points",
    )
    if result.by_effect:
        order = ", ".join(each.group for each in result.by_effect)
        out.print(f"By what a call adds, beyond chance, the order of the readiness is: {order}.")
    elif result.compared:
        out.print("No third gains more than the readiest beyond chance: call by readiness.")
    if result.harms:
        out.print("Look first at how leads are contacted: the list makes fewer of them buy.")
    if result.contacted:
        called, back = result.effect.called.leads, result.effect.held_back.leads
        out.print(
            f"Contacted within the horizon: {result.contacted['called']:,} of the {called:,} "
            f"called, {result.contacted['held_back']:,} of the {back:,} held back."
        )


def _side(arm: "Arm") -> tuple[str, str]:
    return f"{arm.leads:,}", figure(arm.share.point, "{:.1%}")


def _print_power(power: "Power", horizon_days: int) -> None:
    if power.base_rate is None or power.per_week is None:
        out.print(f"How long it takes until an effect can be seen: {power.why_unknown}")
        return
    shares = sorted({each.holdout for each in power.needed})
    sizes = sorted({each.points for each in power.needed})
    weeks = {(each.holdout, each.points): each.weeks for each in power.needed}
    rows = [
        (percent(share), *(figure(weeks[share, size], "{:,.0f}") for size in sizes))
        for share in shares
    ]
    print_table(
        "Weeks until an effect can be seen, 80 times in 100",
        [">holdout", *(f">{100 * size:.0f} pp" for size in sizes)],
        rows,
        f"at {power.per_week:,.1f} leads a week with a place for the first time, of whom "
        f"{percent(power.base_rate)} are won; with the horizon of {plural(horizon_days, 'day')} of "
        "the last; -: more than is won",
    )
