"""Each reason not to train, by a database made for it.

The company: 140 leads created on 2026-01-05, each with two events on 01-06. Weekly cutoffs from
2026-01-12, a horizon of 14 days, data up to 04-01: mature are 01-12 to 03-16, the final test is
that of 03-16, and those up to 03-02 are trained on. 70 leads are won on 02-02, one on 03-20; the
other 69 stay open.
"""

import re
from contextlib import contextmanager
from datetime import timedelta

import pytest

from features.check.gate import NotEnough, count, lacks, refuse_lacks
from features.open_database import open_database
from tests.features.lead_databases import at, config_for, event, write_database

LEADS = range(140)
TIMES = {"first_cutoff": at("2026-01-12"), "horizon_days": 14, "test_cutoffs": 1}


def won(leads, day="02-02"):
    return [
        {"lead_id": lead, "closed_at": at(f"2026-{day} 09:00"), "outcome": "won"} for lead in leads
    ]


WON = [*won(range(70)), *won([139], "03-20")]


@contextmanager
def company(folder, deals=WON, actions=("visit", "mail"), leads=LEADS, **sections):
    events = [event(lead, at("2026-01-06"), action) for lead in leads for action in actions]
    events.append(event(0, at("2026-04-01"), actions[0]))
    created = [{"lead_id": lead, "created_at": at("2026-01-05")} for lead in leads]
    write_database(folder, created, events, deals)
    config = config_for(folder, time=TIMES | sections.pop("time", {}), **sections)
    with open_database(config) as database:
        yield config, database


def reasons_of(folder, **given):
    with company(folder, **given) as (config, database):
        return {lack.code: (lack.count, lack.needed) for lack in lacks(config, database)}


def test_a_company_that_has_enough_is_counted_by_lead(tmp_path):
    with company(tmp_path) as (config, database):
        counts = count(config, database)
        refuse_lacks(config, database)
    assert (counts.mature, counts.training, counts.inputs) == (10, 8, 2)
    # won on 02-02, and so within 14 days of the three cutoffs from 01-19 on: 210 snapshots, 70 wins
    assert (counts.wins, counts.losses) == (70, 70)
    assert (counts.test, counts.test_wins) == (70, 1)


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({"deals": [*won(range(59)), WON[-1]]}, {"too_few_wins": (59, 60)}),
        ({"deals": [*won(range(60)), WON[-1]]}, {}),
        ({"deals": [*won(range(9)), WON[-1]], "training": {"least_wins": 10}}, "too_few_wins"),
        ({"deals": [*won(range(81)), WON[-1]]}, {"too_few_losses": (59, 60)}),
        ({"deals": [*won(range(80)), WON[-1]]}, {}),
        ({"actions": ["visit"]}, {}),
        ({"features": {"leave_out_actions": ["mail"]}}, {}),
        ({"features": {"leave_out_actions": ["mail", "visit"]}}, {"no_features": (0, 1)}),
        ({"features": {"leave_out_actions": ["mail", "visit"], "attributes": ["source"]}}, {}),
        ({"deals": WON[:-1]}, {"one_class_in_split": (1, 2)}),
        ({"deals": [*WON[:-1], *won(range(70, 140), "03-20")]}, {"one_class_in_split": (1, 2)}),
        ({"time": {"test_cutoffs": 8}}, "too_few_cutoffs"),
    ],
)  # fmt: skip
def test_each_reason(tmp_path, changed, reasons):
    seen = reasons_of(tmp_path, **changed)
    assert (reasons in seen) if isinstance(reasons, str) else (seen == reasons)


def test_two_cutoffs_suffice_and_one_does_not(tmp_path):
    assert "too_few_cutoffs" not in reasons_of(
        tmp_path, time={"test_cutoffs": 7}
    )  # 01-12 and 01-19
    assert reasons_of(tmp_path, time={"test_cutoffs": 8})["too_few_cutoffs"] == (1, 2)


def test_all_reasons_come_at_once_each_with_what_to_do(tmp_path):
    few = {"deals": [], "leads": range(5), "features": {"leave_out_actions": ["mail", "visit"]}}
    with company(tmp_path, **few) as (config, database), pytest.raises(NotEnough) as refused:
        refuse_lacks(config, database)
    codes = [lack.code for lack in refused.value.lacks]
    assert [lack.json_fields()["found"] for lack in refused.value.lacks] == [0, 5, 0, 1]
    assert codes == ["too_few_wins", "too_few_losses", "no_features", "one_class_in_split"]
    message = str(refused.value)
    for lack in refused.value.lacks:
        (line,) = (
            line for line in message.splitlines() if line.strip().startswith(f"{lack.code}: ")
        )
        assert {str(lack.count), str(lack.needed)} <= set(re.findall(r"\d+", line)), line
    (split,) = (line for line in message.splitlines() if "one_class_in_split" in line)
    assert re.search(r"\b5 snapshots 0\b", split)
    assert "No deal" in message
    assert "points alone" in message


def test_without_a_mature_cutoff_there_is_no_test_to_speak_of(tmp_path):
    seen = reasons_of(tmp_path, time={"first_cutoff": at("2026-03-30")})
    assert seen == {"too_few_cutoffs": (0, 2), "too_few_wins": (0, 60), "too_few_losses": (0, 60)}


def test_what_is_known_too_late_counts_in_no_reason(tmp_path):
    """Won on 03-16 00:00, two days after the horizon of the last training cutoff: no win of it."""
    late = won(range(70), "03-16")
    assert at("2026-03-16") - at("2026-03-02") == timedelta(days=14)
    assert reasons_of(tmp_path, deals=late)["too_few_wins"] == (0, 60)
