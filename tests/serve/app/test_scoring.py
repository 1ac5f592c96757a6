"""Leads of requests whose model looks at their colleagues: the scores of the batch, to the last
bit, by what the request holds of the account, and by nothing else."""

import gc
import json
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from features.config import Exclude, Features, load
from features.dataset import labelled
from features.errors import BadInput
from features.open_database import open_database
from features.simulator.accounts import buying_groups
from features.simulator.simulate import write
from features.spec.accounts import ActivePeople, Colleagues, DaysSinceFirst, People
from features.spec.kinds import Count, DaysSince, PastDeals
from features.spec.spec import OfAccount
from features.starter.starter import write_starter
from models.classifier.model import ReadinessModel
from models.decisions.place import LedgerPlace
from serve.app import scoring_process
from serve.app.score_request import ScoredLead, ScoreRequest
from serve.app.scoring import account_of, attribute_kinds, score
from serve.ledger.ledger import open_ledger
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from tests.models.small_model import learner

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "account_id"
SPECS = (
    Count(),
    DaysSince(),
    *(Colleagues(spec, ACCOUNT) for spec in (People(), Count(), Count(None, 30), ActivePeople(30))),
    *(OfAccount(spec, ACCOUNT) for spec in (DaysSince(), DaysSinceFirst(), PastDeals("won"))),
)


class Company(NamedTuple):
    """A company that buys in groups. staff: a lead that is excluded, in the largest account; raw:
    the leads as a request gives them, by id; batch: what a run says of those that it scores."""

    staff: str
    scorer: Scorer
    cutoff: datetime
    raw: dict[str, dict[str, Any]]
    batch: dict[str, dict[str, Any]]

    def lead(self, lead_id: str) -> dict[str, Any]:
        """A lead with its colleagues."""
        account = self.raw[lead_id]["attributes"][ACCOUNT]
        others = [
            each
            for other, each in self.raw.items()
            if account is not None and each["attributes"][ACCOUNT] == account and other != lead_id
        ]
        return self.raw[lead_id] | {"account": {"people": others}}

    def scored(self, *leads: dict[str, Any]) -> list[ScoredLead]:
        request = ScoreRequest.model_validate({"leads": leads})
        return score(self.scorer, request.leads, self.cutoff)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("groups")
    write(buying_groups(1_000, 1, 150), folder)
    write_starter(folder)
    raw = raw_leads(folder)
    sizes = Counter(each["attributes"][ACCOUNT] for each in raw.values())
    del sizes[None]
    largest = max(sizes, key=lambda name: sizes[name])
    staff = next(lead for lead, each in raw.items() if each["attributes"][ACCOUNT] == largest)
    config = load(folder).model_copy(
        update={
            "features": Features(account=ACCOUNT),
            "exclude": Exclude(leads={"lead_id": [staff], "source": ["nobody's"]}),
        }
    )
    with open_database(config) as database, open_ledger(LedgerPlace.of(config)) as ledger:
        cutoffs = [config.time.first_cutoff + timedelta(days=7 * n) for n in (0, 4)]
        data = labelled(database, SPECS, cutoffs, config.time.horizon_days, 4)
        model = ReadinessModel(
            classifier=learner(data.frame, data.won, SPECS),
            specs=SPECS,
            dropped={},
            horizon_days=config.time.horizon_days,
            trained_until=cutoffs[-1],
            base_rate=float(data.won.mean()),
        )
        scorer, cutoff = Scorer.of_model(config, model), cutoffs[-1] + timedelta(days=30, hours=3)
        rows = score_all(config, database, scorer, ledger, cutoff, accept=True).rows
    rows = rows[rows["state"] == "scored"].astype(object)
    batch = {row["lead_id"]: row for row in rows.where(rows.notna(), None).to_dict("records")}
    return Company(staff, scorer, cutoff, raw, batch)


def raw_leads(folder: Path) -> dict[str, dict[str, Any]]:
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("events", "deals")}
    result = {}
    for row in pd.read_parquet(folder / "leads.parquet").to_dict("records"):
        account = None if pd.isna(row[ACCOUNT]) else str(row[ACCOUNT])
        result[str(row["lead_id"])] = {
            "lead_id": str(row["lead_id"]),
            "created_at": row["created_at"].isoformat(),
            "attributes": {ACCOUNT: account},
            "events": [],
            "deals": [],
        }
    for name, table in tables.items():
        for row in table.to_dict("records"):
            given = {key: value for key, value in row.items() if not pd.isna(value)}
            texts = {k: v.isoformat() if k.endswith("_at") else v for k, v in given.items()}
            result[str(texts.pop("lead_id"))][name].append(texts)
    return result


