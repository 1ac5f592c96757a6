"""One mistyped date must not stand before all that comes: what keeps results refuses it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.readiness.running import little_folder, readiness

NEXT_YEAR = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=365)


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_score_refuses_it_and_writes_nothing(tmp_path: Path, extra: tuple[str, ...]) -> None:
    before = everything(little_folder(tmp_path))
    ran = readiness("score", tmp_path, "--cutoff", f"{NEXT_YEAR:%Y-%m-%d}", *extra)
    assert ran.code == 1
    assert f"{NEXT_YEAR:%Y-%m-%d}" in ran.err
    assert "--accept" in ran.err
    assert everything(tmp_path) == before


def test_it_may_be_accepted_and_a_past_one_needs_no_more(tmp_path: Path) -> None:
    little_folder(tmp_path)
    at = f"{NEXT_YEAR:%Y-%m-%d}"
    assert readiness("score", tmp_path, "--cutoff", at, "--accept", "--json").result["added"] == 1
    assert readiness("score", tmp_path, "--cutoff", "2024-01-11", "--json").result["added"] == 3


def test_sources_appends_no_move_of_a_day_that_is_to_come(tmp_path: Path) -> None:
    (little_folder(tmp_path) / "sources.toml").write_text("")
    before = everything(tmp_path)
    at = ("--cutoff", f"{NEXT_YEAR:%Y-%m-%d}")
    assert readiness("sources", tmp_path, "--apply", *at).code in (1, 2)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "words",
    [("score", "--cutoff"), ("monitor", "--cutoff"), ("segments", "--cutoff"),
     ("sources", "--cutoff"), ("funnel", "--until"), ("explain", "1", "--since"),
     ("explain", "1", "--cutoff"), ("rules", "diff", "current", "current", "--cutoff")],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("time", ["0001-01-01", "9999-12-31T23:59:59", "1899-12-31", "0024-03-01"])
def test_a_time_that_no_window_can_be_counted_from(tmp_path: Path, words, time: str) -> None:
    *verb, option = words
    ran = readiness(*verb, little_folder(tmp_path), option, time)
    assert (ran.code, ran.out) == (2, "")
    assert "1900" in ran.err
