"""The leakage audit finds what is planted, names it, and says nothing of an honest database.

Planted are the leaks of benchmarks/audit_plants.py, in worlds that `python -m benchmarks.audit`
does not use. What counts as near a closing is worked out by hand:

    created 1 January, closed 1 March 12:00. Signed on 1 March 11:30, or at 12:30: within an hour.
    Signed on 20 February too: not only near it.
"""

import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.audit import audited, planted
from benchmarks.audit_plants import PLANTS, Frames
from features.audit.audit import audit, refuse_leaks, spread_out
from features.audit.deciding_actions import decided
from features.audit.finding import KINDS, Finding, accepts, interval, to_paste
from features.audit.lead_tables import write_audited
from features.audit.single_features import stratified_area
from features.check.gate import training_cutoffs
from features.config import Audit, load
from features.errors import Refused
from features.simulator.simulate import simulate
from tests.features.lead_databases import at, config_for, event, opened
from training.splits import final_split

SEEDS = (21, 22)
DOCS = Path(__file__).resolve().parents[3] / "docs"


@cache
def world(seed):
    return Frames.of(simulate(1_000, seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_an_honest_database_raises_nothing(seed):
    assert [finding.code for finding in audited(world(seed))] == []


@pytest.mark.parametrize(("number", "code"), list(enumerate(PLANTS)))
def test_what_is_planted_is_found_by_name(number, code):
    seed = SEEDS[number % 2]
    findings = audited(planted(world(seed), code, seed), code.startswith("separates"))
    (finding,) = (finding for finding in findings if finding.code == code)
    assert f"{finding.code}: {finding.evidence}" in str(finding)
    assert finding.advice in str(finding)
    assert all(np.isfinite(figure) for figure in finding.figures.values())
    assert finding.json_fields()["said"] == finding.evidence


def test_each_kind_is_planted_and_documented():
    leaks = {code.partition("(")[0] for code in PLANTS}
    page = (DOCS / "plausibility.md").read_text(encoding="utf-8")
    implausible = {kind for kind in KINDS if f"`{kind}(" in page}
    assert leaks | implausible == set(KINDS)
    assert not leaks & implausible
    page = (DOCS / "audit.md").read_text(encoding="utf-8")
    assert [kind for kind in leaks if f"`{kind}(" not in page] == []


def test_the_figures_are_those_of_a_count_by_hand():
    frames = planted(world(21), "decides:won(contract_signed)", 21)
    (finding,) = audited(frames, features=False)
    ends = pd.Timestamp(training_end(frames))
    deals = frames.deals[frames.deals["closed_at"] < ends].set_index("lead_id")
    known = frames.events[frames.events["recorded_at"] < ends]
    signed = set(known.loc[known["action"] == "contract_signed", "lead_id"]) & set(deals.index)
    assert finding.figures["leads"] == len(signed)
    assert finding.figures["share"] == (deals.loc[list(signed), "outcome"] == "won").mean() == 1
    won = (deals["outcome"] == "won").astype(float)
    born = frames.leads.set_index("lead_id")["created_at"].dt.strftime("%Y-%m")
    months = won.groupby(born[deals.index]).agg(["sum", "count"])
    base = (months["sum"] + 10 * won.mean()) / (months["count"] + 10)
    assert finding.figures["base"] == pytest.approx(base[born[list(signed)]].mean())


def training_end(frames):
    """Five weekly test cutoffs, the last mature 30 days before the data end; the training ends 30
    days before the first of them, and its labels where the test begins."""
    end = max(frames.events["recorded_at"].max(), frames.deals["closed_at"].max())
    cutoffs = pd.date_range("2024-04-01", end - timedelta(days=30), freq="7D")
    return max(c for c in cutoffs if c + timedelta(days=30) <= cutoffs[-5]) + timedelta(days=30)


def test_the_test_period_is_not_looked_at():
    frames = planted(world(21), "decides:won(contract_signed)", 21)
    ends = pd.Timestamp(training_end(frames))
    late = set(frames.deals.loc[frames.deals["closed_at"] >= ends, "lead_id"])
    signed = frames.events["action"] == "contract_signed"
    frames.events = frames.events[~signed | frames.events["lead_id"].isin(late)]
    assert (frames.events["action"] == "contract_signed").sum() > 10
    assert audited(frames, features=False) == ()


def closings(signed):
    """30 leads, closed as in the example, each second one won; `signed` are the times."""
    leads = [{"lead_id": n, "created_at": at("2026-01-01")} for n in range(30)]
    deals = [
        {"lead_id": n, "closed_at": at("2026-03-01 12:00"), "outcome": ("won", "lost")[n % 2]}
        for n in range(30)
    ]
    events = [event(n, at(time), "signed") for n in range(30) for time in signed]
    events.append(event(0, at("2026-04-01"), "the data end"))
    config = config_for(".")
    with opened(leads, events, deals) as database:
        return [each for each in audit(database, config, [], None, ()) if "close" in each.kind]


@pytest.mark.parametrize("signed", ["2026-03-01 11:30", "2026-03-01 12:30"])
def test_near_the_closing_before_or_after_it(signed):
    (finding,) = closings([signed])
    assert finding.code == "near_close(signed)"
    after = 30 if "12:30" in signed else 0
    assert re.search(rf"\b30 of 30\b.*\b100\.0%.*\b{after} of them\b", finding.evidence)


def test_what_is_also_done_earlier_is_not_near_the_closing():
    assert closings(["2026-02-20 10:00", "2026-03-01 11:30"]) == []


@pytest.mark.parametrize(
    ("won", "lost", "codes"),
    [
        ("2026-03-01", "2026-02-10", ["decides:won(since on the closing day)"]),
        ("2026-03-01", "2026-03-01", []),  # a date at which deals close, however they end
        ("2026-02-10", "2026-02-10", []),
    ],
)
def test_a_date_that_is_written_with_the_win(won, lost, codes):
    """All leads have a date, as colleagues have that of their account."""
    outcomes = [("won", "lost")[n % 2] for n in range(120)]
    dates = {"won": won, "lost": lost}
    frames = Frames(
        pd.DataFrame(
            {"lead_id": 0, "occurred_at": pd.date_range("2026-01-02", "2026-08-01"), "action": "a"}
        ),
        pd.DataFrame(
            {
                "lead_id": range(120),
                "created_at": at("2026-01-01"),
                "since": pd.to_datetime([dates[outcome] for outcome in outcomes]),
            }
        ),
        pd.DataFrame(
            {"lead_id": range(120), "closed_at": at("2026-03-01 12:00"), "outcome": outcomes}
        ),
        ("since",),
    )
    assert [f.code for f in audited(frames, features=False) if "closing day" in f.code] == codes


@pytest.mark.parametrize(
    ("period", "codes"),
    [
        ("W-SAT", ["coarse_dates(visited_pricing)"]),  # weeks that begin on Sundays
        ("W-SUN", []),  # on Mondays, as the cutoffs do, which do not see it
        ("D", []),
        ("h", []),
    ],
)
def test_times_of_which_only_a_period_is_known(period, codes):
    frames = planted(world(21), "coarse_dates(visited_pricing)", 21)
    mine = frames.events["action"] == "visited_pricing"
    times = world(21).events.loc[mine, "occurred_at"]
    frames.events.loc[mine, "occurred_at"] = times.dt.to_period(period).dt.start_time
    findings = audited(frames, features=False)
    assert [each.code for each in findings if each.kind == "coarse_dates"] == codes


def test_what_is_done_on_one_weekday_at_another_hour_than_the_cutoffs_is_honest():
    """A webinar on Thursdays at 15:00, in a log without recorded_at."""
    frames = planted(world(21), "coarse_dates(visited_pricing)", 21)
    mine = frames.events["action"] == "visited_pricing"
    weeks = world(21).events.loc[mine, "occurred_at"].dt.to_period("W-WED").dt.start_time
    frames.events.loc[mine, "occurred_at"] = weeks + pd.Timedelta(days=7, hours=15)
    assert frames.events.loc[mine, "recorded_at"].isna().all()
    findings = audited(frames, features=False)
    assert [each.code for each in findings if each.kind == "coarse_dates"] == []


def test_a_rush_at_the_end_of_the_month_is_honest():
    frames = planted(world(21), "coarse_dates(deals.closed_at)", 21)
    late = frames.deals["closed_at"].where(
        np.random.default_rng(1).random(len(frames.deals)) < 0.7, world(21).deals["closed_at"]
    )
    frames.deals["closed_at"] = late
    assert audited(frames, features=False) == ()


def test_values_and_rare_values_that_both_outcomes_have_are_honest():
    frames, rng = (
        planted(world(21), "decides:won(opened_quote with a value)", 21),
        np.random.default_rng(2),
    )
    frames.events["value"] = np.where(rng.random(len(frames.events)) < 0.5, 100.0, 0.0)
    frames.events["content"] = rng.choice(["/a", "/b", "/c"], len(frames.events))
    managers = rng.integers(0, len(frames.leads) // 4, len(frames.leads))
    frames.add_attribute("manager", np.array([f"manager {n}" for n in managers], object))
    assert audited(frames, features=False) == ()


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.01, 0.99))
def test_decided_is_rare_on_the_other_side_and_symmetric(won, lost, base):
    if won + lost == 0:
        return
    outcome = decided(won, won + lost, base)
    other = {"won": "lost", "lost": "won", None: None}
    assert decided(lost, won + lost, 1 - base) == other[outcome]
    if outcome == "won":
        assert won / (won + lost) >= 0.95
        assert 1 - interval(won, won + lost)[0] <= min(0.3, (1 - base) / 4)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 2)), max_size=40))
