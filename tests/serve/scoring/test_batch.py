"""`readiness score` loses, doubles and skips no lead, however the work is cut."""

import re
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from features.config import Config, Engine, load
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frame
from features.errors import BadInput
from features.open_database import open_database
from features.result_json import to_json
from features.snapshots import Snapshots
from models.classifier.model import ReadinessModel
from models.decisions.place import LedgerPlace
from models.rules.rules import load_rules, parse_rules
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.scoring.batch import cutoff_notes, score_all
from serve.scoring.scored import default_cutoff
from serve.scoring.scorer import Scorer
from tests.features.lead_databases import at, config_for, event, opened
from training.record import Trained

MONDAY = datetime(2025, 3, 3)


@pytest.fixture(scope="module")
def config(demo_folder: Path) -> Config:
    return load(demo_folder)


@pytest.fixture(scope="module")
def scorer(trained: Trained, config: Config) -> Scorer:
    return Scorer(trained.model, load_rules(config.folder / config.rules), config.words)


@pytest.fixture(scope="module")
def database(config: Config) -> Iterator[LeadDatabase]:
    with open_database(config) as result:
        yield result


@dataclass
class Nightly:
    """The job over the demo, into ledgers of a test's own; parts of it can be replaced."""

    folder: Path
    config: Config
    database: LeadDatabase
    scorer: Scorer

    def score(
        self, cutoff: datetime | None = MONDAY, ledger: str = "a", **other
    ) -> SimpleNamespace:
        given = {"config": self.config, "database": self.database, "scorer": self.scorer} | other
        with open_ledger(LedgerPlace(self.folder / ledger)) as opened_ledger:
            scored = score_all(ledger=opened_ledger, cutoff=cutoff, **given)
            return SimpleNamespace(**vars(scored), rows=scored.rows, json=to_json(scored))

    def in_chunks(self, memory_gb: float) -> Config:
        """The settings with less memory than a user may ask for: many chunks of few leads."""
        engine = Engine.model_construct(memory_gb=memory_gb, threads=None)
        return self.config.model_copy(update={"engine": engine})


@pytest.fixture
def nightly(tmp_path: Path, config: Config, database: LeadDatabase, scorer: Scorer) -> Nightly:
    return Nightly(tmp_path, config, database, scorer)


def timeless(scored: SimpleNamespace) -> pd.DataFrame:
    return scored.rows.drop(columns="scored_at")


def open_at(folder: Path, cutoff: datetime) -> set[str]:
    """The open leads, counted in pandas from the files."""
    leads, deals = (pd.read_parquet(folder / f"{name}.parquet") for name in ("leads", "deals"))
    created = set(leads.loc[leads["created_at"] < cutoff, "lead_id"])
    return set(map(str, created - set(deals.loc[deals["closed_at"] < cutoff, "lead_id"])))


@pytest.mark.parametrize(
    ("data_end", "now", "cutoff"),
    [
        ("2026-11-20 23:58", "2026-11-21 04:00", "2026-11-21 00:00"),  # every night
        ("2026-11-20 23:58", "2027-05-01 00:00", "2026-11-21 00:00"),  # however long ago
        ("2026-11-20 23:58", "2026-11-21 00:00", "2026-11-21 00:00"),  # at midnight sharp
        ("2026-11-20 15:00", "2026-11-20 15:01", "2026-11-20 15:00:00.000001"),  # the day itself
        ("2026-11-20 00:00", "2026-11-21 04:00", "2026-11-21 00:00"),
        ("2026-12-31 12:00", "2027-01-01 01:00", "2027-01-01 00:00"),
    ],
)
def test_the_default_cutoff(data_end: str, now: str, cutoff: str) -> None:
    assert default_cutoff(at(data_end), at(now)) == at(cutoff)


def test_data_that_end_a_week_before_the_cutoff_are_noted_and_a_long_weekend_is_not() -> None:
    end = at("2026-11-20 18:00")  # a Friday
    assert not list(cutoff_notes(at("2026-11-24 00:00"), end, None))
    (note,) = cutoff_notes(at("2026-11-30 00:00"), end, None)
    assert "2026-11-20" in note
    assert "9 days" in note


def test_by_default_all_that_is_known_counts(nightly: Nightly) -> None:
    folder = nightly.config.folder
    events, leads, deals = (
        pd.read_parquet(folder / f"{name}.parquet") for name in ("events", "leads", "deals")
    )
    known = pd.concat([events["recorded_at"], leads["created_at"], deals["closed_at"]])
    scored = nightly.score(cutoff=None)
    assert scored.run.cutoff == known.max().normalize() + pd.Timedelta(days=1)
    assert set(scored.rows["lead_id"]) == set(map(str, leads["lead_id"])) - set(
        map(str, deals["lead_id"])
    )


