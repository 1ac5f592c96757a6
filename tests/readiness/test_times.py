"""What --cutoff and its like take: days, times, ISO weeks, today and yesterday."""

from datetime import UTC, datetime, timedelta

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from readiness.commands.options import read_time
from tests.readiness.running import little_folder, readiness

TIMES = st.datetimes(datetime(1900, 1, 8), datetime(2199, 12, 23))


@given(TIMES)
def test_a_week_is_the_midnight_of_its_monday(time: datetime) -> None:
    monday = read_time(f"{time:%G-W%V}")
    assert (monday.weekday(), monday.time(), monday.tzinfo) == (0, datetime.min.time(), None)
    assert timedelta(0) <= time - monday < timedelta(days=7)


@given(TIMES)
def test_a_day_and_a_time(time: datetime) -> None:
    second = time.replace(microsecond=0)
    assert read_time(f"{second}") == read_time(second.isoformat()) == second
    assert read_time(f"{time.date()}") == datetime(time.year, time.month, time.day)


def test_weeks_at_the_turn_of_a_year() -> None:
    assert read_time("2026-W01") == datetime(2025, 12, 29)
    assert read_time("2026-W48") == datetime(2026, 11, 23)
    assert read_time("2026-W53") == datetime(2026, 12, 28)


def test_today_is_the_last_midnight_of_utc() -> None:
    before = datetime.now(UTC).date()
    today, yesterday = read_time("today"), read_time("yesterday")
    after = datetime.now(UTC).date()
    assert before <= today.date() <= after
    assert today.time() == datetime.min.time()
    assert before <= yesterday.date() + timedelta(days=1) <= after


@pytest.mark.parametrize(
    "text",
    ["2025-W53", "2026-W00", "2026-W54", "0000-W01", "2026-W1", "2026W48", "2026-w48", "0024-W05",
     "2300-W01", "2026-02-30", "2026-03-01T14:30", "2026-03-01T14:30:00+02:00", "tomorrow", ""],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        read_time(text)


@pytest.mark.parametrize(
    "words",
    [("score", "--cutoff"), ("monitor", "--cutoff"), ("segments", "--cutoff"),
     ("sources", "--cutoff"), ("funnel", "--until"), ("plan", "--as-of"),
     ("explain", "1", "--since"),
     ("explain", "1", "--cutoff"), ("rules", "diff", "current", "current", "--cutoff"),
     ("ledger", "withdraw", "--cutoff"), ("movers", "--since")],
    ids=" ".join,
)  # fmt: skip
def test_every_verb_takes_them(tmp_path, words: tuple[str, ...]) -> None:
    *verb, option = words
    ran = readiness(*verb, little_folder(tmp_path), option, "2025-W53")
    assert (ran.code, ran.out) == (2, "")
    assert f"'{option}'" in ran.err
    assert "W48" in readiness(*verb, "--help").out


def test_score_at_a_week(tmp_path) -> None:
    ran = readiness("score", little_folder(tmp_path), "--cutoff", "2024-W03", "--json")
    assert ran.result["cutoff"] == "2024-01-15T00:00:00"


@pytest.mark.parametrize("top", [0, 1, 3])
def test_top_leads_are_printed(tmp_path, top: int) -> None:
    """At 2024-01-11, before any deal, all three are open; the capacity sends all to sales."""
    settings = little_folder(tmp_path) / "readiness.toml"
    settings.write_text(settings.read_text("utf-8").replace("share = 0.1", "share = 1.0"))
    ran = readiness("score", tmp_path, "--cutoff", "2024-01-11", "--top", top)
    assert ran.code == 0
    rows = [line for line in ran.out.splitlines() if line.startswith("│")]
    assert sum(line.split("│")[1].strip() in ("1", "2", "3") for line in rows) == top


def test_top_is_not_negative(tmp_path) -> None:
    ran = readiness("score", little_folder(tmp_path), "--top", -1)
    assert (ran.code, ran.out) == (2, "")
