"""The pages of the leads in Chromium: filter, sort, open, decide, undo; by keyboard; dark."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.app.application import create_app
from tests.serve.app.little_company import little_company
from tests.serve.app.running import running

pytestmark = pytest.mark.slow
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install it")
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running service."""
    app = create_app(little_company(tmp_path_factory.mktemp("little")))
    with running(app) as result:
        yield result


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None or not Path(path).exists():
        pytest.skip("no Chromium: apt-get install chromium; what is clicked is not tested")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=QUIET.split())
        yield opened
        opened.close()


@pytest.fixture
def faults() -> list[str]:
    """What the browser complains of."""
    return []


@pytest.fixture
def tab(browser, faults: list[str]) -> Iterator["playwright.Page"]:
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda each: faults.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()


def shown(tab) -> list[str]:
    return tab.locator("tbody th a").all_inner_texts()


def test_filter_sort_open_decide_undo(tab, address: str, faults: list[str]) -> None:
    tab.goto(address)
    tab.get_by_role("link", name="Leads: whom to call first").click()
    tab.get_by_label("Route", exact=True).select_option("")
    tab.get_by_label("Source", exact=True).select_option("paid_search")
    tab.get_by_role("button", name="Show").click()
    assert shown(tab) == [str(n) for n in range(28, 0, -3)]
    tab.get_by_role("link", name="Points", exact=True).click()
    tab.get_by_role("link", name="Points", exact=True).click()
    assert shown(tab) == [str(n) for n in range(1, 29, 3)]
    assert tab.locator("th[aria-sort=ascending]").inner_text().startswith("Points")
    tab.get_by_role("link", name="28", exact=True).click()
    tab.get_by_text("Decide otherwise").click()
    tab.get_by_label("Route", exact=True).select_option("nurture")
    tab.get_by_label("Why", exact=True).fill("on holiday")
    tab.get_by_role("button", name="Decide").click()
    assert tab.get_by_role("heading", name="Decided: nurture").is_visible()
    assert tab.locator("header strong").inner_text().startswith("Nurture")
    tab.get_by_role("button", name="Undo the decision").click()
    assert tab.get_by_role("status").inner_text() == "Undone."
    assert tab.locator("header strong").inner_text().startswith("Call by")
    assert faults == []


def test_without_a_mouse(tab, address: str, faults: list[str]) -> None:
    """Tab reaches the skip link first, then every control, each with a name and a visible focus."""
    tab.goto(f"{address}/leads")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    seen = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        name, outline = tab.evaluate(
            "() => { const e = document.activeElement; return ["
            "e.labels?.[0]?.innerText || e.innerText || '', getComputedStyle(e).outlineStyle] }"
        )
        if name.strip() == "29":
            break
        assert name.strip()
        assert outline != "none"
        seen.append(name.split("\n")[0])
    assert {"Route", "Band", "Text", "Show"} <= set(seen)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/leads/29")
    assert faults == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_is_light_or_dark_as_the_device_prefers(browser, address: str, colours: str) -> None:
    """What else the colours and a phone's width do to each page is in test_accessible.py."""
    page = browser.new_page(color_scheme=colours)
    page.goto(f"{address}/leads")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (colours == "light")
    page.close()
