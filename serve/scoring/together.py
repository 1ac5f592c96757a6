"""Several questions scored over one staging of the leads and events, and one pass of features.

What cannot be shared costs nothing but time: a question that is not in what `open_together` yields
is opened and measured alone, as if it were the only one, and says itself what is wrong with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import pandas as pd

from features.cohort import write_cohort
from features.config import Config
from features.contract.database import LeadDatabase
from features.contract.shared import SharedDatabase, are_shared, open_shared
from features.cutoffs import utc_now
from features.engine.duckdb_engine import KEY
from features.engine.measured import Measured
from features.errors import BadInput
from features.progress import Progress, silent, step
from features.snapshots import Snapshots
from features.spec.spec import Spec
from serve.scoring.points_only import PointsOnly
from serve.scoring.scored import default_cutoff
from serve.scoring.scorer import Scorer


@dataclass(frozen=True)
class Part:
    """A question to be scored, and by whom."""

    config: Config
    scorer: Scorer | PointsOnly

    @property
    def staged(self) -> Config:
        """The settings under which its lead database is read."""
        return self.scorer.staged(self.config)


@dataclass(frozen=True)
class Opened:
    """The lead database of a question, its cutoff, and the features of its open leads at it."""

    database: LeadDatabase
    cutoff: datetime
    measured: Measured


@contextmanager
def open_together(
    parts: Mapping[str, Part], cutoff: datetime | None = None, progress: Progress = silent
) -> Iterator[Mapping[str, Opened]]:
    """Open the lead databases of the questions that share leads and events, by the name of each,
    and measure their features at the cutoff (by default each at its own). Empty where fewer than
    two share them, or one of them stops the others."""
    with ExitStack() as stack:
        try:
            opened = _open(stack, parts, cutoff, progress)
        except Exception as error:  # of whatever kind: alone each fails, or does not, by itself
            if isinstance(error, duckdb.InterruptException) or _is_signal(error.__context__):
                raise
            stack.close()
            opened = {}
        yield opened


def _is_signal(error: BaseException | None) -> bool:
    return isinstance(error, KeyboardInterrupt | SystemExit)


def _open(
    stack: ExitStack, parts: Mapping[str, Part], cutoff: datetime | None, progress: Progress
) -> dict[str, Opened]:
    first = next(iter(parts.values())).staged if parts else None
    questions = {
        name: (part.staged, part.scorer.specs)
        for name, part in parts.items()
        if first
        and are_shared(part.staged, first)
        and not _ends_later(part.config)
        and part.staged.features.account is None  # its closings are of one question's deals
    }
    if len(questions) < 2:
        return {}
    databases: dict[str, LeadDatabase] = {}
    with step("open the tables"):
        shared = stack.enter_context(open_shared(questions))
        for name, (config, specs) in questions.items():
            try:
                databases[name] = stack.enter_context(shared.of_question(config, specs))
            except BadInput:
                continue
    now = utc_now()
    by_cutoff: dict[datetime, list[str]] = defaultdict(list)
    for name, database in databases.items():
        by_cutoff[cutoff or default_cutoff(database.data_end, now)].append(name)
    opened: dict[str, Opened] = {}
    for at, names in by_cutoff.items():
        these = {name: databases[name] for name in names}
        needed = {name: parts[name].scorer.specs for name in names}
        memory_gb = parts[names[0]].config.engine.memory_gb
        measured = _measured(shared, these, needed, at, memory_gb, progress)
        opened |= {name: Opened(database, at, measured) for name, database in these.items()}
    return opened


def _ends_later(config: Config) -> bool:
    """Whether the data end in the future, which `open_database` refuses."""
    end = config.time.data_end
    return end is not None and end > utc_now()


def _measured(
    shared: SharedDatabase,
    databases: Mapping[str, LeadDatabase],
    specs: Mapping[str, tuple[Spec, ...]],
    cutoff: datetime,
    memory_gb: float,
    progress: Progress,
) -> Measured:
    """The features of all leads that are open in any of the questions; then the cohort of each."""
    every: list[Spec] = []
    table = f"main.open_at_{cutoff:%Y%m%d%H%M%S%f}"
    for number, (name, database) in enumerate(databases.items()):
        every += [*specs[name], *(database.membership.specs if database.membership else ())]
        rows = f"SELECT lead_id, cutoff FROM {Snapshots.open_at(database, [cutoff]).relation}"
        into = f"INSERT INTO {table}" if number else f"CREATE TABLE {table} AS"
        database.connection.execute(f"{into} {rows}")
    whole = replace(
        next(iter(databases.values())), connection=shared.connection, scratch=shared.scratch
    )
    union = Snapshots(whole, f"(SELECT DISTINCT lead_id, cutoff FROM {table})")
    measured = Measured.over(union, every, memory_gb, progress)
    for database in databases.values():
        if database.membership is not None:
            opened = Snapshots.open_at(database, [cutoff])
            frames = list(measured.frames(opened, database.membership.specs, memory_gb))
            frame = pd.concat(frames).sort_values(KEY[::-1], ignore_index=True)
            write_cohort(database, [cutoff], database.membership, frame)
    return measured
