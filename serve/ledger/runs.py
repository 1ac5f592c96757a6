"""The runs of the ledger: what identifies one, and its figures, without reading its rows."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import duckdb

RUN = "cutoff = $cutoff AND model_version = $model AND rules_version = $rules"
# The figures of a run, over its rows, as DuckDB and PostgreSQL both read them.
FIGURES = {
    "leads": "count(*)",
    "unscored": "count(*) FILTER (WHERE state = 'not scored')",
    "readiness": "avg(readiness)",
    "points": "avg(rule_score)",
    "hot": "count(*) FILTER (WHERE band = 'hot') * 1e0 / nullif(count(band), 0)",
    "scored_at": "max(scored_at)",
}


@dataclass(frozen=True, order=True)
class Run:
    """What identifies a run: rows of the same lead and run are the same row."""

    cutoff: datetime
    model_version: str
    rules_version: str

    @property
    def key(self) -> dict[str, str | datetime]:
        """The parameters of RUN."""
        return {"cutoff": self.cutoff, "model": self.model_version, "rules": self.rules_version}

    def __str__(self) -> str:
        return (
            f"{self.cutoff:%Y-%m-%d %H:%M} UTC, model {self.model_version}, "
            f"rules {self.rules_version}"
        )


@dataclass(frozen=True)
class RunFigures:
    """A run and how it came out. leads: rows; unscored: of them, those that could not be scored;
    readiness, points: means over the scored, None without any; hot: the share of the hot among
    those with a band; scored_at: when its newest row was written."""

    cutoff: datetime
    model_version: str
    rules_version: str
    leads: int
    unscored: int
    readiness: float | None
    points: float | None
    hot: float | None
    scored_at: datetime

    @property
    def run(self) -> Run:
        """What identifies it."""
        return Run(self.cutoff, self.model_version, self.rules_version)

    def json_fields(self) -> dict[str, Any]:
        """As it is stored with a run."""
        return asdict(self)


COLUMNS = {
    "cutoff": "TIMESTAMP",
    "model_version": "VARCHAR",
    "rules_version": "VARCHAR",
    "leads": "BIGINT",
    "unscored": "BIGINT",
    "readiness": "DOUBLE",
    "points": "DOUBLE",
    "hot": "DOUBLE",
    "scored_at": "TIMESTAMP",
}
assert list(COLUMNS) == [each.name for each in fields(RunFigures)]


def figures_of(connection: duckdb.DuckDBPyConnection, run: Run) -> RunFigures:
    """Those of the table `whole_run`, a run with at least one row."""
    given = ", ".join(f"{sql} AS {name}" for name, sql in FIGURES.items())
    row = connection.execute(f"SELECT {given} FROM whole_run").fetchone() or ()
    return RunFigures(**vars(run) | dict(zip(FIGURES, row, strict=True)))
