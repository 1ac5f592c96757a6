"""The starter that `readiness init` writes: readiness.toml and the files it names (rules.toml ...),
made from the tables in a folder, with every key explained, to be edited by the people who know.

The points are guessed from the words of the actions, never from outcomes: rules.toml stands for the
table that sales would write by hand, and that the model has to beat.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

import duckdb

from features.catalog import MOST_ACTIONS
from features.config import FILE_NAME, Capacity, Config, Tables, Times
from features.contract.database import LeadDatabase
from features.contract.tables import CONTRACT
from features.errors import BadInput
from features.open_database import open_database
from features.spec.wording import say
from features.sql import literal
from features.starter.funnel import funnel_text
from features.starter.guesses import IMPORTANT, begins_word, guess_points
from features.starter.segments import segments_text
from features.starter.sources import sources_text
from features.starter.templates import RULES, SETTINGS
from features.toml import toml_value
from features.whole_file import whole

FILE_KINDS = (".txt", ".tsv", ".csv.gz", ".csv", ".parquet", ".sql")  # of several the last is used
MEANINGS = {
    "database": "a DuckDB file, whose tables may be named below",
    "events": "one row per event of a lead",
    "leads": "one row per lead; further columns may become attributes",
    "deals": "one row per closed deal, won or lost; an open deal has no row",
    "contacts": "optional: which leads sales contacted, and when; never a feature",
    "stages": "optional: when leads entered the stages of the funnel; never a feature",
}
REQUIRED = ("events", "leads", "deals")
HORIZONS, LEAST_MATURE, MOST_TEST = (30, 21, 14, 7), 8, 5

DECIDING = "accept|activat|approv|bought|cancel|clos|declin|lost|paid|purchas|reject|sign|won"


def write_starter(folder: Path) -> list[Path]:
    """Write readiness.toml and the files that it names into a folder of tables, all of them or
    none; return the paths.

    Raises BadInput where one of them exists, and where tables are absent, unreadable or incomplete.
    """
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    others = ("rules.toml", "sources.toml", "funnel.toml", "segments.toml")
    paths = [folder / FILE_NAME, *(folder / name for name in others)]
    for path in paths:
        if path.exists():
            raise BadInput(f"{path} exists already. Edit it, or move it away and run init again.")
    config = Config(
        path=paths[0],
        tables=find_tables(folder),
        time=Times(first_cutoff=datetime.min),
        capacity=Capacity(share=0.1),
    )
    try:
        with open_database(config) as database:
            texts = [_settings(config.tables, database), rules_text(database.actions)]
            horizon, *_ = _horizon(first_cutoff(database), database.data_end)
            texts.append(sources_text(database, horizon))
            contacts = "contacts" in database.columns
            texts.append(funnel_text(database.actions, contacts, guess_points))
            texts.append(segments_text(database, guess_points))
    except BadInput as error:
        raise BadInput(
            f"{error}\nFor init, write the query to a file such as events.sql."
        ) from None
    _write_all(dict(zip(paths, texts, strict=True)))
    return paths


def _write_all(texts: Mapping[Path, str]) -> None:
    """Write new files, all of them or none."""
    try:
        with ExitStack() as files:
            for path, text in texts.items():
                files.enter_context(whole(path)).write_text(text, encoding="utf-8")
    except BaseException as error:
        for path in texts:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BadInput(f"The starter cannot be written: {error}") from None
        raise


def find_tables(folder: Path) -> Tables:
    """Where the tables of a folder are: files named after them, .sql before .parquet, .csv,
    .csv.gz, .tsv and .txt, else tables of its only DuckDB file (.duckdb, .db).

    Raises BadInput, with the contract, where events, leads or deals are not found.
    """
    files = {path.name.lower(): path.name for path in sorted(folder.iterdir()) if path.is_file()}
    kinds = [(table, table + kind) for table in CONTRACT for kind in FILE_KINDS]
    named = {table: files[name] for table, name in kinds if name in files}
    candidates = [name for name in files.values() if name.lower().endswith((".duckdb", ".db"))]
    inside = {name: _tables_inside(folder / name) - set(named) for name in candidates}
    databases = [name for name, tables in inside.items() if tables]
    if len(databases) > 1:
        raise BadInput(f"Several DuckDB files hold tables: {', '.join(databases)}. Leave only one.")
    for name in databases:
        named |= {table: table for table in inside[name]}
    missing = [table for table in REQUIRED if table not in named]
    if missing:
        raise BadInput(_what_is_needed(folder, missing, list(files.values())))
    return Tables.model_validate(named | {"database": databases[0] if databases else None})


def _tables_inside(path: Path) -> set[str]:
    """The tables of the contract in a DuckDB file; none in any other file."""
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {literal(str(path))} AS crm (READ_ONLY, TYPE duckdb)")
            rows = connection.execute("SHOW TABLES FROM crm.main").fetchall()
    except duckdb.Error:
        return set()
    return {name.lower() for (name,) in rows} & set(CONTRACT)


def _what_is_needed(folder: Path, missing: list[str], files: list[str]) -> str:
    shown = ", ".join(files[:10]) + " ..." * (len(files) > 10)
    lines = [
        f"{folder} lacks {', '.join(missing)}. It has: {shown or 'no file'}.",
        "A table is a file (leads.parquet, leads.csv, leads.csv.gz), a query that maps your own "
        "column names (leads.sql), or a table of a DuckDB file (.duckdb, .db) that no other "
        "program is writing to:",
    ]
    for table in missing:
        must = ", ".join(column.name for column in CONTRACT[table] if column.required)
        may = ", ".join(column.name for column in CONTRACT[table] if not column.required)
        lines += [f"  {table}: {MEANINGS[table]}", f"    must have {must}; may have {may}"]
    return "\n".join(lines)


def _settings(tables: Tables, database: LeadDatabase) -> str:
    first = first_cutoff(database)
    horizon, test, why = _horizon(first, database.data_end)
    columns = [name for name in database.columns["leads"] if name not in ("lead_id", "created_at")]
    frequent = database.actions[:MOST_ACTIONS]
    deciding = [action for action in frequent if begins_word(DECIDING, action)]
    words = [f"# {toml_value(action)} = {toml_value(say(action, {}))}" for action in frequent]
    return SETTINGS.format(
        tables="\n".join(_place(tables, name) for name in MEANINGS),
        horizon=horizon,
        why=why,
        first=first.date().isoformat(),
        test=test,
        data_end=database.data_end.isoformat(),
        on=_listed(name for name in columns if name == "source"),
        off=_listed((name for name in columns if name != "source"), "; off: "),
        deciding=_listed(deciding, "; perhaps: "),
        words="\n".join(words),
    )


def _listed(texts: Iterable[str], before: str = "") -> str:
    """Texts as TOML with commas between, after `before`; "" where there are none."""
    joined = ", ".join(map(toml_value, texts))
    return joined and before + joined


def _place(tables: Tables, name: str) -> str:
    """The line that names a table, or an example of it as a comment."""
    place = getattr(tables, name)
    example = "crm.duckdb" if name == "database" else f"{name}.parquet"
    setting = f"{name} = {toml_value(place)}" if place else f"# {name} = {toml_value(example)}"
    return f"{setting:<30} # {MEANINGS[name]}"


def first_cutoff(database: LeadDatabase) -> datetime:
    """The Monday after the first tenth of the events, so that a few wrong dates do not matter."""
    quantile = "SELECT quantile_disc(known_at, 0.1) FROM known_events"
    moment: datetime | None = database.connection.execute(quantile).fetchall()[0][0]
    if moment is None:
        raise BadInput("tables.events has no row with lead_id, occurred_at and action.")
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=7 - moment.weekday())


def _horizon(first: datetime, end: datetime) -> tuple[int, int, str]:
    """The horizon in days, the number of test cutoffs, and a comment on them.

    The longest horizon that leaves enough mature weekly cutoffs: more than a horizon for training
    (the later ones calibrate), then a gap of a horizon, then the test.
    """
    times = Times(first_cutoff=first)
    for horizon in HORIZONS:
        count = len(times.mature_cutoffs(end, horizon))
        to_test = count - 2 * ceil(horizon / 7) - 1
        if count >= LEAST_MATURE and to_test >= 1:
            why = "" if horizon == HORIZONS[0] else "; the data are too short for 30"
            return horizon, min(to_test, MOST_TEST), why
    return HORIZONS[-1], 1, f"; {count} mature cutoffs are too few to train on"


def rules_text(actions: Sequence[str]) -> str:
    """A points table for these actions, the most frequent first, guessed from their words."""
    rules = [_rule(action) for action in actions[:MOST_ACTIONS] if action]
    rarer = len(actions) - MOST_ACTIONS
    rest = [f"# {rarer:,} rarer actions have no rule.\n"] if rarer > 0 else []
    return RULES + "\n".join([*rules, *rest])


def _rule(action: str) -> str:
    points = guess_points(action)
    if points < 0:
        limits = 'per = "once"'
    elif points < IMPORTANT:
        limits = f'per = "occurrence"\ncap = {5 * points}\ngroup = "engagement"\nwindow_days = 90'
    else:
        limits = f'per = "occurrence"\ncap = {2 * points}\nwindow_days = 90'
    return f"[[rule]]\naction = {toml_value(action)}\npoints = {points}\n{limits}\n"
