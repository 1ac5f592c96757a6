"""Whatever the API's description allows, and much that it does not, is answered without a crash."""

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def api(app: FastAPI, client: TestClient) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "localhost"})


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_crashes_it(case: schemathesis.Case) -> None:
    answer = case.call(headers={"Host": "localhost"})
    case.validate_response(answer, checks=CHECKS)


def test_the_description_is_complete(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            assert operation["tags"][0] in {tag["name"] for tag in described["tags"]}
            assert path in ("/healthz", "/readyz") or operation["security"] == [{"token": []}]
            failures = {s: each for s, each in operation["responses"].items() if s >= "4"}
            for status, answer in failures.items():
                kinds = "application/json" if path == "/readyz" else "application/problem+json"
                assert list(answer["content"]) == [kinds], (path, status)
