"""Scoring pandas frames gives what the nightly job writes, and refuses what it cannot trust."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest

from features.config import load
from features.errors import BadInput
from features.open_database import open_database
from models.decisions.place import LedgerPlace
from models.rules.rules import load_rules
from serve.ledger.ledger import open_ledger
from serve.scoring.batch import score_all
from serve.scoring.scorer import COLUMNS, Scorer
from training.record import Trained

CUTOFF = datetime(2025, 3, 3, 9, 30)
Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def scorer(demo_folder: Path, trained: Trained) -> Scorer:
    """As a Python user gets it: from the registry that the settings name."""
    result = Scorer.champion(demo_folder)
    assert result.model.version == trained.model.version
    return result


@pytest.fixture(scope="module")
def frames(demo_folder: Path) -> Frames:
    tables = ("events", "leads", "deals")
    return {table: pd.read_parquet(demo_folder / f"{table}.parquet") for table in tables}


@pytest.fixture(scope="module")
def scored(scorer: Scorer, frames: Frames) -> pd.DataFrame:
    return scorer.score(**frames, cutoff=CUTOFF)


def test_worked_example(scorer: Scorer) -> None:
    """One lead that only came, and one that asked for a quote yesterday."""
    leads = pd.DataFrame(
        {"lead_id": ["quiet", "keen"], "created_at": pd.to_datetime(["2026-01-05"] * 2)}
    ).assign(source="search")
    times = pd.to_datetime(["2026-01-05 10:00", *["2026-02-28 10:00"] * 3])
    actions = ["visited_homepage", "visited_pricing", "form_submitted", "opened_quote"]
    events = pd.DataFrame({"lead_id": ["quiet", *["keen"] * 3], "occurred_at": times})
    result = scorer.score(events.assign(action=actions), leads, datetime(2026, 3, 1))
    assert list(result.columns) == COLUMNS
    keen, quiet = result.to_dict("records")  # in the order of lead_id
    assert (keen["lead_id"], quiet["lead_id"]) == ("keen", "quiet")
    assert keen["readiness"] > 2 * quiet["readiness"]
    assert (keen["rule_score"], keen["band"]) == (10 + 20 + 20, "hot")
    assert (quiet["rule_score"], quiet["band"]) == (1, "cold")
    assert len(keen["reasons"].split("; ")) == 3


def test_frames_and_nightly_job_agree(
    scorer: Scorer, scored: pd.DataFrame, demo_folder: Path, tmp_path: Path
) -> None:
    config = load(demo_folder)
    with (
        open_database(config) as database,
        open_ledger(LedgerPlace(tmp_path)) as ledger,
    ):
        rows = score_all(config, database, scorer, ledger, CUTOFF).rows
    assert len(rows) > 100
    mine = scored.assign(lead_id=scored["lead_id"].astype(str)).set_index("lead_id")
    called = rows.set_index("lead_id").loc[mine.index, "decided_route"] == "sales"
    assert 0 < called.sum() < len(called)
    mine["follow_up_on"] = mine["follow_up_on"].mask(called)  # who is called now has no day
    theirs = rows.set_index("lead_id").loc[mine.index, mine.columns].astype(mine.dtypes)
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def test_without_deals_every_lead_is_open(scorer: Scorer, frames: Frames) -> None:
    created = frames["leads"].loc[frames["leads"]["created_at"] < CUTOFF, "lead_id"]
    result = scorer.score(frames["events"], frames["leads"], CUTOFF)
    assert list(result["lead_id"]) == sorted(created)
    empty = scorer.score(**(frames | {"deals": frames["deals"].iloc[:0]}), cutoff=CUTOFF)
    pd.testing.assert_frame_equal(result, empty)


def test_nothing_from_the_cutoff_on_is_seen(
    scorer: Scorer, frames: Frames, scored: pd.DataFrame
) -> None:
    events, leads, deals = (frames[table] for table in ("events", "leads", "deals"))
    text = events["recorded_at"] < CUTOFF
    assert 0 < text.sum() < len(text)
    past = {
        "events": events[text].sample(frac=1, random_state=1),
        "leads": leads[leads["created_at"] < CUTOFF].sample(frac=1, random_state=1),
        "deals": deals[deals["closed_at"] < CUTOFF],
    }
    pd.testing.assert_frame_equal(scorer.score(**past, cutoff=CUTOFF), scored, check_exact=True)


def test_ids_may_be_text(scorer: Scorer, frames: Frames, scored: pd.DataFrame) -> None:
    named = {
        table: frame.assign(lead_id=frame["lead_id"].map("lead-{:06d}".format))
        for table, frame in frames.items()
    }
    result = scorer.score(**named, cutoff=CUTOFF)
    assert pd.api.types.is_integer_dtype(scored["lead_id"])
    assert list(result["lead_id"]) == [f"lead-{lead:06d}" for lead in scored["lead_id"]]
    rest = [column for column in COLUMNS if column != "lead_id"]
    pd.testing.assert_frame_equal(result[rest], scored[rest], check_exact=True)


@pytest.mark.parametrize("hours", [0, 2, -5])
def test_a_cutoff_with_an_offset_is_that_moment(
    scorer: Scorer, frames: Frames, scored: pd.DataFrame, hours: int
) -> None:
    aware = CUTOFF.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    pd.testing.assert_frame_equal(scorer.score(**frames, cutoff=aware), scored)


def test_times_may_have_an_offset(scorer: Scorer, frames: Frames, scored: pd.DataFrame) -> None:
    aware = {
        table: frame.assign(
            **{
                name: column.dt.tz_localize("UTC").dt.tz_convert("Europe/Vienna")
                for name, column in frame.items()
                if name.endswith("_at")
            }
        )
        for table, frame in frames.items()
    }
    pd.testing.assert_frame_equal(scorer.score(**aware, cutoff=CUTOFF), scored)


@pytest.mark.parametrize(
    ("table", "change", "text"),
    [
        ("events", lambda e: e.drop(columns="action"), "the frame events lacks the column action"),
        ("leads", lambda f: f.drop(columns=["created_at"]), "leads lacks the column created_at"),
        (
            "leads",
            lambda f: f.drop(columns=["source"]),
            "source, which the table leads does not have",
        ),
        ("deals", lambda d: d.rename(columns={"outcome": "outcomes"}), "is it outcomes?"),
        ("leads", lambda f: pd.concat([f, f.head(1)]), "leads.lead_id: .* lead 1: 2 rows"),
        ("leads", lambda f: f.assign(created_at=pd.NaT), "leads.created_at: .* lead 1"),
        ("leads", lambda f: f.iloc[1:], "cannot be scored: 1; first: lead 1: events"),
        (
            "deals",
            lambda d: d.assign(outcome="perhaps"),
            r"deals.outcome: .* lead \d+: outcome perhaps",
        ),
        (
            "events",
            lambda e: e.assign(occurred_at="soon"),
            "events.occurred_at: .* lead 1000: soon",
        ),
        ("events", lambda e: e.assign(lead_id=None), "events.lead_id: .* null"),
    ],
)
def test_what_breaches_the_contract_is_refused_by_name(
    scorer: Scorer, frames: Frames, table: str, change, text: str
) -> None:
    with pytest.raises(BadInput, match=text):
        scorer.score(**(frames | {table: change(frames[table])}), cutoff=CUTOFF)


def test_nobody_open_is_an_empty_frame(scorer: Scorer, frames: Frames) -> None:
    result = scorer.score(**frames, cutoff=datetime(2020, 1, 1))
    assert (len(result), list(result.columns)) == (0, COLUMNS)


def test_the_rules_are_those_of_today(
    scorer: Scorer, demo_folder: Path, scored: pd.DataFrame
) -> None:
    assert scorer.rules.version == load_rules(demo_folder / "rules.toml").version
    hot = scored["rule_score"] >= scorer.rules.file.bands.hot
    assert set(scored.loc[hot, "band"]) == {"hot"}
    assert "hot" not in set(scored.loc[~hot, "band"])


def test_reprs_are_short(scorer: Scorer, trained: Trained) -> None:
    for shown in (repr(scorer), repr(trained), repr(trained.chosen)):
        assert len(shown) < 500
        assert len(shown.splitlines()) <= 3
    assert repr(trained.model) in repr(scorer)


def test_leads_that_objected_are_not_scored_and_it_says_so(
    scorer: Scorer, frames: Frames, scored: pd.DataFrame
) -> None:
    objected = scored["lead_id"].iloc[0]
    leads = frames["leads"]
    when = pd.Series(pd.NaT, leads.index, "datetime64[us]").where(leads["lead_id"] != objected)
    when[leads["lead_id"] == objected] = CUTOFF
    with pytest.warns(UserWarning, match=f"1 open lead; first: lead {objected}: objected"):
        result = scorer.score(**frames | {"leads": leads.assign(objected_at=when)}, cutoff=CUTOFF)
    assert list(result["lead_id"]) == list(scored["lead_id"].iloc[1:])
