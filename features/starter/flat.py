"""`readiness init DIR --flat FILE`: one table with a row per lead and its outcome, without events.

Which column is what is proposed from names and from where values are filled, and asked about: a
column that is filled only where the outcome is known was written with it, and reveals it. A file
without the times of creation and closing can be tried out on a random split only: every lead gets
artificial days, and the settings say `split = "random"`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from features.errors import BadInput
from features.sql import literal, quoted
from features.starter.ask import NUMBERS, asking
from features.starter.date_forms import ONLY_YOU_KNOW, forms_of, how_read, read_by, several_ways
from features.starter.guesses import begins_word
from features.starter.mapping import Ask, Mapped, Query, snake
from features.starter.relations import relations

MOST_VALUES = 30  # of an outcome
FILLED, EMPTY, APART = 0.9, 0.1, 0.5  # shares of rows
MANY_TEXTS = 0.5  # so many different texts per row are names, not groups

WON = (
    "won|win|closed ?won|customer|converted|purchased?|bought|sold|signed|accepted|approved|success"
    "|successful|yes|y|true|t|1|1\\.0|gewonnen|ja|gagn[eé]e?|ganad[oa]|oui|s[ií]"
)
LOST = (
    "lost|lose|closed ?lost|no|n|false|f|0|0\\.0|rejected|declined|churned|cancell?ed|disqualified"
    "|failed|unsuccessful|dead|verloren|nein|perdue?|perdid[oa]|non"
)
OUTCOME = (
    "outcome|won|win|convert|purchas|bought|buy|churn|target|label|sold|success|subscri|result"
    "|status|stage|state|accept|approv|y$|class$|response"
)
CREATED = "creat|add|regist|open|start|first|entry|entered|sign|contact|date"
CLOSED = "clos|won|lost|end|decid|decision|convert|purchas|outcome|sold|sign|finish|complet"
ID = "id|no|nr|num|number|key|code|uuid|guid"

# One artificial week per group of leads, from a Monday on; the last groups are the test.
WEEKS, TEST_WEEKS, FIRST_WEEK = 12, 3, "2000-01-03"
FIRST_CUTOFF, LAST_WEEK, END = datetime(2000, 1, 10), "2000-03-27", "2000-04-03"


@dataclass(frozen=True)
class Column:
    """A column: its type, its rows with a value, and its different values."""

    name: str
    type: str
    filled: int
    values: int

    @property
    def is_time(self) -> bool:
        """Whether its values are dates or times."""
        return self.type.startswith(("DATE", "TIMESTAMP"))


@dataclass(frozen=True)
class Outcome:
    """The column of the outcome, and its values by what they are taken to mean."""

    column: str
    won: tuple[str, ...]
    lost: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def sql(self) -> str:
        """won, lost or open."""
        text = f"lower(CAST({quoted(self.column)} AS VARCHAR))"
        return (
            f"CASE WHEN {text} IN ({_list(self.won)}) THEN 'won' "
            f"WHEN {text} IN ({_list(self.lost)}) THEN 'lost' ELSE 'open' END"
        )


def _list(values: Sequence[str]) -> str:
    return ", ".join(literal(value.lower()) for value in values) or "NULL"


def columns_of(ask: Ask, sql: str) -> list[Column]:
    """The columns of what follows FROM, with their types and counts; none where it cannot be
    read."""
    names = [(str(row[0]), str(row[1])) for row in ask(f"DESCRIBE FROM {sql}")]
    counts = ", ".join(f"count({quoted(n)}), count(DISTINCT {quoted(n)})" for n, _ in names)
    rows = ask(f"SELECT {counts} FROM {sql}")
    numbers = [int(str(n)) for n in rows[0]] if rows else []
    return [
        Column(name, kind, filled, values)
        for (name, kind), filled, values in zip(names, numbers[::2], numbers[1::2], strict=False)
    ]


def outcomes(ask: Ask, sql: str, columns: Sequence[Column]) -> list[Outcome]:
    """The columns that look like an outcome, the likeliest first: named so, with a value that means
    won."""
    candidates = []
    for column in columns:
        if not 1 < column.values <= MOST_VALUES or column.is_time:
            continue
        values = _values(ask, sql, column.name)
        won = tuple(value for value in values if _means(WON, value))
        lost = tuple(value for value in values if _means(LOST, value))
        others = tuple(value for value in values if value not in {*won, *lost})
        named = begins_word(OUTCOME, column.name)
        if won and (named or any(_means("(closed ?)?won", value) for value in won)):
            outcome = Outcome(column.name, won, lost, others)
            candidates.append((named, bool(lost), -len(others), outcome))
    candidates.sort(key=lambda each: each[:3], reverse=True)
    return [outcome for *_, outcome in candidates]


def _values(ask: Ask, sql: str, name: str) -> list[str]:
    text = f"CAST({quoted(name)} AS VARCHAR)"
    rows = ask(f"SELECT DISTINCT {text} FROM {sql} WHERE {quoted(name)} IS NOT NULL ORDER BY 1")
    return [str(value) for (value,) in rows]


def map_flat(folder: Path, file: Path) -> Mapped:
    """The queries that map a flat table, which lies in the folder.

    Raises BadInput where the file is not there, is none that can be read, has no column that looks
    like an outcome, or where the time of creation or closing reads in several ways.
    """
    path = file if file.is_file() else folder / file
    if not path.is_file() or path.resolve().parent != folder.resolve():
        raise BadInput(f"--flat: there is no file {path.name} in {folder}. Put it there.")
    relation = next((each for each in relations(folder) if each.file == path.name), None)
    if relation is None or relation.in_database:
        raise BadInput(f"--flat: {path.name} is no .csv, .parquet or .xlsx file with columns.")
    sources = {"flat": relation}
    with asking(folder, [relation], NUMBERS) as ask:
        forms = forms_of([("flat", column) for column in relation.columns], sources, ask)
        several = several_ways(forms, sources, ask)
        questions = how_read(forms, sources, ask)
    read = read_by(forms, sources)
    guessed = read_by({key: each[:1] for key, each in forms.items()}, sources)
    with asking(folder, [relation], texts=[column for _, column in forms]) as ask:
        unclear = {column: text for (_, column), text in several.items()}
        mapped = _Flat(path.name, guessed["flat"].sql, ask, unclear).mapped(read["flat"].sql)
    return replace(mapped, questions=(*mapped.questions, *questions))


class _Flat:
    """A flat table, and what its columns are taken for; `unclear` says of times in which ways they
    read."""

    def __init__(self, file: str, sql: str, ask: Ask, unclear: Mapping[str, str]) -> None:
        self.file, self.sql, self.ask, self.unclear = file, sql, ask, unclear
        self.questions: list[str] = []
        self.rows = int(str(self._row(f"SELECT count(*) FROM {sql}")[0]))

    def _row(self, sql: str) -> tuple[object, ...]:
        rows = self.ask(sql)
        if not rows:
            raise BadInput(f"--flat: {self.file} cannot be read as a table.")
        return rows[0]

    @cached_property
    def columns(self) -> list[Column]:
        return columns_of(self.ask, self.sql)

    @cached_property
    def outcome(self) -> Outcome:
        """The column that looks like an outcome: named so, with a value that means won."""
        candidates = outcomes(self.ask, self.sql, self.columns)
        if not candidates:
            shown = ", ".join(column.name for column in self.columns)
            raise BadInput(
                f"--flat: no column of {self.file} looks like an outcome, with a value such as "
                f"won, yes or 1. It has: {shown}. If one of them says whether a lead was won, "
                "rename it to `outcome`, and its values to won and lost. If another file says it, "
                "these are two tables: run readiness init without --flat, which proposes a query "
                "for each (docs/own-data.md, Tables with other names)."
            )
        if len(candidates) > 1:
            rest = ", ".join(repr(each.column) for each in candidates[1:])
            self.questions.append(f"or is the outcome {rest}?")
        return candidates[0]

    @cached_property
    def shares(self) -> dict[str, dict[str, float]]:
        """By column: the share of rows with a value, of those won, lost and open."""
        counts = ", ".join(f"count({quoted(c.name)}) / count(*)" for c in self.columns)
        rows = self.ask(f"SELECT {self.outcome.sql} AS ending, {counts} FROM {self.sql} GROUP BY 1")
        return {
            column.name: {str(row[0]): float(str(row[place])) for row in rows}
            for place, column in enumerate(self.columns, start=1)
        }

    @cached_property
    def closed(self) -> str | None:
        """The time that is filled where the outcome is known and only there, or is named so."""
        times = [
            column
            for column in self.columns
            if column.is_time and self.shares[column.name].get("won", 0) >= FILLED
        ]
        telling = [c for c in times if self.shares[c.name].get("open", 1) <= EMPTY]
        named = [
            c for c in times if begins_word(CLOSED, c.name) and "open" not in self.shares[c.name]
        ]
        best = sorted(telling or named, key=lambda c: not begins_word(CLOSED, c.name))
        return best[0].name if best else None

    @cached_property
    def created(self) -> str | None:
        """The time that every row has, named so and never after the closing."""
        candidates = [
            column.name
            for column in self.columns
            if column.is_time and column.filled >= FILLED * self.rows and column.name != self.closed
        ]
        if self.closed:
            late = ", ".join(
                f"avg(({quoted(name)} > {quoted(self.closed)})::INT)" for name in candidates
            )
            row = self._row(f"SELECT {late or '0'} FROM {self.sql}")
            candidates = [
                n
                for n, share in zip(candidates, row, strict=False)
                if not share or float(str(share)) < EMPTY
            ]
        named = [name for name in candidates if begins_word(CREATED, name)]
        best = named or candidates
        return best[0] if best else None

    @cached_property
    def lead_id(self) -> str | None:
        """A column with a different value in every row."""
        unique = [
            column
            for column in self.columns
            if column.values == column.filled == self.rows
            and not column.is_time
            and column.type not in ("DOUBLE", "FLOAT")
        ]
        named = [column for column in unique if ends_in_id(column.name)]
        return (named or unique)[0].name if unique else None

    def mapped(self, source: str) -> Mapped:
        """The queries over `source`, what follows FROM."""
        outcome, file = self.outcome, self.file
        self.questions.insert(
            0,
            f"is {outcome.column!r} the outcome? Won: {', '.join(outcome.won)}. Lost: "
            f"{', '.join(outcome.lost) or 'none'}. Still open: "
            f"{', '.join((*outcome.others, 'no value'))}",
        )
        id_sql = self._id_sql()
        timed = self.created is not None and self.closed is not None
        times = self._times() if timed else self._artificial()
        on, off = self._attributes()
        columns = [f"  {id_sql} AS lead_id", f"  {times[0]} AS created_at"]
        columns += [f"  {quoted(name)} AS {quoted(snake(name))}" for name in on]
        columns += [f"  -- {quoted(name)}: {why}" for name, why in off.items()]
        leads = select(columns, f"{source} AS flat")
        deals = (
            f"SELECT * FROM (\n  SELECT\n    {id_sql} AS lead_id,\n    {outcome.sql} AS outcome,\n"
            f"    {times[1]} AS closed_at\n  FROM {source} AS flat)\nWHERE outcome <> 'open'"
        )
        queries = {
            "leads": Query(leads, (f"The leads of {file}, written by `readiness init --flat`.",)),
            "deals": Query(deals, (f"The outcomes of {file}: an open lead has no row here.",)),
        }
        return Mapped(
            f"the flat table {file}",
            queries,
            questions=tuple(self.questions),
            attributes=tuple(snake(name) for name in on),
            random_split=not timed,
        )

    def _id_sql(self) -> str:
        if self.lead_id:
            self.questions.append(f"is {self.lead_id!r} the id of a lead? No two rows share one")
            return quoted(self.lead_id)
        self.questions.append(
            "which column is the id of a lead? None has a different value in every row, so that "
            "the content of the row is taken for it: a row that changes is another lead"
        )
        row = "md5(CAST(flat AS VARCHAR))"
        return f"{row} || '-' || row_number() OVER (PARTITION BY {row})"

    def _times(self) -> tuple[str, str]:
        created, closed = str(self.created), str(self.closed)
        for name in (created, closed):
            if name in self.unclear:
                raise BadInput(f"--flat: {self.unclear[name]}{ONLY_YOU_KNOW}")
        self.questions.append(
            f"was a lead known from {created!r} on, and its outcome from {closed!r} on? A date "
            "without a time of day counts from midnight (UTC) on"
        )
        missing = self._row(
            f"SELECT count(*) FROM {self.sql} WHERE {self.outcome.sql} <> 'open' "
            f"AND {quoted(closed)} IS NULL"
        )[0]
        if missing:
            self.questions.append(
                f"{missing:,} rows have an outcome and no {closed!r}: `readiness check` names "
                "them. Give them a time, or leave them out in leads.sql and deals.sql"
            )
        return quoted(created), quoted(closed)

    def _artificial(self) -> tuple[str, str]:
        """Artificial days: the creation, and the closing at noon of the Monday after it."""
        lacking = [
            name
            for name, column in (("created", self.created), ("closed", self.closed))
            if column is None
        ]
        self.questions.append(
            f"which column says when a lead was {' and when it was '.join(lacking)}? NONE WAS "
            "RECOGNISED, so that the days in leads.sql and deals.sql are ARTIFICIAL and the test "
            "is a random share of the leads, for exploration only, never for promotion. Without "
            "times nobody can know what was known before the outcome (a column that was filled in "
            "later looks like a prediction), whether the model holds for later leads, whether win "
            "rates move, nor how ready a lead is within so many days"
        )
        lead = quoted(self.lead_id) if self.lead_id else "flat"
        second = f"md5_number_lower({lead}::VARCHAR || ' of seed 7') % {WEEKS * 7 * 86400}"
        dealt = f"TIMESTAMP '{FIRST_WEEK}' + to_seconds(CAST({second} AS BIGINT))"
        created = (
            f"CASE WHEN {self.outcome.sql} = 'open' THEN TIMESTAMP '{LAST_WEEK} 12:00' "
            f"ELSE {dealt} END"
        )
        return created, f"date_trunc('week', {dealt}) + INTERVAL 7 DAY + INTERVAL 12 HOUR"

    def _attributes(self) -> tuple[list[str], dict[str, str]]:
        """The columns to use, and why the others are not."""
        used = {self.outcome.column, self.created, self.closed, self.lead_id}
        on: list[str] = []
        off: dict[str, str] = {}
        for column in self.columns:
            if column.name in used:
                continue
            shares = self.shares[column.name].values()
            if column.values <= 1:
                off[column.name] = "no two rows differ"
            elif column.name in self.unclear:
                off[column.name] = self.unclear[column.name]
            elif max(shares) - min(shares) > APART:
                off[column.name] = "FILLED WITH THE OUTCOME: " + ", ".join(
                    f"{share:.0%} of those {ending}"
                    for ending, share in sorted(self.shares[column.name].items())
                )
            elif column.type == "VARCHAR" and column.values > MANY_TEXTS * column.filled:
                off[column.name] = "a text of its own in most rows"
            else:
                on.append(column.name)
        self.questions.append(
            f"was each of these known when the lead was created, and not changed since? "
            f"{', '.join(on) or 'none'}"
        )
        if off:
            self.questions.append(
                "left out: " + "; ".join(f"{name!r} ({why})" for name, why in off.items())
            )
        return on, off


def _means(pattern: str, value: str) -> bool:
    return (
        re.fullmatch(pattern, value.strip().lower().replace("_", " ").replace("-", " ")) is not None
    )


def ends_in_id(name: str) -> bool:
    """Whether a column is named like an id: lead_id, customerNo, uuid."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return re.search(rf"(?<![^\W\d_])(?:{ID})\.?$", words) is not None or words.endswith("id")


def select(columns: Sequence[str], source: str) -> str:
    """SELECT ... FROM, commas between the columns but for those that are comments."""
    real = [column for column in columns if not column.lstrip().startswith("--")]
    comments = [column for column in columns if column.lstrip().startswith("--")]
    listed = ",\n".join(real) + "".join(f"\n{comment}" for comment in comments)
    return f"SELECT\n{listed}\nFROM {source}"
