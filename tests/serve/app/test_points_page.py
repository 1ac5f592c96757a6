"""The points table as a form: nothing is saved before it was tested, and never over the rules."""

import json
import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from features.config import Config
from models.rules.rules import current_rules, load_rules
from serve.app.application import create_app
from serve.app.serving import Serving
from tests.copied_company import copied_company
from tests.readiness.running import readiness

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company(served: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A company with a champion, and with a comment in its rules."""
    from features.config import load

    folder = tmp_path_factory.mktemp("points") / "demo"
    copied_company(served.folder, folder)
    rules = folder / "rules.toml"
    rules.write_text(rules.read_text() + "\n# the last line, by hand\n")
    return load(folder)


@pytest.fixture(scope="module")
def client(company: Config) -> Iterator[TestClient]:
    with TestClient(create_app(company, Serving(seconds=300.0)), "http://localhost:8000") as result:
        yield result


def hidden(text: str) -> dict[str, str]:
    """What the form of points has, as a browser would send it back."""
    form = re.search(r'<form method="post" action="/points/test">(.*?)</form>', text, re.DOTALL)
    assert form
    inputs = re.findall(r'<input [^>]*name="([^"]*)" value="([^"]*)"', form[1])
    return {name: unescape(value) for name, value in inputs}


def wait(client: TestClient, page: str) -> None:
    end = time.monotonic() + 900  # a busy machine is slow at times
    while client.get("/making", params={"page": page}).json()["making"]:
        assert time.monotonic() < end
        time.sleep(0.3)


def test_a_draft_is_tested_then_saved(client: TestClient, company: Config) -> None:
    """By the form alone, as a browser without scripts does it."""
    before = (company.folder / "rules.toml").read_text()
    rules = current_rules(company)
    form = hidden(client.get("/points").text)
    points = [float(form[f"points{n}"]) for n in range(len(rules.file.rule))]
    assert points == [rule.points for rule in rules.file.rule]
    form |= {"points0": str(points[0] + 7), "points1": "-3"}
    answer = client.post("/points/test", data=form)
    assert answer.status_code == 200
    version = answer.url.params["draft"]
    token = {"csrf": form["csrf"], "draft": version}
    early = client.post("/points/save", data=token | {"name": "mine.toml"})
    assert early.status_code == 422  # not tested yet
    wait(client, f"draft-{version}")
    text = client.get(f"/points?draft={version}").text
    result = json.loads((company.out_folder / "drafts" / f"{version}.json").read_text())
    share = result["test"]["draft"]["at_capacity"]["precision"]
    assert f"{share:.1%}" in text
    assert f"{result['test']['current rules']['at_capacity']['precision']:.1%}" in text
    low, high = result["test"]["interval"]["draft"]["precision"].values()
    assert f"{low:.1%} to {high:.1%}" in text
    assert hidden(text)["points1"] == "-3"
    assert client.get(f"/points/drafts/{version}").status_code == 200

    for name in ("rules.toml", "../rules.toml", "readiness.toml", "segments.toml", "", "x.txt"):
        refused = client.post("/points/save", data=token | {"name": name, "over": "1"})
        assert (name, refused.status_code) == (name, 422)
    saved = client.post("/points/save", data=token | {"name": "rules.draft.toml"})
    assert saved.status_code == 200
    draft = load_rules(company.folder / "rules.draft.toml")
    assert [each.points for each in draft.file.rule] == [points[0] + 7, -3, *points[2:]]
    assert draft.text.endswith("# the last line, by hand\n")
    again = token | {"name": "rules.draft.toml"}
    assert client.post("/points/save", data=again).status_code == 422
    assert client.post("/points/save", data=again | {"over": "1"}).status_code == 200
    assert (company.folder / "rules.toml").read_text() == before
    assert not (company.folder / "mine.toml").exists()


@pytest.mark.parametrize("wrong", ["", "many", "nan", "1e9", "inf"])
def test_points_that_are_none_leave_the_form_as_it_was(client: TestClient, wrong: str) -> None:
    form = hidden(client.get("/points").text) | {"points2": wrong, "points0": "4.5"}
    answer = client.post("/points/test", data=form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert hidden(answer.text)["points0"] == "4.5"
    assert hidden(answer.text)["points2"] == wrong


def test_forms_of_others_and_of_older_rules_are_refused(client: TestClient) -> None:
    form = hidden(client.get("/points").text)
    assert client.post("/points/test", data=form | {"csrf": "x"}).status_code == 403
    assert (
        client.post("/points/save", data={"draft": "0" * 10, "name": "a.toml"}).status_code == 403
    )
    assert client.post("/points/test", data=form | {"version": "0" * 10}).status_code == 422
    for draft in ("0" * 10, "../../rules", "%2e%2e"):
        assert client.get("/points", params={"draft": draft}).status_code == 404
        assert client.get(f"/points/drafts/{draft}").status_code == 404


def test_the_review_stands_beside_the_rules_it_is_of(client: TestClient, company: Config) -> None:
    ran = readiness("rules", "learn", company.folder, "--json")
    reviews = ran.result["hand_written"]["rules"]
    text = client.get("/points").text
    rows = re.findall(r'<tr>\s*<th scope="row" id="rule(\d+)">.*?</tr>', text, re.DOTALL)
    assert len(rows) == len(reviews)
    for verdict in ("overpaid", "underpaid"):
        shown = len(re.findall(rf'data-label="Finding" class="\w+">{verdict}<', text))
        assert shown == sum(each["verdict"] == verdict for each in reviews)
    page = Path(company.out_folder / "points.html").read_text()
    assert all(f">{each['verdict']}</td>" in page for each in reviews)
    rules = company.folder / "rules.toml"
    before = rules.read_text()
    rules.write_text(before.replace("points = 10", "points = 11", 1))
    try:
        assert 'data-label="Finding"' not in client.get("/points").text
    finally:
        rules.write_text(before)
