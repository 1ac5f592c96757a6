"""One staging of leads and events for several questions, each with outcomes of its own.

Leads, events and merges are in the schema main; the deals of each question, who is left out by them
and when each lead is open are in a schema of the question, on a connection of its own. So a lead
that is won in one pipeline and open in another is each in its own question.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.config import Config
from features.contract.database import (
    PEOPLE,
    LeadColumns,
    LeadDatabase,
    further_attributes,
    lead_columns,
    numbers_in_text,
    stage_outcomes,
    stage_people,
    temporary_duckdb,
)
from features.contract.reading import Reading
from features.contract.tables import CONTRACT, is_read_in_place, lead_id_type, open_sources
from features.errors import BadInput
from features.spec.spec import Spec
from features.sql import quoted

Question = tuple[Config, Sequence[Spec]]  # a question's settings, and what will be asked for


@dataclass(frozen=True)
class SharedDatabase:
    """The staged leads and events; `columns` are those of their tables."""

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    columns: dict[str, dict[str, str]]

    @contextmanager
    def of_question(self, config: Config, specs: Sequence[Spec]) -> Iterator[LeadDatabase]:
        """The lead database of one of the questions, as `open_files` would open it alone. Raises
        BadInput as it does, and where its lead ids are of another type."""
        schema = quoted(f"question_{config.question}")
        with closing(self.connection.cursor()) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"CREATE SCHEMA {schema}; SET schema = {schema}")
            scratch = self.scratch / config.question
            scratch.mkdir()
            tables = config.tables.model_copy(update=dict.fromkeys(PEOPLE))
            own = open_sources(connection, tables, config.folder, scratch)
            every = self.columns | own
            columns = {table: every[table] for table in CONTRACT if table in every}
            if lead_id_type(columns) != lead_id_type(self.columns):
                raise BadInput(f"the lead ids of tables.deals are {lead_id_type(columns)}")
            known = _lead_columns(connection, columns, config, specs)
            reading, end = Reading.of(config), config.time.data_end
            yield stage_outcomes(connection, scratch, columns, reading, known, end)


def are_shared(config: Config, other: Config) -> bool:
    """Whether the leads and events of two questions can be staged once, by this machine's DuckDB
    from files. Their tables and [exclude] are the same by features/questions.py; which actions are
    left out may differ, as trained."""
    if config.engine.kind != "duckdb" or config.tables.database is not None:
        return False
    return config.features.leave_out_actions == other.features.leave_out_actions


@contextmanager
def open_shared(questions: Mapping[str, Question]) -> Iterator[SharedDatabase]:
    """Stage the leads and events once, with all columns of leads that the questions need. Raises
    BadInput as `open_files`."""
    first, _ = next(iter(questions.values()))
    with temporary_duckdb(first.engine) as (connection, scratch):
        needed: set[str] = set()
        for config, specs in questions.values():
            reading = Reading.of(config)
            needed |= {*reading.attributes, *reading.exclude.leads, *further_attributes(specs)}
            needed.add(str(config.routing.amount))
        tables = first.tables.model_copy(update=dict.fromkeys(CONTRACT.keys() - PEOPLE))
        columns = open_sources(connection, tables, first.folder, scratch, needed)
        staged: set[str] = set()
        for config, specs in questions.values():
            staged |= _lead_columns(connection, columns, config, specs).staged
        events = tables.events
        lying = events is not None and is_read_in_place("events", events, columns["events"])
        in_place = {"events"} if lying else set[str]()
        stage_people(connection, columns, Reading.of(first), staged, in_place)
        yield SharedDatabase(connection, scratch, columns)


def _lead_columns(
    connection: duckdb.DuckDBPyConnection,
    columns: dict[str, dict[str, str]],
    config: Config,
    specs: Sequence[Spec],
) -> LeadColumns:
    reading, further = Reading.of(config), further_attributes(specs)
    further |= numbers_in_text(connection, reading.features.attributes, columns)
    return lead_columns(columns, reading, further)
