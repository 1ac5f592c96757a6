"""`readiness check` names the actions that no group of roles.toml knows."""

from pathlib import Path

import pyarrow as pa

from features.check.notes import role_notes
from features.open_database import open_database
from tests.features.lead_databases import at, config_for, event, write_database


def test_actions_that_no_group_knows_are_named(tmp_path: Path) -> None:
    leads = [{"lead_id": "a", "created_at": at("2026-01-02"), "company": "ACME"}]
    days = [at(f"2026-01-{day:02}") for day in (3, 4, 5)]
    events = [event("a", day, "wombat") for day in days]
    events += [event("a", days[0], "visited_blog"), event("a", days[0], "zebra")]
    write_database(tmp_path, leads, events, attributes={"company": pa.string()})
    config = config_for(tmp_path, features={"account": "company"})
    with open_database(config) as database:
        (note,) = role_notes(database, config)
        assert role_notes(database, config_for(tmp_path)) == []
        assert (note.count, note.first) == (2, ("wombat", "zebra"))
        (tmp_path / "roles.toml").write_text('[[group]]\nname = "animals"\nwords = ["wombat*"]')
        (note,) = role_notes(database, config)
        assert (note.count, note.first) == (2, ("visited_blog", "zebra"))
