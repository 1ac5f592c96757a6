"""The holdout: a random part of those with a place, held back for a horizon, the list as long as
ever; against a plain walk down the list."""

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


def never_listed(leads):
    """As the ledger brings them where none was on a list."""
    return leads.assign(
        first_listed=pd.Series(pd.NaT, leads.index, "datetime64[us]"),
        held_back=pd.Series(None, leads.index, object),
    )


def routed(share, slots, cutoff=MONDAY, leads=None, last=None, **how):
    leads = never_listed(HUNDRED) if leads is None else leads
    router = Router(slots, cutoff, Routing(holdout=share, **how))
    return router.route(leads, last).set_index("lead_id")


def held(result):
    return set(result.index[result["holdout"].fillna(False)])


def test_the_list_is_as_long_as_ever_and_who_is_held_back_stands_above_its_last_lead():
    result = routed(0.4, 10)
    called = result[result["route"] == "sales"]
    best_first = [f"lead {n}" for n in range(99, -1, -1)]
    assert len(called) == 10
    assert len(held(result)) > 0
    last = max(best_first.index(lead) for lead in called.index)
    assert set(best_first[: last + 1]) == set(called.index) | held(result)
    assert not called["holdout"].any()
    assert called["holdout"].notna().all()
    below = result.loc[best_first[last + 1 :]]
    assert below["holdout"].isna().all()
    out = result.loc[sorted(held(result))]
    assert set(out["route"]) == {"nurture"}
    assert out["contact_by"].isna().all()
    assert out["route_reason"].str.startswith("holdout: ").all()
    assert out["route_reason"].str.contains("40.0%").all()
    assert out["route_reason"].str.contains("2026-04-01").all()  # 30 days later


def test_without_a_share_the_column_is_empty_and_the_list_is_as_before():
    result = Router(10, MONDAY, Routing()).route(HUNDRED).set_index("lead_id")
    assert result["holdout"].isna().all()
    assert set(result.index[result["route"] == "sales"]) == {f"lead {n}" for n in range(90, 100)}


def test_a_rerun_draws_the_same_in_whatever_order_the_leads_come():
    again = routed(0.3, 20, leads=never_listed(HUNDRED.sample(frac=1, random_state=3)))
    assert held(again) == held(routed(0.3, 20))
    assert held(routed(0.3, 20, MONDAY + timedelta(days=7))) != held(routed(0.3, 20))


@pytest.mark.slow
def test_every_lead_with_a_place_is_as_likely_whatever_its_rank():
    """Also those at the end of the list, where it matters that a lead's place never depends on its
    own lot: of all draws, by rank, the share is that of the settings."""
    share, weeks = 0.3, [MONDAY + timedelta(weeks=week) for week in range(100)]
    draws = pd.concat([routed(share, 10, week)["holdout"].dropna() for week in weeks])
    by_lead = draws.astype(float).groupby(level=0).agg(["sum", "count"])
    by_lead = by_lead[by_lead["count"] >= 20]
    assert len(by_lead) >= 13  # beyond the ten of the list
    expected = by_lead["count"] * share
    chi_squared = ((by_lead["sum"] - expected) ** 2 / (expected * (1 - share))).sum()
    assert chi_squared < len(by_lead) + 4 * np.sqrt(2 * len(by_lead))


def test_who_is_held_back_stays_so_for_the_horizon_and_who_was_listed_before_is_in_no_draw():
    """lead 99 was held back on 2026-03-02, lead 98 called in that draw, lead 97 on an earlier list
    without a holdout: worked dates of models/routing.py."""
    leads = never_listed(HUNDRED).set_index("lead_id")
    first = [MONDAY, MONDAY, datetime(2026, 2, 2)]
    leads.loc[["lead 99", "lead 98", "lead 97"], "first_listed"] = first
    leads.loc["lead 99", "held_back"] = True
    leads.loc["lead 98", "held_back"] = False
    leads = leads.reset_index()
    for day in (3, 31):
        result = routed(0.5, 10, datetime(2026, 3, day), leads)
        assert result.loc["lead 99", ["route", "holdout"]].tolist() == ["nurture", True]
        assert "2026-04-01" in result.loc["lead 99", "route_reason"]
        assert result.loc["lead 98", ["route", "holdout"]].tolist() == ["sales", False]
        assert result.loc["lead 97", "route"] == "sales"
        assert pd.isna(result.loc["lead 97", "holdout"])
    after = routed(0.5, 10, datetime(2026, 4, 1), leads)
    assert set(after.loc[["lead 99", "lead 98", "lead 97"], "route"]) == {"sales"}
    assert after.loc[["lead 99", "lead 98", "lead 97"], "holdout"].isna().all()


