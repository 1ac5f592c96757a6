"""A judgement holds the figures that scikit-learn gives, says who won, and is plain JSON.

The example: 40 leads at one cutoff, every other one won. The model ranks all winners first, the
rules rank them last, and sales can call a quarter: 10 leads.
"""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from features.config import Capacity
from features.errors import BadInput
from features.result_json import to_json
from models.statistics.judge import METRICS, Contender, judge
from models.statistics.verdict import exploration, verdict

WON = np.tile([1, 0], 20)
SNAPSHOTS = pd.DataFrame({"lead_id": range(40), "cutoff": pd.Timestamp("2012-01-16")})
RIGHT = 0.1 + 0.8 * WON
WRONG = 10.0 * (1 - WON)
QUARTER = Capacity(share=0.25)


def judged(model, rules, snapshots=SNAPSHOTS, won=WON, capacity=QUARTER, **options):
    contenders = [Contender("model", model, True), Contender("rules", rules, False)]
    return judge(snapshots, won, contenders, capacity, 0.4, replicates=50, **options)


def weekly(n=600, seed=0):
    """150 leads open at four weekly cutoffs; both rankers know something, the model more."""
    rng = np.random.default_rng(seed)
    cutoff = pd.Timestamp("2012-01-16") + pd.to_timedelta(7 * np.repeat(range(4), n // 4), "D")
    snapshots = pd.DataFrame({"lead_id": np.tile(np.arange(n // 4), 4), "cutoff": cutoff})
    signal = np.tile(rng.normal(size=n // 4), 4)
    probability = 1 / (1 + np.exp(0.5 - 1.5 * signal))
    points = np.clip(np.round(2 * signal + 3 * rng.normal(size=n)), 0, 9)
    return snapshots, (rng.random(n) < probability).astype(int), probability, points


def test_the_verdict_of_the_example():
    assert str(verdict(judged(RIGHT, WRONG))) == (
        "The model had it right: calling the top 25% (10 leads per cutoff), 100.0% of the leads "
        "listed by the model were won, 0.0% of those listed by the rules and 50.0% at random: "
        "100.0 percentage points more (95% interval 100.0 to 100.0), about 10 more won deals on "
        "each list."
    )


def test_the_verdict_on_accounts_names_no_lead():
    for judgement in (
        judged(RIGHT, WRONG),
        judged(RIGHT, WON.astype(float)),
        judged(RIGHT[:20], WRONG[:20], SNAPSHOTS[:20], WON[:20]),
    ):
        for of in (verdict, exploration):
            text = str(of(judgement, "account"))
            assert "account" in text
            assert "lead" not in text


def test_the_rules_may_win():
    judgement = judged(1 - RIGHT, 10 - WRONG, capacity=Capacity(leads=8))
    assert judgement.winner == "rules"
    assert str(verdict(judgement)).startswith(
        "The rules had it right: calling the top 20% (8 leads per cutoff), 100.0% of the leads "
        "listed by the rules were won, 0.0% of those listed by the model"
    )


def test_the_verdict_is_the_same_whichever_contender_comes_first():
    snapshots, won, probability, points = weekly()
    pair = [Contender("model", probability, True), Contender("rules", points, False)]
    message = {
        verdict(judge(snapshots, won, order, QUARTER, 0.4, replicates=50))
        for order in (pair, pair[::-1])
    }
    assert len(message) == 1
    assert "The model had it right: calling the top 25% (38 leads per cutoff)" in str(message.pop())


def test_nobody_wins_by_chance():
    judgement = judged(RIGHT, WON.astype(float))
    assert judgement.winner is None
    assert str(verdict(judgement)).startswith("No clear winner: calling the top 25%")
    assert str(verdict(judgement)).endswith(
        "the difference of 0.0 percentage points (95% interval 0.0 to 0.0) may be chance."
    )


def test_a_few_leads_name_no_winner():
    few = judged(RIGHT[:20], WRONG[:20], SNAPSHOTS[:20], WON[:20])
    assert few.winner is None
    assert str(verdict(few)) == "No verdict: 20 leads are too few to judge by; wait for 30 or more."


def test_the_figures_are_sklearns():
    snapshots, won, probability, points = weekly()
    result = to_json(judged(probability, points, snapshots, won))
    assert result["model"]["roc_auc"] == pytest.approx(sk.roc_auc_score(won, probability))
    assert result["model"]["log_loss"] == pytest.approx(sk.log_loss(won, probability))
    assert result["model"]["brier"] == pytest.approx(sk.brier_score_loss(won, probability))
    assert result["rules"]["average_precision"] == pytest.approx(
        sk.average_precision_score(won, points)
    )
    assert result["base_rate"]["log_loss"] == pytest.approx(sk.log_loss(won, np.full(600, 0.4)))
    assert result["base_rate"]["ece"] == pytest.approx(abs(won.mean() - 0.4))
    for baseline in (result["base_rate"], result["random"]):
        assert baseline["roc_auc"] == 0.5
        assert baseline["average_precision"] == pytest.approx(won.mean())
        assert baseline["at_capacity"]["lift"] == pytest.approx(1)


def test_cutoffs_add_up():
    snapshots, won, probability, points = weekly()
    result = to_json(judged(probability, points, snapshots, won))
    weeks = result["cutoffs"]
    assert list(weeks) == ["2012-01-16", "2012-01-23", "2012-01-30", "2012-02-06"]
    assert sum(w["snapshots"] for w in weeks.values()) == result["snapshots"] == 600
    assert sum(w["wins"] for w in weeks.values()) == result["wins"] == won.sum()
    listed_wins = sum(w["slots"] * w["precision"]["model"] for w in weeks.values())
    assert listed_wins / 150 == pytest.approx(result["model"]["at_capacity"]["precision"])


def test_the_json_is_strict_and_has_its_shape():
    snapshots, won, probability, points = weekly()
    result = to_json(judged(probability, points, snapshots, won))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert list(result) == [
        *("snapshots", "leads", "wins", "base_rate_observed", "cutoffs", "model", "rules"),
        *("base_rate", "random", "no_interval", "difference", "interval"),
        "ece_by_chance",
    ]
    assert set(result["difference"]) == set(result["interval"]["rules"]) == set(METRICS)
    for metric in ("log_loss", "brier", "ece"):
        assert result["model"][metric] is not None
        assert result["rules"][metric] is None
        assert result["random"][metric] is None
        assert result["difference"][metric] is None
        assert result["interval"]["rules"][metric] is None
    gain = result["difference"]["gain"]
    model, rules = (result[name]["at_capacity"]["gain"] for name in ("model", "rules"))
    assert gain["point"] == pytest.approx(model - rules)
    assert gain["low"] < gain["point"] < gain["high"]


def test_two_models_are_compared_on_calibration_too():
    snapshots, won, probability, _ = weekly()
    rivals = [
        Contender("challenger", probability, True),
        Contender("champion", probability**3, True),
    ]
    result = judge(snapshots, won, rivals, QUARTER, 0.4, replicates=50)
    assert result.names == ("challenger", "champion")
    assert result.difference["roc_auc"] == (0, 0, 0)
    assert result.difference["log_loss"].high < 0  # lower is better


def test_the_pairing_makes_the_difference_surer_than_its_parts():
    snapshots, won, probability, _ = weekly()
    close = np.clip(probability + np.random.default_rng(1).normal(0, 0.02, 600), 0, 1)
    result = judged(probability, close, snapshots, won)
    width = {n: np.ptp(result.estimates[n]["roc_auc"][1:]) for n in result.names}
    assert np.ptp(result.difference["roc_auc"][1:]) < min(width.values()) / 2


def test_the_seed_decides():
    snapshots, won, probability, points = weekly()
    one, same, other = (
        to_json(judged(probability, points, snapshots, won, seed=seed)) for seed in (1, 1, 2)
    )
    assert one == same != other


def test_without_wins_the_json_holds_nulls():
    result = to_json(judged(RIGHT, WRONG, won=np.zeros(40)))
    assert json.dumps(result, allow_nan=False)
    assert result["model"]["roc_auc"] is None
    assert result["model"]["at_capacity"]["lift"] is None
    assert result["model"]["at_capacity"]["precision"] == 0


def test_no_snapshots_is_bad_input():
    with pytest.raises(BadInput, match="No mature snapshot"):
        judged(RIGHT[:0], WRONG[:0], SNAPSHOTS[:0], WON[:0])


def test_contenders_are_checked():
    with pytest.raises(ValueError, match="outside"):
        Contender("model", np.array([1.2]), is_probability=True)
    with pytest.raises(ValueError, match="1 scores not finite"):
        Contender("rules", np.array([np.nan]), is_probability=False)
    with pytest.raises(ValueError, match="own name"):
        judge(SNAPSHOTS, WON, [Contender("model", RIGHT, True)] * 2, QUARTER, 0.4)


def test_of_few_wins_the_figures_stand_without_intervals_and_it_is_said_why():
    """36 leads, of which 18 were won: two short of an interval, right as the model is."""
    few = judged(RIGHT[:36], WRONG[:36], SNAPSHOTS[:36], WON[:36])
    assert few.winner is None
    assert few.estimates["model"]["roc_auc"].point == 1
    assert not any(result.known for result in few.estimates["model"].values())
    assert str(verdict(few)) == (
        "No verdict, too few wins for an interval: 18 of the 20 needed; calling the top 25% (9 "
        "leads per cutoff), 100.0% of the leads listed by the model were won, 0.0% of those "
        "listed by the rules and 50.0% at random."
    )
    result = json.loads(json.dumps(to_json(few), allow_nan=False))
    assert result["no_interval"] == "too few wins for an interval: 18 of the 20 needed"
    assert result["difference"]["roc_auc"] == {"point": 1, "low": None, "high": None}
    assert result["interval"]["model"]["roc_auc"] is None


def test_a_calibration_error_has_no_interval_and_is_held_against_what_chance_shows():
    snapshots, won, probability, points = weekly()
    rivals = [
        Contender("one", probability, True),
        Contender("off", probability**3, True),
        Contender("rules", points, False),
    ]
    result = judge(snapshots, won, rivals, QUARTER, 0.4, replicates=50)
    error = {name: result.estimates[name]["ece"] for name in ("one", "off")}
    assert result.difference["ece"].point == error["one"].point - error["off"].point
    assert not any(each.known for each in (result.difference["ece"], *error.values()))
    assert set(result.ece_by_chance) == {"one", "off"}
    assert error["one"].point <= result.ece_by_chance["one"]
    assert error["off"].point > result.ece_by_chance["off"]
    report = {name: result.against_chance(name) for name in error}
    assert report == {"one": "no more than chance", "off": "more than chance"}
    assert to_json(result)["ece_by_chance"] == {
        "one": {"up_to": result.ece_by_chance["one"], "more_than_chance": False},
        "off": {"up_to": result.ece_by_chance["off"], "more_than_chance": True},
    }


def test_below_30_leads_and_without_a_win_nothing_is_said_of_chance():
    few, none_won = slice(0, 29), np.zeros(40)
    assert judged(RIGHT[few], WRONG[few], SNAPSHOTS[few], WON[few]).ece_by_chance == {}
    assert to_json(judged(RIGHT, WRONG, won=none_won))["ece_by_chance"] == {}
    assert "model" in judged(RIGHT, WRONG).ece_by_chance
