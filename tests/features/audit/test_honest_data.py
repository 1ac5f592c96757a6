"""The leakage audit lets honest data through: accounts most of which are dormant, columns that
drift with the share won; and finds what reveals the outcome in one period only.

Each database is drawn here. Before ADR 29 the audit reported 8 and 19 things of the dormant
accounts and 3 of the columns that drift, and nothing of what leaks in the first year only.
"""

import numpy as np
import pandas as pd
import pytest

from benchmarks.audit import audited
from benchmarks.audit_plants import Frames

START = pd.Timestamp("2024-01-01")


def times(days):
    """Days after the start as times of whole seconds."""
    seconds = pd.to_timedelta(np.floor(np.asarray(days) * 86_400), unit="s")
    return (START + seconds).astype("datetime64[us]")


def dormant_accounts(seed, accounts=2_000, days=400, never=0.0):
    """Accounts that log in, and nothing else; won at the third day with a login within seven days.
    Nine of ten log in once or twice; the share `never` not at all. No account is ever lost."""
    rng = np.random.default_rng(seed)
    keen = rng.random(accounts) < 0.12
    born = rng.uniform(0, days, accounts)
    active = keen | (rng.random(accounts) >= never)
    further = np.where(keen, rng.poisson(30, accounts), rng.binomial(1, 0.2, accounts)) * active
    lead = np.repeat(np.arange(accounts), further)
    pause = rng.exponential(np.where(keen[lead], 4, 30))
    begun = born + np.where(keen, rng.exponential(25, accounts), 0)
    later = begun[lead] + pd.Series(pause).groupby(lead).cumsum().to_numpy()
    logins = pd.DataFrame(
        {
            "lead_id": np.r_[np.flatnonzero(active), lead],
            "day": np.r_[born[active] + 0.001, later],
        }
    )
    logins = logins[logins["day"] < days].sort_values(["lead_id", "day"])
    dates = logins.assign(date=np.floor(logins["day"])).drop_duplicates(["lead_id", "date"])
    third = dates["date"] - dates.groupby("lead_id")["date"].shift(2) < 7
    won = dates[third].drop_duplicates("lead_id")
    return Frames(
        pd.DataFrame(
            {
                "lead_id": logins["lead_id"],
                "occurred_at": times(logins["day"]),
                "action": "logged_in",
                "recorded_at": times(logins["day"]),
            }
        ),
        pd.DataFrame({"lead_id": np.arange(accounts), "created_at": times(born)}),
        pd.DataFrame({"lead_id": won["lead_id"], "closed_at": times(won["day"]), "outcome": "won"}),
        (),
    )


@pytest.mark.parametrize(("seed", "never"), [(1, 0.0), (2, 0.8)])
def test_dormant_accounts_raise_nothing(seed, never):
    assert [each.code for each in audited(dormant_accounts(seed, never=never))] == []


def test_what_only_the_won_of_dormant_accounts_have_is_found():
    frames = dormant_accounts(1)
    won = (frames.outcome() == "won").to_numpy()
    rng = np.random.default_rng(1)
    plan = np.where(won & (rng.random(len(won)) < 0.95), "paid", "free").astype(object)
    frames.leads["plan"] = np.where(rng.random(len(won)) < 0.02, "paid", plan)
    frames.attributes = ("plan",)
    frames.add_events(frames.deals, -rng.uniform(1, 14, len(frames.deals)), "contract_drafted")
    assert {each.about for each in audited(frames)} == {"column:plan", "action:contract_drafted"}


def drifting(seed, shares=(0.06, 0.6), leads=5_000):
    """Leads of two years, closed 40 to 60 days after their creation: of those created in the first
    year 6 % are won, then 60 %. Each does something every week."""
    rng = np.random.default_rng(seed)
    born = np.sort(rng.uniform(0, 730, leads))
    early = born < 365
    won = rng.random(leads) < np.where(early, *shares)
    closed = born + rng.uniform(40, 60, leads)
    lead = np.repeat(np.arange(leads), 8)
    done = born[lead] + rng.uniform(0, 1, len(lead)) * (closed - born)[lead]
    frames = Frames(
        pd.DataFrame(
            {
                "lead_id": lead,
                "occurred_at": times(done),
                "action": rng.choice(["visited", "mailed"], len(lead)),
                "recorded_at": times(done),
            }
        ),
        pd.DataFrame({"lead_id": np.arange(leads), "created_at": times(born)}),
        pd.DataFrame(
            {
                "lead_id": np.arange(leads),
                "closed_at": times(closed),
                "outcome": np.where(won, "won", "lost"),
            }
        ),
        (),
    )
    return frames, rng, born, early, won


def early_grade(rng, born, early, won):
    """A number with an area of 0.965 in the first year, unknown after it."""
    grade = rng.normal(np.where(won, 2.56, 0.0), 1.0)
    return np.where(early, grade, np.nan)


def early_text(rng, born, early, won):
    """The first year a category that knows nine of ten outcomes, then any."""
    revealing = early & (rng.random(len(won)) < 0.9)
    names = np.array(["north", "south", "east", "west"], dtype=object)
    return np.where(revealing, np.where(won, "east", "north"), rng.choice(names, len(won)))


@pytest.mark.parametrize("column", [early_grade, early_text])
def test_a_column_that_leaks_in_an_early_period_only_is_found(column):
    frames, rng, *known = drifting(3)
    frames.leads["grade"] = column(rng, *known)
    frames.attributes = ("grade",)
    findings = audited(frames, features=False)
    assert "separates(grade)" in {each.code for each in findings}
    assert {each.about for each in findings} == {"column:grade"}


def test_an_action_that_leaks_in_an_early_period_only_is_found():
    frames, rng, _, early, won = drifting(4)
    some = frames.deals[early & (won | (rng.random(len(won)) < 0.03))]
    frames.add_events(some, -rng.uniform(20, 35, len(some)), "drafted")
    late = frames.deals[~early & (rng.random(len(won)) < 0.5)]
    frames.add_events(late, -rng.uniform(5, 35, len(late)), "drafted")
    assert [each.code for each in audited(frames)] == ["separates(drafted)"]


def test_columns_that_drift_with_the_share_won_are_honest():
    frames, rng, born, early, _ = drifting(5, shares=(0.02, 0.8))
    frames.leads["index"] = np.where(early, 100, 140) + rng.normal(0, 3, len(born)).round(1)
    frames.leads["form"] = np.where(early, "old", "new").astype(object)
    frames.attributes = ("index", "form")
    assert audited(frames) == ()