@pytest.mark.parametrize("cutoff", ["2025-03-03", "2024-06-15 13:30", "2024-01-02", "2023-12-31"])
def test_every_open_lead_exactly_once(nightly: Nightly, cutoff: str) -> None:
    scored = nightly.score(at(cutoff))
    expected = open_at(nightly.config.folder, at(cutoff))
    assert len(expected) > 0 or cutoff == "2023-12-31"  # then no lead exists
    assert sorted(scored.rows["lead_id"]) == sorted(expected)
    assert scored.open_leads == scored.added == len(expected)
    assert set(scored.rows["state"]) <= {"scored"}
    assert (scored.rows["route"] == "sales").sum() == min(
        max(1, round(0.1 * len(expected))), len(expected)
    )


def test_many_chunks_are_as_one_and_only_one_is_held_at_a_time(nightly: Nightly) -> None:
    """Frames are watched on their way into the model: when one comes, the one before the last has
    been let go."""

    class Watched(ReadinessModel):
        def encoded(self, frame: pd.DataFrame):
            alive.append(sum(ref() is not None for ref in refs))
            refs.append(weakref.ref(frame))
            return super().encoded(frame)

    refs: list[weakref.ref] = []
    alive: list[int] = []
    model = nightly.scorer.model
    watched = Watched(**{f.name: getattr(model, f.name) for f in fields(ReadinessModel)})
    steps: list[tuple[str, int, int]] = []
    scored = nightly.score(
        ledger="many",
        config=nightly.in_chunks(memory_gb=0.002),
        scorer=Scorer(watched, nightly.scorer.rules, nightly.scorer.words),
        progress=lambda *message: steps.append(message),
    )
    chunks = [step for step in steps if step[0] == "features"]
    assert [done for what, done, _ in steps if what == "score"][-1] == scored.open_leads
    assert len(chunks) >= 10
    assert chunks == [("features", done, len(chunks)) for done in range(1, len(chunks) + 1)]
    assert len(alive) == len(chunks)
    assert max(alive) <= 1
    pd.testing.assert_frame_equal(timeless(scored), timeless(nightly.score(ledger="one")))


def test_two_runs_are_alike_to_the_last_bit(nightly: Nightly) -> None:
    one, two = nightly.score(ledger="one"), nightly.score(ledger="two")
    pd.testing.assert_frame_equal(timeless(one), timeless(two), check_exact=True)


def test_a_second_run_of_the_same_adds_nothing(nightly: Nightly) -> None:
    first = nightly.score()
    again = nightly.score()
    assert (first.added, again.added) == (first.open_leads, 0)
    pd.testing.assert_frame_equal(first.rows, again.rows, check_exact=True)
    assert again.open_leads == first.open_leads


def test_new_rules_have_rows_of_their_own_beside_the_old(nightly: Nightly) -> None:
    old = nightly.score()
    text = (nightly.config.folder / nightly.config.rules).read_text(encoding="utf-8")
    rules = parse_rules(re.sub("points = 10\n", "points = 15\n", text), Path("rules.toml"))
    new = nightly.score(scorer=Scorer(nightly.scorer.model, rules, nightly.scorer.words))
    assert new.run == Run(MONDAY, old.run.model_version, rules.version) != old.run
    assert new.added == old.added
    with open_ledger(LedgerPlace(nightly.folder / "a")) as ledger:
        pd.testing.assert_frame_equal(ledger.rows(old.run), old.rows)
    ready = [each.rows.set_index("lead_id")["readiness"].sort_index() for each in (old, new)]
    pd.testing.assert_series_equal(*ready)
    points = [each.rows.set_index("lead_id")["rule_score"].sort_index() for each in (old, new)]
    assert (points[0] != points[1]).any()


def test_the_readiness_is_the_models_own(nightly: Nightly, trained: Trained) -> None:
    open_leads = Snapshots.open_at(nightly.database, [MONDAY])
    frame = feature_frame(open_leads, trained.model.specs)
    expected = pd.Series(trained.model.rank(frame), frame["lead_id"].astype(str))
    result = nightly.score().rows.set_index("lead_id")["readiness"]
    assert result.to_dict() == expected.to_dict()


def test_capacity_in_leads_is_the_length_of_the_list(nightly: Nightly) -> None:
    capacity = nightly.config.capacity.model_copy(update={"share": None, "leads": 7})
    scored = nightly.score(config=nightly.config.model_copy(update={"capacity": capacity}))
    assert list(scored.rows["route"][:8]) == ["sales"] * 7 + ["nurture"]
    assert scored.rows["readiness"].is_monotonic_decreasing
    assert scored.json["routes"] == {"sales": 7, "nurture": scored.open_leads - 7}


def lead(lead_id: str, created: str | None) -> dict:
    return {"lead_id": lead_id, "created_at": created and at(created), "source": "ads"}


def deal(lead_id: str, closed: str | None, outcome: str | None) -> dict:
    return {"lead_id": lead_id, "closed_at": closed and at(closed), "outcome": outcome}


