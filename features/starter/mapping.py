"""From tables of another shape to the contract: a form says how, as data.

The SQL of a form refers to what it reads by [deals], a source, and [deals.Close Date|closedate], a
column by its spellings. Compared are letters and digits only (Close Date is close_date). What is
not there is left out and named: a column of the contract, a kind of event, or the whole form.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from features.contract.tables import CONTRACT
from features.errors import BadInput
from features.sql import literal, quoted
from features.starter.relations import Relation, column_of, plain

MOST_VALUES = 20
_REFERENCE = re.compile(r"\[([a-z_]+)(?:\.([^\]]+))?\]")
Ask = Callable[[str], Sequence[tuple[object, ...]]]  # gives the rows of a query
Alternatives = str | tuple[str, ...]  # the first of them whose references are all there


@dataclass(frozen=True)
class Source:
    """A file or table of a form: it has all columns of `key` and none of `without`, and where its
    columns are not telling, a name as `named` (a pattern). A form without a `needed` source is
    another form."""

    key: tuple[str, ...]
    without: tuple[str, ...] = ()
    named: str = ""
    needed: bool = False

    def fits(self, relation: Relation) -> bool:
        """Whether a relation is this source."""
        return (
            re.fullmatch(self.named or ".*", relation.name, re.IGNORECASE) is not None
            and not self.absent(relation)
            and not any(column_of(relation.columns, names) for names in self.without)
        )

    def absent(self, relation: Relation) -> list[str]:
        """The columns of the key that a relation lacks, each by its spellings."""
        return [names for names in self.key if column_of(relation.columns, names) is None]


@dataclass(frozen=True)
class Select:
    """A SELECT for a table of the contract; those of one table are united. `rows` is the SQL from
    FROM on, `columns` the expression of each column, where {outcome} is that of an earlier one,
    `about` a comment."""

    table: str
    rows: Alternatives
    columns: Mapping[str, Alternatives]
    about: str = ""


@dataclass(frozen=True)
class Form:
    """One form in which a system's data come.

    `values` are columns whose values are listed as a question; `counts` are queries of how many
    rows are left out, by what is said of them. `unmapped` says what can never be
    mapped. Columns of the source `leads_from` that no SELECT of leads uses and `no_attribute` (a
    pattern) does not name become candidates for attributes; `as_of` is the SQL of one as known at
    the creation, with {name} for its name.
    """

    name: str
    sources: Mapping[str, Source]
    selects: tuple[Select, ...]
    leads_from: str
    values: tuple[str, ...] = ()
    counts: Mapping[str, str] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()
    no_attribute: str = ""
    as_of: str = ""


@dataclass(frozen=True)
class Query:
    """A query that maps a table, and the comment above it."""

    sql: str
    about: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of a .sql file."""
        return "".join(f"-- {line}\n" for line in self.about) + self.sql + "\n"


@dataclass(frozen=True)
class Mapped:
    """The queries by table of the contract, the database that they read, what is to be asked or
    could not be mapped, the attributes that seem safe to use, and whether the days are artificial,
    for a random split."""

    title: str
    queries: Mapping[str, Query]
    database: str | None = None
    questions: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    random_split: bool = False


class _Missing(Exception):
    """A reference to what is not there; its text says what."""


def choose(forms: Sequence[Form], there: Sequence[Relation]) -> tuple[Form, dict[str, Relation]]:
    """The first form whose needed sources are all there, and its sources.

    Raises BadInput, naming what each form lacks, where there is none, and where two relations are
    the same source.
    """
    lacking = []
    for form in forms:
        fitting = {
            name: [relation for relation in there if source.fits(relation)]
            for name, source in form.sources.items()
        }
        missing = [n for n, source in form.sources.items() if source.needed and not fitting[n]]
        if not missing:
            for name, several in fitting.items():
                if len(several) > 1:
                    shown = ", ".join(relation.shown for relation in several)
                    raise BadInput(
                        f"Several look like the {name} of {form.name}: {shown}. Leave one."
                    )
            return form, {name: some[0] for name, some in fitting.items() if some}
        lacking += [_lacking(form, name, there) for name in missing]
    shown = ", ".join(relation.shown for relation in there[:10]) or "nothing that can be read"
    advice = (
        "Where columns only have other names, in another language or of your own: write the names "
        "above into the header line, and run init again. Or write the queries yourself "
        "(docs/own-data.md)."
    )
    shown = f"None of the forms is there. The folder has: {shown}."
    raise BadInput("\n".join([shown, *lacking, advice]))


def _lacking(form: Form, name: str, there: Iterable[Relation]) -> str:
    """What a form lacks, with the nearest columns: headers may be localised."""
    key = form.sources[name].key
    near = []
    for relation in there:
        absent = form.sources[name].absent(relation)
        if len(absent) < len(key):
            near += [
                f"{relation.shown} has no {_spelled(n)}{_nearest(n, relation)}" for n in absent
            ]
    text = f"  {form.name}: no {name} (a table with {', '.join(map(_spelled, key))})"
    return text + (f"; {'; '.join(near)}" if near else "")


