"""What every page shares: its template, its numbers as they are read, its pictures.

A page is one file of HTML with nothing to fetch, in the light or dark mode of its reader. Where it
has a script, it is within the file, and its policy names that script alone by its hash. Words and
layout are in page.html of each folder.
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from features.cutoffs import utc_now
from features.masking import without_secrets
from features.result_json import to_json
from features.spec.wording import due, percent
from features.whole_file import write_whole
from models import plots

PAGES = Path(__file__).parent
MINUS = "\u2212"
# a picture takes its colours from the page, which has a light and a dark mode
PAGE_COLOURS = {
    plots.MODEL: "var(--model)",
    plots.RULES: "var(--rules)",
    plots.CHANCE: "var(--chance)",
    plots.FURTHER[0]: "var(--further-1)",
    plots.FURTHER[1]: "var(--further-2)",
    plots.INK: "var(--ink)",
    plots.GRID: "var(--line)",
    plots.PAPER: "var(--paper)",
}


def number(figure: float, next_to: float = 0) -> str:
    """How many: whole from 10 on, or next to such a number, else two digits.

    >>> number(1234.5), number(1.26), number(5.3, next_to=16), number(-0.0)
    ('1,234', '1.3', '5', '0')
    """
    whole = max(abs(figure), abs(next_to)) >= 9.95
    return (f"{figure:z,.0f}" if whole else f"{figure:z.2g}").replace("-", MINUS)


def begun(words: str) -> str:
    """Words with a capital letter first, the others as they are.

    >>> begun("won by the ROC AUC")
    'Won by the ROC AUC'
    """
    return words[:1].upper() + words[1:]


def points(figure: float, sign: bool = False) -> str:
    """Points of the rules: whole ones, but for those that fade.

    >>> points(40.0), points(-3.25), points(12.0, sign=True), points(-0.04)
    ('40', '\u22123.2', '+12', '0')
    """
    nearest = round(figure, 1) + 0.0  # never -0
    return f"{nearest:{'+' * sign},.{int(nearest != round(nearest))}f}".replace("-", MINUS)


def signed(figure: float) -> str:
    """A difference with its sign; a dash where it is unknown.

    >>> signed(1.25), signed(-0.31), signed(math.nan)
    ('+1.2', '\u22120.3', '\u2013')
    """
    return "\u2013" if math.isnan(figure) else f"{figure:+.1f}".replace("-", MINUS)


def scale_of(ends: Iterable[float], headroom: float = 1.0) -> float:
    """Percent of a bar's width per unit, so that the widest of some ends fits; 0 where none is
    known.

    >>> scale_of([0.1, math.nan, 0.4]), scale_of([])
    (250.0, 0.0)
    """
    widest = headroom * max((end for end in ends if not math.isnan(end)), default=0.0)
    return 100 / widest if widest else 0.0


def spoken(name: str) -> str:
    """A name of the data as people say it.

    >>> spoken("paid_search")
    'paid search'
    """
    return name.replace("_", " ")


def labelled(rows: Markup, heads: Iterable[str | tuple[str, str]]) -> Markup:
    """Rows of a table, each cell with the head of its column as data-label. It is shown on a phone,
    where the cells of a row stand below each other."""
    texts = (head if isinstance(head, str) else head[0] for head in heads)
    labels = [Markup(re.sub("<sup>.*?</sup>", "", text)).striptags() for text in texts]

    def labelled_row(row: re.Match[str]) -> str:
        columns = iter(labels)

        def cell(opening: re.Match[str]) -> str:
            label = next(columns, "")
            return f'<td data-label="{escape(label)}"' if opening[1] == "td" else opening[0]

        return re.sub(r"<(td|th)(?=[\s>])", cell, row[0])

    return Markup(re.sub("<tr.*?</tr>", labelled_row, rows, flags=re.DOTALL))


def with_contents(sections: Markup) -> Markup:
    """The sections of a page, after a list of their headings to jump to where there are many."""
    titles = _TITLE.findall(sections)
    if len(titles) < MANY_SECTIONS:
        return sections
    names = (f"part-{at}" for at in count(1))
    sections = Markup(_TITLE.sub(lambda h2: f'<h2 id="{next(names)}">{h2[1]}</h2>', sections))
    links = (f'<li><a href="#part-{at}">{title}</a></li>' for at, title in enumerate(titles, 1))
    contents = Markup("<details><summary>On this page</summary><ul>{}</ul></details>")
    nav = Markup('<nav class="contents" aria-label="On this page">{}</nav>')
    return nav.format(contents.format(Markup("".join(links)))) + sections


_TITLE = re.compile("<h2>(.*?)</h2>", re.DOTALL)
MANY_SECTIONS = 6


def environment(*folders: Path) -> jinja2.Environment:
    """What templates are read by: those of the folders, and of the reports."""
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, PAGES]),
        autoescape=True,
        finalize=lambda value: without_secrets(value) if type(value) is str else value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(
        percent=percent, number=number, thousands="{:,}".format, begun=begun, due=due
    )
    pages.filters.update(
        labelled=labelled,
        with_contents=with_contents,
        points=points,
        signed=signed,
        spoken=spoken,
        day="{:%Y-%m-%d}".format,
        path=lambda text: quote(text, safe=""),
        query=urlencode,
    )
    pages.tests["unknown"] = math.isnan
    return pages


def render(template: str, templates: jinja2.Environment | None = None, **values: object) -> str:
    """The page that a template (card/page.html) makes of the values."""
    return (templates or environment()).get_template(template).render(**values)


@dataclass(frozen=True)
class Script:
    """A script of a report (compare/lengths.js): `element` is it within the page, and `source` what
    the page's Content-Security-Policy allows: this script, or the same from the service."""

    name: str

    @property
    def _text(self) -> str:
        return (PAGES / self.name).read_text(encoding="utf-8")

    @property
    def element(self) -> Markup:
        return Markup(f'<script data-file="{self.name}">{self._text}</script>')

    @property
    def source(self) -> Markup:
        digest = base64.b64encode(hashlib.sha256(self._text.encode()).digest()).decode()
        return Markup(f"; script-src 'self' 'sha256-{digest}'")


