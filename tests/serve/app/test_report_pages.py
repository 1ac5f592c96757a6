"""The pages of reports in the service: how they are reached, dated, and made anew."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from features.config import Config, load
from features.cutoffs import utc_now
from models.decisions.champion_changes import ChampionChange, add, mark
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction
from serve.app.application import create_app
from serve.app.report_list import NAVIGATION, REPORTS
from serve.app.serving import Serving
from serve.reports.page import write_page
from tests.copied_company import copied_company
from tests.serve.app.little_company import little_company

pytestmark = pytest.mark.slow
FUNNEL = """
within_days = 7
[[stage]]
name = "created"
created = true
[[stage]]
name = "visitor"
actions = ["visited"]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder. Shared: copy it."""
    config = little_company(tmp_path_factory.mktemp("little"))
    (config.folder / "funnel.toml").write_text(FUNNEL)
    return config.folder


@pytest.fixture
def company(made: Path, tmp_path: Path) -> Config:
    return load(copied_company(made, tmp_path / "little"))


@pytest.fixture
def client(company: Config) -> Iterator[TestClient]:
    app = create_app(company, Serving(seconds=300.0))
    with TestClient(app, "http://localhost:8000") as result:
        yield result


def written(config: Config, name: str, **times: timedelta) -> None:
    """A page, as if it had been made so long ago."""
    text = (
        '<html><head><meta name="generator" content="readiness"></head>\n<body>\n'
        '<main><h1>What?</h1><p class="verdict"><strong>All is well</strong></p></main>'
        "<!-- made --></body></html>"
    )
    path = write_page(config.out_folder / name, text)
    made = f"{utc_now() - timedelta(**times):%Y-%m-%dT%H:%MZ}"
    path.write_text(re.sub('datetime="[^"]*"', f'datetime="{made}"', path.read_text()))


def make(client: TestClient, name: str, seconds: float = 120.0) -> str:
    """Press the button, wait until the page is made, and read it."""
    page = client.get(f"/pages/{name}").text
    csrf = re.search('name="csrf" value="(.*?)"', page)
    assert csrf
    begun = client.post(f"/pages/{name}", data={"csrf": csrf[1]})
    assert begun.status_code == 200
    assert 'role="status"' in begun.text
    end = time.monotonic() + seconds
    while client.get(f"/making?page={name}").json()["making"]:
        assert time.monotonic() < end
        time.sleep(0.2)
    return client.get(f"/pages/{name}").text


def test_every_page_links_to_every_other(client: TestClient, company: Config) -> None:
    for name in ("compare.html", "funnel.html"):  # the others were never written
        written(company, name)
    for address in NAVIGATION:
        text = client.get(address).text
        nav = re.search('<nav aria-label="Pages">(.*?)</nav>', text, re.DOTALL)
        assert nav
        assert re.findall('href="(.*?)"', nav[1]) == list(NAVIGATION)
        assert re.findall('href="([^"]*)" aria-current="page"', nav[1]) == [address]


def test_a_page_that_was_never_written_names_its_command(client: TestClient) -> None:
    for report in REPORTS.values():
        text = client.get(report.address).text
        verb = [word for word in report.command if not word.startswith("--")]
        assert f"readiness {' '.join(verb)}" in text
        assert "<button>" in text
    assert client.get("/pages/x.html").status_code == 404


def test_an_old_page_says_what_is_newer(client: TestClient, company: Config) -> None:
    for name in ("compare.html", "card.html"):
        written(company, name, hours=2)
    assert "the newest list" in client.get("/pages/compare.html").text
    assert "Older than" not in client.get("/pages/card.html").text  # goes by no list
    now = (utc_now() - timedelta(hours=1)).isoformat(timespec="seconds")
    change = ChampionChange("promote", None, "7", "ann", "", False, "It won.", {}, now)
    with open_decisions(LedgerPlace.of(company)) as store, transaction(store):
        number = add(store, change)
    assert "Older than" not in client.get("/pages/card.html").text  # was never completed
    with open_decisions(LedgerPlace.of(company)) as store, transaction(store):
        mark(store, number, "done")
    for name in ("compare.html", "card.html"):
        assert "version 7" in client.get(f"/pages/{name}").text
    for name in ("compare.html", "card.html"):
        written(company, name, hours=-1)
        assert "Older than" not in client.get(f"/pages/{name}").text


def test_a_page_is_made_by_its_button(client: TestClient, company: Config) -> None:
    """As `readiness funnel` makes it; the button of a page that is there makes it anew."""
    assert (csrf := re.search('name="csrf" value="(.*?)"', client.get("/pages/funnel.html").text))
    assert client.post("/pages/funnel.html", data={"csrf": "x"}).status_code == 403
    assert client.post("/pages/index.html", data={"csrf": csrf[1]}).status_code == 404
    text = make(client, "funnel.html")
    assert 'role="alert"' not in text
    assert "visitor" in text
    assert (company.out_folder / "funnel.json").is_file()
    assert "Make it anew" in text


def test_what_cannot_be_made_says_why_in_a_line(client: TestClient) -> None:
    """No contacts are known, so there is no feedback."""
    text = make(client, "feedback.html")
    alert = re.search('<p role="alert">(.*?)</p>', text, re.DOTALL)
    assert alert
    assert "tables.contacts" in alert[1]
    assert "\n" not in alert[1]
    assert "Traceback" not in alert[1]


def test_one_page_at_a_time(client: TestClient) -> None:
    csrf = re.search('name="csrf" value="(.*?)"', client.get("/pages/funnel.html").text)
    assert csrf
    form = {"csrf": csrf[1]}
    first = client.post("/pages/funnel.html", data=form, follow_redirects=False)
    assert first.status_code == 303
    second = client.post("/pages/card.html", data=form)
    assert second.status_code == 409
    assert "<button>" not in client.get("/pages/card.html").text
    make_done = time.monotonic() + 120
    while client.get("/making?page=funnel.html").json()["making"]:
        assert time.monotonic() < make_done
        time.sleep(0.2)


def test_the_end_of_the_service_ends_what_it_makes(company: Config) -> None:
    app = create_app(company, Serving(seconds=300.0))
    making = app.state.service.making
    with TestClient(app, "http://localhost:8000"):
        making.begin("funnel.html", ("funnel",))
        process = making._process
    assert process.wait(30) != 0
