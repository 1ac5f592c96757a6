"""[cohort]: which of the open leads are trained on, judged and scored."""

import pyarrow as pa
import pytest

from features.cohort import cohort_at
from features.dataset import labelled
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spec.kinds import Count
from tests.features.lead_databases import at, config_for, event, opened, refusal, write_database

pytestmark = pytest.mark.slow  # the compiled pass
CUTOFFS = [at("2026-02-02"), at("2026-03-02")]
LEADS = [
    {"lead_id": 1, "created_at": at("2026-01-01"), "country": "DE"},
    {"lead_id": 2, "created_at": at("2026-01-01"), "country": "FR"},
    {"lead_id": 3, "created_at": at("2026-01-31"), "country": "DE"},
    {"lead_id": 4, "created_at": at("2026-01-01"), "country": None},
]
EVENTS = [event(1, at("2026-02-01")), event(2, at("2026-02-25"))]
COUNTRY = {"country": pa.string()}
SEGMENTS = """
[[segment]]
name = "active"
all = [{window_days = 7}]
"""


def cohorts(tmp_path, **cohort):
    """Cutoff -> the leads in it."""
    (tmp_path / "segments.toml").write_text(SEGMENTS)
    write_database(tmp_path, LEADS, EVENTS, [], COUNTRY)
    config = config_for(tmp_path, cohort=cohort)
    with open_database(config) as database:
        frame = cohort_at(database, CUTOFFS).frame
        again = cohort_at(database, CUTOFFS).frame
    assert frame.equals(again)
    return [frame.loc[frame["cutoff"] == cutoff, "lead_id"].tolist() for cutoff in CUTOFFS]


@pytest.mark.parametrize(
    ("cohort", "first", "second"),
    [
        ({}, [1, 2, 3, 4], [1, 2, 3, 4]),
        ({"where": [{"attribute": "country", "is": "DE"}]}, [1, 3], [1, 3]),
        ({"where": [{"age_from_days": 30}]}, [1, 2, 4], [1, 2, 3, 4]),
        ({"where": [{"age_below_days": 30}]}, [3], []),
        ({"where": [{"age_from_days": 2, "age_below_days": 31}]}, [3], [3]),
        ({"where": {"none": [{"quiet_days": 20}]}}, [1, 3], [2]),
        ({"segments": ["active"]}, [1], [2]),
        ({"not_segments": ["active"]}, [2, 3, 4], [1, 3, 4]),
        ({"where": [{"attribute": "country", "is": "DE"}], "segments": ["active"]}, [1], []),
    ],
)
def test_who_is_in_it_at_each_cutoff(tmp_path, cohort, first, second):
    assert cohorts(tmp_path, **cohort) == [first, second]


def test_only_the_cohort_is_trained_on():
    cohort = {"where": [{"attribute": "country", "is": "DE"}]}
    deals = [{"lead_id": i, "closed_at": at("2026-02-10"), "outcome": "won"} for i in (1, 2)]
    with opened(LEADS, EVENTS, deals, COUNTRY, cohort=cohort) as database:
        dataset = labelled(database, [Count()], CUTOFFS[:1], 10, memory_gb=1)
        assert Snapshots.open_at(database, CUTOFFS[:1]).count == 4
    assert dataset.frame["lead_id"].tolist() == [1, 3]
    assert dataset.won.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("cohort", "named"),
    [
        ({"where": [{"atribute": "country"}]}, "atribute"),
        ({"segments": ["actve"]}, "active"),
        ({"where": [{"age_from_days": 30, "age_below_days": 3}]}, "age_from_days"),
        ({"where": [{"attribute": "contry", "is": "DE"}]}, "contry"),
    ],
)
def test_faults(tmp_path, cohort, named):
    (tmp_path / "segments.toml").write_text(SEGMENTS)
    write_database(tmp_path, LEADS, EVENTS, [], COUNTRY)
    assert named in refusal(tmp_path, cohort=cohort)