def data(value: Any) -> Markup:
    """A result as JSON within a script element of type application/json."""
    text = json.dumps(to_json(value), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


_SCRIPT = re.compile(r'<script data-file="([\w./-]+)">.*?</script>', re.DOTALL)
_LEAD = re.compile(r'<data class="lead" value="([^"]*)">(.*?)</data>')
_LIST = re.compile(r'<data class="list" value="([^"]*)">(.*?)</data>')
_PAGE = re.compile(r'<data class="page" value="([\w.-]+)">(.*?)</data>')
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n?')
_TOP = re.compile(r'(<body>)(\s*<nav aria-label="Pages">.*?</nav>)?', re.DOTALL)


def served(text: str, head: str = "", top: str = "") -> str:
    """A written page as the service shows it: its script comes from a file, leads are links to
    their cards, groups of leads to their lists and pages to each other, its policy is that of the
    answer. head: HTML for the end of its head; top: HTML in the place of its navigation."""
    text = _SCRIPT.sub(r'<script src="/static/\1"></script>', _POLICY.sub("", text))

    def lead_link(lead: re.Match[str]) -> str:
        return f'<a href="/leads/{quote(Markup(lead[1]).unescape(), safe="")}">{lead[2]}</a>'

    text = _LEAD.sub(lead_link, text)
    text = _LIST.sub(r'<a href="/leads?route=&amp;\1">\2</a>', text)
    text = _PAGE.sub(r'<a href="/pages/\1">\2</a>', text)
    text = text.replace("</head>", f"{head}</head>", 1)
    return _TOP.sub(lambda body: f"{body[1]}\n{top}", text, count=1)


def write_page(path: Path, text: str, result: Any = None) -> Path:
    """Write a page with the day of its making, and the index of its folder anew; beside it, as
    .json, the result that its verb prints with --json, if it is given. Makes their folder; returns
    the page's path."""
    if result is not None:
        figures = json.dumps(to_json(result), indent=2, allow_nan=False)
        write_whole(path.with_suffix(".json"), figures)
    company = company_of(path)
    made = MADE.format(utc_now(), f" for {company}" if company else "")
    listed = company is not None and _is_ours(path.parent / INDEX)
    text = text.replace(_MADE_HERE, made).replace(_INDEX_HERE, TO_INDEX * listed)
    write_whole(path, text)
    if listed:
        write_whole(path.parent / INDEX, render_index(company or "", pages_in(path.parent)))
    return path


INDEX = "index.html"
_MADE_HERE, _INDEX_HERE = "<!-- made -->", "<!-- to the index -->"
_OURS = '<meta name="generator" content="readiness">'
MADE = Markup('Made <time datetime="{0:%Y-%m-%dT%H:%MZ}">{0:%Y-%m-%d %H:%M} UTC</time>{1}. ')
TO_INDEX = Markup(f'<nav aria-label="Pages"><a href="{INDEX}">All pages</a></nav>')
_HEADING = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
_VERDICT = re.compile(r'<p class="verdict"><strong[^>]*>(.*?)</strong>', re.DOTALL)
_TIME = re.compile(r'Made <time datetime="([^"]+)"')


@dataclass(frozen=True)
class Page:
    """A page that was written: its file, what it asks, its finding, and when it was made (UTC)."""

    name: str
    heading: str
    finding: str
    made: datetime


def company_of(path: Path) -> str | None:
    """The name of the folder with the readiness.toml that a page of it belongs to, if any."""
    folders = (each for each in path.resolve().parents if (each / "readiness.toml").is_file())
    return next((folder.name for folder in folders), None)


def pages_in(folder: Path) -> list[Page]:
    """The pages that are in a folder, without the index, by name."""
    pages = []
    for path in sorted(folder.glob("*.html")):
        text = path.read_text(encoding="utf-8", errors="replace")
        parts = [pattern.search(text) for pattern in (_HEADING, _VERDICT, _TIME)]
        if path.name != INDEX and _OURS in text and all(parts):
            heading, finding, made = (part[1] for part in parts if part)
            when = datetime.fromisoformat(made).replace(tzinfo=None)
            title, verdict = Markup(heading).striptags(), Markup(finding).striptags()
            pages.append(Page(path.name, title, verdict, when))
    return pages


def render_index(company: str, pages: Sequence[Page]) -> str:
    """The page that links to all others: the reports, then the cards of leads, the newest first."""
    cards = [each for each in pages if each.name.startswith(CARDS)]
    return render(
        "index.html",
        company=company,
        reports=[each for each in pages if each not in cards],
        cards=sorted(cards, key=lambda each: each.made, reverse=True),
    )


CARDS = "explain-"  # how the files of leads begin


def _is_ours(index: Path) -> bool:
    """Whether the index of a folder may be written: there is none, or only this module's."""
    return not index.exists() or _OURS in index.read_text(encoding="utf-8", errors="replace")


def inline(figure: Figure, name: str) -> Markup:
    """A picture as an svg element: text stays text, ids are its own, colours are the page's."""
    return recoloured(plots.svg(figure, name))


def recoloured(svg: str) -> Markup:
    """An svg element of `plots.svg` in the page's colours, without a style of its own, which is in
    page.css: the service lets no element bring one."""
    svg = re.sub("<style.*?</style>", "", svg, flags=re.DOTALL)
    return Markup(re.sub("#[0-9a-f]{6}", lambda hex_: PAGE_COLOURS.get(hex_[0], hex_[0]), svg))
