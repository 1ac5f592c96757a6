"""Features of several questions, measured once, are those of each measured alone, bit by bit."""

from datetime import datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from features.conditions.segments import InSegment
from features.contract.shared import open_shared
from features.engine.duckdb_engine import feature_frame
from features.engine.measured import Measured
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spec.compiled import accounts_of
from features.spec.kinds import Attribute, DaysSinceDeal, First, Last, PastDeals
from features.spec.titles import OpenPeopleOfTitle
from tests.features.every_spec import EVERY_SPEC, OF_PEOPLE
from tests.features.lead_databases import config_for, event, write_database, write_table

CUTOFF = datetime(2026, 3, 2)
OPEN_AGAIN = {"after_won": "open_again", "after_lost": "open_again"}
SPECS = tuple(
    spec
    for n, spec in enumerate(EVERY_SPEC)
    if not isinstance(spec, InSegment | OpenPeopleOfTitle)
    and spec not in OF_PEOPLE  # what tells of accounts is measured for each question apart
    and not accounts_of([spec])
    and spec != Attribute("Region", text=True)  # DuckDB has it no column beside region
    and (n % 3 == 0 or isinstance(spec, PastDeals | DaysSinceDeal | Attribute | First | Last))
)
DEAL = {"closed_at": pa.timestamp("us"), "outcome": pa.string()}


def day(number):
    return datetime(2026, 1, 1) + timedelta(days=number)


@pytest.fixture
def questions(tmp_path):
    """Two pipelines over 30 leads: what is won in one is open, or lost, in the other."""
    leads = [
        {"lead_id": n, "created_at": day(n % 7), "region": [None, "north", "süd"][n % 3]}
        | {"count_all": "y", "staff": float(n), "renewed_at": day(n)}
        for n in range(30)
    ]
    events = [
        event(n, day(8) + timedelta(hours=7.3 * k * (n % 5 + 1)), ["visit", "mail"][k % 2])
        | {"source": ["ads", None][k % 2], "value": 0.1 * k, "content": f"/{k % 3}"}
        for n in range(29)
        for k in range(12)
    ]
    types = {"region": pa.string(), "count_all": pa.string()}
    types |= {"staff": pa.float64(), "renewed_at": pa.timestamp("us")}
    write_database(tmp_path, leads, events, (), types)
    configs = {}
    for name, outcomes in {"new": ["won", None, None], "more": [None, "won", "lost"]}.items():
        deals = [
            {"lead_id": n, "closed_at": day(20 + n % 4), "outcome": outcomes[n % 3]}
            for n in range(30)
            if outcomes[n % 3]
        ]
        write_table(tmp_path / f"{name}.parquet", deals, DEAL, pa.int64())
        configs[name] = config_for(
            tmp_path,
            tables={"deals": f"{name}.parquet"},
            outcomes=OPEN_AGAIN if name == "more" else {},
        )
        configs[name]._question = name
    return configs


def test_each_question_has_its_own_leads_and_its_own_past_deals(questions):
    alone = {}
    for name, config in questions.items():
        with open_database(config, SPECS) as database:
            alone[name] = feature_frame(Snapshots.open_at(database, [CUTOFF]), SPECS)
    shares = {name: (config, SPECS) for name, config in questions.items()}
    with (
        open_shared(shares) as shared,
        shared.of_question(*shares["new"]) as new,
        shared.of_question(*shares["more"]) as more,
    ):
        opened = {"new": new, "more": more}
        ids = pd.concat(
            [Snapshots.open_at(database, [CUTOFF]).frame for database in opened.values()]
        ).drop_duplicates()
        with Snapshots.of(new, ids) as union:
            measured = Measured.over(union, SPECS, 0.001)  # in many chunks
        assert len(measured.files) > 1
        for name, database in opened.items():
            parts = measured.frames(Snapshots.open_at(database, [CUTOFF]), SPECS, 4)
            together = pd.concat(parts).sort_values("lead_id", ignore_index=True)
            pd.testing.assert_frame_equal(together, alone[name], check_exact=True)
    won_in_new = {n for n in range(30) if n % 3 == 0}
    assert won_in_new.isdisjoint(alone["new"]["lead_id"])
    assert won_in_new - {29} <= set(alone["more"]["lead_id"])
    past = [spec.name for spec in SPECS if isinstance(spec, PastDeals | DaysSinceDeal)]
    assert past
    assert not measured.specs & {spec for spec in SPECS if spec.name in past}
    assert alone["more"][past[0]].nunique() > 1  # there is something to mix up
