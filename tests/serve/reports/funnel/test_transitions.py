"""Conversion counts and times equal a recount by loops, and Kaplan-Meier by hand.

Worked example, until 2026-03-01 00:00, lead > customer within 30 days. Entered; what became of it:

  2026-01-10  won 02-05, 26 days later             counted, went on
  2026-01-10  won 02-09 00:00, 30 days later       counted, still there after 30 days
  2026-01-20  lost 01-25, 5 days later             counted, lost
  2026-01-30  open                                 30 days before the end: counted, still there
  2026-02-10  won 02-12                            not counted: 30 days are not over
  2026-02-19  open for 10 days                     not counted, censored

Of 4 counted, 1 went on. Kaplan-Meier of the time in the phase, by hand: 6 leads; 2 days: 5/6 stay;
5 days: x 4/5 = 4/6; 10 days: censored; 26 days: x 2/3 = 4/9; 30 days (one left, one censored, who
counts as there): x 1/2 = 2/9. A quarter has left after 5 days (1/3), half after 26 (5/9), three
quarters after 30 (7/9).
"""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.result_json import to_json
from serve.reports.funnel.groups import OTHERS, grouped
from serve.reports.funnel.transitions import Fate, measure, ways
from tests.serve.reports.funnel.funnel_entries import UNTIL, funnel, made

DAY = timedelta(days=1)


def day(text):
    return datetime.fromisoformat(f"2026-{text}")


def test_the_worked_example():
    rows = [
        (day("01-10"), day("02-05"), None),
        (day("01-10"), day("02-09"), None),
        (day("01-20"), None, day("01-25")),
        (day("01-30"), None, None),
        (day("02-10"), day("02-12"), None),
        (day("02-19"), None, None),
    ]
    (way,) = ways(made(rows, funnel("lead", "customer", within_days=30)))
    result = measure(way)
    counted = (
        result.entered,
        result.open,
        result.mature,
        result.went_on,
        result.lost,
        result.still,
    )
    assert counted == (6, 2, 4, 1, 1, 2)
    assert result.rate.point == 0.25
    assert result.days == {0.25: 5.0, 0.5: 26.0, 0.75: 30.0}
    assert result.median_on == 26.0
    curve = way.curve
    assert curve["days"].tolist() == [0, 2, 5, 26, 30]
    assert curve["left"].tolist() == pytest.approx([0, 1 / 6, 2 / 6, 5 / 9, 7 / 9])
    # going on and being lost share what has left: only the fifth day is a loss
    assert curve["lost"].tolist() == pytest.approx([0, 0, 1 / 6, 1 / 6, 1 / 6])
    assert curve["on"].tolist() == pytest.approx([0, 1 / 6, 1 / 6, 7 / 18, 11 / 18])


moments = st.integers(0, 59).map(lambda n: UNTIL - 60 * DAY + n * DAY)


@st.composite
def lives(draw):
    """Rows of a lead > MQL > customer, never falling; lost at or after the last entry."""
    rows = []
    for _ in range(draw(st.integers(1, 25))):
        stages = sorted(draw(st.lists(moments, min_size=1, max_size=3)))
        later = UNTIL - DAY
        lost = None
        if len(stages) < 3 and draw(st.booleans()):
            lost = min(later, stages[-1] + draw(st.integers(0, 20)) * DAY)
        rows.append((*stages, *[None] * (3 - len(stages)), lost))
    return rows


def fates(rows, begin, to):
    """(start, days, fate) of each lead that entered, and did not skip."""
    for row in rows:
        start, onward, lost = row[begin], row[to], row[3]
        if start is None or start == row[begin + 1]:
            continue
        if onward is not None:
            yield start, (onward - start).days, "on"
        elif lost is not None:
            yield start, (lost - start).days, "lost"
        else:
            yield start, (UNTIL - start).days, "open"


def kaplan_meier(lives):
    """[(days, share still there)] by the product over days, from the definition."""
    share, result = 1.0, []
    for moment in sorted({days for _, days, fate in lives if fate != "open"}):
        there = sum(days >= moment for _, days, _ in lives)
        leaving = sum(days == moment and fate != "open" for _, days, fate in lives)
        share *= 1 - leaving / there
        result.append((moment, share))
    return result


