"""The starter that `readiness init` writes: readiness.toml and the files it names (rules.toml ...),
made from the tables in a folder, with every key explained, to be edited by the people who know.

The points are guessed from the words of the actions, never from outcomes: rules.toml stands for the
table that sales would write by hand, and that the model has to beat.
"""

import re
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from pathlib import Path

from features.catalog import MOST_ACTIONS
from features.config import EARLIEST_CUTOFF, FILE_NAME, Capacity, Config, Features, Tables, Times
from features.contract.database import LeadDatabase, with_unread_times
from features.contract.tables import CONTRACT
from features.errors import BadInput
from features.open_database import open_database
from features.spec.wording import say
from features.sql import quoted
from features.starter.crm.map import recognised
from features.starter.flat import END, FIRST_CUTOFF, TEST_WEEKS
from features.starter.funnel import funnel_text
from features.starter.guesses import DECIDING, IMPORTANT, LEAST, MINOR, begins_word, guess_points
from features.starter.mapping import Mapped
from features.starter.relations import database_files, tables_of
from features.starter.segments import segments_text
from features.starter.sources import sources_text
from features.starter.suggestions import suggestions
from features.starter.templates import RULES, SETTINGS
from features.toml import read_text, toml_value
from features.whole_file import whole

IN_DATABASE = re.compile(r"\bcrm\.", re.IGNORECASE)  # as queries call a table of it
FILE_KINDS = (".txt", ".tsv", ".csv.gz", ".csv", ".parquet", ".sql")  # of several the last is used
MEANINGS = {
    "database": "a DuckDB or SQLite file, or the URL of a server, whose tables may be named below",
    "events": "one row per event of a lead; may be absent where attributes are listed",
    "leads": "one row per lead; further columns may become attributes",
    "deals": "one row per deal; an open one has no row, or one without a closing time",
    "contacts": "optional: which leads sales contacted, and when; never a feature",
    "merges": "optional: which leads were merged into which, and when",
    "stages": "optional: when leads entered the stages of the funnel; never a feature",
}
REQUIRED = ("leads", "deals")
HORIZONS, LEAST_MATURE, MOST_TEST = (30, 21, 14, 7), 8, 5


