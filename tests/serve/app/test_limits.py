"""What is too large, too much or takes too long is answered with a problem, and harms no other."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from features.config import Config
from serve.app.application import create_app
from serve.app.limits import Limits
from serve.app.serving import Serving
from tests.serve.app.conftest import LOCAL

SMALL = Serving(most_bytes=10_000, most_leads=3, most_events=5, seconds=300.0, at_once=2)
LEAD = {"lead_id": "a", "created_at": "2025-01-01"}
EVENT = {"occurred_at": "2025-01-02", "action": "x"}


@pytest.fixture(scope="module")
def small(served: Config) -> Iterator[TestClient]:
    with TestClient(create_app(served, SMALL), LOCAL, raise_server_exceptions=False) as client:
        yield client


def problem(answer) -> int:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code


def test_a_large_body(small: TestClient) -> None:
    body = b'{"leads": "' + b"x" * 20_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    assert problem(small.post("/v1/score", content=body, headers=headers)) == 413
    parts = (body[start : start + 1_000] for start in range(0, len(body), 1_000))  # no length
    assert problem(small.post("/v1/score", content=parts, headers=headers)) == 413


def test_many_leads_and_many_events(small: TestClient) -> None:
    leads = [LEAD | {"lead_id": str(number)} for number in range(4)]
    assert problem(small.post("/v1/score", json={"leads": leads})) == 413
    colleagues = LEAD | {"account": {"people": leads[1:]}}
    assert problem(small.post("/v1/score", json={"leads": [colleagues]})) == 413
    lead = LEAD | {"events": [EVENT] * 6}
    assert problem(small.post("/v1/score", json={"leads": [lead]})) == 413
    lead = LEAD | {"events": [EVENT] * 5}
    assert small.post("/v1/score", json={"leads": [lead]}).status_code == 200


def test_what_takes_too_long(served: Config) -> None:
    app, go_on = create_app(served, replace(SMALL, seconds=0.3)), threading.Event()
    app.add_api_route("/v1/slow", lambda: go_on.wait(30))
    with TestClient(app, LOCAL) as client:
        assert problem(client.get("/v1/slow")) == 503
        assert client.get("/healthz").status_code == 200
        go_on.set()


def test_too_many_at_once(served: Config) -> None:
    app, go_on, begun = create_app(served, SMALL), threading.Event(), threading.Semaphore(0)

    def slow() -> bool:
        begun.release()
        return go_on.wait(30)

    app.add_api_route("/v1/slow", slow)
    with TestClient(app, LOCAL) as client, ThreadPoolExecutor(2) as pool:
        running = [pool.submit(client.get, "/v1/slow") for _ in range(2)]
        for _ in running:
            assert begun.acquire(timeout=20)
        answer = client.get("/healthz")
        assert (problem(answer), answer.headers["retry-after"]) == (503, "1")
        go_on.set()
        assert [each.result().status_code for each in running] == [200, 200]
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(("parts", "left"), [(3, 0), (30, 19)])
def test_the_body_of_a_refused_request_is_read(parts: int, left: int) -> None:
    """To its end, or until it is too large: parts of 1,000 bytes, of which 10,000 may come."""
    body = [{"type": "http.request", "body": b"x" * 1_000, "more_body": True} for _ in range(parts)]
    body[-1]["more_body"] = False
    answers = []

    async def receive() -> dict[str, object]:
        return body.pop(0)

    async def send(message: dict[str, object]) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/score", "headers": []}
    asyncio.run(Limits(None, replace(SMALL, at_once=0))(scope, receive, send))
    assert answers[0]["status"] == 503
    assert len(body) == left


def test_an_error_of_the_program(served: Config, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(served)

    def crash() -> None:
        raise RuntimeError("postgresql://anna:s3cret-word@db")

    app.add_api_route("/v1/crash", crash)
    with TestClient(app, LOCAL) as client:
        answer = client.get("/v1/crash")
        assert (problem(answer), "s3cret" in answer.text) == (500, False)
    assert "RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text


def test_people_see_a_page(small: TestClient) -> None:
    answer = small.get("/nothing", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["content-type"][:9]) == (404, "text/html")
