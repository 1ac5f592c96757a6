"""The funnel of a folder: its report, and a page that needs nothing and trusts no name."""

import json
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.text import Text

from features.config import load
from features.errors import BadInput, Refused
from features.spec.wording import percent
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.reports.funnel.figures import FunnelReport, funnel_report
from serve.reports.funnel.page import render, span
from serve.reports.funnel.plot import fates
from serve.reports.page import write_page
from tests.serve.reports.stamps import unstamped

STAGES = ["subscriber", "lead", "MQL", "SQL", "customer"]


def report_of(folder: Path, until: datetime | None = None, by: str | None = None) -> FunnelReport:
    return funnel_report(load(folder), until, by)


@pytest.fixture(scope="module")
def report(demo_folder: Path) -> FunnelReport:
    return report_of(demo_folder, by="source")


@pytest.fixture
def copied(demo_folder: Path, tmp_path: Path) -> Path:
    """The demo without what was trained, to be changed."""
    for path in demo_folder.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    return tmp_path


def test_the_last_step_equals_a_recount_from_the_files(
    report: FunnelReport, demo_folder: Path
) -> None:
    """Of the leads that sales accepted: closed as won, and how many of the mature within 90 days;
    from the files by pandas, apart from the code of the funnel."""
    contacts = pd.read_parquet(demo_folder / "contacts.parquet")
    deals = pd.read_parquet(demo_folder / "deals.parquet").set_index("lead_id")
    won = deals.loc[deals["outcome"] == "won", "closed_at"]
    lost = deals.loc[deals["outcome"] == "lost", "closed_at"]
    until = pd.Timestamp(report.until)
    won, lost = won[won < until], lost[lost < until]
    accepted = contacts[contacts["accepted"] & (contacts["contacted_at"] < until)]
    first = accepted.groupby("lead_id")["contacted_at"].min()
    first = first[~(lost.reindex(first.index) < first)]
    entered = first[~(won.reindex(first.index) < first)]
    step = report.steps[-1]
    assert (step.begin, step.to, report.reached["customer"]) == ("SQL", "customer", len(won))
    assert (step.entered, step.skipped) == (len(entered), len(won.index.difference(entered.index)))
    assert report.reached["SQL"] == step.entered + step.skipped
    mature = entered[entered + timedelta(days=90) <= until]
    days = won.reindex(mature.index) - mature
    assert (step.mature, step.went_on) == (len(mature), (days < timedelta(days=90)).sum())


def test_the_demo_has_the_default_funnel(report: FunnelReport) -> None:
    assert list(report.reached) == STAGES
    counts = list(report.reached.values())
    assert counts == sorted(counts, reverse=True)
    assert report.notes == ()
    sources = {name: measured[-1] for name, measured in report.groups.items()}
    assert sources["partner"].rate.low > sources["social"].rate.high  # as the simulator has it


@pytest.fixture
def scored_before(copied: Path) -> Path:
    """The demo with a ledger in which its first lead was scored at days after it was created:
    readiness 20% after 2 days and 30% after 9; not scored after 1."""
    leads = pd.read_parquet(copied / "leads.parquet").sort_values("lead_id")
    lead, created = leads[["lead_id", "created_at"]].iloc[0]
    with open_ledger(LedgerPlace(copied / "out")) as ledger:
        for days, *row in (
            (1, "not scored", None, None, None),
            (2, "scored", 0.2, 40, "warm"),
            (9, "scored", 0.3, 60, "hot"),
        ):
            cutoff = (created + timedelta(days=days)).to_pydatetime()
            names = ["lead_id", "state", "readiness", "rule_score", "band"]
            scored = pd.DataFrame([dict(zip(names, [str(lead), *row], strict=True))])
            ledger.write(Run(cutoff, "1", "1"), [scored], 1, Router(0, cutoff), cutoff)
    return copied


@pytest.mark.parametrize(
    ("way", "days"),
    [
        ("readiness_from = 0.3", 9),
        ("points_from = 40", 2),
        ('band = "warm"', 2),
        ('band = "hot"', 9),
        ('route = "sales"', None),
        ("readiness_from = 0.3\npoints_from = 40", 2),
    ],
)
def test_a_stage_is_entered_at_the_first_cutoff_with_such_a_score(
    scored_before: Path, way: str, days: int | None
) -> None:
    (scored_before / "funnel.toml").write_text(
        f'[[stage]]\nname = "lead"\ncreated = true\n[[stage]]\nname = "scored"\n{way}\n'
        '[[stage]]\nname = "customer"\nwon = true\n'
    )
    report = report_of(scored_before)
    if days is None:
        assert list(report.reached) == ["lead", "customer"]
        return
    (entered,) = report.ways[1].start
    leads = pd.read_parquet(scored_before / "leads.parquet").sort_values("lead_id")
    assert entered - leads["created_at"].iloc[0] == timedelta(days=days)


def test_without_a_readable_ledger(copied: Path) -> None:
    """Nobody enters by a score where there is none yet; a broken file is refused."""
    text = (copied / "funnel.toml").read_text()
    text = re.sub(r"actions = \[\"visited_pricing.*", "readiness_from = 0.2", text)
    (copied / "funnel.toml").write_text(text)
    without = report_of(copied)
    assert list(without.reached) == ["subscriber", "lead", "SQL", "customer"]
    assert any("MQL" in note and "ledger" in note for note in without.notes)
    (copied / "out" / "ledger").mkdir(parents=True)
    (copied / "out" / "ledger" / "2026.parquet").write_text("no Parquet")
    with pytest.raises(BadInput, match=r"2026\.parquet"):
        report_of(copied)


