"""Groups hold what plain counting finds, and only a group that is surely off is called so."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from models.groups import ages, by_group, sources, worst

ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans(), st.floats(0, 1)),
    min_size=1,
    max_size=30,
)


def groups_of(rows):
    names, leads, won, ready = zip(*rows, strict=True)
    snapshots = pd.DataFrame({"lead_id": leads})
    return by_group(list(names), snapshots, np.array(won, float), np.array(ready), seed=0)


@settings(max_examples=30)
@given(ROWS)
def test_every_group_is_counted_as_plain_python_does(rows):
    found = {group.name: group for group in groups_of(rows)}
    assert set(found) == {name for name, *_ in rows}
    for name, group in found.items():
        mine = [row for row in rows if row[0] == name]
        wins = [won for _, _, won, _ in mine]
        ready = [readiness for *_, readiness in mine]
        assert (group.snapshots, group.wins) == (len(mine), sum(wins))
        assert group.leads == len({lead for _, lead, _, _ in mine})
        assert group.promised == pytest.approx(sum(ready) / len(mine))
        assert group.won.point == pytest.approx(sum(wins) / len(mine))
        assert group.gap.point == pytest.approx(group.promised - group.won.point)
        if group.leads > 1:  # of a single lead nothing is known
            assert group.won.low <= group.won.point + 1e-12
            assert group.won.point <= group.won.high + 1e-12
        if 0 < sum(wins) < len(mine):
            assert group.roc_auc.point == pytest.approx(roc_auc_score(wins, ready))
        else:
            assert np.isnan(group.roc_auc.point)


def test_a_group_that_wins_half_of_what_is_promised_is_found_and_the_true_one_is_not():
    rng = np.random.default_rng(1)
    n = 4_000
    name = np.where(np.arange(n) % 2, "true", "boast")
    ready = rng.uniform(0.1, 0.5, n)
    won = (rng.random(n) < np.where(name == "boast", ready / 2, ready)).astype(float)
    found = by_group(list(name), pd.DataFrame({"lead_id": np.arange(n)}), won, ready, seed=0)
    (off,) = worst(found, fewest=30)
    assert off.name == "boast"
    assert off.gap.low < 0.15 < off.gap.high  # half of 0.3 is missing
    assert list(worst(found, fewest=n)) == []


def test_that_none_of_a_few_was_won_is_no_proof():
    """40 leads promised 5 % each: none won happens once in eight times. 400 leads: never."""
    for leads, sure in ((40, False), (400, True)):
        rows = [("a", lead, False, 0.05) for lead in range(leads)]
        (group,) = groups_of(rows)
        assert group.won.low == 0
        z2 = student.ppf(0.975, leads - 1) ** 2
        assert group.won.high == pytest.approx(z2 / (leads + z2), abs=1e-6)
        assert bool(list(worst([group], fewest=30))) is sure


def test_small_sources_are_put_together():
    given_ = pd.Series([str(n) for n in range(12) for _ in range(12 - n)] + [None] * 20)
    named = pd.Series(sources(given_)).value_counts()
    assert named.to_dict() == {
        "unknown": 20, "0": 12, "1": 11, "2": 10, "3": 9, "4": 8, "5": 7, "others": 21,
    }  # fmt: skip


def test_ages_are_in_their_order_and_empty_ones_left_out():
    found = by_group(
        ages([400, 1, 40]), pd.DataFrame({"lead_id": [1, 2, 3]}), np.zeros(3), np.zeros(3), seed=0
    )
    assert [group.name for group in found] == ["up to 7 days", "30 to 90 days", "over 365 days"]
