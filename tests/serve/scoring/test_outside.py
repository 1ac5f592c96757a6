"""Who is not scored is in the ledger all the same, with the reason, through all of scoring."""

import pytest

from tests.readiness.running import readiness
from tests.serve.ledger.places import stored_scores

LEADS = """lead_id,created_at,email,objected_at,country
1,2026-01-02 08:00:00,ann@client.com,,DE
2,2026-01-02 08:00:00,bob@our-company.com,,DE
3,2026-01-02 08:00:00,cid@client.com,2026-02-20 10:00:00,DE
4,2026-01-02 08:00:00,dot@client.com,,FR
5,2026-01-02 08:00:00,eve@client.com,,DE
5,2026-01-02 08:00:00,eve@client.com,,DE
6,2026-01-02 08:00:00,fay@client.com,,DE
7,2026-01-02 08:00:00,gus@our-company.com,,DE
8,2026-01-02 08:00:00,hal@client.com,,FR
"""
EVENTS = "lead_id,occurred_at,action\n" + "".join(
    f"{lead},2026-02-0{day} 09:00:00,visited\n" for lead in range(1, 9) for day in (1, 2)
)
DEALS = """lead_id,closed_at,outcome
6,2026-02-05 10:00:00,won
7,2026-02-05 10:00:00,lost
8,2026-02-05 10:00:00,lost
"""
SETTINGS = """
[tables]
leads = "leads.csv"
events = "events.csv"
deals = "deals.csv"

[time]
first_cutoff = 2026-01-05

[capacity]
share = 0.5

[cohort]
where = [{attribute = "country", is = "DE"}]

[exclude]
leads = {email = ["*@our-company.com"]}
"""
RULES = 'name = "r"\n[bands]\nwarm = 1\nhot = 9\n[[rule]]\naction = "visited"\npoints = 5\n'


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """Eight leads, of whom three are closed; and what `score` says of them."""
    folder = tmp_path_factory.mktemp("company")
    files = {"leads.csv": LEADS, "events.csv": EVENTS, "deals.csv": DEALS}
    for name, text in (files | {"readiness.toml": SETTINGS, "rules.toml": RULES}).items():
        (folder / name).write_text(text)
    ran = readiness("score", folder, "--cutoff", "2026-03-01", "--json")
    rows = stored_scores(folder / "out").sort_values("lead_id")
    return ran.result, rows.set_index("lead_id")


def test_every_open_lead_is_in_the_ledger_once_and_no_closed_one(company):
    result, rows = company
    assert list(rows.index) == ["1", "2", "3", "4", "5"]
    states = {"1": "scored", "2": "outside", "3": "outside", "4": "outside", "5": "not scored"}
    assert rows["state"].to_dict() == states
    counts = [result[key] for key in ("open_leads", "scored", "not_scored", "outside")]
    assert counts == [5, 1, 1, 3]


def test_each_says_why(company):
    _, rows = company
    for lead, part in {"2": "our-company", "3": "2026-02-20", "4": "DE", "5": "2 rows"}.items():
        assert part in rows.loc[lead, "state_reason"]
        assert part in rows.loc[lead, "route_reason"]
    assert rows.loc[["2", "3", "4", "5"], "readiness"].isna().all()
    assert rows.loc[["2", "3", "4", "5"], "rule_score"].isna().all()


def test_the_excluded_are_disqualified_and_places_go_to_the_cohort_alone(company):
    _, rows = company
    routes = {"1": "sales", "2": "disqualified", "3": "nurture", "4": "nurture", "5": "nurture"}
    assert rows["route"].to_dict() == routes