def write_starter(
    folder: Path, mapped: Mapped | None = None, database: str | None = None
) -> list[Path]:
    """Write readiness.toml and the files that it names into a folder of tables, all of them or
    none; return the paths. `mapped` are queries for the tables, written beside it as .sql files;
    `database` holds the tables that are no files, by a path or URL.

    Raises BadInput where one of them exists, and where tables are absent, unreadable or incomplete.
    """
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    others = ("rules.toml", "sources.toml", "funnel.toml", "segments.toml")
    paths = [folder / FILE_NAME, *(folder / name for name in others)]
    queries = mapped.queries if mapped else {}
    paths += [folder / f"{table}.sql" for table in queries]
    for path in paths:
        if path.exists():
            raise BadInput(f"{path} exists already. Edit it, or move it away and run init again.")
    config = Config(
        path=paths[0],
        tables=_mapped_tables(mapped, files=False) if mapped else find_tables(folder, database),
        time=Times(first_cutoff=EARLIEST_CUTOFF),
        capacity=Capacity(share=0.1),
        features=Features(attributes=list(mapped.attributes) if mapped else []),
    )
    try:
        with open_database(config) as opened:
            if config.tables.events and not opened.events_count:
                raise BadInput(_no_row("tables.events", "lead_id, occurred_at and action", opened))
            common = common_actions(opened)
            points_of = partial(_points, common=common)
            texts = [_settings(config.tables, opened, mapped), _rules(opened, common)]
            horizon, *_ = _horizon(first_cutoff(opened), opened.data_end)
            texts.append(sources_text(opened, horizon))
            contacts = "contacts" in opened.columns
            texts.append(funnel_text(opened.actions, contacts, points_of))
            texts.append(segments_text(opened, points_of))
            texts += [query.text for query in queries.values()]
    except BadInput as error:
        raise BadInput(
            f"{error}\nFor init, write the query to a file such as events.sql (docs/own-data.md)."
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


def find_tables(folder: Path, database: str | None = None) -> Tables:
    """Where the tables of a folder are: files named after them, .sql before .parquet, .csv,
    .csv.gz, .tsv and .txt, else tables of `database` (a path or URL), or of the folder's only
    database file that has some. Queries may read that database, too.

    Raises BadInput, with the contract, where leads or deals are not found.
    """
    files = {path.name.lower(): path.name for path in sorted(folder.iterdir()) if path.is_file()}
    kinds = [(table, table + kind) for table in CONTRACT for kind in FILE_KINDS]
    named = {table: files[name] for table, name in kinds if name in files}
    inside = {}
    for place in database_files(folder) if database is None else [database]:
        tables = {each.name.lower(): each.name for each in tables_of(place, folder)}
        inside[place] = {t: tables[t] for t in CONTRACT if t in tables and t not in named}
    queries = [read_text(folder / file) for file in named.values() if file.endswith(".sql")]
    is_queried = len(inside) == 1 and any(IN_DATABASE.search(query) for query in queries)
    places = [place for place, tables in inside.items() if tables or is_queried]
    if len(places) > 1:
        raise BadInput(f"Several database files hold tables: {', '.join(places)}. Leave only one.")
    for place in places:
        named |= inside[place]
    missing = [table for table in REQUIRED if table not in named]
    if missing:
        there = list(files.values()) if database is None else [*files.values(), *inside[database]]
        suggested = [
            f"They look like exports of {system}. Run: readiness init {folder} --from {system}"
            for system in recognised(folder, database)
        ] or suggestions(folder, missing, database)
        raise BadInput("\n".join([_what_is_needed(folder, missing, there), *suggested]))
    return Tables.model_validate(named | {"database": places[0] if places else None})


def _what_is_needed(folder: Path, missing: list[str], files: list[str]) -> str:
    shown = ", ".join(files[:10]) + " ..." * (len(files) > 10)
    lines = [
        f"{folder} lacks {', '.join(missing)}. It has: {shown or 'no file'}.",
        "A table is a file (leads.parquet, leads.csv, leads.csv.gz), a query that maps your own "
        "column names (leads.sql), or a table of a DuckDB file (.duckdb, .db) that no other "
        "program is writing to. Tables with other names: docs/own-data.md, and examples/olist.",
    ]
    for table in missing:
        must = ", ".join(column.name for column in CONTRACT[table] if column.required)
        may = ", ".join(column.name for column in CONTRACT[table] if not column.required)
        lines += [f"  {table}: {MEANINGS[table]}", f"    must have {must}; may have {may}"]
    return "\n".join(lines)


def _mapped_tables(mapped: Mapped, files: bool) -> Tables:
    """The tables that the queries make, named by their files or by themselves."""
    places = {t: f"{t}.sql" if files else query.sql for t, query in mapped.queries.items()}
    return Tables.model_validate(places | {"database": mapped.database})


def _questions(mapped: Mapped) -> str:
    """The head of readiness.toml: what is to be answered by the people who know."""
    files = ", ".join(f"{table}.sql" for table in mapped.queries)
    lines = [f"# Mapped from: {mapped.title}. QUESTIONS, to be answered in {files} and here:"]
    for number, question in enumerate(mapped.questions, start=1):
        lines += textwrap.wrap(
            f"{number}. {question}", 99, initial_indent="# ", subsequent_indent="#    "
        )
    return "\n".join([*lines, "", ""])


def _settings(tables: Tables, database: LeadDatabase, mapped: Mapped | None) -> str:
    head, attributes = "", {"source"}
    if mapped:
        head, tables = _questions(mapped), _mapped_tables(mapped, files=True)
        attributes |= set(mapped.attributes)
    is_random = mapped is not None and mapped.random_split
    if is_random:
        first, horizon, test, why = FIRST_CUTOFF, 1, TEST_WEEKS, " (artificial)"
    else:
        first = first_cutoff(database)
        horizon, test, why = _horizon(first, database.data_end)
    columns = [name for name in database.columns["leads"] if name not in ("lead_id", "created_at")]
    frequent = database.actions[:MOST_ACTIONS]
    deciding = [action for action in frequent if begins_word(DECIDING, action)]
    words = [f"# {toml_value(action)} = {toml_value(say(action, {}))}" for action in frequent]
    return head + SETTINGS.format(
        tables="\n".join(_place(tables, name) for name in MEANINGS),
        horizon=horizon,
        why=why,
        first=first.date().isoformat(),
        tenth=f", with a tenth of the {'events' if database.events_count else 'leads'} before it",
        test=test,
        data_end=f"data_end = {END}"
        if is_random
        else f"# data_end = {database.data_end.isoformat()}",
        **_comebacks(database),
        split=toml_value("random" if is_random else "time"),
        on=_listed(name for name in columns if name in attributes),
        off=_listed((name for name in columns if name not in attributes), "; off: "),
        deciding=_listed(deciding, "; perhaps: "),
        words="\n".join(words),
    )


MANY_COMEBACKS = 0.05


def _comebacks(database: LeadDatabase) -> dict[str, str]:
    """The settings of [outcomes]: "open_again" after the kind of closing that a twentieth of the
    leads had before another deal of theirs, and a comment with their numbers."""
    rows = database.connection.execute(
        "SELECT a.outcome, count(DISTINCT a.lead_id), count(DISTINCT a.lead_id) FILTER (EXISTS "
        "(SELECT 1 FROM deals b WHERE b.lead_id = a.lead_id AND coalesce(b.opened_at, b.closed_at) "
        "> a.closed_at)) FROM deals a WHERE a.outcome IN ('won', 'lost') GROUP BY a.outcome"
    ).fetchall()
    comments, settings = [], {"after_lost": "closed", "after_won": "closed"}
    for outcome, leads, again in rows:
        if again:
            comments.append(f"{again:,} of {leads:,} {outcome} had another deal")
        if again > MANY_COMEBACKS * leads:
            settings[f"after_{outcome}"] = "open_again"
    quoted_settings = {key: toml_value(value) for key, value in settings.items()}
    return {**quoted_settings, "again": "".join(f"; {comment}" for comment in sorted(comments))}


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
    """The Monday after a tenth of the events (of the leads, where there are none), the first lead
    and the first deal on record: before these there is nothing to learn from.

    Worked example: a tenth of the leads lies before 2017-09-12, the first deal was closed on
    2017-12-05, a Tuesday: the first cutoff is 2017-12-11. A few wrong dates do not matter much.
    """
    table, time = ("known_events", "known_at") if database.events_count else ("leads", "created_at")
    moments = database.connection.execute(
        f"SELECT (SELECT quantile_disc({time}, 0.1) FROM {table}), "
        "(SELECT min(created_at) FROM leads), (SELECT min(closed_at) FROM deals)"
    ).fetchall()[0]
    if moments[0] is None:
        raise BadInput(_no_row("leads", "lead_id and created_at", database))
    latest: datetime = max(moment for moment in moments if moment is not None)
    midnight = latest.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=7 - latest.weekday())