def test_the_area_is_that_of_all_pairs_within_strata(rows):
    pairs = [
        (a > b) + (a == b) / 2
        for a, a_won, a_of in rows
        for b, b_won, b_of in rows
        if a_won and not b_won and a_of == b_of
    ]
    if pairs:
        values, won, strata = (np.array(column) for column in zip(*rows, strict=True))
        area = stratified_area(values.astype(float), won, strata)
        assert area == pytest.approx(sum(pairs) / len(pairs))


def test_all_findings_are_refused_in_one_message_with_the_lines_to_paste():
    config = config_for(".", audit=Audit(accepted=["burst(mail)"]))
    findings = [
        Finding("burst", "mail", "action:mail", "known", {}, accepted=True),
        Finding("near_close", "signed", "action:signed", "seen so", {}),
        Finding("identifier", 'the "id"', 'column:the "id"', "seen too", {}),
    ]
    with pytest.raises(Refused) as refused:
        refuse_leaks(findings, config)
    message = str(refused.value)
    assert re.search(r"\b2 things", message.splitlines()[0])
    assert "near_close(signed): seen so." in message
    assert "burst(mail): known" not in message
    lines = to_paste(["burst(mail)", "near_close(signed)", 'identifier(the "id")'])
    assert message.endswith(lines)
    refuse_leaks(findings[:1], config)


