"""Segments in the ledger, as filters of its lists, and of the comparison."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from features.conditions.segments import Segment, Segments, parse_segments
from features.config import Config, load
from features.errors import Refused
from features.open_database import open_database
from features.progress import silent
from features.result_json import to_json
from models.decisions.place import LedgerPlace
from models.rules.rules import load_rules
from serve.ledger.ledger import Ledger, open_ledger
from serve.reports.compare.figures import compare
from serve.reports.compare.page import page_name, render
from serve.scoring.batch import score_all
from serve.scoring.scored import Scored
from serve.scoring.scorer import Scorer
from training.record import Trained

MONDAY = datetime(2025, 3, 3)
TEXT = """
[[segment]]
name = "50% off, 'now'"
all = [{action = "unsubscribed"}]
[[segment]]
name = "signed"
any = [{action = "form_submitted"}, {action = "called_in"}]
[[segment]]
name = "nobody"
all = [{action = "no such action"}]
"""


def parsed(text: str) -> Segments:
    return parse_segments(text, Path("segments.toml"))


@pytest.fixture(scope="module")
def config(demo_folder: Path) -> Config:
    return load(demo_folder)


@pytest.fixture(scope="module")
def scorer(trained: Trained, config: Config) -> Scorer:
    rules = load_rules(config.folder / config.rules)
    return Scorer(trained.model, rules, config.words, parsed(TEXT))


@contextmanager
def scored(config: Config, scorer: Scorer, path: Path) -> Iterator[tuple[Scored, Ledger]]:
    with (
        open_ledger(LedgerPlace(path)) as ledger,
        open_database(scorer.model.staged(config), scorer.specs) as database,
    ):
        yield score_all(config, database, scorer, ledger, MONDAY), ledger


def who_did(folder: Path, actions: set[str]) -> set[str]:
    """Leads with such an event known before Monday, counted in pandas from the file."""
    events = pd.read_parquet(folder / "events.parquet")
    known = events[["occurred_at", "recorded_at"]].max(axis=1) if "recorded_at" in events else None
    when = events["occurred_at"] if known is None else known
    return set(events.loc[(when < MONDAY) & events["action"].isin(actions), "lead_id"].astype(str))


def test_the_ledger_names_the_segments_of_every_lead_and_lists_by_them(
    config: Config, scorer: Scorer, tmp_path: Path
) -> None:
    with scored(config, scorer, tmp_path / "out") as (result, ledger):
        rows = result.rows.set_index("lead_id")
        off = who_did(config.folder, {"unsubscribed"}) & set(rows.index)
        signed = who_did(config.folder, {"form_submitted", "called_in"}) & set(rows.index)
        assert len(rows) == result.open_leads > len(off | signed)
        assert len(off & signed) > 0
        for lead, names in rows["segments"].items():
            message = [] if pd.isna(names) else names.split("; ")
            expected = {"50% off, 'now'": off, "signed": signed}
            assert message == [name for name, leads in expected.items() if lead in leads]
        for name, leads in (("50% off, 'now'", off), ("signed", signed), ("nobody", set())):
            listed = ledger.rows(result.run, segment=name)
            assert set(listed["lead_id"]) == leads
            assert result.of_segment(name)["open_leads"] == len(leads)
            stored = pd.read_csv(ledger.export(result.run, tmp_path / "list.csv", name))
            assert set(stored["lead_id"].astype(str)) == leads
            in_order = [lead for lead in rows.index if lead in leads]
            assert listed["lead_id"].tolist() == in_order
        assert len(ledger.rows(result.run, 3, "signed")) == 3


def test_a_second_run_renames_segments_and_touches_nothing_else(
    config: Config, scorer: Scorer, tmp_path: Path
) -> None:
    path = tmp_path / "out"
    with scored(config, scorer, path) as (first, _):
        before = first.rows
    other = Scorer(scorer.model, scorer.rules, scorer.words, parsed(TEXT.replace("signed", "hot")))
    with scored(config, other, path) as (second, ledger):
        after = second.rows
        assert second.added == 0
        assert second.of_segment("hot") == first_of(before, "signed", "hot")
        assert ledger.rows(second.run, segment="signed").empty
    renamed = before["segments"].str.replace("signed", "hot")
    pd.testing.assert_frame_equal(after, before.assign(segments=renamed))


def first_of(rows: pd.DataFrame, name: str, renamed: str) -> dict[str, object]:
    inside = rows["segments"].fillna("").str.split("; ").apply(lambda names: name in names)
    routes = rows.loc[inside, "route"].value_counts().to_dict()
    return {"name": renamed, "open_leads": int(inside.sum()), "routes": routes}


def test_without_segments_the_ledger_names_none(
    config: Config, scorer: Scorer, tmp_path: Path
) -> None:
    plain = Scorer(scorer.model, scorer.rules, scorer.words)
    with scored(config, plain, tmp_path / "out") as (result, _):
        assert result.rows["segments"].isna().all()


def judged(config: Config, scorer: Scorer, segment: Segment | None):
    specs = (*scorer.rules.specs, *(segment.specs if segment else ()))
    with open_database(scorer.model.staged(config), specs) as database:
        return compare(config, database, scorer.model, scorer.rules, silent, segment)


def test_the_comparison_is_of_the_segment_s_leads_alone(config: Config, scorer: Scorer) -> None:
    everyone = judged(config, scorer, None)
    name = "50% off, 'now'"
    result = judged(config, scorer, scorer.segments.named(name))
    events = pd.read_parquet(config.folder / "events.parquet")
    gone = events[events["action"] == "unsubscribed"].groupby("lead_id")["occurred_at"].min()
    rows = everyone.snapshots
    inside = (rows["lead_id"].map(gone) < rows["cutoff"]).to_numpy()
    assert 0 < inside.sum() < len(rows)
    for whole, part in (
        (rows["lead_id"].to_numpy(), result.snapshots["lead_id"].to_numpy()),
        (everyone.won, result.won),
        (everyone.model, result.model),
        (everyone.rules, result.rules),
    ):
        assert whole[inside].tolist() == part.tolist()
    assert (everyone.segment, result.segment) == (None, name)
    assert to_json(result)["segment"] == name
    assert "in the segment 50% off, &#39;now&#39;?" in render(result)
    assert "segment" not in render(everyone).split("<h2>")[0]


def test_a_segment_without_leads_cannot_be_judged(config: Config, scorer: Scorer) -> None:
    with pytest.raises(Refused, match="No open lead is in the segment 'nobody' at any of"):
        judged(config, scorer, scorer.segments.named("nobody"))


def test_no_name_of_a_segment_leads_out_of_the_folder() -> None:
    for name in ("../../x", "/etc/passwd", "...", "a/b\\c", "50% off, 'now'"):
        assert Path(page_name(name)).name == page_name(name)
