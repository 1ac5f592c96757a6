"""A question about accounts, through the commands: two lists in one run, pages that name who did
what, decisions and forgetting; and what accounts cannot be."""

import dataclasses
import json
from datetime import datetime

import duckdb
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from features.config import load
from features.errors import BadInput
from features.simulator.accounts import buying_groups
from features.simulator.simulate import write
from features.starter.starter import write_starter
from models.classifier.artefact import describe, remember
from serve.app.application import create_app
from serve.scoring.scorer import Scorer
from tests.conftest import QUICK, edit
from tests.models.small_model import fitted
from tests.readiness.running import LEADS, SETTINGS, little_folder, readiness

ACCOUNTS = """
[features]
account = "account"
[questions.accounts]
unit = "account"
"""
AT = ("--cutoff", "2024-01-11")
OF_ACCOUNTS = ("--question", "accounts")


@pytest.fixture
def folder(tmp_path):
    """Leads 1 and 3 are of ACME, which has the id 3, and lead 2 is alone."""
    first, *rows = LEADS.strip().split("\n")
    names = ["3", "", "3"]
    leads = "\n".join(
        [f"{first},account", *(f"{row},{n}" for row, n in zip(rows, names, strict=True))]
    )
    return little_folder(tmp_path, leads=leads + "\n", settings=SETTINGS + ACCOUNTS)


def ids(folder, question="accounts"):
    out = folder / "out" / ("" if question == "main" else f"questions/{question}")
    sql = f"SELECT lead_id, rule_score FROM '{out}/ledger/*.parquet' ORDER BY lead_id"
    return dict(duckdb.sql(sql).fetchall())


def test_one_run_lists_people_and_accounts(folder):
    ran = readiness("score", folder, *AT, "--json")
    assert (ran.code, ran.result["failed"]) == (0, [])
    assert ids(folder, "main") == {"1": 2, "2": 2, "3": 0}
    assert ids(folder) == {"3": 2, "lead:2": 2}  # the account 3: what leads 1 and 3 did
    words = readiness("score", folder, *AT, *OF_ACCOUNTS)
    assert "2 open accounts" in words.out
    # 1 is won on 01-12, and so is its account, although lead 3 is open
    assert readiness("score", folder, "--cutoff", "2024-01-20", *OF_ACCOUNTS).code == 0
    assert ids(folder) == {"3": 2, "lead:2": 2}
    later = readiness("score", folder, "--cutoff", "2024-01-20", *OF_ACCOUNTS, "--json")
    assert later.result["open_leads"] == 1


def test_its_page_says_who_did_what(folder):
    assert readiness("score", folder, *AT).code == 0
    page = readiness("explain", "3", folder, *AT, *OF_ACCOUNTS, "--page", "--json")
    assert page.code == 0
    assert [(each["lead_id"], each["action"]) for each in page.result["events"]] == [
        ("1", "visited")
    ]
    with TestClient(create_app(load(folder, "accounts")), base_url="http://localhost:8000") as web:
        assert "lead 1" in web.get("/leads/3").text
        listed = web.get("/v1/leads").json()["leads"]
        assert {lead["lead_id"] for lead in listed} == {"3", "lead:2"}
        assert "2 open accounts" in web.get("/").text


def test_a_lead_is_no_account_and_its_account_is_named(folder):
    assert readiness("score", folder, *AT).code == 0
    of_lead = readiness("explain", "1", folder, *AT, *OF_ACCOUNTS)
    assert (of_lead.code, "lead 1 is of the account 3" in words_of(of_lead.err)) == (2, True)
    unknown = readiness("explain", "nobody", folder, *AT, *OF_ACCOUNTS)
    assert (unknown.code, "Account nobody" in words_of(unknown.err)) == (2, True)
    assert readiness("explain", "3", folder, *AT, *OF_ACCOUNTS).out.startswith("Account 3 at ")
    assert readiness("explain", "3", folder, *AT).out.startswith("Lead 3 at ")


def words_of(text):
    return " ".join(text.split())


def test_a_decision_is_about_the_account(folder):
    assert readiness("score", folder, *AT).code == 0
    words = ("--route", "nurture", "--because", "asked", "--by", "ann", "--json")
    assert len(readiness("override", "3", folder, *OF_ACCOUNTS, *words).result["history"]) == 1
    assert readiness("override", "3", folder, "--json").result["history"] == []
    assert "account 3" in words_of(readiness("override", "3", folder, *OF_ACCOUNTS).out)
    assert "lead 3" in words_of(readiness("override", "3", folder).out)
    unknown = readiness("override", "nobody", folder, *OF_ACCOUNTS, *words)
    assert (unknown.code, "lead" in unknown.result["error"]) == (2, False)
    config = load(folder, "accounts")
    with TestClient(create_app(config), base_url="http://localhost:8000") as client:
        assert "no account 'nobody'" in client.get("/v1/leads/nobody").json()["detail"]