def some_leads(company: Company) -> list[str]:
    """Those of the batch in the account of the staff and in another one, and two without any."""
    accounts: dict[str | None, list[str]] = {}
    for lead in company.batch:
        accounts.setdefault(company.raw[lead]["attributes"][ACCOUNT], []).append(lead)
    alone = accounts.pop(None)[:2]
    with_staff = accounts.pop(company.raw[company.staff]["attributes"][ACCOUNT])
    assert len(with_staff) > 2
    return [*with_staff, *max(accounts.values(), key=len), *alone]


def is_as_in_batch(answer: ScoredLead, company: Company) -> bool:
    row, got = company.batch[answer.lead_id], answer.model_dump()
    same = all(got[name] == row[name] for name in ("readiness", "rule_score", "band"))
    return same and "; ".join(answer.reasons) == row["reasons"]


def test_with_its_colleagues_a_lead_has_the_score_of_the_batch(company: Company) -> None:
    """Each with the others of its account, in one request."""
    chosen = some_leads(company)
    answers = company.scored(*map(company.lead, chosen))
    assert [answer.lead_id for answer in answers] == chosen
    assert [
        lead
        for lead, each in zip(chosen, answers, strict=True)
        if not is_as_in_batch(each, company)
    ] == []
    assert len({answer.readiness for answer in answers}) > 4


def test_only_the_colleagues_of_its_own_request_count(company: Company) -> None:
    """A lead given as alone is alone, also where another one of its account brings colleagues."""
    first, second = some_leads(company)[:2]
    alone = company.raw[first] | {"account": {"people": []}}
    by_itself, (again, other) = (
        company.scored(alone),
        company.scored(alone, company.lead(second)),
    )
    assert by_itself == [again]
    assert is_as_in_batch(other, company)
    assert not is_as_in_batch(again, company)


def test_a_lead_that_does_not_say_who_is_in_its_account_is_refused(company: Company) -> None:
    first, second = some_leads(company)[:2]
    with pytest.raises(BadInput, match=f"2 leads.*{first}.*people"):
        company.scored(
            company.raw[first], company.lead(some_leads(company)[-1]), company.raw[second]
        )


def test_people_of_another_account_or_of_none_are_refused(company: Company) -> None:
    first, last = some_leads(company)[0], some_leads(company)[-1]
    strange = company.raw[last] | {"lead_id": "strange"}
    for people, named in (
        ([strange], "strange"),
        ([strange | {"attributes": {}}], ACCOUNT),
        ([strange | {"attributes": {ACCOUNT: "no such"}}], "no such"),
    ):
        for lead in (first, last):
            with pytest.raises(BadInput, match=named):
                company.scored(company.raw[lead] | {"account": {"people": people}})


def test_a_lead_without_what_names_its_account_is_refused(company: Company) -> None:
    first, second = some_leads(company)[:2]
    without = company.lead(first) | {"attributes": {}}
    with pytest.raises(BadInput, match=f"{ACCOUNT}.*{first}"):
        company.scored(company.lead(second), without)


def test_a_colleague_twice_is_refused(company: Company) -> None:
    lead = company.lead(some_leads(company)[0])
    people = lead["account"]["people"]
    people.append(people[0])
    with pytest.raises(BadInput, match=people[0]["lead_id"]):
        company.scored(lead)
    with pytest.raises(BadInput, match=lead["lead_id"]):
        company.scored(lead | {"account": {"people": [company.raw[lead["lead_id"]]]}})


def test_the_process_of_the_service_scores_them(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring_process, "_scorer", company.scorer, raising=False)
    scoring_process._warm()
    gc.unfreeze()
    chosen = some_leads(company)[:2]
    requests = [ScoreRequest.model_validate({"leads": [company.lead(lead)]}) for lead in chosen]
    answers = [json.loads(each) for each in scoring_process._score(requests, company.cutoff)]
    expected = [company.batch[lead]["readiness"] for lead in chosen]
    assert [answer["leads"][0]["readiness"] for answer in answers] == expected
    assert (account_of(company.scorer), list(attribute_kinds(company.scorer))) == (
        ACCOUNT,
        [ACCOUNT],
    )


def test_the_example_of_the_documentation_is_scored(company: Company) -> None:
    text = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    bodies = [json.loads(body) for body in re.findall(r"-d '(\{.*?\})'\n", text, re.DOTALL)]
    (request,) = [
        ScoreRequest.model_validate(body) for body in bodies if "account" in body["leads"][0]
    ]
    (answer,) = score(company.scorer, request.leads, request.cutoff)
    assert (answer.lead_id, answer.state) == ("4711", "scored")


def test_a_model_as_trained_reads_its_accounts(company: Company) -> None:
    as_trained = company.scorer.model.as_trained(Features())
    assert (as_trained.account, as_trained.attributes) == (ACCOUNT, [])