def test_a_reference_that_is_not_met_is_the_finding(copied: Path) -> None:
    path = copied / "funnel.toml"
    path.write_text(path.read_text() + "reference = [0.9, 1.0]\n")
    held = report_of(copied)
    assert str(held.verdict).startswith("SQL to customer holds the funnel back the most: of the ")
    assert "against at least 90.0% as the reference has it" in held.verdict.detail
    assert held.steps[-1].reference == (0.9, 1.0)
    page = render(held)
    assert f"<strong>{held.greatest_loss.headline}</strong>" in page
    assert "SQL to customer holds the funnel back the most" in page
    assert "90.0%<small>reference</small>" in page


def test_by_segment_as_known_just_before_the_phase(copied: Path) -> None:
    """SQL to customer, of those that had asked for the price, or not, before they were accepted:
    recounted from the files."""
    (copied / "segments.toml").write_text(
        '[[segment]]\nname = "price"\nall = [{action = "visited_pricing"}]\n'
        '[[segment]]\nname = "never"\nall = [{action = "visited_pricing", at_least = 999}]\n'
    )
    result = report_of(copied, by="segment")
    step = {name: measured[-2] for name, measured in result.groups.items()}
    contacts = pd.read_parquet(copied / "contacts.parquet")
    contacts = contacts[contacts["accepted"] & (contacts["contacted_at"] < result.until)]
    accepted = contacts.groupby("lead_id")["contacted_at"].min()
    events = pd.read_parquet(copied / "events.parquet").merge(accepted.reset_index(), on="lead_id")
    known = events[["occurred_at", "recorded_at"]].max(axis=1)
    priced = events[(events["action"] == "visited_pricing") & (known < events["contacted_at"])]
    assert step["price"].entered == priced["lead_id"].nunique()
    assert step["price"].entered + step["(in no segment)"].entered == result.steps[-1].entered
    assert step["never"].entered == 0
    first = {name: measured[0].entered for name, measured in result.groups.items()}
    assert first["price"] == 0  # nobody has done anything before being created
    (copied / "segments.toml").write_text("")
    with pytest.raises(Refused, match="There are no segments"):
        report_of(copied, by="segment")


def test_a_time_after_the_data_end_is_refused(demo_folder: Path) -> None:
    with pytest.raises(BadInput, match="The data end on 2025-06-2"):
        report_of(demo_folder, datetime(2026, 1, 1))


def test_an_earlier_time_knows_less(demo_folder: Path, report: FunnelReport) -> None:
    earlier = report_of(demo_folder, datetime(2025, 1, 1))
    assert 0 < earlier.reached["customer"] < report.reached["customer"]


def test_the_page_needs_nothing_and_trusts_no_name(copied: Path, tmp_path: Path) -> None:
    path = copied / "funnel.toml"
    path.write_text(path.read_text().replace('"MQL"', '"<b>M & $x$"').replace("90", "60", 1))
    named = report_of(copied, by="cohort")
    page = render(named)
    assert "&lt;b&gt;M &amp; $x$" in page
    assert "<b>M" not in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page.replace("xlink:href", "href"))
    for step in named.steps:
        assert f"{100 * step.rate.point:.1f}%" in page
    assert page == render(named)
    written = write_page(tmp_path / "a" / "funnel.html", render(named), named)
    assert unstamped(written.read_text(encoding="utf-8")) == unstamped(page)
    message = json.loads(written.with_suffix(".json").read_text())
    assert message["groups"]["2024-01"][0]["entered"] > 0
    assert message["finding"] == str(named.verdict)


def test_the_picture_ends_where_nothing_has_been_seen(report: FunnelReport) -> None:
    """Its last step lies no later than the longest stay seen, in the unit of its axis."""
    axes = fates(report.ways[-1]).axes[0]
    assert axes.get_xlabel() == "days in the phase"
    longest = report.ways[-1].stay.max() / 86_400_000_000
    assert axes.get_xlim()[1] == min(270, longest)


def test_picture_and_table_say_the_same(report: FunnelReport) -> None:
    """The shares in a picture's key, where its days end, are those of the table to the digit."""
    table = [
        [percent(n / each.mature) for n in (each.went_on, each.lost, each.still)]
        for each in report.measured
    ]
    pictures = []
    for way in report.ways:
        texts = " ".join(text.get_text() for text in fates(way).findobj(Text))
        pictures.append(re.findall(r"(?:gone on|lost|still there) ([\d.]+%)", texts))
    assert pictures == table


def test_the_headline_is_the_phase_with_most_leads_lost(report: FunnelReport) -> None:
    lost = {f"{each.begin} to {each.to}": each.lost for each in report.steps}
    phase = max(lost, key=lambda name: lost[name])
    header = render(report).partition("</header>")[0]
    assert f"{phase}: {lost[phase]:,}" in header
    assert f"{phase}: {lost[phase]:,}" in str(report.json_fields()["greatest_loss"])


def test_of_one_phase_nothing_is_the_most(copied: Path) -> None:
    (copied / "funnel.toml").write_text(
        '[[stage]]\nname = "lead"\ncreated = true\n[[stage]]\nname = "customer"\nwon = true\n'
    )
    report = report_of(copied)
    assert report.steps[0].lost > 0
    for finding in (report.greatest_loss, report.verdict):
        assert "most" not in finding.headline.lower()


def test_times_as_they_are_read() -> None:
    assert [span(days) for days in (None, 1 / 24, 0.99, 1, 1000)] == [
        "unknown",
        "1.0 h",
        "23.8 h",
        "1.0 d",
        "1,000.0 d",
    ]