def test_who_is_forgotten_takes_no_account_of_the_same_id_along(folder):
    """Lead 3 is another than the account 3; the account lead:2 is lead 2."""
    assert readiness("score", folder, *AT).code == 0
    assert readiness("forget", "3", folder, "--json").code == 0
    assert (set(ids(folder, "main")), set(ids(folder))) == ({"1", "2"}, {"3", "lead:2"})
    page = readiness("explain", "3", folder, *AT, *OF_ACCOUNTS, "--page", "--json").result["page"]
    assert readiness("forget", "1", folder, "--json").code == 0
    assert not (folder / page).exists()  # it names lead 1
    assert readiness("forget", "2", folder, "--json").code == 0
    assert set(ids(folder)) == {"3"}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ('features.account = ""', "features.account"),
        ('publish.files = ["hubspot"]', "publish.files"),
        ('routing = { by = "value", cost_per_contact = 1, amount = "size" }', "routing.amount"),
    ],
)
def test_what_accounts_cannot_have_is_refused_by_its_key(folder, more, named):
    settings = folder / "readiness.toml"
    settings.write_text(settings.read_text() + more + "\n")
    ran = readiness("check", folder, *OF_ACCOUNTS)
    assert (ran.code, named in ran.err, ran.err.count("unit =")) == (2, True, 1)


def test_a_model_knows_its_unit(folder):
    of_leads = fitted(300)
    model = dataclasses.replace(of_leads, account="account")
    assert remember(describe(model))["account"] == "account"
    assert remember(describe(of_leads))["account"] is None
    people, accounts = load(folder), load(folder, "accounts")
    assert model.staged(accounts).features.account == "account"
    for one, config in ((model, people), (of_leads, accounts)):
        with pytest.raises(BadInput, match=r"unit.*readiness train"):
            one.staged(config)
    frame = pd.DataFrame({"lead_id": [1], "created_at": pd.to_datetime(["2024-01-01"])})
    scorer = Scorer.of_model(accounts, model)
    with pytest.raises(BadInput, match="accounts"):
        scorer.score(None, frame, datetime(2024, 1, 11), frame.iloc[:0])


@pytest.mark.long
def test_accounts_are_trained_promoted_scored_and_carded(tmp_path):
    company = buying_groups(2_000, seed=3, days=400)
    write(company, tmp_path)
    write_starter(tmp_path)
    edit(tmp_path, **QUICK)
    path = tmp_path / "readiness.toml"
    text = path.read_text().replace("# account = ", "account = ")
    path.write_text(text + '\n[questions.accounts]\nunit = "account"\n')
    trained = readiness("train", tmp_path, *OF_ACCOUNTS, "--json")
    assert trained.code == 0, trained.err
    promoted = readiness("promote", tmp_path, *OF_ACCOUNTS, "--force", "--because", "a trial")
    assert promoted.code == 0, promoted.err
    scored = readiness("score", tmp_path, *OF_ACCOUNTS, "--json")
    assert scored.code == 0, scored.err
    rows = duckdb.sql(
        f"FROM '{tmp_path}/out/questions/accounts/ledger/*.parquet' WHERE readiness > 0"
    ).df()
    leads, deals = company.tables["leads"], company.tables["deals"].set_index("lead_id")
    alone = "lead:" + leads["lead_id"].astype(str)
    account = leads["account_id"].astype("string").fillna(alone)
    outcome = leads["lead_id"].map(deals["outcome"])
    by_account = outcome.isna().groupby(account).any() & ~outcome.eq("won").groupby(account).any()
    assert sorted(rows["lead_id"]) == sorted(by_account.index[by_account])
    card = readiness("card", tmp_path, *OF_ACCOUNTS, "--json")
    assert card.code == 0, card.err
    page = (tmp_path / card.result["page"]).read_text(encoding="utf-8")
    assert "ranks open accounts" in page
    assert "By groups of accounts" in page
    single = readiness("score", tmp_path, "--json", "--question", "main")
    assert json.loads(single.out)["open_leads"] == int(outcome.isna().sum())
