"""Every cell of the table in docs/promotion.md, on rankers of known quality.

The example: 400 leads whose true chance is known. A ranker is that chance, blurred by more or less
noise; the less of it, the better the ranker, so who is better is known beforehand.
"""

import numpy as np
import pandas as pd
import pytest

from features.config import Capacity
from models.statistics.intervals import Estimate
from models.statistics.judge import Contender, judge
from training.promotion.decision import Standing, Takes, decide, standing, summarise

BETTER, AHEAD = Estimate(0.1, 0.05, 0.15), Estimate(0.02, -0.01, 0.05)
BEHIND, WORSE = Estimate(-0.02, -0.05, 0.01), Estimate(-0.1, -0.15, -0.05)


@pytest.fixture(scope="module")
def world():
    """Who won, and the rankers: two are blurred alike, by other noise; `told` knows who won."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=400)
    won = (rng.random(400) < 1 / (1 + np.exp(1 - 2 * truth))).astype(float)
    blurs = {"sharp": 0, "one": 0.5, "other": 0.5, "blurred": 3}
    noise = {name: blur * rng.normal(size=400) for name, blur in blurs.items()}
    rankers = {name: 1 / (1 + np.exp(-truth - noise[name])) for name in blurs}
    return won, rankers | {"told": won}


def difference(world, ours, theirs, leads=400):
    won, rankers = world
    frame = pd.DataFrame({"lead_id": range(leads), "cutoff": pd.Timestamp("2026-03-02")})
    two = [
        Contender("a", rankers[ours][:leads], True),
        Contender("b", rankers[theirs][:leads], True),
    ]
    judged = judge(frame, won[:leads], two, Capacity(share=0.1), 0.3, replicates=200)
    return judged.difference["average_precision"]


def test_the_sharp_ranker_is_better_than_the_blurred_and_the_blurred_worse(world):
    assert standing(difference(world, "sharp", "blurred"), leads=400) is Standing.BETTER
    assert standing(difference(world, "blurred", "sharp"), leads=400) is Standing.WORSE


def test_equals_are_within_noise_on_either_side(world):
    result = {
        standing(difference(world, *pair), 400) for pair in (("one", "other"), ("other", "one"))
    }
    assert result == {Standing.AHEAD, Standing.BEHIND}


def test_a_copy_is_not_ahead(world):
    assert difference(world, "one", "one") == (0, 0, 0)
    assert standing(difference(world, "one", "one"), leads=400) is Standing.BEHIND


def test_of_29_leads_nobody_is_surely_better(world):
    assert standing(BETTER, leads=29) is Standing.AHEAD
    assert standing(BETTER, leads=30) is Standing.BETTER
    assert standing(WORSE, leads=29) is Standing.BEHIND


def test_of_few_wins_nobody_is_surely_better_and_it_is_said_why(world):
    """Of 29 leads, one outcome has fewer than the 20 that an interval takes."""
    result = difference(world, "told", "blurred", leads=29)
    assert result.point > 0.3
    assert np.isnan(result.low)
    assert standing(result, leads=100) is Standing.AHEAD
    decision = decide({"champion": result}, leads=100, stale=False, doubted=False, simpler=False)
    message = summarise(
        "7", "average_precision", {"champion": result}, decision, Takes.NOTHING, simpler=False
    )
    assert "against the champion (too few wins for an interval)" in message
    assert "nan" not in message


@pytest.mark.parametrize(
    ("result", "takes"),
    [
        (BETTER, Takes.NOTHING),
        (AHEAD, Takes.NOTHING),
        (BEHIND, Takes.APPROVAL),
        (WORSE, Takes.FORCE),
    ],
)
@pytest.mark.parametrize("stale", [False, True])
def test_the_first_champion_must_be_ahead_of_the_rules(result, takes, stale):
    assert decide({"rules": result}, 400, stale, doubted=False, simpler=False).takes is takes


@pytest.mark.parametrize(
    ("result", "fresh", "stale"),
    [
        (BETTER, Takes.NOTHING, Takes.NOTHING),
        (AHEAD, Takes.FORCE, Takes.APPROVAL),
        (BEHIND, Takes.FORCE, Takes.APPROVAL),
        (WORSE, Takes.FORCE, Takes.FORCE),
    ],
)
def test_a_champion_goes_for_a_surely_better_one(result, fresh, stale):
    both = {"rules": BETTER, "champion": result}
    assert decide(both, 400, stale=False, doubted=False, simpler=False).takes is fresh
    assert decide(both, 400, stale=True, doubted=False, simpler=False).takes is stale


@pytest.mark.parametrize(
    ("rules", "takes"),
    [(AHEAD, Takes.NOTHING), (BEHIND, Takes.APPROVAL), (WORSE, Takes.FORCE)],
)
def test_who_asks_for_most_decides(rules, takes):
    decision = decide(
        {"rules": rules, "champion": BETTER}, 400, False, doubted=False, simpler=False
    )
    assert decision.takes is takes
    assert set(decision.short) == ({"rules"} if takes else set())


def test_what_is_doubted_takes_an_approval():
    both = {"rules": BETTER, "champion": BETTER}
    assert decide(both, 400, False, doubted=True, simpler=False).takes is Takes.APPROVAL
    assert (
        decide(both | {"champion": WORSE}, 400, True, doubted=True, simpler=False).takes
        is Takes.FORCE
    )


def test_nothing_ever_makes_a_worse_one_champion_by_itself():
    for rules in (BETTER, AHEAD, BEHIND, WORSE):
        for champion in (AHEAD, BEHIND, WORSE):
            for stale in (False, True):
                both = {"rules": rules, "champion": champion}
                assert decide(both, 400, stale, doubted=False, simpler=False).takes > Takes.NOTHING


@pytest.mark.parametrize(
    ("champion", "stale", "given", "promoted", "end"),
    [
        (BETTER, False, Takes.NOTHING, True, "."),
        (AHEAD, False, Takes.NOTHING, False, 'readiness promote --force --because "...".'),
        (AHEAD, True, Takes.NOTHING, False, 'readiness promote --because "...".'),
        (BEHIND, True, Takes.APPROVAL, True, "."),
        (WORSE, True, Takes.APPROVAL, False, "readiness promote --force."),
        (WORSE, False, Takes.FORCE, True, "."),
    ],
)
def test_the_summary_has_verdict_figures_and_what_is_missing(champion, stale, given, promoted, end):
    both = {"rules": BETTER, "champion": champion}
    decision = decide(both, 400, stale, doubted=False, simpler=False)
    summary = summarise("2", "average_precision", both, decision, given, simpler=False)
    assert summary.startswith(f"Version 2 is {'champion' if promoted else 'not promoted'}")
    assert summary.endswith(end)
    assert "average precision" in summary
    interval = f"95% interval {champion.low:+.3f} to {champion.high:+.3f}"
    by_chance = ", so it may be chance" if champion in (AHEAD, BEHIND) else ""
    assert f"{champion.point:+.3f} against the champion ({interval}{by_chance})" in summary
    assert ("approved against the figures" in summary) is (given is Takes.FORCE)
    assert ("approved by a person" in summary) is (promoted and given is Takes.APPROVAL)
    assert ("against the rules" in summary) is (champion is BETTER)  # the decisive opponents only


@pytest.mark.parametrize(
    ("result", "takes"),
    [
        (BETTER, Takes.NOTHING),
        (AHEAD, Takes.NOTHING),
        (BEHIND, Takes.NOTHING),
        (WORSE, Takes.FORCE),
    ],
)
@pytest.mark.parametrize("stale", [False, True])
def test_the_simpler_is_preferred_within_noise(result, takes, stale):
    both = {"rules": BETTER, "champion": result}
    assert decide(both, 400, stale, doubted=False, simpler=True).takes is takes


def test_of_29_leads_the_simpler_is_not_preferred():
    both = {"rules": BETTER, "champion": AHEAD}
    assert decide(both, 29, False, doubted=False, simpler=True).takes is Takes.FORCE
    assert decide(both, 30, False, doubted=False, simpler=True).takes is Takes.NOTHING


def test_that_the_simpler_is_preferred_is_said():
    both = {"rules": BETTER, "champion": BEHIND}
    decision = decide(both, 400, False, doubted=False, simpler=True)
    message = summarise("2", "average_precision", both, decision, Takes.NOTHING, simpler=True)
    assert message.startswith(
        "Version 2 is champion: the simpler, and as good in average precision: "
    )
    assert "-0.020 against the champion (95% interval -0.050 to +0.010, so it may be ch" in message
    surely = {"rules": BETTER, "champion": BETTER}
    message = summarise("2", "average_precision", surely, decision, Takes.NOTHING, simpler=True)
    assert message.startswith("Version 2 is champion: better in average precision: ")


def test_what_is_doubted_is_not_called_better_than_it_is():
    """Something simpler still did as well at its training, or it was rolled back."""
    both = {"rules": BETTER, "champion": BEHIND}
    decision = decide(both, 400, False, doubted=True, simpler=True)
    message = summarise("2", "average_precision", both, decision, Takes.NOTHING, simpler=True)
    assert message.startswith(
        "Version 2 is not promoted, though the simpler, and as good in average precision: "
    )
    surely = {"rules": BETTER, "champion": BETTER}
    message = summarise("2", "average_precision", surely, decision, Takes.NOTHING, simpler=False)
    assert message.startswith("Version 2 is not promoted, though better in average precision: ")
    assert message.endswith('It takes an approval: readiness promote --because "...".')


def test_who_is_behind_one_and_ahead_of_another_falls_short():
    both = {"rules": WORSE, "champion": AHEAD}
    decision = decide(both, 400, False, doubted=False, simpler=False)
    message = summarise("2", "average_precision", both, decision, Takes.NOTHING, simpler=False)
    assert message.startswith(
        "Version 2 is not promoted: it falls short in average precision: -0.100"
    )
