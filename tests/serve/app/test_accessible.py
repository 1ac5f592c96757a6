"""Every page in Chromium, by axe-core: no serious fault; on a phone nothing scrolls sideways."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.app.application import create_app
from serve.app.serving import Serving
from tests.copied_company import copied_company
from tests.readiness.running import readiness
from tests.readiness.test_effect import folder_of, write_lists
from tests.serve.app.little_company import little_company
from tests.serve.app.running import running

pytestmark = pytest.mark.slow
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install it")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: pip install it")
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
TOKEN = "t" * 32
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
# Each colour scheme and each width once; the other two of four are long.
LOOKS = [("dark", "phone")]
LOOKS += [
    pytest.param((colours, width), marks=pytest.mark.long)
    for colours, width in [("light", "desktop"), ("light", "phone"), ("dark", "desktop")]
]
SERVED = ["/login", "/", "/leads", "/leads?route=&text=zzz", "/leads?route=", "/leads/29"]
WRITTEN = ["compare", "funnel", "sources", "segments", "feedback", "effect", "monitor", "card"]
WRITTEN += ["history"]


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium; accessibility is not tested")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=QUIET.split())
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running service that asks for a token."""
    serving = Serving(token=TOKEN, seconds=300.0)
    app = create_app(little_company(tmp_path_factory.mktemp("little")), serving)
    with running(app) as result:
        yield result


@pytest.fixture(scope="module")
def written(
    demo_folder: Path, trained: object, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The addresses of the pages that the verbs wrote of a company with a champion and a list; and
    of the effect of one that holds leads back."""
    folder = tmp_path_factory.mktemp("written") / "demo"
    copied_company(demo_folder, folder)
    for cutoff in ("2025-06-02", "2025-06-23"):
        assert readiness("score", folder, "--cutoff", cutoff).code == 0
    for verb in WRITTEN:
        assert readiness(verb, folder).code in (0, 1), verb
    pages = sorted((folder / "out").glob("*.html"))
    assert {"index", *WRITTEN} <= {page.stem for page in pages}
    little = folder_of(tmp_path_factory.mktemp("drawn"))
    write_lists(little, holdout=0.4)
    assert readiness("effect", little).code == 0
    return [page.as_uri() for page in (*pages, little / "out" / "effect.html")]


def faults(page: "playwright.Page", address: str) -> list[str]:
    """What is wrong with a page, each with where."""
    page.goto(address)
    violations = [
        f"{address}: {each['id']} at {each['nodes'][0]['target']}"
        for each in axe.Axe().run(page).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    wide = page.evaluate("document.documentElement.scrollWidth")
    return violations + [f"{address}: {wide} px wide"] * (wide > page.viewport_size["width"])


@pytest.fixture(params=LOOKS, ids="-".join)
def tab(request: pytest.FixtureRequest, browser) -> Iterator["playwright.Page"]:
    scheme, width = request.param
    across, down = WIDTHS[width]
    context = browser.new_context(viewport={"width": across, "height": down}, color_scheme=scheme)
    context.set_default_timeout(300_000)
    yield context.new_page()
    context.close()


def test_pages_that_are_served(tab, address: str) -> None:
    login, *others = SERVED
    wrong = faults(tab, address + login)
    tab.get_by_label("Your name").fill("Ann")
    tab.get_by_label("Token").fill(TOKEN)
    tab.get_by_role("button").click()
    tab.wait_for_url(f"{address}/")
    for path in others:
        wrong += faults(tab, address + path)
    assert wrong == []


@pytest.mark.long
def test_pages_that_the_verbs_write(tab, written: list[str]) -> None:
    assert [fault for each in written for fault in faults(tab, each)] == []


def test_axe_finds_a_fault_that_is_there(browser, tmp_path: Path) -> None:
    """So that a page without faults means something."""
    path = tmp_path / "bad.html"
    path.write_text("<html lang=en><title>x</title><main><h1>x</h1><img src=x><input></main>")
    page = browser.new_page()
    assert len(faults(page, path.as_uri())) == 2
    page.close()
