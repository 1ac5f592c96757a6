"""What every page shares: its template, its numbers as they are read, its pictures.

A page is one file of HTML without script and with nothing to fetch, in the light or dark mode of
its reader. Words and layout are in page.html of each folder.
"""

import json
import math
import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from features.masking import without_secrets
from features.result_json import to_json
from features.whole_file import write_whole
from models import plots
from models.statistics.verdict import percent

PAGES = Path(__file__).parent
NBSP, MINUS = "\u00a0", "\u2212"
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
    pages.filters.update(percent=percent, number=number, thousands="{:,}".format, begun=begun)
    pages.tests["unknown"] = math.isnan
    return pages


def render(template: str, templates: jinja2.Environment | None = None, **values: object) -> str:
    """The page that a template (card/page.html) makes of the values."""
    page = (templates or environment()).get_template(template)
    return page.render(**values).replace(" %", f"{NBSP}%")  # a percent sign stays with its figure


def write_page(path: Path, text: str, result: Any) -> Path:
    """Write a page, and beside it, as .json, the result that its verb prints with --json. Makes
    their folder; returns the page's path."""
    write_whole(path.with_suffix(".json"), json.dumps(to_json(result), indent=2, allow_nan=False))
    write_whole(path, text)
    return path


def inline(figure: Figure, name: str) -> Markup:
    """A picture as an svg element: text stays text, ids are its own, colours are the page's."""
    return recoloured(plots.svg(figure, name))


def recoloured(svg: str) -> Markup:
    """An svg element of `plots.svg` in the page's colours."""
    return Markup(re.sub("#[0-9a-f]{6}", lambda hex_: PAGE_COLOURS.get(hex_[0], hex_[0]), svg))