def test_many_findings_about_one_column_are_one_group_and_one_pattern():
    config = config_for(".")
    findings = [
        Finding("decides:won", f"plan={n}", "column:plan", f"reason {n}", {}, features=1)
        for n in range(7)
    ]
    findings.append(Finding("separates", "plan", "column:plan", "reason 8", {}, features=1))
    with pytest.raises(Refused) as refused:
        refuse_leaks(findings, config)
    message = str(refused.value)
    assert message.count("column:plan (1 feature)") == 1
    assert [n for n in range(9) if f"reason {n}" in message] == [0, 1, 2, 8]
    assert re.search(r"decides:won: and 4 more\b", message)
    assert message.endswith(to_paste(["decides:won(plan=*)", "separates(plan)"]))
    accepted = [f for f in findings if accepts("decides:won(plan=*)", f)]
    assert accepted == findings[:7]


def test_the_lines_to_paste_are_read_as_they_were_meant(tmp_path):
    codes = ['identifier(the "id")', "decides:won(größe=50\\100)"]
    text = '[tables]\nevents="e"\nleads="l"\ndeals="d"\n[time]\nfirst_cutoff=2026-01-05\n'
    text += f"[capacity]\nshare=0.1\n{to_paste(codes)}\n"
    (tmp_path / "readiness.toml").write_text(text, encoding="utf-8")
    assert load(tmp_path).audit.accepted == codes


def test_the_cutoffs_are_those_of_the_final_split():
    config = config_for(".", time={"horizon_days": 30, "first_cutoff": datetime(2026, 1, 5)})
    end = datetime(2026, 9, 1)
    mature = list(pd.date_range("2026-01-05", end - timedelta(days=30), freq="7D"))
    expected = final_split(mature, config.time.test_cutoffs, 30).fit
    assert training_cutoffs(config, end) == list(expected)
    assert training_cutoffs(config, datetime(2026, 1, 20)) == []
    assert spread_out([]) == []


def test_a_lead_with_several_deals_counts_once_by_the_first_that_closed():
    leads = [{"lead_id": n, "created_at": at("2026-01-01")} for n in range(5)]
    deals = [
        (0, "2026-02-01", "lost"),
        (0, "2026-03-01", "won"),
        (1, "2026-02-01", "won"),
        (1, "2026-02-01", "lost"),  # at one instant: the win
        (2, None, None),
        (2, "2026-04-01", "won"),
        (3, None, None),
        (4, "2026-05-01", "won"),
        (4, "2026-06-01", "lost"),
    ]
    rows = [
        {"lead_id": lead, "closed_at": closed and at(closed), "outcome": outcome}
        for lead, closed, outcome in deals
    ]
    events = [event(0, at("2026-07-01"), "the data end")]
    with opened(leads, events, rows) as database:
        write_audited(database, at("2026-04-15"))
        audited_leads = database.connection.execute(
            "SELECT lead_id, closed_at, outcome, still_open FROM audited ORDER BY lead_id"
        ).fetchall()
    assert audited_leads == [
        (0, at("2026-02-01"), "lost", False),
        (1, at("2026-02-01"), "won", False),
        (2, at("2026-04-01"), "won", False),
        (3, None, None, True),
        (4, None, None, False),
    ]
