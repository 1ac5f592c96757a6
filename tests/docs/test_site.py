"""The documentation: links, pictures, the nav, and the site that mkdocs builds of it."""

import fnmatch
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(!?)\[([^]]*)\]\((?!\w+:)([^)\s]+)\)")
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"


def markdown_files() -> list[Path]:
    folders = ("docs", "examples", "benchmarks")
    pages = [page for folder in folders for page in (ROOT / folder).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *(p for p in pages if "out" not in p.parts)])


def prose(path: Path) -> str:
    """A page without its code, in which a bracket is no link."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda code: code[0].replace("](", "] ("), text)


def anchors(path: Path) -> set[str]:
    """Where a link may lead in a page: GitHub's names of its headings."""
    headings = re.findall(r"^#+ (.*)", prose(path), flags=re.M)
    bare = (LINK.sub(r"\2", heading).replace("`", "").strip().lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in bare}


@pytest.mark.parametrize("page", markdown_files(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_of_a_page_leads_somewhere(page: Path) -> None:
    broken = []
    for _, _, link in LINK.findall(prose(page)):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_anchors_are_named_as_on_github_and_code_has_none(tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text(
        "# It's `here`: [now](x.md)\n```\n# no heading\n```\n", "utf-8"
    )
    assert anchors(tmp_path / "here.md") == {"its-here-now"}


def test_every_picture_is_described_and_small() -> None:
    pictures = [
        (page, alt, (page.parent / link).resolve())
        for page in markdown_files()
        for mark, alt, link in LINK.findall(prose(page))
        if mark
    ]
    assert len(pictures) > 8
    assert [str(page) for page, alt, _ in pictures if len(alt) < 20] == []
    ours = list((DOCS / "pictures").iterdir())
    assert set(ours) <= {path for _, _, path in pictures}
    assert {path.name: path.stat().st_size for path in ours if path.stat().st_size > 120_000} == {}


def in_nav(entry: object) -> Iterator[str]:
    """The files and patterns of a nav."""
    if isinstance(entry, list):
        for each in entry:
            yield from in_nav(each)
    elif isinstance(entry, dict):
        yield from in_nav(list(entry.values()))
    else:
        yield str(entry)


def test_every_page_of_docs_is_in_the_nav_once() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    patterns = list(in_nav(settings["nav"]))
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    times = {page: sum(fnmatch.fnmatch(page, pattern) for pattern in patterns) for page in pages}
    assert {page: n for page, n in times.items() if n != 1} == {}


class Addresses(HTMLParser):
    """What a page loads by itself, and paragraphs that look like a list or table gone wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.text: list[str] = []
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get("href") if tag == "link" else given.get("src")
        if address and given.get("rel") != "canonical":
            self.loaded.append(address)
        if tag == "p":
            self.text = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            text = "".join(self.text)
            self.odd += re.findall(r"^(?:- |\d+\. |\|).*", text, flags=re.M)
            self.text = []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    pytest.importorskip("mkdocs", reason="no mkdocs: pip install -e '.[docs]'; no site is built")
    pytest.importorskip("material", reason="no mkdocs-material: pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_site_has_every_page_and_loads_nothing_from_another_host(site: Path) -> None:
    names = {page.relative_to(DOCS).with_suffix(".html").as_posix() for page in DOCS.rglob("*.md")}
    built = {page.relative_to(site).as_posix() for page in site.rglob("*.html")}
    assert {re.sub(r"README\.html$", "index.html", name) for name in names} <= built
    assert "notebooks/01_what_a_lead_did.html" in built
    faults = {}
    for name in built:
        page = Addresses()
        page.feed((site / name).read_text(encoding="utf-8"))
        outside = [each for each in page.loaded if re.match(r"(\w+:)?//", each)]
        if outside or page.odd:
            faults[name] = outside + page.odd
    assert faults == {}
    styles = "".join(each.read_text(encoding="utf-8") for each in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import )['\"]?(?:https?:)?//[^)]*", styles) == []


@pytest.mark.slow
def test_what_stands_in_the_nav_is_named_in_the_search(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    places = {document["location"].partition("#")[0] for document in index["docs"]}
    assert {"start.html", "reference/python.html", "SECURITY.html"} <= places


@pytest.mark.slow
def test_the_search_in_a_browser_asks_no_other_host(site: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install it")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium: apt-get install chromium; the search is not tried")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    requests: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=QUIET.split())
        tab = browser.new_page()
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(f"{here}/index.html")
        tab.locator(".md-search__input").click()
        tab.locator(".md-search__input").type("rollback")
        tab.locator(".md-search-result__link").first.wait_for()
        results = [a.get_attribute("href") for a in tab.locator(".md-search-result__link").all()]
        browser.close()
    server.shutdown()
    assert any("promotion.html" in str(link) or "commands.html" in str(link) for link in results)
    assert [each for each in requests if not each.startswith((here, "data:", "blob:"))] == []
