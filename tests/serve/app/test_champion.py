"""The champion is changed without a restart, and no request is lost by it."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from fastapi.testclient import TestClient

from features.config import Config
from models.registry import Registry
from serve.app.application import create_app
from tests.models.small_model import fitted, training
from tests.serve.app.conftest import LOCAL, PATIENT

LEAD = {
    "lead_id": "a",
    "created_at": "2026-02-01T00:00:00Z",
    "attributes": {"size": 20},
    "events": [{"occurred_at": "2026-02-20T10:00:00Z", "action": "visit"}],
}


def score(client: TestClient) -> Any:
    answer = client.post("/v1/score", json={"leads": [LEAD], "cutoff": "2026-03-02T00:00:00"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_requests_in_flight_end_on_the_champion_of_before(own: Config) -> None:
    registry = Registry(own)
    with TestClient(create_app(own, PATIENT), LOCAL) as client:
        champion = client.app.state.service.champion
        first = score(client)
        second = registry.log(training(fitted())).version
        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(score, client) for _ in range(12)]
            registry.set_champion(second)
            champion.look()
            running += [pool.submit(score, client) for _ in range(4)]
            versions = [each.result()["model_version"] for each in running]
        assert set(versions) <= {first["model_version"], second}
        assert versions[-4:] == [second] * 4
        assert client.get("/v1/model").json()["version"] == second


def test_rules_are_read_anew(own: Config) -> None:
    with TestClient(create_app(own, PATIENT), LOCAL) as client:
        before = score(client)
        path = own.folder / own.rules
        path.write_text(path.read_text() + '\n[[rule]]\naction = "visit"\npoints = 7\n')
        os.utime(path, (2e9, 2e9))
        client.app.state.service.champion.look()
        after = score(client)
        assert after["leads"][0]["rule_score"] == before["leads"][0]["rule_score"] + 7
        assert after["rules_version"] != before["rules_version"]


def test_a_champion_that_cannot_be_loaded_leaves_the_one_of_before(own: Config) -> None:
    with TestClient(create_app(own, PATIENT), LOCAL) as client:
        before = score(client)
        path = own.folder / own.rules
        text = path.read_text()
        path.write_text("name = ")
        client.app.state.service.champion.look()
        assert score(client) == before
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["faults"]) == (503, ["champion"])
        assert "readiness_champion_stale 1.0" in client.get("/metrics").text
        path.write_text(text)
        client.app.state.service.champion.look()
        assert client.get("/readyz").status_code == 200


def test_without_a_champion_the_list_is_served_and_nothing_is_scored(own: Config) -> None:
    registry = Registry(own)
    registry.client.delete_registered_model_alias(registry.name, "champion")
    with TestClient(create_app(own, PATIENT), LOCAL) as client:
        assert client.get("/readyz").json() == {"ready": True, "champion": None, "faults": []}
        assert client.get("/v1/leads").status_code == 200
        assert client.get("/v1/model").status_code == 404
        answer = client.post("/v1/score", json={"leads": [LEAD]})
        assert (answer.status_code, "promote" in answer.json()["detail"]) == (503, True)


def test_without_a_cutoff_it_is_now(client: TestClient) -> None:
    answer = client.post("/v1/score", json={"leads": [LEAD]}).json()
    cutoff = datetime.fromisoformat(answer["cutoff"])
    assert abs((datetime.now(UTC) - cutoff).total_seconds()) < 60
