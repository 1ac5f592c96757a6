"""The grid on the page: every cell's win rate and count, and what each axis adds."""

from features.result_json import to_json
from models.fit_engagement.grid import grid_of
from serve.reports.compare.page import render
from tests.models.fit_engagement.test_grid import AXES, sampled
from tests.serve.reports.compare.test_page import Page, compared

HEADING = "Fit and engagement"


def test_the_grid_has_every_cell_and_both_verdicts():
    grid = grid_of(AXES, *sampled(fit_helps=0.7), seed=7)
    result = compared(fit_engagement=grid)
    page = Page(render(result))
    rows = {row[0]: row[1:] for row in page.rows if row[0] in (*"ABCD", "Any fit")}
    assert list(rows) == [*"ABCD", "Any fit"]
    for cell in grid.cells:
        text = rows[cell.fit][int(cell.engagement) - 1]
        assert f"{cell.won.rate.point:.1%}" in text
        assert f"of {cell.won.snapshots}" in text
    for rank, text in zip(grid.ranks["engagement"], rows["Any fit"], strict=False):
        assert f"{rank.won.rate.point:.1%}" in text
    for axis in ("fit", "engagement"):
        assert f"{grid.concordance[axis].point:.1%} ({grid.concordance[axis].low:.1%}" in page.words
    stored = to_json(result)
    assert len(stored["fit_engagement"]["cells"]) == 16
    assert stored["fit_engagement"]["adds"] == {"fit": True, "engagement": True}


def test_without_both_axes_there_is_no_grid():
    assert HEADING in render(compared(fit_engagement=grid_of(AXES, *sampled(), seed=7)))
    assert HEADING not in render(compared())
