"""The page holds the verdict and every figure, needs nothing from elsewhere, and trusts no name."""

import dataclasses
import json
import math
import re
from datetime import datetime
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from features.config import Capacity
from features.result_json import to_json
from models.comparison import Comparison
from models.simpler import SideBySide, weigh
from models.statistics.calibration_report import calibration_report
from models.statistics.intervals import Estimate
from models.statistics.judge import Contender, judge
from models.statistics.metrics import Ranking
from models.statistics.verdict import verdict
from serve.reports.compare.page import METRICS, render
from serve.reports.page import number, write_page
from tests.serve.reports.stamps import unstamped

IN_PERCENT = ("precision", "gain")
CUTOFFS = pd.date_range("2012-01-16", periods=3, freq="7D")
TENTH = Capacity(share=0.1)


def compared(better="model", capacity=TENTH, won=None, leads=200, **fields):
    """`leads` leads at three cutoffs; the better of the two ranks them nearly perfectly."""
    rng = np.random.default_rng(1)
    signal = np.tile(rng.normal(size=leads), 3)
    if won is None:
        won = (np.tile(rng.random(leads), 3) < 1 / (1 + np.exp(1 - 2 * signal))).astype(float)
    noise = {"model": (0.2, 4.0), "rules": (4.0, 0.2), "neither": (1.0, 1.0)}[better]
    seen = [signal + sd * rng.normal(size=3 * leads) for sd in noise]
    model, rules = 1 / (1 + np.exp(1 - seen[0])), np.round(4 * seen[1])
    snapshots = pd.DataFrame(
        {"lead_id": np.tile(np.arange(leads), 3), "cutoff": np.repeat(CUTOFFS, leads)}
    )
    contenders = [Contender("model", model, True), Contender("rules", rules, False)]
    judged = judge(snapshots, won, contenders, capacity, 0.3, replicates=40)
    result = Comparison(
        snapshots=snapshots,
        won=won,
        model=model,
        rules=rules,
        judgement=judged,
        calibration=calibration_report(snapshots, won, model, np.where(rules > 0, "hot", "cold")),
        verdict=verdict(judged),
        model_version="4",
        run_id="8f3c1d2e90ab",
        rules_name="Points of 2011",
        rules_version="a41f09c3be",
        horizon_days=30,
        trained_until=datetime(2011, 12, 17),
        data_end=datetime(2012, 3, 14, 16, 4),
    )
    return dataclasses.replace(result, **fields)


class Page(HTMLParser):
    """What a reader sees, and what a browser would do."""

    VOID = ("meta", "br", "hr", "img", "link", "input")

    def __init__(self, html: str):
        super().__init__()
        self.words, self.tags, self.attributes, self.ids = "", [], [], []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in self.VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" in self._open:
            return
        self.words += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data.replace("\u00a0", " ")

    def row(self, start: str) -> list[str]:
        (result,) = (row for row in self.rows if row[0].startswith(start))
        return result


@pytest.fixture(scope="module")
def page():
    return Page(render(compared()))


def written(metric: str, figure: float, sign: str = "") -> str:
    text = f"{100 * figure:{sign}.1f}" if metric in IN_PERCENT else f"{figure:{sign}.3f}"
    return text.replace("-", "\u2212") if sign else text


@pytest.mark.parametrize("better", ["model", "rules", "neither"])
def test_the_verdict_stands_at_the_top(better):
    comparison = compared(better)
    assert (comparison.judgement.winner or "neither") == better
    words = Page(render(comparison)).words
    assert 0 < words.index(str(comparison.verdict)) < 200


def test_every_figure_of_the_judgement_is_in_its_row(page):
    judged = compared().judgement
    for metric in METRICS:
        _, model, rules, alike, difference, who = page.row(metric.name)
        pairs = [(model, judged.estimates["model"]), (rules, judged.estimates["rules"])]
        for cell, estimates in pairs:
            known = [figure for figure in estimates[metric.key] if not math.isnan(figure)]
            assert known or cell == "\u2013a"
            assert all(written(metric.key, figure) in cell for figure in known)
        assert alike.startswith(written(metric.key, judged.baselines["base_rate"][metric.key]))
        for figure in judged.difference[metric.key]:
            unknown = math.isnan(figure)
            sought = "\u2013a" if unknown else written(metric.key, figure, "+")
            assert sought in difference
        assert who == ("" if metric.lower_is_better else "model")


def test_all_metrics_of_the_judgement_have_a_row():
    assert {metric.key for metric in METRICS} == set(compared().judgement.difference)


def test_lower_is_better_where_it_is():
    log_loss = next(metric for metric in METRICS if metric.key == "log_loss")
    judged = compared().judgement
    result = {"rules": {"log_loss": judged.difference["precision"]}}  # the first has more of it
    assert log_loss.better(dataclasses.replace(judged, differences=result)) == "rules"


def test_each_cutoff_has_its_row(page):
    for date, cutoff in compared().judgement.cutoffs.items():
        row = page.row(date)
        assert row[1] == str(cutoff["snapshots"])
        assert row[2].startswith(str(cutoff["wins"]))
        assert row[3] == number(cutoff["slots"])
        for cell, name in zip(row[4:], ("model", "rules"), strict=True):
            precision = cutoff["precision"][name]
            assert cell == f"{number(precision * cutoff['slots'])}{100 * precision:.1f}%"