def _no_row(table: str, needed: str, database: LeadDatabase) -> str:
    text = f"{table} has no row with {needed}."
    return with_unread_times(text, database.connection, database.columns)


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


NEARLY_EVERY = 0.9  # share of the leads


def common_actions(database: LeadDatabase) -> set[str]:
    """The actions that nearly every lead has: they tell no lead from another."""
    rows = database.connection.execute(
        "SELECT action FROM (SELECT DISTINCT lead_id, action FROM known_events SEMI JOIN leads "
        "USING (lead_id)) GROUP BY action HAVING count(*) >= ? * (SELECT count(DISTINCT lead_id) "
        "FROM leads)",
        [NEARLY_EVERY],
    ).fetchall()
    return {action for (action,) in rows}


def _points(action: str, common: Collection[str]) -> int:
    """Guessed from the words of an action, the least for one that is common."""
    return min(guess_points(action), LEAST) if action in common else guess_points(action)


def rules_text(actions: Sequence[str], common: Collection[str] = ()) -> str:
    """A points table for these actions, the most frequent first, guessed from their words; the
    `common` ones, which nearly every lead has, get the least points."""
    rules = [_rule(action, common) for action in actions[:MOST_ACTIONS] if action]
    rarer = len(actions) - MOST_ACTIONS
    rest = [f"# {rarer:,} rarer actions have no rule.\n"] if rarer > 0 else []
    return RULES + "\n".join([*rules, *rest])


def _rules(database: LeadDatabase, common: Collection[str]) -> str:
    """The points table; where there are no actions, points for attributes."""
    if database.actions:
        return rules_text(database.actions, common)
    rules = []
    has_source = "source" in database.columns["leads"]
    for name in database.attributes or ["source"] * has_source:
        column = quoted(name)
        example = database.connection.execute(f"SELECT any_value({column}) FROM leads").fetchall()
        match example[0][0]:
            case str():
                typical, key = f"mode({column})", "is"
            case bool() | int() | float():
                typical, key = f"median({column})", "from"
            case _:
                continue
        ((value,),) = database.connection.execute(f"SELECT {typical} FROM leads").fetchall()
        condition = f"attribute = {toml_value(name)}\n{key} = {toml_value(value)}"
        rules.append(f"[[rule]]\n{condition}\npoints = {MINOR}\n")
    rules = rules or [
        "[[rule]]  # an example: nothing that could give points was found\n"
        "quiet_days = 14\npoints = -1\n"
    ]
    return RULES + "\n".join(rules)


def _rule(action: str, common: Collection[str]) -> str:
    points = _points(action, common)
    why = "  # nearly every lead has it: it tells no lead from another" * (action in common)
    if points < 0:
        limits = 'per = "once"'
    elif points < IMPORTANT:
        limits = f'per = "occurrence"\ncap = {5 * points}\ngroup = "engagement"\nwindow_days = 90'
    else:
        limits = f'per = "occurrence"\ncap = {2 * points}\nwindow_days = 90'
    return f"[[rule]]\naction = {toml_value(action)}\npoints = {points}{why}\n{limits}\n"
