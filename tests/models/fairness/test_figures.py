"""The figures against lists drawn up with pandas; and the warnings on companies whose truth is
known: none but chance where every group is treated alike, one where a group is held down."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest

from features.config import Capacity
from features.result_json import to_json
from models.fairness.figures import lead_groups
from models.fairness.groups import named_groups
from models.statistics.metrics import Ranking

CAPACITY = Capacity(share=0.2)
COUNTRIES = {"DE": 0.5, "FR": 0.25, "IT": 0.2, "MT": 0.05}


def company(seed, leads=2000, held_down=0.0):
    """Leads that are open at three cutoffs. The model's score knows the quality of each, and
    something else that is chance; of leads of FR it takes off `held_down`, though they win as often
    as all others."""
    rng = np.random.default_rng(seed)
    country = rng.choice(list(COUNTRIES), leads, p=list(COUNTRIES.values()))
    quality = rng.normal(size=leads)
    frame = pd.DataFrame(
        {
            "lead_id": np.tile(np.arange(leads), 3),
            "cutoff": np.repeat(pd.to_datetime(["2026-01-05", "2026-01-12", "2026-01-19"]), leads),
            "country": np.tile(country, 3),
            "size": np.tile(rng.choice(["small", "large", None], leads, p=[0.5, 0.4, 0.1]), 3),
        }
    )
    chance = 1 / (1 + np.exp(2.5 - 1.2 * np.tile(quality, 3)))
    frame["won"] = (rng.random(3 * leads) < chance).astype(float)
    own = np.tile(quality + rng.normal(size=leads), 3) + rng.normal(size=3 * leads) * 0.5
    frame["model"] = own - held_down * (frame["country"] == "FR")
    frame["rules"] = np.round(own * 3)  # many ties, as points have
    return frame


def groups_of(frame, least_leads=30, capacity=CAPACITY):
    lead, won = frame["lead_id"], frame["won"].to_numpy()
    on_lists = {
        name: Ranking(won, frame[name], frame["cutoff"]).on_list(capacity)
        for name in ("model", "rules")
    }
    names = pd.DataFrame(
        {name: named_groups(frame[name], lead, least_leads) for name in ("country", "size")}
    )
    return {(each.column, each.name): each for each in lead_groups(names, lead, won, on_lists)}


def warned(groups, kind):
    return {
        name: getattr(group.lists["model"], kind)
        for name, group in groups.items()
        if getattr(group.lists["model"], kind) != "not clear"
    }


def test_figures_are_those_of_lists_by_hand():
    """The model has no ties: its list of each cutoff is the first ten by score."""
    frame = company(seed=1, leads=300)
    groups = groups_of(frame, capacity=Capacity(leads=30))
    listed = frame.groupby("cutoff")["model"].rank(ascending=False) <= 30
    small = frame.groupby("country")["lead_id"].nunique() < 30
    country = frame["country"].where(~frame["country"].map(small), "other")
    named = {"country": country, "size": frame["size"].fillna("unknown")}
    assert set(groups) == {(column, name) for column in named for name in set(named[column])}
    assert ("country", "other") in groups
    for (column, name), group in groups.items():
        rows = named[column] == name
        largest = named[column][~named[column].isin(["other", "unknown"])].mode()[0]
        assert group.largest == ("" if name == largest else largest)
        here, model = frame[rows], group.lists["model"]
        assert (group.snapshots, group.wins) == (rows.sum(), here["won"].sum())
        assert group.leads == here["lead_id"].nunique()
        on_list = listed[rows]
        assert model.listed.point == pytest.approx(on_list.mean())
        assert model.won.point == pytest.approx(here.loc[on_list, "won"].mean(), nan_ok=True)
        assert model.missed.point == pytest.approx(1 - on_list[here["won"] == 1].mean())
        if group.largest:
            of_largest = listed[named[column] == largest].mean()
            assert model.ratio.point == pytest.approx(on_list.mean() / of_largest)
        for each in (model.listed, model.won, model.missed):
            assert not each.known or each.low <= each.point <= each.high


def test_ties_are_on_the_list_in_part():
    """All leads have the same points: of each group the share that the list is of all."""
    groups = groups_of(company(seed=1).assign(rules=1.0))
    for group in groups.values():
        assert group.lists["rules"].listed.point == pytest.approx(0.2)
        assert group.lists["rules"].missed.point == pytest.approx(0.8)


def test_where_each_lead_counts_once_it_is_a_binomial_interval():
    """One snapshot per lead, so scipy's Wilson interval, but for Student's quantile."""
    frame = company(seed=2).iloc[:2000]  # of the first cutoff
    listed = frame["model"].rank(ascending=False) <= 0.2 * len(frame)
    hits, count = int((listed & (frame["country"] == "DE")).sum()), (frame["country"] == "DE").sum()
    wilson = binomtest(hits, int(count)).proportion_ci(method="wilson")
    shown = groups_of(frame)["country", "DE"].lists["model"].listed
    assert shown == pytest.approx((hits / count, wilson.low, wilson.high), abs=5e-4)


def test_a_group_held_down_is_warned_of_and_it_alone():
    groups = groups_of(company(seed=3, held_down=0.8))
    assert warned(groups, "selected") == {("country", "FR"): "less"}
    assert warned(groups, "misses") == {("country", "FR"): "more"}


def test_the_largest_group_held_down_is_warned_of_at_the_others():
    frame = company(seed=4)
    frame["model"] -= 0.8 * (frame["country"] == "DE")
    groups = groups_of(frame)
    assert warned(groups, "selected")["country", "FR"] == "more"
    assert warned(groups, "misses")["country", "FR"] == "less"


@pytest.mark.slow
def test_where_all_are_treated_alike_hardly_a_company_in_twenty_is_warned():
    """With a warning of any of its five groups: no more of 60 than chance makes of one in twenty.
    Of 200 companies of 2,000 leads it was 4."""
    all_groups = [groups_of(company(seed, leads=1000)) for seed in range(60)]
    assert sum(bool(warned(groups, "misses")) for groups in all_groups) <= binom.ppf(0.99, 60, 0.05)
    assert not any(warned(groups, "selected") for groups in all_groups)


def test_few_leads_and_few_wins_have_no_interval_and_say_so():
    frame = company(seed=5, leads=400)
    frame.loc[frame["country"] == "IT", "won"] = 0.0
    groups = groups_of(frame, least_leads=2)
    malta, italy = groups["country", "MT"], groups["country", "IT"]
    assert malta.leads < 30
    assert str(malta.leads) in malta.too_few
    assert not malta.lists["model"].listed.known
    assert italy.wins == 0
    assert "0 of the 20" in italy.too_few
    shown = italy.lists["model"]
    assert shown.listed.known
    assert shown.ratio.known
    assert not (shown.won.known)
    assert not (shown.missed.known)
    assert not (shown.missed_difference.known)
    assert shown.misses == "not clear"
    assert groups["country", "DE"].too_few == ""
    assert to_json(italy)["no_interval"] == italy.too_few
    assert to_json(italy)["lists"]["model"]["missed"]["point"] is None


def test_groups_are_named_by_value():
    leads = pd.Series([1, 1, 2, 3, 4, 5, 6])
    values = pd.Series(["b", "b", " b ", "a", "", None, "c"])
    names = named_groups(values, leads, least_leads=2)
    assert list(names) == ["b", "b", "b", "other", "unknown", "unknown", "other"]
    assert names.categories[0] == "b"
    # a lead counts once, however many snapshots it has
    assert set(named_groups(values, leads, least_leads=3)) == {"other", "unknown"}
