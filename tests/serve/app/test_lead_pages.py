"""The pages of the leads over HTTP: the right rows, nothing of the data as markup, decisions."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from serve.app.application import create_app
from serve.reports.page import render, write_page
from tests.serve.app.little_company import HOSTILE, LISTS, little_company

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    app = create_app(little_company(tmp_path_factory.mktemp("little")))
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def leads_of(text: str) -> list[str]:
    """The ids in the table, by the links to their cards."""
    matches = re.findall(r'<th scope="row"><a href="/leads/[^"]*">(.*?)</a>', text)
    return [unescape(each) for each in matches]


def form_of(text: str) -> dict[str, str]:
    """The hidden fields of the decision's form."""
    matches = re.findall(r'<input type="hidden" name="(csrf|lead_id)" value="([^"]*)"', text)
    return {name: unescape(value) for name, value in matches}


def test_the_list_to_call_is_first_and_its_figures_are_those_of_the_api(client: TestClient) -> None:
    """A tenth of 30 leads: the three with most visits, two points each."""
    text = client.get("/leads").text
    assert leads_of(text) == [HOSTILE, "29", "28"]
    answer = client.get("/v1/leads", params={"route": "sales"}).json()
    assert [lead["lead_id"] for lead in answer["leads"]] == leads_of(text)
    for lead in answer["leads"]:
        assert f">{lead['rule_score']:.0f}<small>{lead['band']}</small>" in text
    assert f"<strong>{answer['total']} leads to call</strong>" in text


def test_a_list_of_long_ago_says_how_old_it_is(client: TestClient) -> None:
    cutoff = datetime.fromisoformat(client.get("/v1/leads").json()["cutoff"])
    days = (datetime.now(UTC) - cutoff).days
    assert f"{days:,} days old" in client.get("/leads").text


def test_no_id_is_markup_on_any_page(client: TestClient) -> None:
    card = client.get(f"/leads/{quote(HOSTILE, safe='')}")
    assert card.status_code == 200
    for text in (client.get("/leads").text, card.text):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    assert form_of(card.text)["lead_id"] == HOSTILE


def test_filters_sort_and_pages_are_links_that_work(client: TestClient) -> None:
    text = client.get("/leads", params={"route": "", "source": "paid_search"}).text
    assert leads_of(text) == [str(n) for n in range(28, 0, -3)]
    assert "paid search" in text
    link = re.search(r'<a href="([^"]*sort=lead_id[^"]*)"', text)
    assert link
    turned = client.get(unescape(link[1])).text
    assert leads_of(turned) == sorted(str(n) for n in range(28, 0, -3))
    assert turned.count("aria-sort") == 1
    assert leads_of(client.get("/leads?route=&text=zzz").text) == []
    assert client.get("/leads?sort=salary").status_code == 422
    assert client.get("/leads?page=x").status_code == 422


def test_the_export_is_what_is_shown(client: TestClient) -> None:
    shown = client.get("/leads?route=&source=ads&sort=rule_score&down=0").text
    file = client.get("/leads.csv?route=&source=ads&sort=rule_score&down=0")
    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["lead_id"] for row in rows] == leads_of(shown)


def test_a_card_knows_nothing_of_after_its_list(client: TestClient) -> None:
    """Lead 29 visited 29 times before the newest list, and once after it."""
    text = client.get("/leads/29").text
    assert "29 events known before the cutoff" in text
    assert "58 points" in text
    assert all(f'datetime="{day:%Y-%m-%d}"' in text for day in LISTS)
    assert client.get("/leads/nobody").status_code == 404


def test_a_decision_and_its_undoing(client: TestClient) -> None:
    given = form_of(client.get("/leads/29").text)
    form = given | {"route": "nurture", "because": "asked <b>to wait</b>", "by": "ann", "until": ""}
    assert client.post("/decisions", data=form | {"csrf": "x"}).status_code == 403
    text = client.post("/decisions", data=form).text
    assert "Decided: nurture" in text
    assert "asked &lt;b&gt;to wait&lt;/b&gt;" in text
    assert leads_of(client.get("/leads").text) == [HOSTILE, "28"]
    assert "decided by ann" in client.get("/leads?route=nurture").text
    undoing = {"csrf": given["csrf"], "lead_id": "29", "because": "a mistake", "by": "ann"}
    assert "Decide otherwise" in client.post("/decisions/undo", data=undoing).text
    assert leads_of(client.get("/leads").text) == [HOSTILE, "29", "28"]
    again = client.post("/decisions/undo", data=undoing)
    assert again.status_code == 422
    assert "nothing to withdraw" in again.text


@pytest.mark.parametrize(
    "wrong", [{"because": " "}, {"route": "moon"}, {"until": "2024-01-01"}, {"until": "soon"}]
)
def test_a_decision_that_cannot_be_leaves_the_form_as_it_was(
    client: TestClient, wrong: dict[str, str]
) -> None:
    given = form_of(client.get("/leads/28").text)
    form = given | {"route": "nurture", "because": "why <i>", "by": "ann", "until": ""} | wrong
    answer = client.post("/decisions", data=form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "28" in leads_of(client.get("/leads").text)


def test_the_start_page_links_the_written_pages(client: TestClient) -> None:
    out = client.app.state.service.config.out_folder  # type: ignore[attr-defined]
    text = render("index.html", company="x", reports=[], cards=[])
    verdict = '<p class="verdict"><strong>All is well</strong></p>'
    write_page(Path(out) / "funnel.html", re.sub('<p class="verdict">.*</p>', verdict, text))
    start = client.get("/").text
    assert "All is well" in start
    assert 'href="/pages/funnel.html"' in start
    assert "3 to call of 30" in start
    page = client.get("/pages/funnel.html")
    policy = page.headers["content-security-policy"].split(";")
    assert not any("unsafe" in part for part in policy if "script-src" in part)
    assert client.get("/pages/readiness.toml").status_code == 404
    assert client.get("/pages/index.html").url.path == "/"