@settings(max_examples=150)
@given(rows=lives(), within=st.integers(1, 40))
def test_figures_equal_the_recount(rows, within):
    requested = funnel("lead", "MQL", "customer", within_days=within, whole_within_days=within + 5)
    places = ((0, 1, within), (1, 2, within), (0, 2, within + 5))
    for way, (begin, to, limit) in zip(ways(made(rows, requested)), places, strict=True):
        expected = list(fates(rows, begin, to))
        mature = [each for each in expected if each[0] + limit * DAY <= UNTIL]
        in_time = Counter(fate for _, days, fate in mature if days < limit)
        result = measure(way)
        assert result.entered == len(expected)
        assert result.open == sum(fate == "open" for *_, fate in expected)
        assert result.skipped == sum(row[begin] is not None for row in rows) - len(expected)
        assert (result.mature, result.went_on, result.lost) == (
            len(mature),
            in_time["on"],
            in_time["lost"],
        )
        assert result.still == len(mature) - in_time["on"] - in_time["lost"]
        curve = kaplan_meier(expected)
        for quantile, days in result.days.items():
            reached = [moment for moment, there in curve if there <= 1 - quantile + 1e-9]
            assert days == (min(reached) if reached else None)
        message = way.curve.iloc[1:]
        assert message["days"].tolist() == [moment for moment, _ in curve]
        assert (1 - message["left"]).tolist() == pytest.approx([there for _, there in curve])
        assert (message["on"] + message["lost"]).tolist() == pytest.approx(message["left"].tolist())


@settings(max_examples=40)
@given(rows=lives())
def test_without_open_leads_the_curves_are_plain_shares(rows):
    closed = [row if row[2] or row[3] else (*row[:3], UNTIL - DAY) for row in rows]
    way = ways(made(closed, funnel("lead", "MQL", "customer")))[-1]
    assert Fate.OPEN not in way.fate
    for days, _, on, lost in way.curve.iloc[1:].itertuples(index=False):
        past = [fate for _, stayed, fate in fates(closed, 0, 2) if stayed <= days]
        assert on * len(way.lead) == pytest.approx(past.count("on"))
        assert lost * len(way.lead) == pytest.approx(past.count("lost"))


@settings(max_examples=15)
@given(rows=lives(), data=st.data())
def test_groups_are_parts_of_the_whole(rows, data):
    requested = funnel("lead", "MQL", "customer", within_days=10, period="week")
    sources = data.draw(
        st.lists(st.sampled_from("abc"), min_size=len(rows), max_size=len(rows)), label="sources"
    )
    result = made(rows, requested, sources)
    every = ways(result)
    for by in ("source", "cohort", "period"):
        groups = grouped(result, every, by)
        for place, way in enumerate(every):
            whole = measure(way)
            parts = [measured[place] for measured in groups.values()]
            figures = ("entered", "open", "mature", "went_on", "lost")
            for figure in figures if by == "period" else (*figures, "skipped"):
                assert sum(getattr(part, figure) for part in parts) == getattr(whole, figure)
        assert list(groups) == sorted(groups) or by == "source"
    alone = [n for n, source in enumerate(sources) if source == "a"]
    if alone:
        apart = measure(ways(made([rows[n] for n in alone], requested))[0])
        assert grouped(result, every, "source")["a"][0] == apart


def test_many_sources_are_put_together():
    rows = [(UNTIL - DAY, None, None)] * 40
    result = made(rows, funnel("lead", "customer"), [f"s{n % 20:02d}" for n in range(40)])
    groups = grouped(result, ways(result), "source")
    assert len(groups) == 16
    assert groups[OTHERS][0].entered == 10


def test_nobody_mature_gives_no_rate():
    result = measure(ways(made([(UNTIL - DAY, None, None)], funnel("lead", "customer")))[0])
    assert (result.mature, result.still) == (0, 0)
    assert to_json(result)["conversion"] == {"point": None, "low": None, "high": None}
    assert result.days == {0.25: None, 0.5: None, 0.75: None}