def test_the_lists_are_compared_in_leads(page):
    judged = compared().judgement
    assert "Of the 20 leads on each list, how many were won?" in page.words
    for name in ("model", "rules"):
        won = 20 * judged.estimates[name]["precision"].point
        assert f"{name.capitalize()} {number(won)} of 20" in page.words


@pytest.mark.parametrize("capacity", [TENTH, Capacity(leads=20)])
def test_the_winner_needs_fewer_calls_for_the_same_deals(capacity):
    comparison = compared(capacity=capacity)
    loser = comparison.judgement.estimates["rules"]["gain"].point
    (calls,) = re.findall(r"(\d+) calls, not 20", Page(render(comparison)).words)
    cutoff, score = comparison.snapshots["cutoff"], comparison.model

    def deals_found(leads):
        enough = Capacity(leads=leads)
        return Ranking(comparison.won, score, cutoff).at_capacity(enough).gain

    assert deals_found(int(calls)) >= loser > deals_found(int(calls) - 1)


def test_how_it_was_judged_is_told(page):
    for message in (
        "version 4, MLflow run 8f3c1d2e90ab",
        "Points of 2011, version a41f09c3be",
        "3, 2012-01-16 to 2012-01-30.",
        "2011-12-17, 30 days before the first cutoff here: no outcome that it learned from",
        "2012-03-14 16:04 UTC",
        "600 snapshots of 200 leads",
    ):
        assert message in page.words


def test_a_gap_shorter_than_the_horizon_is_admitted():
    comparison = compared(trained_until=datetime(2012, 1, 10))
    assert "its figures may be too good" in Page(render(comparison)).words


def test_nothing_is_fetched_and_nothing_runs(page):
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href", "action", "data"):
            assert value.startswith("#"), (tag, name, value)
    html = render(compared())
    assert "@import" not in html
    assert html.count("url(") == html.count("url(#")


def test_ids_are_unique_and_every_reference_has_its_target(page):
    assert len(page.ids) == len(set(page.ids))
    targets = {value[1:] for _, name, value in page.attributes if name.endswith("href")}
    assert targets <= set(page.ids)


def test_pictures_have_words_for_those_who_cannot_see_them(page):
    labels = [
        value for tag, name, value in page.attributes if name == "aria-label" and tag == "div"
    ]
    assert len([label for label in labels if label.startswith("Share")]) == 3
    assert page.tags.count("svg") == 3


def test_a_hostile_name_is_only_text():
    hostile = "<script>alert('x')</script><img src=x onerror=alert(1)>&"
    fields = ("rules_name", "rules_version", "model_version", "run_id")
    page = Page(render(compared(**dict.fromkeys(fields, hostile))))
    assert page.words.count(hostile) == len(fields) + 2  # both versions stand at the foot, too
    assert not {"script", "img"} & set(page.tags)


@pytest.mark.parametrize(
    "case",
    [
        {"won": np.zeros(600)},
        {"won": np.ones(600)},
        {"leads": 8},
        {"leads": 1, "won": np.array([1.0, 0.0, 0.0])},
        {"capacity": Capacity(leads=7)},
        {"capacity": Capacity(share=1.0)},
    ],
)
def test_odd_judgements_still_read_well(case):
    comparison = compared(**case)
    page = Page(render(comparison))
    assert str(comparison.verdict) in page.words
    alike = [page.words, *(value for _, name, value in page.attributes if name != "d")]
    assert not any("nan" in (text or "").lower().split() for text in alike)


def test_an_undefined_figure_is_a_dash_with_its_reason():
    page = Page(render(compared(won=np.zeros(600))))
    assert page.row("ROC AUC")[1:] == ["\u2013b", "\u2013b", "\u2013b", "\u2013b", ""]
    assert "b. Unknown where no lead was won" in page.words
    assert "a. Points are not a probability" in page.words


def test_the_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    figures = to_json(compared())
    path = tmp_path / "reports" / "compare.html"
    assert write_page(path, render(compared()), figures) == path
    assert unstamped(path.read_text(encoding="utf-8")) == unstamped(render(compared()))
    assert json.loads(path.with_suffix(".json").read_text()) == figures

    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_page(path, render(compared("rules")), figures)
    assert unstamped(path.read_text(encoding="utf-8")) == unstamped(render(compared()))
    assert json.loads(path.with_suffix(".json").read_text()) == figures
    assert sorted(f.name for f in path.parent.iterdir()) == ["compare.html", "compare.json"]


def test_no_em_dash(page):
    assert "\u2014" not in page.words


def test_simpler_ways_as_the_training_found_them():
    unknown = Estimate(math.nan, math.nan, math.nan)
    figures = {"model": {}, "rules": {}}
    for metric in METRICS:
        figures["model"][metric.key] = Estimate(0.3, 0.2, 0.4)
        figures["rules"][metric.key] = (
            unknown if metric.lower_is_better else Estimate(0.2, 0.1, 0.3)
        )
    less = {
        m: unknown if e is unknown else Estimate(0.1, -0.01, 0.2)
        for m, e in figures["rules"].items()
    }
    simpler = weigh(SideBySide(600, figures, {"rules": less}), "average_precision")
    page = Page(render(compared(), simpler))
    assert simpler.verdict.startswith("Simpler does as well: the ranking by the rules has average")
    assert simpler.verdict in page.words
    assert page.row("Rules")[1] == "20.0%+10.0 (\u22121.0 to +20.0)"
    assert page.row("Rules")[-1] == "\u2013a"
    assert "Against simpler ways" not in Page(render(compared())).words