def near_misses(
    forms: Sequence[Form], form: Form, sources: Mapping[str, Relation], there: Iterable[Relation]
) -> dict[str, str]:
    """By what is there and not read: which column it lacks to be a needed source of a form before
    the one that was chosen."""
    unread = [relation for relation in there if relation not in sources.values()]
    return {
        relation.shown: f"not read: {relation.shown}. It looks like the {name} of {better.name}, "
        f"but has no {_spelled(absent[0])}{_nearest(absent[0], relation)}, so that this is mapped: "
        f"{form.name}. Export it with that column, and run init again"
        for better in forms[: forms.index(form)]
        for relation in unread
        if not any(source.fits(relation) for source in better.sources.values())
        for name, source in better.sources.items()
        if source.needed and len(absent := source.absent(relation)) == 1 < len(source.key)
    }


def _spelled(names: str) -> str:
    return " or ".join(repr(name) for name in names.split("|"))


def _nearest(names: str, relation: Relation) -> str:
    own = {plain(column): column for column in relation.columns}
    near = [
        own[match]
        for name in names.split("|")
        for match in difflib.get_close_matches(plain(name), own, n=2, cutoff=0.5)
    ]
    return f" (nearest: {', '.join(dict.fromkeys(near))})" if near else ""


def map_form(form: Form, sources: Mapping[str, Relation], ask: Ask) -> Mapped:
    """The queries of a form over its sources. Raises BadInput where leads or deals lack a column
    that they must have."""
    questions: list[str] = []
    parts: dict[str, list[str]] = {}
    about: dict[str, list[str]] = {}
    candidates = _candidates(form, sources, ask)
    for select in form.selects:
        try:
            text = _select(select, sources, questions, candidates)
        except _Missing as missing:
            if select.table in ("leads", "deals") and select.table not in parts:
                raise BadInput(f"{form.name}: {select.table} cannot be mapped: {missing}") from None
            questions.append(f"not mapped: {select.about or select.table}: {missing}")
            continue
        parts.setdefault(select.table, []).append(text)
        about.setdefault(select.table, []).append(select.about)
    for reference in form.values:
        questions += _values(reference, form, sources, ask)
    for text, sql in form.counts.items():
        questions += _count(text, sql, sources, ask)
    if candidates:
        how = (
            "as known when the lead was created"
            if _has_history(form, sources)
            else ("as they are now, which may reveal the outcome")
        )
        questions.append(f"candidates for features.attributes, {how}: {', '.join(candidates)}")
    used = {relation.file for relation in sources.values() if relation.in_database}
    queries = {
        table: Query("\nUNION ALL BY NAME\n".join(texts), (form.name, *filter(None, about[table])))
        for table, texts in parts.items()
    }
    return Mapped(
        form.name,
        queries,
        next(iter(used), None),
        (*questions, *form.unmapped),
        attributes=("source",) if re.search(r" AS source\b", queries["leads"].sql) else (),
    )


def _select(
    select: Select,
    sources: Mapping[str, Relation],
    questions: list[str],
    candidates: Mapping[str, str],
) -> str:
    must = {column.name for column in CONTRACT.get(select.table, ()) if column.required}
    must = must or set(select.columns)
    rows = _first(select.rows, sources)
    written: dict[str, str] = {}
    for name, alternatives in select.columns.items():
        try:
            sql = _first(alternatives, sources)
        except _Missing as missing:
            if name in must:
                raise
            questions.append(f"not mapped: {select.table}.{name}: {missing}")
        else:
            written[name] = sql.replace("{outcome}", written.get("outcome", ""))
    columns = [f"  {sql} AS {name}" for name, sql in written.items()]
    if select.table == "leads":
        columns += [f"  {sql} AS {quoted(name)}" for name, sql in candidates.items()]
    return "SELECT\n" + ",\n".join(columns) + f"\n{rows}"


def _first(alternatives: Alternatives, sources: Mapping[str, Relation]) -> str:
    """The first alternative that can be written; raises _Missing by what the last one lacks."""
    given = (alternatives,) if isinstance(alternatives, str) else alternatives
    for sql in given[:-1]:
        try:
            return fill(sql, sources)
        except _Missing:
            continue
    return fill(given[-1], sources)


