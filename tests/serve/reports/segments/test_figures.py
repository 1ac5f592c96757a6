"""What `readiness segments` tells: counted again from the tables, and read on its page.

The little company, horizon 7 days, cutoffs Mondays from 2026-01-05; the data end on 2026-02-01:

    lead 1 created 2026-01-01, visits 01-02, won 01-09
    lead 2 created 2026-01-01, visits 01-10, open
    lead 3 created 2026-01-01, writes 01-02, lost 01-20
    lead 4 created 2026-01-01, nothing,      won 02-01
"""

import math
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.config import Config, load
from features.errors import BadInput, Refused
from features.progress import silent
from features.result_json import to_json
from serve.reports.page import write_page
from serve.reports.segments.figures import SegmentGroup, SegmentsReport, overlap, segments_report
from serve.reports.segments.page import render
from tests.features.lead_databases import at, config_for, event, write_database
from training.record import Trained

LEADS = [{"lead_id": number, "created_at": at("2026-01-01")} for number in (1, 2, 3, 4)]
EVENTS = [
    event(1, at("2026-01-02"), "visit"),
    event(2, at("2026-01-10"), "visit"),
    event(3, at("2026-01-02"), "write"),
]
DEALS = [
    {"lead_id": 1, "closed_at": at("2026-01-09"), "outcome": "won"},
    {"lead_id": 3, "closed_at": at("2026-01-20"), "outcome": "lost"},
    {"lead_id": 4, "closed_at": at("2026-02-01"), "outcome": "won"},
]
SEGMENTS = """
[[segment]]
name = "visited <b>&"
all = [{action = "visit"}]
[[segment]]
name = "silent"
all = [{at_most = 0, action = "visit"}]
none = [{action = "write"}]
[[segment]]
name = "called"
any = [{action = "call"}, {action = "visit", value_from = 1}]
"""
RULES = 'name = "r"\nbands = {warm = 1, hot = 2}\n[[rule]]\naction = "visit"\npoints = 5\n'


@pytest.fixture
def little(tmp_path: Path) -> Config:
    write_database(tmp_path, LEADS, EVENTS, DEALS)
    (tmp_path / "segments.toml").write_text(SEGMENTS)
    (tmp_path / "rules.toml").write_text(RULES)
    return config_for(tmp_path, time={"first_cutoff": at("2026-01-05"), "horizon_days": 7})


def report_of(config: Config, cutoff: datetime | None = None, which: str = "") -> SegmentsReport:
    return segments_report(config, which, cutoff, silent)


def counts(group: SegmentGroup) -> tuple[int, int, int, int]:
    result = group.conversion
    return group.open_leads, result.snapshots, result.leads, result.wins


def test_of_the_worked_example(little: Config) -> None:
    """Mature are 01-05, 01-12 and 01-19. Lead 1 is open at the first only, and won after it; lead
    4 is won on 02-01, which no mature horizon reaches. At 2026-02-02 only lead 2 is open."""
    result = report_of(little, at("2026-02-02"))
    assert result.cutoffs == [at("2026-01-05"), at("2026-01-12"), at("2026-01-19")]
    visited, silent_, called = result.segments
    assert counts(visited) == (1, 3, 2, 1)
    assert counts(silent_) == (0, 4, 2, 0)  # lead 2 at 01-05, lead 4 at all three
    assert counts(called) == (0, 0, 0, 0)
    assert counts(result.all_open_leads) == (1, 10, 4, 1)
    assert counts(result.in_no_segment) == (0, 3, 1, 0)  # lead 3, who wrote
    assert visited.conversion.lift.point == pytest.approx((1 / 3) / (1 / 10))
    assert (visited.points, silent_.points, visited.readiness) == (5, None, None)
    assert result.overlap.loc["visited <b>&"].tolist() == [1, 0, 0]
    assert result.notes == ["called asks for actions that are not in the data, or left out: call."]
    assert not (little.folder / "out").exists()  # to look for a model makes no store


def test_at_an_earlier_cutoff_nothing_later_is_known(little: Config) -> None:
    """On 01-14 only the horizon from 01-05 is over; all but lead 1 are open."""
    result = report_of(little, at("2026-01-14"))
    assert result.cutoffs == [at("2026-01-05")]
    assert counts(result.all_open_leads) == (3, 4, 4, 1)
    assert counts(result.segments[0]) == (1, 1, 1, 1)


def test_before_any_horizon_is_over_there_are_sizes_only(little: Config) -> None:
    result = report_of(little, at("2026-01-06"))
    assert counts(result.all_open_leads) == (4, 0, 0, 0)
    assert str(result.verdict).startswith("Nothing can be said of conversion yet")
    assert result.notes[0] == "No cutoff's horizon of 7 days is over: no conversion."
    assert to_json(result)["segments"][0]["conversion"]["rate"]["point"] is None
    assert "unknown" in render(result)


def test_without_segments_it_is_said_how_to_write_one(little: Config) -> None:
    (little.folder / "segments.toml").unlink()
    with pytest.raises(Refused, match=r"(?s)no segments: write some into .*\[\[segment\]\]"):
        report_of(little)
    (little.folder / "segments.toml").write_text(SEGMENTS)
    with pytest.raises(Refused, match="No lead is open at 2026-01-01 00:00"):
        report_of(little, at("2026-01-01"))


def test_a_model_that_is_not_there_is_refused(little: Config) -> None:
    with pytest.raises(BadInput, match="There is no champion"):
        report_of(little, which="champion")


def test_the_page_holds_the_figures_and_no_name_as_markup(little: Config, tmp_path: Path) -> None:
    result = report_of(little, at("2026-02-02"))
    page = write_page(tmp_path / "new" / "segments.html", render(result), result).read_text()
    assert (tmp_path / "new" / "segments.json").is_file()
    assert "visited <b>" not in page
    assert page.count("visited &lt;b&gt;&amp;") >= 4
    text = re.sub(r"<[^>]*>", " ", page).replace("\u00a0", " ")
    assert "33.3%" in text
    assert "1 of 3 won" in text
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "—" not in page


def test_with_a_model_the_mean_readiness_is_that_of_its_leads(
    demo_folder: Path, trained: Trained
) -> None:
    result = report_of(load(demo_folder))
    assert result.model_version == trained.model.version
    everyone = result.all_open_leads.readiness
    assert everyone is not None
    assert 0 < everyone < 1
    serious = next(group for group in result.segments if group.name.startswith("serious"))
    assert serious.readiness is not None
    assert serious.readiness > everyone
    assert serious.conversion.against_all == "more"
    assert result.verdict.headline.lower().startswith(serious.name)
    sizes = [group.open_leads for group in result.segments]
    assert (
        max(sizes)
        <= result.all_open_leads.open_leads
        <= sum(sizes) + result.in_no_segment.open_leads
    )


def test_a_readiness_of_the_past_is_told_as_such(demo_folder: Path, trained: Trained) -> None:
    notes = report_of(load(demo_folder), trained.split.fit[-1]).notes
    assert any("it tells what it has seen" in note for note in notes)


def test_overlap_equals_counting() -> None:
    rng = np.random.default_rng(0)
    members = pd.DataFrame(rng.random((50, 4)) < [0.5, 0.1, 0, 0.9], columns=list("abcd"))
    result = overlap(members)
    rows = members.to_dict("records")
    for one in "abcd":
        for other in "abcd":
            inside = [row for row in rows if row[one]]
            both = [row for row in inside if row[other]]
            expected = len(both) / len(inside) if inside else math.nan
            assert result.loc[one, other] == pytest.approx(expected, nan_ok=True)
