"""Off loopback nothing is seen without the token; on loopback only this machine reaches it."""

import re
import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from fastapi.testclient import TestClient

from features.config import Config
from features.errors import BadInput
from serve.app.access import SESSION_SECONDS, Sessions
from serve.app.application import create_app
from serve.app.serving import Serving

TOKEN = "a-token-that-nobody-will-guess-0123"
SITE = "https://leads.example"
PAGE = {"Accept": "text/html"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def guarded(served: Config) -> Iterator[TestClient]:
    serving = Serving("0.0.0.0", 8000, TOKEN, https=True)
    with TestClient(create_app(served, serving), SITE, follow_redirects=False) as client:
        yield client


@pytest.fixture
def site(guarded: TestClient) -> TestClient:
    """The guarded service, to somebody without a cookie."""
    guarded.cookies.clear()
    return guarded


def log_in(site: TestClient, **given: str):
    csrf = re.search('name="csrf" value="(.*?)"', site.get("/login").text)[1]
    form = {"csrf": csrf, "name": "Anna B.", "token": TOKEN, "next": "/v1/model"} | given
    with patch("asyncio.sleep"):
        return site.post("/login", data=form)


def test_off_loopback_a_token_is_required() -> None:
    for host in ("0.0.0.0", "192.168.0.7", "leads.example", "::"):
        with pytest.raises(BadInput, match="--token-file"):
            Serving(host)
        assert TOKEN not in repr(Serving(host, token=TOKEN))
    with pytest.raises(BadInput, match="24"):
        Serving("0.0.0.0", token="short")


@pytest.mark.parametrize("path", ["/v1/leads", "/v1/leads/1", "/v1/model", "/metrics", "/", "/x"])
def test_without_the_token_nothing_is_seen(site: TestClient, path: str) -> None:
    for given in (None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"):
        headers = {} if given is None else {"Authorization": given.encode()}
        answer = site.get(path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert TOKEN not in answer.text
    assert site.get(path, headers=PAGE).headers["location"] == f"/login?next={path}"
    assert site.get(path, headers=BEARER).status_code == (
        404 if path in ("/x", "/v1/leads/1") else 200
    )


def test_probes_are_open(site: TestClient) -> None:
    assert site.get("/healthz").status_code == site.get("/readyz").status_code == 200
    assert site.get("/static/page.css").status_code == 200


def test_a_person_logs_in_and_out(site: TestClient) -> None:
    answer = log_in(site)
    assert (answer.status_code, answer.headers["location"]) == (303, "/v1/model")
    cookie = answer.headers["set-cookie"]
    for part in ("__Host-readiness=", "HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert TOKEN not in cookie
    assert site.get("/v1/model").status_code == 200
    assert site.post("/logout", data={"csrf": "no"}).status_code == 403
    csrf = re.search('name="csrf" value="(.*?)"', site.get("/login").text)[1]
    assert site.post("/logout", data={"csrf": csrf}).status_code == 303
    assert site.get("/v1/model").status_code == 401


@pytest.mark.parametrize("given", [{"token": "wrong"}, {"csrf": "wrong"}, {"name": " "}])
def test_a_wrong_login_begins_no_session(site: TestClient, given: dict[str, str]) -> None:
    answer = log_in(site, **given)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil", "x", "/\n/"]
)
def test_a_login_leads_to_no_other_site(site: TestClient, target: str) -> None:
    assert log_in(site, next=target).headers["location"] == "/"


def test_sessions_end_and_cannot_be_made_up() -> None:
    sessions = Sessions(Serving(token=TOKEN))
    session = sessions.begin("Zoë")
    assert sessions.name(session) == "Zoë"
    who, until, signature = session.split(".")
    for other in ("", "..", f"{who}.{int(until) + 1}.{signature}", f"x.{until}.{signature}", "é"):
        assert sessions.name(other) is None
    assert Sessions(Serving(token=TOKEN)).name(session) is None
    with patch("time.time", return_value=time.time() + SESSION_SECONDS + 1):
        assert sessions.name(session) is None


def test_a_form_of_another_site_is_refused(site: TestClient) -> None:
    log_in(site)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = site.post("/v1/score", json={}, headers=headers)
        assert answer.status_code == 403
    assert site.post("/v1/score", json={}, headers={"Origin": SITE}).status_code == 422


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", ""]
)
def test_on_loopback_other_names_are_refused(client: TestClient, host: str) -> None:
    assert client.get("/v1/leads", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"])
def test_on_loopback_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/v1/leads?limit=1", headers={"Host": host}).status_code == 200


def test_every_answer_says_what_a_browser_may_load(client: TestClient) -> None:
    for path in ("/", "/nothing", "/v1/leads", "/static/page.css"):
        headers = client.get(path, headers=PAGE).headers
        policy = headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
        assert headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" not in headers
