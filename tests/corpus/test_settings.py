"""readiness.toml and the files that it names, wrong in every way that comes to mind."""

from pathlib import Path

import pandas as pd

from tests.corpus.company import (
    Case,
    Edit,
    Note,
    Rows,
    Same,
    append,
    both,
    case,
    each,
    message,
    prove,
    recode,
    replace,
    settings,
    write,
)

TOML = "readiness.toml"


def top(text: str) -> Edit:
    """More keys above the first section."""
    return recode(TOML, lambda content: f"{text}\n{content}".encode())


def section(text: str) -> Edit:
    return append(TOML, text + "\n")


def key(old: str, new: str) -> Edit:
    return replace(TOML, (old, new))


def rule(text: str) -> Edit:
    return append("rules.toml", f"[[rule]]\n{text}\n")


def file(name: str, content: str | bytes) -> Edit:
    return write(f"{name}.toml", content)


SEGMENT = '[[segment]]\nname = "{}"\nall = [{}]\n'
STARS = "*a" * 200 + "b"
POINTS = ("lead_id", "cutoff", "won", "points")
DEEP = "[" * 3000 + "]" * 3000
CASES = [
    # The file.
    case("a byte-order mark", recode(TOML, lambda text: text.encode("utf-8-sig")), Same()),
    case("Windows line ends", recode(TOML, lambda t: t.replace("\n", "\r\n").encode()), Same()),
    case("UTF-16", recode(TOML, lambda text: text.encode("utf-16")), Same()),
    case(
        "another encoding",
        recode(TOML, lambda text: ("# größe\n" + text).encode("latin-1")),
        message(TOML, "line 1", "0xf6", "UTF-8"),
    ),
    case("a binary file", write(TOML, bytes(range(256)) * 4), message(TOML)),
    case("an empty file", write(TOML, ""), message(TOML, "tables", "time", "capacity", "required")),
    case(
        "a folder in its place",
        lambda folder: ((folder / TOML).unlink(), (folder / TOML).mkdir()),
        message("There is no readiness.toml", "readiness init"),
    ),
    case(
        "no file",
        lambda folder: (folder / TOML).unlink(),
        message("readiness.toml", "readiness init"),
    ),
    case("a quote that is never closed", key('"leads.csv"', '"leads.csv'), message(TOML, "line 3")),
    case("a key twice", top("seed = 1"), message(TOML, "line 2")),
    case("a section twice", section("[time]\nhorizon_days = 3"), message(TOML, "time")),
    case("JSON", write(TOML, '{"tables": {}}'), message(TOML, "TOML")),
    case("deep brackets", top(f"words = {DEEP}"), message(TOML)),
    case("deep dots", top("words" + ".a" * 900 + " = 1"), message("words")),
    case("a key of 10,000 letters", top("x" * 10_000 + " = 1"), message(TOML, "unknown key")),
    case("a control character", top('out = "a\x1b[31m"'), message(TOML, "line 1")),
    # Keys.
    case(
        "a key misspelt",
        key("horizon_days", "horizon_day"),
        message("time.horizon_day", "horizon_days"),
    ),
    case(
        "a section misspelt", key("[capacity]", "[capacities]"), message("capacities", "capacity")
    ),
    case(
        "a key in the wrong section",
        section("[training]\nhorizon_days = 3"),
        message("training.horizon_days", "[time] horizon_days"),
    ),
    case("markup in a key", top('"[red]x[/]" = 1'), message("[red]x[/]", "unknown key")),
    # Types.
    case(
        "a text for a number",
        key("horizon_days = 7", 'horizon_days = "7"'),
        message("time.horizon_days", "'7'"),
    ),
    case(
        "a fraction of a day",
        key("horizon_days = 7", "horizon_days = 7.5"),
        message("time.horizon_days", "7.5"),
    ),
    case(
        "true for a number",
        key("horizon_days = 7", "horizon_days = true"),
        message("time.horizon_days", "True"),
    ),
    case(
        "a number for a flag",
        section("[exclude]\nmachine_clicks = 1"),
        message("exclude.machine_clicks", "1"),
    ),
    case(
        "a list for a text",
        key('"leads.csv"', '["leads.csv"]'),
        message("tables.leads", "leads.csv"),
    ),
    case(
        "a section for a text",
        key('leads = "leads.csv"', 'leads = {file = "leads.csv"}'),
        message("tables.leads"),
    ),
    case("a number for a section", top("words = 3"), message("words", "3")),
    case("an array of sections", section("[[training]]\njobs = 1"), message("training")),
    case("a clock for a date", key("2024-01-08", "08:00:00"), message("time.first_cutoff")),
    case(
        "a text for a date",
        key("2024-01-08", '"2024-01-08"'),
        message("time.first_cutoff", "first_cutoff = 2024-01-08"),
    ),
    case("a date with an offset", key("2024-01-08", "2024-01-08T02:00:00+02:00"), Same()),
    case("a date with microseconds", key("2024-01-08", "2024-01-08 00:00:00.000000"), Same()),
    case("a day that is not", key("2024-01-08", "2024-02-30"), message(TOML)),
    case(
        "year 1 with an offset",
        key("2024-01-08", "0001-01-01T00:00:00+10:00"),
        message("time.first_cutoff"),
    ),
    # Values at the edge.
    case(
        "a horizon of nothing",
        key("horizon_days = 7", "horizon_days = 0"),
        message("time.horizon_days", "greater than or equal to 1", "0"),
    ),
    case(
        "a horizon below nothing",
        key("horizon_days = 7", "horizon_days = -7"),
        message("time.horizon_days", "-7"),
    ),
    case(
        "a horizon of 1e18 days",
        key("horizon_days = 7", "horizon_days = 1000000000000000000"),
        message("time.horizon_days", "3650"),
    ),
    case(
        "a first cutoff in year 1",
        key("2024-01-08", "0001-01-01"),
        message("time.first_cutoff", "0001-01-01", "1900"),
    ),
    case(
        "a first cutoff in 1900",
        key("2024-01-08", "1900-01-01"),
        Note("cutoffs before the first lead", 6_471, ("1900-01-01", "1900-01-08", "2024-01-08")),
    ),
    case(
        "a first cutoff in year 9999",
        key("2024-01-08", "9999-12-31"),
        message("time.first_cutoff", "9999-12-31", "2199"),
    ),
    case(
        "windows of 3650 days", key("[7, 30]", "[3650]"), Rows("SELECT count(*) FROM leads", [(8,)])
    ),
    case(
        "windows of 3651 days", key("[7, 30]", "[3651]"), message("features.windows_days", "3651")
    ),
    case("no windows", key("[7, 30]", "[]"), message("features.windows_days")),
    case("a window twice", key("[7, 30]", "[7, 30, 7]"), Same()),
    case(
        "both capacities",
        key("share = 0.25", "share = 0.25\nleads = 5"),
        message("capacity", "share", "leads"),
    ),
    case("neither capacity", key("share = 0.25", ""), message("capacity", "share", "leads")),
    case("a capacity of no lead", key("share = 0.25", "leads = 0"), message("capacity.leads", "0")),
    case("a capacity of one", key("share = 0.25", "leads = 1"), Same()),
    case("a capacity of 1e9", key("share = 0.25", "leads = 1000000000"), Same()),
    case(
        "a share above all", key("share = 0.25", "share = 1.01"), message("capacity.share", "1.01")
    ),
    case(
        "a share that is NaN", key("share = 0.25", "share = nan"), message("capacity.share", "nan")
    ),
    case(
        "a share that is infinite",
        key("share = 0.25", "share = inf"),
        message("capacity.share", "inf"),
    ),
    case("a seed below nothing", key("seed = 7", "seed = -1"), message("seed", "-1")),
    case("no memory", key("threads = 1", "memory_gb = 0"), message("engine.memory_gb", "0")),
    case(
        "an attribute that is not there", key('"country"', '"county"'), message("county", "country")
    ),
    case("an attribute twice", key('"country"', '"country", "country"'), Same()),
    case("the outcome's table as an attribute", key('"country"', '"outcome"'), message("outcome")),
    case(
        "a feature left out that is not there",
        settings('leave_out = ["count_8d"]'),
        message("features.leave_out", "count_8d", "count_7d"),
    ),
    case(
        "a pattern of many stars",
        settings(f'leave_out = ["{STARS}"]'),
        message("features.leave_out", "no feature has"),
    ),
    case(
        "a pattern like a regular expression",
        settings('leave_out = ["(a+)+$"]'),
        message("features.leave_out", "(a+)+$"),
    ),
    case(
        "a segment as a feature that is not there",
        settings('segments = ["ours"]'),
        message("features.segments", "'ours'"),
    ),
    case(
        "an acceptance of nothing",
        section('[audit]\naccepted = ["action:caled"]'),
        Note("entries of audit.accepted", 1, ("action:caled",)),
    ),
    case(
        "values without what they cost",
        section('[routing]\nby = "value"'),
        message("routing", "cost_per_contact"),
    ),
    case(
        "an unknown way",
        section('[routing]\nby = "luck"'),
        message("routing.by", "'luck'", "'capacity'"),
    ),
    case(
        "an unknown learner",
        section('[training]\nlearner = "magic"'),
        message("training.learner", "'magic'", "'trees'"),
    ),
    case(
        "a model's name that the registry refuses",
        section('[mlflow]\nmodel = "a/b"'),
        message("mlflow.model", "'a/b'"),
    ),
    case(
        "a model's name of two lines", section('[mlflow]\nmodel = "a\\nb"'), message("mlflow.model")
    ),
    case("no address of the registry", section('[mlflow]\nuri = ""'), message("mlflow.uri")),
    # The other files.
    case(
        "rules that are not there",
        top('rules = "mistyped.toml"'),
        message("mistyped.toml", "rules"),
    ),
    case(
        "segments that are not there", top('segments = "mistyped.toml"'), message("mistyped.toml")
    ),
    case("sources that are not there", top('sources = "mistyped.toml"'), message("mistyped.toml")),
    case("a funnel that is not there", top('funnel = "mistyped.toml"'), message("mistyped.toml")),
    case("a NUL in a path", top('rules = "a\\u0000b.toml"'), message("rules", "NUL")),
    case("a path that is too long", top(f'segments = "{"x" * 300}.toml"'), message("xxx.toml")),
    case(
        "a path into a file", top('segments = "leads.csv/segments.toml"'), message("segments.toml")
    ),
    case(
        "rules as a folder",
        both(top('rules = "there"'), lambda folder: (folder / "there").mkdir()),
        message("there"),
    ),
    case(
        "all of the others wrong",
        both(
            *(file(name, "nonsense = 1\n") for name in ("rules", "segments", "sources", "funnel"))
        ),
        message(
            "rules.toml", "segments.toml", "sources.toml", "funnel.toml", "nonsense: unknown key"
        ),
    ),
    case(
        "rules with a byte-order mark",
        recode("rules.toml", lambda t: t.encode("utf-8-sig")),
        Same(),
    ),
    case(
        "no rules in the file",
        file("rules", 'name = "none"\nbands = {warm = 1, hot = 2}\n'),
        message("rules.toml", "rule", "required"),
    ),
    case(
        "points that are infinite",
        rule('action = "visited"\npoints = inf'),
        message("rule.3.points", "inf"),
    ),
    case(
        "points that are NaN",
        rule('action = "visited"\npoints = nan'),
        message("rule.3.points", "nan"),
    ),
    case(
        "points that no double holds",
        rule('action = "visited"\npoints = 1e400'),
        message("rule.3.points", "inf"),
    ),
    case(
        "points without end",
        rule('action = "visited"\npoints = 1e300'),
        message("rule.3.points", "1e+300"),
    ),
    case(
        "points as a text",
        rule('action = "visited"\npoints = "5"'),
        message("rule.3.points", "'5'"),
    ),
    case(
        "bands that fall",
        replace("rules.toml", ("warm = 5, hot = 20", "warm = 20, hot = 5")),
        message("bands", "20", "5"),
    ),
    case(
        "a group that is not there",
        rule('action = "visited"\npoints = 5\ngroup = "fit"'),
        message("unknown group fit", "[groups.NAME]"),
    ),
    case(
        "two things in one rule",
        rule('action = "visited"\nattribute = "country"\npoints = 5'),
        message("rule.3", "action", "attribute"),
    ),
    case("a rule about nothing", rule("points = 5"), message("rule.3", "asks for nothing")),
    case(
        "a rule of a column that is not there",
        rule('attribute = "county"\nis = "DE"\npoints = 5'),
        message("county", "country"),
    ),
    case(
        "a rule of many stars",
        rule(f'action = "visited"\ncontent = "{STARS}"\npoints = 5'),
        Same(columns=POINTS),
    ),
    case(
        "a rule of an action that never occurs",
        rule('action = "caled"\npoints = 5'),
        Same(columns=POINTS),
    ),
    case(
        "a rule of a window that never ends",
        rule('action = "x"\nwindow_days = 9999999999\npoints = 5'),
        message("rule.3.window_days", "9999999999"),
    ),
    case(
        "segments with a semicolon",
        file("segments", SEGMENT.format("a;b", "{quiet_days = 3}")),
        message("segment.0", "'a;b'", "semicolon"),
    ),
    case(
        "two segments of one name",
        file("segments", 2 * SEGMENT.format("a", "{quiet_days = 3}")),
        message("segments.toml", "'a'"),
    ),
    case(
        "a segment of an escape",
        file("segments", SEGMENT.format("\\u001b[31m", "{quiet_days = 3}")),
        message("segment.0", "\\x1b[31m"),
    ),
    case("an empty segments.toml", file("segments", ""), Same()),
    case(
        "a funnel of one stage",
        file("funnel", '[[stage]]\nname = "lead"\ncreated = true\n'),
        message("funnel.toml", "stage", "2"),
    ),
    case(
        "sources that no channel fits",
        file("sources", "channel = 3\n"),
        message("sources.toml", "channel"),
    ),
]


@each(CASES)
def test_settings(one: Case, tmp_path: Path, sound: pd.DataFrame) -> None:
    prove(one, tmp_path, sound)
