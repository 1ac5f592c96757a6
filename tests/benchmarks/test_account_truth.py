"""The true chance of an account: that of its one person, and in the mean what came."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.account_truth import AccountTruth
from features.simulator.accounts import buying_groups
from features.simulator.simulated import START

CUTOFF, HORIZON = START + pd.Timedelta(days=90), pd.Timedelta(days=30)


@pytest.fixture(scope="module")
def company():
    return buying_groups(8_000, seed=5, days=130)


def open_people(company):
    """Leads that are open at the cutoff, each with its account and when it was won."""
    leads, deals = company.tables["leads"], company.tables["deals"].set_index("lead_id")
    alone = "lead:" + leads["lead_id"].astype(str)
    everyone = leads.assign(
        account=leads["account_id"].astype("string").fillna(alone),
        closed_at=leads["lead_id"].map(deals["closed_at"]),
        won_at=leads["lead_id"].map(deals.loc[deals["outcome"] == "won", "closed_at"]),
    )
    there = (everyone["created_at"] < CUTOFF) & ~(everyone["closed_at"] < CUTOFF)
    return everyone, everyone[there]


def test_of_one_person_it_is_the_persons_and_of_all_it_is_what_comes(company):
    everyone, there = open_people(company)
    names = sorted(set(there["account"]))
    keys = pd.DataFrame({"lead_id": names, "cutoff": CUTOFF})
    chance = pd.Series(AccountTruth(company, everyone["account"])(keys, 30), names)
    person = company.true_probability(there.assign(cutoff=CUTOFF), 30)
    person = pd.Series(person, there["account"])
    alone = everyone["account"].value_counts().loc[names] == 1
    assert alone.sum() > 100
    assert np.allclose(chance[alone], person[alone.index[alone]].loc[chance[alone].index])
    assert (chance >= person.groupby(level=0).max() - 1e-12).all()
    inside = (everyone["won_at"] >= CUTOFF) & (everyone["won_at"] < CUTOFF + HORIZON)
    won = chance.index.isin(everyone.loc[inside, "account"])
    for part in (alone, ~alone):
        expected, variance = chance[part].sum(), (chance[part] * (1 - chance[part])).sum()
        assert abs(won[part].sum() - expected) < 3 * np.sqrt(variance)
    independent = 1 - (1 - person).groupby(level=0).prod()
    assert (chance - independent)[~alone].abs().max() > 0.01  # they share a project
