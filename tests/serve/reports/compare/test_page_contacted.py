"""The page says whom sales never contacted. By the textbook, Wilson's interval of 25 of 100 is 17.5
to 34.3%, of 6 of 300 it is 0.9 to 4.3%."""

from features.check.worked import Worked
from serve.reports.compare.page import render
from tests.serve.reports.compare.test_page import Page, compared


def test_whom_sales_never_contacted():
    contacted = Worked(leads=400, never=300, never_won=6, worked_won=25)
    page = Page(render(compared(), contacted=contacted))
    assert "Of the 400 leads judged here, sales never contacted 300 (75.0%)" in (
        page.words.replace("\u00a0", " ")
    )
    assert page.row("Contacted")[1:] == ["100", "25.0%", "25.0%17.5% to 34.3%"]  # 25 of 100
    assert page.row("Never contacted")[1:] == ["300", "75.0%", "2.0%0.9% to 4.3%"]  # 6 of 300
    assert "never contact" not in Page(render(compared())).words
    everyone = Page(render(compared(), contacted=Worked(400, 0, 0, 25)))
    assert [row[0] for row in everyone.rows if "ontacted" in row[0]] == ["Contacted"]
