"""The page of an effect: its figures, its picture, and what it says where there is none."""

import math
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.effects.effect import effect, effect_by_thirds
from models.effects.power import POINTS
from models.statistics.intervals import UNKNOWN, Estimate
from serve.reports.effect.figures import EffectReport, Needed, Power
from serve.reports.effect.page import Axis, render
from serve.reports.page import write_page

POWER = Power(0.25, 400, 21.0, tuple(Needed(0.1, size, 900, 4_321) for size in POINTS))


def draws(leads: int, gains: tuple[float, float, float]) -> pd.DataFrame:
    """Leads of whom a third is held back, with so much more won of the called of each third, the
    readiest first."""
    rng = np.random.default_rng(1)
    readiness = np.linspace(0.6, 0.1, leads)
    held = rng.random(leads) < 1 / 3
    chance = 0.2 + np.where(held, 0.0, np.repeat(gains, leads // 3))
    won = (rng.random(leads) < chance).astype(int)
    return pd.DataFrame(
        {"holdout": held, "won": won, "readiness": readiness, "cutoff": datetime(2026, 3, 2)}
    )


def report_of(rows: pd.DataFrame | None, power: Power = POWER) -> EffectReport:
    return EffectReport(
        data_end=datetime(2026, 5, 1),
        horizon_days=30,
        holdout=0.1,
        in_draw=0 if rows is None else len(rows) + 7,
        waiting=0 if rows is None else 7,
        missing=0,
        effect=None if rows is None else effect(rows),
        thirds=() if rows is None else tuple(effect_by_thirds(rows)),
        contacted=None if rows is None else {"called": 77, "held_back": 3},
        decided_otherwise=0,
        power=power,
    )


def read(page: str) -> str:
    """The text of a page."""
    return " ".join(re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())


def signed(figure: float) -> str:
    return f"{100 * figure:+.1f}".replace("-", "\u2212")


@pytest.mark.parametrize(
    ("rows", "harms", "compared"),
    [
        (draws(3_000, (-0.15, -0.15, -0.15)), True, True),
        (draws(3_000, (0.1, 0.1, 0.1)), False, True),
        (draws(60, (0.1, 0.1, 0.1)), False, False),
        (None, False, False),
    ],
)
def test_it_compares_thirds_and_warns_only_where_they_show_it(rows, harms, compared) -> None:
    result = report_of(rows)
    assert (result.harms, result.compared) == (harms, compared)
    order_known = "gains more from a call than the readiest" in read(render(result))
    assert (order_known, result.by_effect) == (compared, [])


def test_the_page_holds_the_figures_of_all_and_of_each_third(tmp_path: Path) -> None:
    result = report_of(draws(3_000, (0.1, 0.1, 0.1)))
    page = write_page(tmp_path / "effect.html", render(result), result).read_text("utf-8")
    assert (tmp_path / "effect.json").is_file()
    text = read(page)
    for each in (result.effect, *result.thirds):
        gap = each.difference
        assert f"{signed(gap.point)} {signed(gap.low)} to {signed(gap.high)}" in text
        for arm in (each.called, each.held_back):
            assert f"{arm.leads:,} {arm.share.point:.1%} {arm.share.low:.1%} to" in text
    assert text.count("4,321") == len(POINTS)
    assert "77 of the" in text
    assert not re.search(r'<script|(src|href)="(?!#)', page)


def test_an_order_by_effect_only_where_the_data_carry_it() -> None:
    names = "Last third", "Middle third", "Readiest third"
    for gains, by_effect in (((0.0, 0.15, 0.3), True), ((0.1, 0.1, 0.1), False)):
        result = report_of(draws(3_000, gains))
        assert bool(result.by_effect) == by_effect == bool(result.json_fields()["by_effect"])
        listed = re.findall(r"<li>([^<]*third)</li>", render(result))
        assert listed == (list(names) if by_effect else [])


def test_too_few_leads_have_no_picture_and_no_order() -> None:
    page = render(report_of(draws(30, (0.1, 0.1, 0.1))))
    assert "lists differences" not in page
    assert "nan" not in read(page)


@pytest.mark.parametrize("power", [POWER, Power(None, 0, None, ())])
def test_without_a_draw_it_says_how_to_begin(power: Power) -> None:
    page = render(report_of(None, power))
    assert "Called" not in re.findall(r'class="who">([^<]*)<', page)
    assert ("4,321" in page) == (power is POWER)
    assert "nan" not in read(page)


def test_what_is_drawn_lies_within_the_picture() -> None:
    for estimates in ([Estimate(0.1, 0.02, 0.3), UNKNOWN], [Estimate(-0.1, -0.2, 0.05)]):
        axis = Axis.of(estimates)
        ends = [axis.at(end) for each in estimates if each.known for end in each]
        assert 0 <= min([axis.zero, *ends]) < max([axis.zero, *ends]) <= 100
        point, low, high = ends
        assert low < point < high
        assert math.isclose(axis.at(0.0), axis.zero, abs_tol=0.01)
    assert Axis.of([UNKNOWN]).scale == 0
