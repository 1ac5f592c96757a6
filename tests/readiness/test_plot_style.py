"""One palette: what `rd.plot_style` draws with are the colours of the pages."""

import re
from pathlib import Path

import matplotlib as mpl

import readiness as rd

CSS = Path(__file__).resolve().parents[2] / "serve" / "reports" / "page.css"


def test_lines_have_the_colours_of_the_pages() -> None:
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", CSS.read_text("utf-8").split("@media")[0]))
    with mpl.rc_context():
        rd.plot_style()
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
        text, grid = mpl.rcParams["text.color"], mpl.rcParams["grid.color"]
    named = [colours[name] for name in ("model", "rules", "further-1", "further-2", "chance")]
    assert cycle == named
    assert (text, grid) == (colours["ink"], colours["line"])
