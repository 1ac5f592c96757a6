"""What is said is what was measured: who, on whose list, by which figures."""

from models.fairness.figures import Fairness
from models.fairness.wording import summary, warnings, without_interval
from tests.models.fairness.test_figures import company, groups_of


def fairness_of(frame, least_leads=30):
    return Fairness(least_leads, tuple(groups_of(frame, least_leads).values()))


def test_a_warning_names_the_list_the_group_and_the_figures():
    fairness = fairness_of(company(seed=3, held_down=0.8))
    (france,) = (group for group in fairness.groups if group.name == "FR")
    shown = france.lists["model"]
    (listed, missed) = warnings(fairness)  # the rules do not hold France down
    for sentence in (listed, missed):
        assert sentence.startswith("Model:")
        assert "country FR" in sentence
        assert "country DE" in sentence
    assert all(f"{figure:.2f}" in listed for figure in shown.ratio)
    assert f"{shown.missed.point:.1%}" in missed
    assert "more are missed" in missed
    assert summary(fairness).endswith(":")


def test_without_a_warning_groups_that_cannot_tell_are_counted():
    frame = company(seed=5, leads=400)
    frame.loc[frame["country"] == "IT", "won"] = 0.0
    fairness = fairness_of(frame, least_leads=2)
    few = [group for group in fairness.groups if group.too_few]
    assert warnings(fairness) == []
    assert f"{len(few)} of {len(fairness.groups)} groups have" in summary(fairness)
    assert without_interval(fairness).count(";") == len(few) - 1
    assert "country IT" in without_interval(fairness)


def test_accounts_are_named_as_accounts():
    fairness = fairness_of(company(seed=3, held_down=0.8))
    texts = [*warnings(fairness, "account"), summary(fairness, "account")]
    assert len(texts) == 3
    assert "accounts of country FR" in texts[0]
    assert not any("lead" in text for text in texts)
