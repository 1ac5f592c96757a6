"""Odd names on their way through the command: shown as they are, and never as an order to it."""

from pathlib import Path

import pytest

from tests.corpus.company import (
    Edit,
    append,
    both,
    integers,
    recode,
    rename_lead,
    replace,
    write,
    write_company,
)
from tests.readiness.running import readiness


def actions(new: str) -> Edit:
    """Another name of an action."""
    return recode("events.csv", lambda text: text.replace("mailed", new).encode())


ODD: dict[str, tuple[Edit, str]] = {  # and how `check` and `score` show it
    "markup in an action": (actions("[red]x[/]"), "[red]x[/]"),
    "markup that is never closed": (actions("[/bold]"), "[/bold]"),
    "colours of a terminal in an action": (actions("\x1b[31mx"), "\\x1b[31mx"),
    "a bell in an action": (actions("ding\a"), "ding\\x07"),
    "letters from right to left": (actions("a\u202ex"), "a\\u202ex"),
    "an emoji by its name": (actions(":100:"), ":100:"),
    "a backslash at the end": (actions("x\\"), "x\\"),
    "braces": (actions("{0}%s"), "{0}%s"),
}
# What check finds, of the sound company and of faulty ones: its exit code.
CODES: dict[str, tuple[Edit, int]] = {
    "sound": (both(), 0),
    "integers": (integers(), 0),
    "a breach": (replace("events.csv", ("2024-02-02 10:00:00", "soon")), 2),
    "an id of colours in a breach": (
        both(
            rename_lead("a-8", "\x1b[31ma"), replace("events.csv", ("2024-02-02 10:00:00", "soon"))
        ),
        2,
    ),
    "no deals": (write("deals.csv", "lead_id,closed_at,outcome\n"), 0),
    "no events": (replace("readiness.toml", ('events = "events.csv"\n', "")), 0),
    "no leads": (write("leads.csv", "lead_id,created_at\n"), 2),
    "no settings": (lambda folder: (folder / "readiness.toml").unlink(), 2),
}


def written(folder: Path, edit: Edit) -> None:
    """The sound company, whose last deal stands alone as somebody knows, so edited."""
    write_company(folder)
    append("readiness.toml", '[audit]\naccepted = ["lone_last_record(deals)"]\n')(folder)
    edit(folder)


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_shown_as_they_are(tmp_path: Path, name: str) -> None:
    edit, shown = ODD[name]
    written(tmp_path, edit)
    ran = readiness("check", tmp_path)
    assert ran.code == 0
    assert shown in ran.out
    as_json = readiness("check", tmp_path, "--json").result
    raw = {each["action"] for each in as_json["actions"]} - {"visited", "called"}
    assert [ascii(each)[1:-1].replace("\\\\", "\\") for each in raw] == [shown]


@pytest.mark.parametrize("name", list(ODD)[:3])
def test_odd_names_go_all_the_way(tmp_path: Path, name: str) -> None:
    written(tmp_path, ODD[name][0])
    for verb in (("features",), ("score",), ("explain", "a-6")):
        assert readiness(*verb, tmp_path).code == 0


@pytest.mark.parametrize("name", CODES)
def test_what_check_finds_is_its_exit_code(tmp_path: Path, name: str) -> None:
    edit, code = CODES[name]
    written(tmp_path, edit)
    ran = readiness("check", tmp_path)
    assert ran.code == code, ran
    assert "\x1b" not in ran.out + ran.err
    if code == 2:
        assert readiness("train", tmp_path).code == 2 or name.endswith("breach")