FAULTY_LEADS = [
    lead("sound", "2026-01-05"),
    lead("won later", "2026-01-05"),
    lead("closed", "2026-01-05"),
    lead("too new", "2026-03-01"),  # the cutoff itself
    lead("twice", "2026-01-05"),
    lead("twice", "2026-02-05"),
    lead("undated", None),
    lead("two deals", "2026-01-05"),
    lead("two lost", "2026-01-05"),
    lead("odd", "2026-01-05"),
    lead("no closing", "2026-01-05"),
]
FAULTY_EVENTS = [
    event("sound", at("2026-02-01")),
    event("stray", at("2026-02-01")),
    event("stray later", at("2026-03-01")),
]
FAULTY_DEALS = [
    deal("won later", "2026-03-01", "won"),
    deal("closed", "2026-02-28 23:59:59", "lost"),
    deal("two deals", "2026-02-01", "lost"),
    deal("two deals", "2026-03-05", "won"),
    deal("two lost", "2026-02-01", "lost"),
    deal("two lost", "2026-02-02", "lost"),
    deal("odd", "2026-02-01", "perhaps"),
    deal("no closing", None, "won"),
]
EXPECTED = {
    "sound": None,
    "won later": None,
    "twice": "leads.lead_id: 2 rows",
    "undated": "leads.created_at: no created_at",
    "odd": "deals.outcome: outcome perhaps",
    "no closing": "deals.closed_at: outcome won",
    "stray": "events: the lead has events but no row in leads",
}


def test_faulty_leads_are_in_the_ledger_with_their_reason(tmp_path: Path, scorer: Scorer) -> None:
    source = {"attributes": ["source"]}
    with (
        opened(FAULTY_LEADS, FAULTY_EVENTS, FAULTY_DEALS, features=source) as database,
        open_ledger(LedgerPlace(tmp_path)) as ledger,
    ):
        scored = score_all(config_for(tmp_path), database, scorer, ledger, datetime(2026, 3, 1))
        rows, message = scored.rows.set_index("lead_id"), to_json(scored)
    assert rows["state_reason"].dropna().to_dict() == {k: v for k, v in EXPECTED.items() if v}
    assert sorted(rows.index) == sorted(EXPECTED)
    assert len(rows) == scored.open_leads == scored.added == len(EXPECTED)
    sound = rows["state"] == "scored"
    assert set(rows.index[sound]) == {"sound", "won later"}
    assert rows.loc[sound, "readiness"].between(0, 1).all()
    assert rows.loc[~sound, ["readiness", "rule_score", "band", "reasons"]].isna().all(axis=None)
    assert set(rows.loc[~sound, "route"]) == {"nurture"}
    assert message == {
        "cutoff": "2026-03-01T00:00:00",
        "model_version": scorer.model.version,
        "rules_version": scorer.rules.version,
        "open_leads": 7,
        "scored": 2,
        "not_scored": 5,
        "outside": 0,
        "added": 7,
        "routes": {"sales": 1, "nurture": 6},
        "decided_routes": {"sales": 1, "nurture": 6},
        "decided_otherwise": 0,
        "marked": {},
        "postponing": 0,
        "bands": {"cold": 2},
        "breaches": list(scored.breaches),
        "notes": [],
    }
    breached = ["leads.lead_id", "leads.created_at", "deals.closed_at"]
    assert [text.split(":")[0] for text in scored.breaches] == [*breached, "deals.outcome"]


def test_events_that_do_not_read_are_told(tmp_path: Path, scorer: Scorer) -> None:
    """Without their time they are in no feature: a night of scores from nothing must be heard."""
    events = [event("sound", None), event("sound", at("2026-02-01"))]
    source = {"attributes": ["source"]}
    with (
        opened([lead("sound", "2026-01-05")], events, features=source) as database,
        open_ledger(LedgerPlace(tmp_path)) as ledger,
    ):
        scored = score_all(config_for(tmp_path), database, scorer, ledger, datetime(2026, 3, 1))
    (message,) = scored.breaches
    assert message.startswith("events.occurred_at: ")
    assert "lead sound: NULL" in message


def test_ranks_are_in_the_ledger_and_decide_who_is_called(nightly: Nightly) -> None:
    """As the model gives them to each lead; null, and refused where asked for, under a model that
    was stored before there were any."""
    config, scorer = nightly.config, nightly.scorer
    rows = nightly.score().rows
    frame = feature_frame(Snapshots.open_at(nightly.database, [MONDAY]), scorer.specs)
    named = pd.DataFrame(scorer.model.fit_engagement.ranks(frame), index=frame["lead_id"].map(str))
    stored = rows[rows["state"] == "scored"].set_index("lead_id")[["fit", "engagement"]]
    assert len(stored) > 100
    assert stored.to_dict("index") == named.loc[stored.index].to_dict("index")
    with_ranks = config.model_copy(
        update={"routing": config.routing.model_copy(update={"engagement_from": 1})}
    )
    listed = nightly.score(config=with_ranks, ledger="b").rows
    assert set(listed.loc[listed["route"] == "sales", "engagement"]) == {"1"}
    earlier = replace(scorer, model=replace(scorer.model, fit_engagement=None))
    assert (
        nightly.score(scorer=earlier, ledger="c").rows[["fit", "engagement"]].isna().all(axis=None)
    )
    with pytest.raises(BadInput, match="engagement_from"):
        nightly.score(config=with_ranks, scorer=earlier, ledger="d")
