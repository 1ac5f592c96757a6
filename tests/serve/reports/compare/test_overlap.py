"""The quadrants and groups against counts of lists drawn up with pandas."""

import numpy as np
import pandas as pd
import pytest

from features.config import Capacity
from models.statistics.metrics import Ranking
from serve.reports.compare.overlap import one_of, overlap, period

TEN = Capacity(leads=10)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(2)
    snapshots = pd.DataFrame(
        {
            "lead_id": np.tile(np.arange(80), 3),
            "cutoff": np.repeat(pd.to_datetime(["2026-01-05", "2026-01-19", "2026-02-02"]), 80),
        }
    )
    won = (rng.random(240) < 0.4).astype(float)
    frame = snapshots.assign(
        won=won,
        model=rng.permutation(240) / 240 + won * 0.2,
        rules=rng.permutation(240) + won * 40.5,
        source=rng.choice(["fair", "ads"], 240),
    )
    groups = {"source": one_of(frame["source"]), "period": one_of(period(frame["cutoff"]))}
    return frame, groups


def overlapped(frame, groups, replicates=200):
    columns = (frame[name].to_numpy(float) for name in ("won", "model", "rules"))
    return overlap(frame[["lead_id", "cutoff"]], *columns, TEN, groups, replicates)


def on(frame, name):
    return frame.groupby("cutoff")[name].rank(ascending=False) <= 10


def test_quadrants_are_those_of_lists_by_hand(data):
    frame, groups = data
    model, rules = on(frame, "model"), on(frame, "rules")
    masks = [model & rules, model & ~rules, ~model & rules, ~model & ~rules]
    shown = overlapped(frame, groups).quadrants
    assert [each.lists for each in shown] == ["both", "model", "rules", "neither"]
    for each, mask in zip(shown, masks, strict=True):
        rows = frame[mask]
        assert (each.snapshots, each.won) == (len(rows), rows["won"].sum())
        assert each.share_won.point == pytest.approx(rows["won"].mean())
        newest = rows[rows["cutoff"] == "2026-02-02"]
        score = "rules" if each.lists == "rules" else "model"
        best = newest.sort_values(score, ascending=False)[:5]
        assert [lead.lead_id for lead in each.examples] == [str(i) for i in best["lead_id"]]
        assert [lead.won for lead in each.examples] == list(best["won"] == 1)


def test_intervals_hold_the_point_where_there_are_wins_enough(data):
    both, *_, neither = overlapped(*data).quadrants
    assert not both.share_won.known  # fewer than 20 leads of the rarer outcome
    assert neither.share_won.low < neither.share_won.point < neither.share_won.high


def test_groups_are_those_of_lists_by_hand(data):
    frame, groups = data
    shown = {(each.kind, each.name): each for each in overlapped(frame, groups).groups}
    kinds = {"source": frame["source"], "period": frame["cutoff"].dt.strftime("%Y-%m")}
    assert set(shown) == {(kind, name) for kind, names in kinds.items() for name in set(names)}
    for (kind, name), each in shown.items():
        rows = frame[kinds[kind] == name]
        assert (each.snapshots, each.deals) == (len(rows), rows["won"].sum())
        for ranker in ("model", "rules"):
            listed = rows[on(frame, ranker)[rows.index]]
            assert getattr(each, ranker) == pytest.approx(listed["won"].sum())
        assert each.difference.point == pytest.approx(each.model - each.rules)
        assert each.difference.low <= each.difference.point <= each.difference.high


def test_ties_stand_on_a_list_by_parts_and_the_lists_add_up_to_the_capacity(data):
    frame, groups = data
    tied = frame.assign(rules=np.round(frame["rules"] / 60))
    both, model, rules, neither = overlapped(tied, groups, replicates=2).quadrants
    assert both.snapshots + model.snapshots == pytest.approx(30)
    assert both.snapshots + rules.snapshots == pytest.approx(30)
    assert sum(q.snapshots for q in (both, model, rules, neither)) == pytest.approx(240)
    listed = Ranking(tied["won"], tied["rules"], tied["cutoff"]).at_capacity(TEN)
    assert both.won + rules.won == pytest.approx(30 * listed.precision)
