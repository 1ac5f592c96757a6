"""Times that exports write in another form than ISO 8601: 3/4/2026 5:06 PM, 31.01.2026 14:05.

A column is read by the one form that all its values have. Where several forms fit (03/04/2026), the
date is written as in the other columns, if those leave one; else the column stays as it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from features.contract import text_values
from features.contract.cures import TIME_FORMS, has_form
from features.contract.tables import CONTRACT
from features.errors import BadInput
from features.sql import literal, quoted
from features.starter.mapping import Ask, Form, Select, references
from features.starter.relations import Relation, column_of

ONLY_YOU_KNOW = ". Only you know which: write 2026-01-31 14:05 there."
Key = tuple[str, str]  # a source and a column of it
Forms = Mapping[Key, Sequence[str]]  # as strptime has them
_SOME = 200  # values rule forms out; those that are left are tried on all
_FORMS = [(date, clock) for date, clock in TIME_FORMS if date != "%Y%m%d"]


def with_times(
    form: Form, sources: Mapping[str, Relation], ask: Ask
) -> tuple[dict[str, Relation], list[str]]:
    """The sources of a form with their times read, and what to ask about these columns.

    Raises BadInput where the time of creation of the leads reads in several ways.
    """
    forms = forms_of(dict.fromkeys(_time_columns(form.selects, sources)), sources, ask)
    leads = [select for select in form.selects if select.table == "leads"]
    of_leads = set(_time_columns(leads, sources))
    several = several_ways(forms, sources, ask)
    for key, text in several.items():
        if key in of_leads:
            raise BadInput(text + ONLY_YOU_KNOW)
    return read_by(forms, sources), [*several.values(), *how_read(forms, sources, ask)]


def forms_of(columns: Iterable[Key], sources: Mapping[str, Relation], ask: Ask) -> Forms:
    """The forms of the columns whose values do not read as they are, by which all of them do."""
    fitting = {
        (name, column): forms
        for name, column in columns
        if (forms := _fitting(sources[name], column, ask))
    }
    settled = {forms[0][0] for forms in fitting.values() if len(forms) == 1}
    named = {}
    for key, forms in fitting.items():
        alike = [each for each in forms if each[0] in settled]
        named[key] = ["".join(each) for each in (alike if len(alike) == 1 else forms)]
    return named


def several_ways(forms: Forms, sources: Mapping[str, Relation], ask: Ask) -> dict[Key, str]:
    """A sentence on each column that reads in several ways, without its full stop."""
    return {
        (name, column): f"{column!r} of {sources[name].shown} reads in several ways, such as "
        f"{_first(sources[name], column, ask)}: {' or '.join(several)}"
        for (name, column), several in forms.items()
        if len(several) > 1
    }


def read_by(forms: Forms, sources: Mapping[str, Relation]) -> dict[str, Relation]:
    """The sources with the columns read that have one form."""
    read: dict[str, dict[str, str]] = {}
    for (name, column), only in forms.items():
        if len(only) == 1:
            sql = f"strptime({quoted(column)}, {literal(only[0])})"
            read.setdefault(name, {})[column] = sql
    return {name: _reading(each, read.get(name)) for name, each in sources.items()}


def how_read(forms: Forms, sources: Mapping[str, Relation], ask: Ask) -> list[str]:
    """What to ask about the columns that have one form, together where it is the same."""
    alike: dict[tuple[str, str], list[str]] = {}
    for (name, column), only in forms.items():
        if len(only) == 1:
            alike.setdefault((name, only[0]), []).append(column)
    questions = []
    for (name, one), columns in alike.items():
        first = _first(sources[name], columns[0], ask)
        ((moment,),) = ask(f"SELECT strptime({literal(first)}, {literal(one)})")
        questions.append(
            f"{', '.join(map(repr, columns))} of {sources[name].shown} read by {one}, as UTC: "
            f"{first} is {moment}. Where it is local time, write (strptime(...) AT TIME ZONE "
            "'Europe/Berlin') in the queries"
        )
    return questions


def _time_columns(
    selects: Iterable[Select], sources: Mapping[str, Relation]
) -> Iterator[tuple[str, str]]:
    """Source and name of each column that the times of the contract are made of."""
    for select in selects:
        for contract in CONTRACT[select.table]:
            if contract.type == "TIMESTAMP" and contract.name in select.columns:
                for name, names in references(select.columns[contract.name]):
                    column = column_of(sources[name].columns, names) if name in sources else None
                    if column:
                        yield name, column


def _fitting(relation: Relation, column: str, ask: Ask) -> list[tuple[str, str]]:
    """The forms that all values of a column have; none where they read as they are."""
    values = f"SELECT {quoted(column)}::VARCHAR AS seen FROM {relation.sql} WHERE seen <> ''"
    forms = _FORMS
    for rows in (f"({values} LIMIT {_SOME})", f"({values})"):
        reads = f"coalesce(bool_and({text_values.time('seen')} IS NOT NULL), true)"
        tests = ", ".join(f"bool_and({has_form(''.join(each))})" for each in forms)
        answer = ask(f"SELECT {reads}, {tests} FROM {rows}")
        if not answer or answer[0][0]:
            return []
        forms = [each for each, fits in zip(forms, answer[0][1:], strict=True) if fits]
        if not forms:
            return []
    return forms


def _first(relation: Relation, column: str, ask: Ask) -> str:
    name = quoted(column)
    ((value,),) = ask(f"SELECT {name} FROM {relation.sql} WHERE {name} <> '' LIMIT 1")
    return str(value)


def _reading(relation: Relation, read: Mapping[str, str] | None) -> Relation:
    if read is None:
        return relation
    columns = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in read.items())
    return replace(relation, sql=f"(SELECT * REPLACE ({columns}) FROM {relation.sql})")
