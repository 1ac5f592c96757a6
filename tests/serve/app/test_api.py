"""The API says what the ledger has, and scores as the batch does."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from features.config import Config
from features.cutoffs import utc_now
from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from serve.app.application import create_app
from serve.ledger.decide import add_override
from serve.ledger.ledger import open_ledger
from tests.serve.app.conftest import CUTOFF, LOCAL, PATIENT

EQUAL = ["readiness", "rule_score", "band", "disqualified", "postponing", "fit", "engagement"]
EQUAL += ["close_days_low", "close_days_median", "close_days_high"]


@pytest.fixture(scope="module")
def rows(served: Config) -> pd.DataFrame:
    """The list as the batch wrote it, in the order in which sales call."""
    with open_ledger(LedgerPlace.of(served)) as ledger:
        return ledger.rows(ledger.newest().run)


@pytest.fixture(scope="module")
def raw(served: Config) -> dict[str, dict[str, Any]]:
    """Each lead as the API takes it, out of the tables."""
    leads, events, deals = (
        pd.read_parquet(served.folder / f"{table}.parquet").astype({"lead_id": str})
        for table in ("leads", "events", "deals")
    )
    result = {}
    for row in leads.to_dict("records"):
        result[row["lead_id"]] = {
            "lead_id": row["lead_id"],
            "created_at": row["created_at"].isoformat(),
            "source": row["source"],
            "events": [],
            "deals": [],
        }
    for name, table in (("events", events), ("deals", deals)):
        for row in table.to_dict("records"):
            given = {key: value for key, value in row.items() if not pd.isna(value)}
            texts = {k: v.isoformat() if k.endswith("_at") else v for k, v in given.items()}
            result[texts.pop("lead_id")][name].append(texts)
    return result


def scored(client: TestClient, *leads: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post("/v1/score", json={"leads": leads, "cutoff": CUTOFF.isoformat()})
    assert answer.status_code == 200, answer.text
    return answer.json()["leads"]


def test_batch_and_api_are_equal_to_the_last_bit(
    client: TestClient, rows: pd.DataFrame, raw: dict[str, Any]
) -> None:
    """Leads alone, some together, and alone but at the same time as others."""
    of_batch = rows[rows["state"] == "scored"].set_index("lead_id")
    chosen = list(of_batch.index[:40]) + list(of_batch.index[-20:])
    alone = [scored(client, raw[lead])[0] for lead in chosen[:3]]
    together = scored(client, *(raw[lead] for lead in chosen))
    with ThreadPoolExecutor(12) as pool:
        at_once = list(pool.map(lambda lead: scored(client, raw[lead])[0], chosen))
    assert together == at_once
    assert together[:3] == alone
    for answer in together:
        expected = of_batch.loc[answer["lead_id"]]
        for name in EQUAL:
            value = None if pd.isna(expected[name]) else expected[name]
            assert answer[name] == value, (answer["lead_id"], name)
        assert "; ".join(answer["reasons"]) == expected["reasons"]
        names = "" if pd.isna(expected["segments"]) else expected["segments"]
        assert "; ".join(answer["segments"]) == names


def test_a_closed_lead_is_not_scored(client: TestClient, raw: dict[str, Any]) -> None:
    lead = next(
        lead
        for lead in raw.values()
        if any(deal.get("closed_at", "9") < CUTOFF.isoformat() for deal in lead["deals"])
    )
    assert scored(client, lead)[0]["state"] == "not scored"
    assert scored(client, lead | {"deals": []})[0]["state"] == "scored"


def test_a_wrong_request_fails_alone(client: TestClient, raw: dict[str, Any]) -> None:
    """Also where others were to be scored in the same pass."""
    right = next(iter(raw.values()))
    early = right | {"events": [{"occurred_at": "2025-01-01T00:00:00", "action": "x"}] * 2}
    wrong = right | {"lead_id": "w", "deals": [{"closed_at": "2025-01-01", "outcome": "perhaps"}]}
    leads = [right, wrong, early] * 4

    def status(lead: dict[str, Any]) -> int:
        body = {"leads": [lead], "cutoff": CUTOFF.isoformat()}
        return client.post("/v1/score", json=body).status_code

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(status, leads)) == [200, 422, 200] * 4


@pytest.mark.parametrize(
    ("lead", "pointer"),
    [
        ({"lead_id": 7}, "#/leads/0/lead_id"),
        ({"created_at": "soon"}, "#/leads/0/created_at"),
        ({"created_at": 1_700_000_000}, "#/leads/0/created_at"),
        ({"events": [{"occurred_at": "2025-01-01", "action": ""}]}, "#/leads/0/events/0/action"),
        ({"attributes": {"size": [1]}}, "#/leads/0/attributes/size"),
        ({"sorce": "ads"}, "#/leads/0/sorce"),
    ],
)
def test_what_is_wrong_is_pointed_at(
    client: TestClient, lead: dict[str, Any], pointer: str
) -> None:
    body = {"leads": [{"lead_id": "a", "created_at": "2025-01-01"} | lead]}
    answer = client.post("/v1/score", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert any(fault["pointer"].startswith(pointer) for fault in answer.json()["errors"])


def test_the_same_lead_twice_is_refused(client: TestClient, raw: dict[str, Any]) -> None:
    lead = next(iter(raw.values()))
    answer = client.post("/v1/score", json={"leads": [lead, lead]})
    assert (answer.status_code, lead["lead_id"] in answer.json()["detail"]) == (422, True)


def listed(client: TestClient, **given: object) -> dict[str, Any]:
    answer = client.get("/v1/leads", params=given)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_is_that_of_the_ledger(client: TestClient, rows: pd.DataFrame) -> None:
    pages = [listed(client, limit=100, page=page + 1) for page in range(len(rows) // 100 + 1)]
    leads = [lead for page in pages for lead in page["leads"]]
    assert [lead["lead_id"] for lead in leads] == list(rows["lead_id"])
    assert {page["total"] for page in pages} == {len(rows)}
    to_sales = (rows["decided_route"] == "sales").sum()
    assert to_sales > 10
    ranks = [lead["rank"] for lead in leads]
    assert ranks == [*range(1, to_sales + 1), *[None] * (len(rows) - to_sales)]


def test_filters_and_sorting(client: TestClient, rows: pd.DataFrame) -> None:
    source, segment = rows["source"].mode()[0], rows["segments"].dropna().iloc[0].split("; ")[0]
    in_segment = rows["segments"].fillna("").str.split("; ").map(lambda names: segment in names)
    lead = rows["lead_id"].iloc[7]
    for given, meant in (
        ({"source": source}, rows["source"] == source),
        ({"band": "hot"}, rows["band"] == "hot"),
        ({"route": "sales"}, rows["decided_route"] == "sales"),
        ({"segment": segment}, in_segment),
        ({"basket": "passive-2"}, rows["basket"] == "passive-2"),
        ({"text": lead}, rows["lead_id"].str.contains(lead)),
        ({"source": source, "band": "cold"}, (rows["source"] == source) & (rows["band"] == "cold")),
        ({"text": "' OR 1=1 --"}, rows["lead_id"] == ""),
    ):
        result = listed(client, limit=1000, sort="readiness", descending=True, **given)
        assert {lead["lead_id"] for lead in result["leads"]} >= set(rows["lead_id"][meant])
        assert result["total"] == len(result["leads"])
        if "text" not in given:
            assert result["total"] == meant.sum()
        ready = [-1 if each["readiness"] is None else each["readiness"] for each in result["leads"]]
        assert ready == sorted(ready, reverse=True)


def test_a_lead_and_what_was_decided_of_it(own: Config) -> None:
    with TestClient(create_app(own, PATIENT), LOCAL) as client:
        lead = listed(client, route="nurture", limit=1)["leads"][0]
        assert client.get(f"/v1/leads/{lead['lead_id']}").json()["decisions"] == []
        with client.app.state.service.ledgers.writing() as ledger:
            made = Override(lead["lead_id"], "sales", "called us", "anna", utc_now(), CUTOFF)
            add_override(ledger, made)
        one = client.get(f"/v1/leads/{lead['lead_id']}").json()
        assert (one["runs"][0]["route"], one["runs"][0]["decided_route"]) == ("nurture", "sales")
        assert [each["decided_by"] for each in one["decisions"]] == ["anna"]
        assert listed(client, text=lead["lead_id"])["leads"][0]["rank"] is not None
        assert client.get("/v1/leads/nobody").status_code == 404


def test_a_list_that_is_not_there(client: TestClient) -> None:
    assert client.get("/v1/leads", params={"cutoff": "2020-01-01"}).status_code == 404
    assert listed(client, cutoff=CUTOFF.isoformat())["total"] > 100


def test_model_and_metrics(client: TestClient, raw: dict[str, Any]) -> None:
    model = client.get("/v1/model").json()
    assert (model["version"], len(model["features"]) > 20) == ("1", True)
    before = client.app.state.service.metrics.leads._value.get()
    scored(client, *list(raw.values())[:5])
    text = client.get("/metrics").text
    assert f"readiness_leads_scored_total {before + 5}" in text
    assert f'readiness_champion{{rules="{model["rules_version"]}",version="1"}} 1.0' in text
    assert 'readiness_requests_total{method="POST",route="/v1/score",status="200"}' in text


@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_an_attribute_that_is_no_value_is_one_fault(client: TestClient, value: Any) -> None:
    lead = {"lead_id": "a", "created_at": "2025-01-01", "attributes": {"size": value}}
    answer = client.post("/v1/score", json={"leads": [lead]})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "#/leads/0/attributes/size"
