"""The exploration share: exact over cutoffs, the same at every run, never over the capacity."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.config import Routing
from models.decisions.place import LedgerPlace
from models.routing import LastListed, Router
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from tests.models.test_routing import cohort

MONDAY = datetime(2026, 3, 2)
HUNDRED = cohort(*[(f"lead {n}", (n + 1) / 200, float(n)) for n in range(100)])


def routed(share, slots, cutoff=MONDAY, leads=HUNDRED, **how):
    return (
        Router(slots, cutoff, Routing(exploration=share, **how)).route(leads).set_index("lead_id")
    )


def test_whole_places_go_to_the_lot_and_the_last_ranked_make_room():
    result = routed(0.2, 10)
    sampled = result[result["exploration"]]
    ranked = result[(result["route"] == "sales") & ~result["exploration"]]
    assert len(sampled) == 2
    assert set(ranked.index) == {f"lead {n}" for n in range(92, 100)}
    assert set(sampled["route"]) == {"sales"}
    assert sampled["route_reason"].str.startswith("exploration: one of 2 drawn by lot, ").all()
    assert sampled["contact_by"].notna().all()
    assert not result.loc[result["route"] != "sales", "exploration"].any()
    expected = "readiness 46.0%, place 9 where sales can call 10, 2 of them drawn by lot"
    if not result.loc["lead 91", "exploration"]:
        assert result.loc["lead 91", "route_reason"] == expected


def test_without_a_share_nobody_is_drawn():
    assert not routed(0.0, 10)["exploration"].any()


@pytest.mark.slow
def test_the_share_is_kept_over_cutoffs_and_capacity_at_each():
    weeks = [MONDAY + timedelta(weeks=week) for week in range(300)]
    lists = [routed(0.02, 10, week) for week in weeks]
    assert {(result["route"] == "sales").sum() for result in lists} == {10}
    sampled = np.array([result["exploration"].sum() for result in lists])
    assert set(sampled) <= {0, 1}
    assert sampled.mean() == pytest.approx(0.2, abs=4 * np.sqrt(0.2 * 0.8 / 300))


@pytest.mark.slow
def test_every_lead_that_is_not_ranked_is_as_likely():
    weeks = [MONDAY + timedelta(weeks=week) for week in range(400)]
    result = pd.concat([routed(0.5, 10, week)["exploration"] for week in weeks])
    counts = result.groupby(level=0).sum()
    assert counts[[f"lead {n}" for n in range(95, 100)]].sum() == 0  # always ranked
    others = counts[[f"lead {n}" for n in range(95)]]
    expected = 400 * 5 / 95
    chi_squared = ((others - expected) ** 2 / expected).sum()
    assert chi_squared < 95 + 4 * np.sqrt(2 * 95)


def test_a_rerun_draws_the_same_in_whatever_order_the_leads_come():
    shuffled = HUNDRED.sample(frac=1, random_state=3)
    again = routed(0.3, 20, leads=shuffled)
    assert routed(0.3, 20)["exploration"].equals(again["exploration"].reindex(
        routed(0.3, 20).index))  # fmt: skip
    assert not routed(0.3, 20, MONDAY + timedelta(days=7))["exploration"].equals(
        routed(0.3, 20)["exploration"]
    )


def test_neither_disqualified_nor_unscored_leads_are_drawn():
    leads = cohort(("a", 0.9, 5.0), ("b", 0.5, 5.0, "unsubscribed"), ("c", None, None))
    result = routed(0.5, 2, leads=leads)
    assert result["route"].to_dict() == {"a": "sales", "b": "disqualified", "c": "nurture"}
    assert not result["exploration"].any()


def test_the_list_that_stands_is_not_drawn_again():
    router = Router(10, MONDAY, Routing(exploration=0.5))
    late = HUNDRED.assign(is_new=HUNDRED["lead_id"].isin(["lead 3", "lead 99"]))
    result = router.route(late, LastListed(0.45, None, 90.0)).set_index("lead_id")
    assert result["route"].to_dict() == {"lead 3": "nurture", "lead 99": "sales"}
    assert not result["exploration"].any()


def test_the_ledger_keeps_who_was_drawn_and_late_leads_are_held_against_the_ranked(tmp_path):
    """Drawn leads are of little readiness: a late lead does not join the list for their sake."""
    router, run = Router(10, MONDAY, Routing(exploration=0.2)), Run(MONDAY, "1", "r")
    part = HUNDRED.drop(columns="is_new")
    late = cohort(("late", 0.41, 0.0)).drop(columns="is_new")
    with open_ledger(LedgerPlace(tmp_path)) as ledger:
        ledger.write(run, [part], 100, router, MONDAY)
        rows = ledger.rows(run)
        assert rows["exploration"].sum() == 2
        assert ledger.write(run, [part], 100, router, MONDAY) == 0
        ledger.write(run, [part, late], 101, router, MONDAY)
        after = ledger.rows(run).set_index("lead_id")
    assert after.loc["late", "route"] == "nurture"
    assert (after["route"] == "sales").sum() == 10
    sampled = after.index[after["exploration"].fillna(False).astype(bool)]
    assert set(sampled) == set(rows.loc[rows["exploration"].astype(bool), "lead_id"])


def test_by_points_alone_late_leads_are_held_against_points():
    router = Router(2, MONDAY, Routing(), "no model yet (too few wins: 31 of 60)")
    leads = HUNDRED.assign(readiness=np.nan)
    result = router.route(leads).set_index("lead_id")
    assert set(result.index[result["route"] == "sales"]) == {"lead 98", "lead 99"}
    assert result.loc["lead 99", "route_reason"] == (
        "rules only: no model yet (too few wins: 31 of 60), 99 points, "
        "among the 2 that sales can call, call within 24 h of "
        "working days"
    )
    late = leads.assign(is_new=leads["lead_id"].isin(["lead 5", "lead 99"]))
    later = router.route(late, LastListed(None, None, 98.0)).set_index("lead_id")
    assert later["route"].to_dict() == {"lead 99": "sales", "lead 5": "nurture"}
