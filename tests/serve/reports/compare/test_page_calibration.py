"""The page of `compare` holds the calibration error against what chance alone shows."""

import dataclasses

from serve.reports.compare.page import render
from tests.serve.reports.compare.test_page import Page, compared


def test_the_calibration_error_stands_beside_what_chance_alone_shows():
    """The example's promises are far off: a perfect model's readiness, blurred."""
    judged, page = compared().judgement, Page(render(compared()))
    up_to = judged.ece_by_chance["model"]
    error = judged.estimates["model"]["ece"].point
    assert error > up_to
    _, model, rules, *_ = page.row("Calibration error")
    assert (model, rules) == (f"{error:.3f}by chance up to {up_to:.3f}", "\u2013a")
    assert f"chance alone shows up to {100 * up_to:.1f} (19 times of 20)" in page.words
    assert "this is more than chance." in page.words
    stored = dataclasses.replace(judged, ece_by_chance={"model": error})
    assert "no more than chance" in Page(render(compared(judgement=stored))).words