def fill(sql: str, sources: Mapping[str, Relation]) -> str:
    """The SQL with its references replaced. Raises _Missing."""

    def replaced(match: re.Match[str]) -> str:
        source, names = match.groups()
        if source not in sources:
            raise _Missing(f"there is no table of {source}")
        relation = sources[source]
        if names is None:
            return f"{relation.sql} AS {source}"
        column = column_of(relation.columns, names)
        if column is None:
            near = _nearest(names, relation)
            raise _Missing(f"{relation.shown} has no column {_spelled(names)}{near}")
        return f"{source}.{quoted(column)}"

    return _REFERENCE.sub(replaced, sql)


def references(sql: Alternatives) -> list[tuple[str, str]]:
    """The source and the spellings of each column that an expression refers to."""
    return [
        (source, names)
        for each in ([sql] if isinstance(sql, str) else sql)
        for source, names in _REFERENCE.findall(each)
        if names
    ]


def _has_history(form: Form, sources: Mapping[str, Relation]) -> bool:
    return bool(form.as_of) and all(name in sources for name, _ in _REFERENCE.findall(form.as_of))


def _candidates(form: Form, sources: Mapping[str, Relation], ask: Ask) -> dict[str, str]:
    """Columns of the leads' source that may become attributes and are not empty: their SQL by
    name."""
    source = sources[form.leads_from]
    used = {
        column_of(source.columns, names)
        for select in form.selects
        if select.table == "leads"
        for sql in select.columns.values()
        for name, names in references(sql)
        if name == form.leads_from
    }
    free = [
        column
        for column in source.columns
        if column not in used and not re.search(form.no_attribute or "^$", plain(column))
    ]
    counts = ", ".join(f"count({quoted(column)})" for column in free) or "0"
    rows = ask(f"SELECT {counts} FROM {source.sql}")
    filled = [column for column, n in zip(free, rows[0], strict=False) if n] if rows else free
    history = _has_history(form, sources)
    return {
        snake(re.sub("^propert(?:y|ies)_", "", column)): fill(form.as_of, sources).replace(
            "{name}", literal(re.sub("^propert(?:y|ies)_", "", column))
        )
        if history
        else f"{form.leads_from}.{quoted(column)}"
        for column in filled
    }


def snake(column: str) -> str:
    """A column's name in small letters, with _ between words.

    >>> snake("Number of Employees (2024)"), snake("Größe")
    ('number_of_employees_2024', 'größe')
    """
    return re.sub(r"[^\w]+", "_", column.lower()).strip("_") or "column"


def _values(reference: str, form: Form, sources: Mapping[str, Relation], ask: Ask) -> list[str]:
    """The values of a column by the outcome that they become, with their numbers of rows."""
    try:
        column = fill(reference, sources)
    except _Missing:
        return []
    name = reference[1:].partition(".")[0]
    rows = ask(
        f"SELECT {column} AS value, count(*) AS n FROM {fill(f'[{name}]', sources)} GROUP BY 1 "
        "ORDER BY 2 DESC, 1"
    )
    outcomes = _outcomes(name, column, form, sources, ask)
    by_outcome: dict[str, list[str]] = {"won": [], "lost": [], "open": []}
    for value, count in rows[:MOST_VALUES]:
        taken = outcomes.get(value, {})
        without_row = int(str(count)) - sum(taken.values())
        for outcome in by_outcome:
            if n := taken.get(outcome, 0) + (without_row if outcome == "open" else 0):
                by_outcome[outcome].append(f"{value!r} ({n:,})")
    if outcomes:
        text = "It counts as " + "; ".join(
            f"{outcome}: {', '.join(values) or 'NONE'}" for outcome, values in by_outcome.items()
        )
    else:
        text = ", ".join(by_outcome["open"])
    others = f"; and {len(rows) - MOST_VALUES:,} others" if len(rows) > MOST_VALUES else ""
    return [f"is each value of {column} mapped as you mean it? {text}{others}"] if rows else []


def _outcomes(
    name: str, column: str, form: Form, sources: Mapping[str, Relation], ask: Ask
) -> dict[object, dict[str, int]]:
    """The numbers of rows of a source by value of a column and outcome; empty where another source
    decides the outcome."""
    outcomes: dict[object, dict[str, int]] = {}
    for select in (each for each in form.selects if each.table == "deals"):
        outcome = select.columns["outcome"]
        deciding = references(outcome)
        rows: Alternatives = f"FROM [{name}]" if deciding else select.rows
        if name not in {source for source, _ in deciding or references(rows)}:
            continue
        with suppress(_Missing):
            sql = f"SELECT {column}, {_first(outcome, sources)}, count(*) {_first(rows, sources)}"
            for value, result, count in ask(f"{sql} GROUP BY 1, 2"):
                outcomes.setdefault(value, {})[str(result)] = int(str(count))
    return outcomes


def _count(text: str, sql: str, sources: Mapping[str, Relation], ask: Ask) -> list[str]:
    try:
        rows = ask(fill(sql, sources))
    except _Missing:
        return []
    return [f"{row[0]:,} {text}" for row in rows if row[0]]