def test_exploration_draws_nobody_who_is_held_back():
    """Also one who is held back and has no place tonight."""
    leads = never_listed(HUNDRED)
    low = leads["lead_id"].isin([f"lead {n}" for n in range(80)])
    leads.loc[low, "first_listed"] = MONDAY
    leads.loc[low, "held_back"] = True
    result = routed(0.5, 20, MONDAY + timedelta(days=7), leads, exploration=0.5)
    explored = result.index[result["exploration"]]
    assert 0 < len(explored) <= 10
    assert {int(lead.split()[1]) for lead in explored} <= set(range(80, 100))
    assert not set(explored) & held(result)


def test_late_leads_are_drawn_too_and_only_where_they_would_join():
    leads = never_listed(HUNDRED)
    result = routed(0.5, 10, leads=leads, last=LastListed(0.455, None, 90.0))
    level = [f"lead {n}" for n in range(90, 100)]
    assert result.loc[level, "holdout"].notna().all()
    assert (result.loc[level, "holdout"] == (result.loc[level, "route"] == "nurture")).all()
    assert result.loc[result.index.difference(level), "holdout"].isna().all()


def test_the_ledger_remembers_the_draw_from_night_to_night(place: LedgerPlace):
    """The same hundred leads on five Mondays: each is drawn once, on its first list; who is held
    back is called on no list before 2026-04-01, 30 days after 2026-03-02."""
    part, lists = HUNDRED.drop(columns="is_new"), {}
    with open_ledger(place) as ledger:
        for week in range(5):
            cutoff = MONDAY + timedelta(weeks=week)
            router, run = Router(10, cutoff, Routing(holdout=0.4)), Run(cutoff, "1", "r")
            assert ledger.write(run, [part], 100, router, cutoff) == 100
            assert ledger.write(run, [part], 100, router, cutoff) == 0
            lists[week] = ledger.rows(run).set_index("lead_id")
    first = held(lists[0])
    assert first
    for result in lists.values():
        assert (result["route"] == "sales").sum() == 10
        assert first <= held(result)
    # The same ten are called each night, so nobody else ever has a place, nor is drawn.
    called = [set(result.index[result["route"] == "sales"]) for result in lists.values()]
    assert all(each == called[0] for each in called)
    assert all(held(result) == first for result in lists.values())
    with open_ledger(place) as ledger:
        cutoff = datetime(2026, 4, 1)
        router, run = Router(10, cutoff, Routing(holdout=0.4)), Run(cutoff, "1", "r")
        ledger.write(run, [part], 100, router, cutoff)
        result = ledger.rows(run).set_index("lead_id")
    assert set(result.index[result["route"] == "sales"]) == {f"lead {n}" for n in range(90, 100)}
    assert result["holdout"].isna().all()


def test_a_late_lead_is_held_against_the_whole_list_with_those_held_back(tmp_path):
    """One slot, and its lead is held back: the list is not made anew for a late lead."""
    with open_ledger(LedgerPlace(tmp_path)) as ledger:
        nights = (MONDAY + timedelta(days=n) for n in range(50))
        for cutoff in nights:
            router, run = Router(1, cutoff, Routing(holdout=0.5)), Run(cutoff, "1", "r")
            only = cohort(("a", 0.5, 1.0)).drop(columns="is_new")
            ledger.write(run, [only], 1, router, cutoff)
            if held(ledger.rows(run).set_index("lead_id")):
                break
            ledger.withdraw(run, "to draw again", "me", cutoff)
        late = cohort(("late", 0.3, 1.0)).drop(columns="is_new")
        ledger.write(run, [only, late], 2, router, cutoff)
        rows = ledger.rows(run).set_index("lead_id")
    assert rows["route"].to_dict() == {"a": "nurture", "late": "nurture"}
    assert "came after the list was made" in rows.loc["late", "route_reason"]
