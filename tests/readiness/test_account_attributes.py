"""Attributes of accounts by the queries of docs/accounts.md: as they were known when a lead was
created, in the page's example; and from `init` to `explain` on a simulated company."""

import json
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from features.config import load
from features.open_database import open_database
from features.simulator.accounts import buying_groups
from features.simulator.simulate import write
from features.starter.starter import write_starter
from tests.conftest import QUICK, edit
from tests.readiness.running import LEADS, little_folder, readiness

PAGE = (Path(__file__).resolve().parents[2] / "docs/accounts.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Attributes of accounts\n")[2].partition("\n## ")[0]
SETTINGS, HISTORY = re.findall(r"```(?:toml|sql)\n(.*?)```", SECTION, re.DOTALL)
DOCUMENTED = tomllib.loads(SETTINGS)
ONE_ROW = re.search(r"`(\(SELECT DISTINCT ON .*?\) a)`", SECTION, re.DOTALL)


def in_one_line(query):
    """As `edit` writes it into readiness.toml."""
    return json.dumps(" ".join(query.split()))


def test_the_history_gives_what_was_known_at_the_creation(tmp_path):
    example = pd.DataFrame(
        re.findall(r"^\| (\w) \| ([\d-]+) \| .*? \| (\d+), (.*?) \|$", SECTION, re.MULTILINE),
        columns=["lead_id", "created_at", "employees", "since"],
    )
    assert len(example) == 3
    folder = little_folder(tmp_path)
    leads = example[["lead_id"]].assign(
        created_at=pd.to_datetime(example["created_at"]), account_id="ACME"
    )
    leads.to_parquet(folder / "leads.parquet")
    (folder / "accounts.csv").write_text("account_id,customer_since\nACME,2026-04-08\n")
    (folder / "account_history.csv").write_text(
        "account_id,known_at,employees\nACME,2026-01-01,120\nACME,2026-03-01,300\n"
    )
    edit(folder, leads=in_one_line(HISTORY))
    attributes = '[features]\nattributes = ["employees", "customer_since"]\n'
    with (folder / "readiness.toml").open("a") as settings:
        settings.write(attributes)
    with open_database(load(folder)) as database:
        rows = database.query("SELECT employees, customer_since FROM leads ORDER BY lead_id")
    assert rows["employees"].tolist() == example["employees"].astype(int).tolist()
    since = example["since"].str.extract(r"(\d{4}-\d\d-\d\d)")[0]
    assert rows["customer_since"].dt.strftime("%Y-%m-%d").fillna("").tolist() == list(
        since.fillna("")
    )
    assert since.notna().tolist() == [False, False, True]


def test_an_id_of_another_type_is_refused_with_the_table(tmp_path):
    first, *rows = LEADS.strip().split("\n")
    leads = "\n".join([f"{first},account_id", *(f"{row},7" for row in rows)])
    folder = little_folder(tmp_path, leads=leads + "\n")
    (folder / "accounts.csv").write_text("account_id,industry,employees\nACME,retail,5\n")
    query = DOCUMENTED["tables"]["leads"].replace("leads.parquet", "leads.csv")
    edit(folder, leads=in_one_line(query))
    ran = readiness("check", folder)
    assert ran.code == 2
    assert "tables.leads" in ran.err
    assert "'ACME'" in ran.err


def accounts_of(company):
    """A row for each account, as a CRM has it today."""
    leads, deals = (company.tables[name] for name in ("leads", "deals"))
    won = deals[deals["outcome"] == "won"].merge(leads, on="lead_id")
    since = won.groupby("account_id")["closed_at"].min().dt.strftime("%Y-%m-%d")
    ids = leads["account_id"].dropna().drop_duplicates().sort_values().reset_index(drop=True)
    return pd.DataFrame(
        {
            "account_id": ids,
            "industry": ids.astype(int).mod(4).map(dict(enumerate("abcd"))),
            "employees": 5 + ids.astype(int) * 37 % 2_000,
            "customer_since": ids.map(since),
            "updated_at": "2025-01-01",
        }
    )


@pytest.mark.long
def test_from_init_to_explain_with_a_table_of_accounts(tmp_path):
    company = buying_groups(1_000, seed=3, days=400)
    write(company, tmp_path)
    write_starter(tmp_path)
    leads, deals = (company.tables[name] for name in ("leads", "deals"))
    accounts = accounts_of(company)
    missing, twice = accounts["account_id"].iloc[:2]
    accounts = accounts[accounts["account_id"] != missing]
    again = accounts[accounts["account_id"] == twice].assign(employees=1, updated_at="2025-02-01")
    pd.concat([accounts, again]).to_csv(tmp_path / "accounts.csv", index=False)
    query = DOCUMENTED["tables"]["leads"]
    edit(tmp_path, **QUICK, leads=in_one_line(query))
    edit(tmp_path, attributes=str(DOCUMENTED["features"]["attributes"]))

    doubled = (leads["account_id"] == twice).sum()
    checked = readiness("check", tmp_path, "--json")
    (breach,) = checked.result["breaches"]
    assert (checked.code, breach["count"]) == (2, doubled)
    assert (breach["table"], breach["column"]) == ("leads", "lead_id")
    assert readiness("train", tmp_path).code != 0

    assert ONE_ROW is not None
    once = query.replace("'accounts.csv' a", ONE_ROW[1])
    edit(tmp_path, leads=in_one_line(once))
    assert readiness("check", tmp_path).code == 0
    trained = readiness("train", tmp_path, "--json")
    assert trained.code == 0
    assert readiness("promote", tmp_path, "--force", "--because", "a test").code == 0
    unsold = leads[~leads["lead_id"].isin(deals["lead_id"])].set_index("lead_id")["account_id"]
    lead = unsold.index[unsold.notna() & (unsold != missing)][0]
    story = readiness("explain", lead, tmp_path, "--json").result
    row = accounts[accounts["account_id"] == unsold[lead]].iloc[0]
    assert story["attributes"]["industry"] == row["industry"]
    assert story["attributes"]["employees"] == str(row["employees"])
    assert {"industry", "employees"} <= {reason["topic"] for reason in story["reasons"]}
    unlisted = readiness("explain", unsold.index[unsold == missing][0], tmp_path, "--json").result
    assert set(unlisted["attributes"]) == {"source"}
    assert unlisted["readiness"] is not None

    leak = once.replace("a.employees", "a.employees, a.customer_since")
    edit(tmp_path, leads=in_one_line(leak), attributes='["employees", "customer_since"]')
    refused = readiness("train", tmp_path)
    assert refused.code == 1
    assert "decides:won(customer_since on the closing day)" in refused.err
