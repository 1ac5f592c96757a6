"""Whatever the API's description allows, and much that it does not, is answered without a crash."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from features.config import Config
from serve.app.application import create_app
from tests.serve.app.conftest import PATIENT
from tests.serve.app.running import running

pytestmark = pytest.mark.slow
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


OPERATIONS = [
    ("/v1/score", "POST"),
    ("/v1/leads", "GET"),
    ("/v1/leads/{lead_id}", "GET"),
    ("/v1/model", "GET"),
    ("/healthz", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
]


@pytest.fixture(scope="module")
def api(served: Config) -> Iterator[Any]:
    """Over HTTP: called within the process, schemathesis stops the application at each request."""
    with running(create_app(served, PATIENT)) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_crashes_it(api: Any, path: str, method: str, mode: GenerationMode) -> None:
    """With what the description allows, and with what it does not."""

    @given(case=api[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    def answered(case: schemathesis.Case) -> None:
        case.validate_response(case.call(timeout=PATIENT.seconds), checks=CHECKS)

    with suppress(Unsatisfiable):  # there is nothing that could be wrong
        answered()


def test_every_operation_is_tried(api: Any) -> None:
    described = {(each.ok().path, each.ok().method.upper()) for each in api.get_all_operations()}
    assert described == set(OPERATIONS)


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
