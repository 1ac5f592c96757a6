"""`readiness effect` by the command: how to begin, and what is known once there is a draw."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.config import Routing
from features.config import load as settings_of
from features.cutoffs import utc_now
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from tests.readiness.running import SETTINGS, little_folder, readiness
from tests.readiness.test_words import fits

FIRST = datetime(2024, 1, 8)
LEADS = 400


def folder_of(folder: Path, **how: str) -> Path:
    """400 leads, every fourth of them won on 2024-01-10, 30 days of data."""
    numbers = range(1, LEADS + 1)
    leads = "".join(f"{n},2024-01-0{1 + n % 7}\n" for n in numbers)
    deals = "".join(f"{n},2024-01-10,won\n" for n in numbers if n % 4 == 0)
    return little_folder(
        folder,
        leads=f"lead_id,created_at\n{leads}",
        deals=f"lead_id,closed_at,outcome\n{deals}",
        events="lead_id,occurred_at,action\n1,2024-02-08,visited\n",
        **how,
    )


TWO_LISTS = ((0, LEADS // 2), (1, LEADS))


def write_lists(
    folder: Path, holdout: float, lists: Sequence[tuple[float, int]] = TWO_LISTS
) -> pd.DataFrame:
    """Lists, as score makes them, of 100 leads each: in which week, and how many are known by then;
    their rows."""
    config = settings_of(folder)
    with open_ledger(LedgerPlace.of(config)) as ledger:
        for week, known in lists:
            cutoff = FIRST + timedelta(weeks=week)
            part = pd.DataFrame(
                {
                    "lead_id": [str(n) for n in range(1, known + 1)],
                    "state": "scored",
                    "readiness": [n / 1000 for n in range(1, known + 1)],
                    "rule_score": 1.0,
                }
            )
            router = Router(100, cutoff, Routing(holdout=holdout), horizon_days=7)
            ledger.write(Run(cutoff, "1", "r"), [part], known, router, cutoff)
        return ledger.query("SELECT * FROM scores ORDER BY cutoff")


def test_without_a_ledger_it_says_what_to_run(tmp_path: Path) -> None:
    ran = readiness("effect", folder_of(tmp_path))
    assert (ran.code, ran.out) == (2, "")
    assert "readiness score" in ran.err


def test_without_a_draw_it_says_how_to_begin_and_how_long_it_takes(tmp_path: Path) -> None:
    write_lists(folder_of(tmp_path), holdout=0.0, lists=[*TWO_LISTS, (4, LEADS)])
    ran = readiness("effect", tmp_path)
    assert ran.code == 0
    fits(ran.out)
    assert "[routing]\n    holdout = " in ran.out
    assert "12.5% are won" in " ".join(ran.out.split())
    result = readiness("effect", tmp_path, "--json").result
    assert (result["in_draw"], result["effect"], result["thirds"]) == (0, None, [])
    assert result["power"]["base_rate"] == 0.125  # of the second list's 100 nobody is won
    assert result["power"]["per_week"] == 25.0  # 100 new ones in four weeks
    weeks = [each["weeks"] for each in result["power"]["needed"]]
    assert None not in weeks
    assert f" {weeks[0]:,} " in ran.out
    assert result["sentence"] in " ".join(ran.out.split())


@pytest.mark.parametrize("weeks", [1 / 7, 1, 3.9])
def test_lists_of_a_short_time_tell_no_weekly_rate(tmp_path: Path, weeks: float) -> None:
    write_lists(folder_of(tmp_path), holdout=0.0, lists=[(0, LEADS // 2), (weeks, LEADS)])
    ran = readiness("effect", tmp_path)
    power = readiness("effect", tmp_path, "--json").result["power"]
    assert power["per_week"] is None
    assert {each["weeks"] for each in power["needed"]} == {None}
    assert "4 weeks" in " ".join(ran.out.split())
    assert "4 weeks" in (tmp_path / "out" / "effect.html").read_text()


def test_of_a_draw_it_counts_each_side(tmp_path: Path) -> None:
    rows = write_lists(folder_of(tmp_path), holdout=0.4)
    rows = rows[rows["holdout"].notna()].drop_duplicates("lead_id")
    won = (rows["lead_id"].astype(int) % 4 == 0) & (rows["cutoff"] == FIRST)
    result = readiness("effect", tmp_path, "--json").result
    assert (result["in_draw"], result["waiting"], result["missing"]) == (len(rows), 0, 0)
    held = rows["holdout"].astype(bool)
    for name, of in (("called", ~held), ("held_back", held)):
        side = result["effect"][name]
        assert (side["leads"], side["won"]) == (of.sum(), (won & of).sum())
    low, point, high = (result["effect"]["difference"][name] for name in ("low", "point", "high"))
    assert low < 0 < high  # every fourth on both sides
    ran = readiness("effect", tmp_path)
    assert ran.code == 0
    fits(ran.out)
    difference = f"{100 * point:+.1f} pp ({100 * low:+.1f} to {100 * high:+.1f})"
    assert difference in " ".join(ran.out.split())
    page = readiness("effect", tmp_path, "--out", tmp_path / "own.html", "--json").result["page"]
    assert Path(page) == tmp_path / "own.html"
    for written in (tmp_path / "own.html", tmp_path / "out" / "effect.html"):
        assert f"{len(rows):,} leads were in the draw" in written.read_text("utf-8")


@pytest.mark.parametrize("share", ["-0.1", "0.6", '"half"'])
def test_a_share_that_is_none_is_refused(tmp_path: Path, share: str) -> None:
    folder_of(tmp_path, settings=f"{SETTINGS}[routing]\nholdout = {share}\n")
    ran = readiness("check", tmp_path)
    assert ran.code == 2
    assert "routing.holdout" in ran.err


@pytest.mark.slow
def test_score_draws_for_a_list_in_time_and_not_for_one_made_long_after(tmp_path: Path) -> None:
    """The data end last midnight. The list of that midnight holds back half of its leads for the
    horizon, 7 days; one of 20 days before draws nobody, and says so."""
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    created = midnight - timedelta(days=30)
    leads = "".join(f"{n},{created}\n" for n in range(1, LEADS + 1))
    little_folder(
        tmp_path,
        leads=f"lead_id,created_at\n{leads}",
        deals=f"lead_id,closed_at,outcome\n1,{midnight - timedelta(days=25)},won\n",
        events=f"lead_id,occurred_at,action\n2,{midnight - timedelta(seconds=1)},visited\n",
        settings=SETTINGS.replace("2024-01-08", f"{created:%Y-%m-%d}").replace("0.1", "0.25")
        + "[routing]\nholdout = 0.5\n",
    )
    late, now = midnight - timedelta(days=20), midnight
    for cutoff in (now, late):
        ran = readiness("score", tmp_path, "--cutoff", f"{cutoff:%Y-%m-%d}", "--json")
        assert ran.code == 0
        noted = [note for note in ran.result["notes"] if note.startswith("No holdout is drawn")]
        assert [f"{late:%Y-%m-%d}" in note for note in noted] == [True] * (cutoff == late)
    with open_ledger(LedgerPlace.of(settings_of(tmp_path))) as ledger:
        rows = ledger.query("SELECT * FROM scores")
    assert rows.loc[rows["cutoff"] == late, "holdout"].isna().all()
    rows = rows[rows["cutoff"] == now]
    back = rows[rows["holdout"].fillna(False)]
    assert (rows["route"] == "sales").sum() == (~rows["holdout"]).sum() == 100
    assert 40 < len(back) < 180  # passed over until a hundred are called
    assert set(back["route"]) == {"nurture"}
    until = f"{now + timedelta(days=7):%Y-%m-%d}"
    assert back["route_reason"].str.contains(until).all()
