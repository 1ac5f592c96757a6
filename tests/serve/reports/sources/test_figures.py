"""What `readiness sources` measures, says, writes into sources.toml and shows.

Literal example, cutoff 2026-07-30, horizon 30 days, window 180 days: measured are leads that
touched a source in [2026-01-01, 2026-06-30). Lead n of "mail" came on day n of 2026; the first 60
are won ten days later. Of the 180 measured 60 are won; the 30 after them are immature, not lost.
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from features.config import Config
from features.errors import BadInput
from features.open_database import open_database
from models.sources.moves import MatureLeads
from models.sources.sources import load_sources
from serve.reports.sources.figures import Review, apply_moves, review, sources_path
from serve.reports.sources.page import render
from tests.features.lead_databases import config_for, event, write_database
from tests.models.sources_text import BASKETS, move, one

START, CUTOFF = datetime(2026, 1, 1), datetime(2026, 7, 30)
TEXT = "# mine\n" + BASKETS + one("mail", "active-2") + one("fair", "passive-1")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    days = [START + timedelta(days=n) for n in range(240)]
    leads = [{"lead_id": n, "created_at": day, "source": "mail"} for n, day in enumerate(days)]
    leads += [{"lead_id": 999, "created_at": START, "source": "web"}]
    ten = timedelta(days=10)
    deals = [{"lead_id": n, "closed_at": days[n] + ten, "outcome": "won"} for n in range(60)]
    write_database(tmp_path, leads, [event(0, START)], deals)
    (tmp_path / "sources.toml").write_text(TEXT)
    return config_for(tmp_path, time={"data_end": datetime(2026, 8, 20)})


def reviewed(config: Config, cutoff: datetime = CUTOFF) -> Review:
    with open_database(config) as database:
        return review(config, database, load_sources(sources_path(config)), cutoff)


def test_the_literal_example(config: Config) -> None:
    result = reviewed(config)
    assert (result.first, result.last) == (START, datetime(2026, 6, 30))
    mail, fair = result.sources
    assert (mail.measures.whole, mail.measures.later) == (MatureLeads(180, 60), MatureLeads(90, 0))
    assert mail.measures.immature == 30
    assert mail.measures.days_to_win == 10
    assert mail.measures.trend is not None
    assert mail.measures.trend.point == pytest.approx(-60 / 90)
    assert (fair.measures.whole, fair.measures.trend) == (MatureLeads(0, 0), None)
    assert fair.verdict.to is None
    assert result.unlisted == {"web": 1}
    assert "web (1)" in result.notes[0]


def test_nothing_after_the_cutoff_counts(config: Config) -> None:
    """At 2026-02-10 the horizon is over for the leads of the first eleven days (2026-01-01 to
    2026-01-11, of which the last was won on 2026-01-21), and 29 more are immature."""
    mail, _ = reviewed(config, datetime(2026, 2, 10)).sources
    assert (mail.measures.whole, mail.measures.immature) == (MatureLeads(10, 10), 30)


def test_moves_are_appended_once_and_the_text_above_stays(config: Config) -> None:
    path = sources_path(config)
    result = reviewed(config)
    assert [source.name for source in result.moving] == ["mail"]
    assert path.read_text() == TEXT  # a review writes nothing
    assert apply_moves(config, result) == ["mail"]
    text = path.read_text()
    assert text.startswith(TEXT.rstrip("\n"))
    (made,) = load_sources(path).file.move
    to = result.moving[0].verdict.to
    assert (made.source, made.left, made.to, made.on) == ("mail", "active-2", to, CUTOFF.date())
    assert (made.leads, made.won) == tuple(result.moving[0].verdict.seen)
    again = reviewed(config)
    assert (again.sources[0].basket, again.moving) == (to, [])
    assert apply_moves(config, again) == []
    assert path.read_text() == text
    assert reviewed(config, CUTOFF - timedelta(days=1)).sources[0].basket == "active-2"


def test_history_is_not_rewritten(config: Config) -> None:
    path = sources_path(config)
    path.write_text(TEXT + move("fair", "passive-1", "passive-2", "2026-08-01"))
    before = path.read_text()
    with pytest.raises(BadInput, match="has moves after 2026-07-30"):
        apply_moves(config, reviewed(config))
    assert path.read_text() == before


def test_what_could_not_be_read_again_is_not_written(config: Config) -> None:
    """An inline list of moves cannot be appended to; the user is told, and the file stays."""
    path = sources_path(config)
    path.write_text("move = []\n" + TEXT)
    with pytest.raises(BadInput, match="not valid TOML"):
        apply_moves(config, reviewed(config))
    assert path.read_text() == "move = []\n" + TEXT


def test_a_file_without_sources_is_refused(config: Config) -> None:
    sources_path(config).write_text(BASKETS)
    with pytest.raises(BadInput, match="names no source"):
        reviewed(config)


def test_a_database_without_touches_is_told(config: Config) -> None:
    sources_path(config).write_text(BASKETS + one("fair", "passive-1"))
    assert any("No lead touched a source" in note for note in reviewed(config).notes)


def test_the_page_shows_the_sources_and_their_moves(config: Config) -> None:
    result = reviewed(config)
    hostile = replace(result.sources[1], name="<b>$x$ & fair")
    result = replace(result, sources=(result.sources[0], hostile))
    text = render(result, None)
    assert "1 source should move" in text
    assert "<b>$x$" not in text
    assert "&lt;b&gt;$x$ &amp; fair" in text
    assert not re.search(r"<script|https?://(?!www\.w3\.org|purl\.org)|\{\{|None", text)
    apply_moves(config, result)
    again = render(reviewed(config), [])
    assert "Every source may stay" in again
    assert "Moves so far" in again
