"""What callers read of the list in a terminal: whole ids and figures, whatever its width."""

import io
from datetime import datetime

import pandas as pd
import pytest

from readiness.commands import printing, score

IDS = ["00275937100699204a3d5ae3caf7190d", "210308"]
LIST = pd.DataFrame(
    {
        "lead_id": IDS,
        "readiness": [0.758, 0.04],
        "rule_score": [2.0, 1060.0],
        "band": ["cold", "hot"],
        "contact_by": [datetime(2012, 3, 20), datetime(2012, 3, 20, 16, 30)],
        "reasons": ["asked for a call 3 days ago (+0.93); source is web (-0.70)", "is new (+0.69)"],
    }
)


def printed(monkeypatch: pytest.MonkeyPatch, width: int, by_points: bool) -> list[str]:
    console = printing._Console(file=io.StringIO(), width=width, highlight=False)
    monkeypatch.setattr(printing, "out", console)
    score._print_head_of_the_list(LIST, "", by_points, "lead")
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("by_points", [False, True])
@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_broken(monkeypatch, width: int, by_points: bool) -> None:
    lines = printed(monkeypatch, width, by_points)
    assert max(map(len, lines)) <= width
    cells = [[cell.strip() for cell in line.split("│")] for line in lines if "│" in line]
    for lead, points in zip(IDS, ("2 cold", "1060 hot"), strict=True):
        row = next(row for row in cells if row[1] == lead)
        assert points in row
    together = " ".join(row[1] for row in cells)
    assert "asked for a call 3 days ago" in together
    assert "is new" in together


def test_midnight_is_the_end_of_the_day_before_and_the_year_is_named(monkeypatch) -> None:
    text = "\n".join(printed(monkeypatch, 80, False))
    assert "Mon 2012-03-19" in text
    assert "end of day" in text
    assert "Tue 2012-03-20" in text
    assert "16:30" in text
    assert "00:00" not in text


def test_log_odds_are_marks_and_points_keep_their_figures(monkeypatch) -> None:
    by_model = "\n".join(printed(monkeypatch, 120, False))
    for reason in ("++ asked for a call", "-- source is web", "+ is new"):
        assert reason in by_model
    assert "0.93" not in by_model
    assert "(+0.93)" in "\n".join(printed(monkeypatch, 120, True))
