"""The slider in a browser shows the figures of the page's JSON, in the file and when served."""

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from features.check.worked import Worked
from models.statistics.list_lengths import by_length
from models.statistics.verdict import verdict
from serve.app.pages import WRITTEN
from serve.reports.compare.details import Details
from serve.reports.compare.live import Live
from serve.reports.compare.overlap import one_of, overlap, period
from serve.reports.compare.page import render
from serve.reports.page import PAGES, number, served, write_page
from tests.serve.reports.compare.test_page import Page, compared

CHROMIUM = Path("/usr/bin/chromium")
QUIET = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking"


@pytest.fixture(scope="module")
def comparison():
    return compared()


@pytest.fixture(scope="module")
def details(comparison):
    snapshots = comparison.snapshots.assign(
        lead_id=[f"a/{lead} <b>" for lead in comparison.snapshots["lead_id"]]
    )
    lists = {"model": comparison.model, "rules": comparison.rules}
    capacity = comparison.judgement.capacity
    groups = {"period": one_of(period(snapshots["cutoff"]))}
    return Details(
        by_length(snapshots, comparison.won, lists, capacity, replicates=30),
        overlap(snapshots, comparison.won, *lists.values(), capacity, groups, replicates=30),
        Live("No list yet."),
    )


@pytest.fixture(scope="module")
def written(comparison, details, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "compare.html"
    return write_page(path, render(comparison, details=details), details)


def test_the_table_has_the_figures_of_the_json(written, details):
    steps = json.loads(written.with_suffix(".json").read_text())["list_lengths"]
    text = written.read_text(encoding="utf-8")
    table = Page(re.search(r"<details>\n.*?</details>", text, re.DOTALL)[0]).rows[1:]
    assert len(table) == len(steps) == len(details.lengths)
    for (head, *cells), step in zip(table, steps, strict=True):
        assert head.startswith(f"{number(step['leads'])}{step['share']:.1%}")
        for cell, name in zip(cells, ("model", "rules", "chance"), strict=False):
            assert cell.strip().startswith(number(step["deals"][name]["point"]))


def test_the_lengths_at_which_the_lists_differ_are_those_whose_interval_excludes_0(written):
    result = json.loads(written.with_suffix(".json").read_text())
    inside = [
        step["leads"]
        for step in result["list_lengths"]
        if any(
            each["from"] <= step["leads"] <= each["to"] for each in result["significant_lengths"]
        )
    ]
    differences = {step["leads"]: step["difference"] for step in result["list_lengths"]}
    apart = [at for at, gap in differences.items() if gap["low"] > 0 or gap["high"] < 0]
    assert inside == apart
    assert 0 < len(apart) < len(differences)
    words = Page(written.read_text(encoding="utf-8")).words
    for each in result["significant_lengths"]:
        assert f"{number(each['from'])} to {number(each['to'])}" in words


def test_a_lead_is_an_escaped_id_in_the_file_and_a_link_when_served(comparison, details):
    page = render(comparison, details=details)
    (example, *_) = details.overlap.quadrants[0].examples
    number_of = example.lead_id.removeprefix("a/").removesuffix(" <b>")
    assert f'value="a/{number_of} &lt;b&gt;"' in page
    assert "/leads/" not in page
    assert f'href="/leads/a%2F{number_of}%20%3Cb%3E"' in served(page)


@contextmanager
def serving(page):
    """The page under the policy of the service, and its script."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            script = self.path.removeprefix("/static/") if "/static/" in self.path else None
            body = (PAGES / script).read_text() if script else served(page)
            self.send_header("Content-Type", f"text/{'javascript' if script else 'html'}")
            self.send_header("Content-Security-Policy", WRITTEN)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/compare.html"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: no browser test")
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: no browser test")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET.split())
        yield chromium
        chromium.close()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["file", "served"])
def test_moving_the_slider_shows_the_figures_of_the_json(browser, written, how):
    steps = json.loads(written.with_suffix(".json").read_text())["list_lengths"]
    with serving(written.read_text(encoding="utf-8")) as address:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        faults = []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(written.as_uri() if how == "file" else address)
        slider = page.get_by_role("slider")
        own = next(at for at, step in enumerate(steps) if step["at_capacity"])
        assert slider.input_value() == str(own)
        slider.focus()
        for key, at in (("ArrowRight", own + 1), ("End", len(steps) - 1), ("Home", 0)):
            slider.press(key)
            assert slider.input_value() == str(at)
            step = steps[at]
            assert slider.get_attribute("aria-valuetext").startswith(number(step["leads"]))
            sentence = page.locator("#lengths [aria-live]").inner_text()
            assert number(step["difference"]["point"]) in sentence
            for name, deals in step["deals"].items():
                shown = page.locator(f'[data-deals="{name}"]').inner_text()
                assert shown == number(deals["point"])
                assert number(deals["high"]) in page.locator(f'[data-range="{name}"]').inner_text()
        assert page.locator("#lengths svg polyline").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert faults == []
        page.close()


def test_of_accounts_the_page_never_says_lead(comparison, details):
    """Of leads it never says account: one unit, throughout, in texts, tables and the slider."""
    for unit, other in (("lead", "account"), ("account", "lead")):
        judged = replace(
            comparison, unit=unit, verdict=verdict(comparison.judgement, unit), segment="large"
        )
        contacted = Worked(400, 100, 10, 25)
        html = render(judged, contacted=contacted, details=details)
        page = Page(html)
        (steps,) = re.findall(r'id="lengths-json">(.*?)</script>', html, flags=re.DOTALL)
        seen = Page(re.sub("<script.*?</script>", "", html, flags=re.DOTALL)).words
        seen += " ".join(v for _, n, v in page.attributes if n in ("aria-label", "alt", "title"))
        seen += " ".join(each["label"] + each["sentence"] for each in json.loads(steps))
        assert len(re.findall(rf"\b{unit}s?\b", seen)) > 40
        assert re.findall(rf".{{30}}\b{other}s?\b", seen, flags=re.IGNORECASE) == []
        assert not re.search(r"\b[Aa] account", seen)
