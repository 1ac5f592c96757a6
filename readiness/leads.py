"""An open lead database for Python users: from a readiness.toml, or from frames in memory."""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pyarrow as pa

from features.catalog import catalog_of
from features.conditions.segments import opted_in
from features.config import EARLIEST_CUTOFF, Config, load
from features.contract.breaches import find_breaches
from features.contract.database import LeadDatabase, open_frames
from features.contract.reading import Reading
from features.cutoffs import utc_now
from features.errors import BadInput
from features.open_database import open_database
from features.spec.compiled import accounts_of, attribute_columns
from features.spec.spec import Spec
from features.starter.starter import first_cutoff
from features.toml import Strict, faults_text, load_toml, toml_text, validate_toml

IN_MEMORY = Path("(frames)", "settings")  # where the settings of frames would be: nowhere
SETTINGS = Path("settings")  # the name of theirs in messages


def open_leads(
    path: str | Path | None = None,
    *,
    events: Any = None,
    leads: Any = None,
    deals: Any = None,
    contacts: Any = None,
    stages: Any = None,
    merges: Any = None,
    settings: Mapping[str, Any] | str | None = None,
    question: str = "main",
) -> Leads:
    """Open a lead database.

    Parameters
    ----------
    path : the folder of a readiness.toml, or the file itself. Nothing else then.
    events, leads, deals, contacts, stages, merges : frames with the columns of the contract
        (docs/glossary.md): pandas, polars, pyarrow, or whatever else has the Arrow interface
        `__arrow_c_stream__`. `leads` are required; without `deals` every lead counts as open.
    settings : what a readiness.toml would hold, without [tables], as a mapping or as TOML text.
        Default: capacity 10%, weekly cutoffs from the first Monday after a tenth of the events,
        and the defaults of readiness.toml.
    question : of the readiness.toml at `path`, which of its questions (docs/questions.md).

    Returns
    -------
    Leads, to be closed by `close()`, as a context manager, or when it is no longer referenced.

    Raises
    ------
    BadInput for a missing or faulty file or setting, and for frames that lack columns. Rows that
    breach the contract are a UserWarning that names the first: their leads are in no cohort.

    Examples
    --------
    >>> import pandas as pd
    >>> import readiness as rd
    >>> leads = pd.DataFrame({"lead_id": [1, 2], "created_at": pd.to_datetime(["2026-01-02"] * 2)})
    >>> events = pd.DataFrame(
    ...     {
    ...         "lead_id": [1, 1, 2],
    ...         "occurred_at": pd.to_datetime(["2026-01-03", "2026-01-08", "2026-01-09"]),
    ...         "action": ["visited", "called_in", "visited"],
    ...     }
    ... )
    >>> rd.open_leads(events=events, leads=leads, settings={"time": {"horizon_days": 14}})
    Leads(2 leads, 3 events, 0 deals, data end 2026-01-09 00:00, horizon 14 days)
    """
    frames = dict(  # noqa: C408
        events=events, leads=leads, deals=deals, contacts=contacts, stages=stages, merges=merges
    )
    given = {name: _checked(rows, name) for name, rows in frames.items() if rows is not None}
    if path is not None:
        if given or settings is not None:
            raise BadInput("Give a path or frames, not both: the file at the path has settings.")
        return Leads(load(Path(path), question))
    if "leads" not in given:
        raise BadInput(
            "open_leads takes the path of a readiness.toml, or the frame `leads` (and `events`, "
            "if there are some, and `deals`, if outcomes are known)."
        )
    config = _settings(settings or {}, given)
    opened = Leads(config, given)
    breaches = find_breaches(opened.database.connection, opened.database.columns, utc_now())
    if breaches:
        lines = "\n  ".join(map(str, breaches))
        warnings.warn(f"The frames breach the contract:\n  {lines}", UserWarning, stacklevel=2)
    return opened


def example() -> Leads:
    """Two leads with dates that are easy to follow by hand, for trying the functions.

    Lead 1 is created on 2026-01-02, visits on 01-03 and 01-08, calls in on 01-11 and is won on
    01-12 at noon. Lead 2 is created on 2026-01-09 and visits on 01-12 at 00:00 and on 01-14 at 9.

    >>> import readiness as rd
    >>> rd.example()
    Leads(2 leads, 5 events, 1 deals, data end 2026-01-14 09:00, horizon 30 days)
    """
    visits = ["2026-01-03", "2026-01-08", "2026-01-12", "2026-01-14 09:00"]
    return open_leads(
        leads=pd.DataFrame(
            {"lead_id": [1, 2], "created_at": pd.to_datetime(["2026-01-02", "2026-01-09"])}
        ),
        events=pd.DataFrame(
            {
                "lead_id": [1, 1, 2, 2, 1],
                "occurred_at": pd.to_datetime([*visits, "2026-01-11"], format="mixed"),
                "action": ["visited"] * 4 + ["called_in"],
            }
        ),
        deals=pd.DataFrame(
            {"lead_id": [1], "closed_at": pd.to_datetime(["2026-01-12 12:00"]), "outcome": ["won"]}
        ),
    )


class Leads:
    """An open lead database with its settings; made by `open_leads`.

    Attributes
    ----------
    config : the settings, as in readiness.toml.
    database : the tables in the contract's types, in a DuckDB of its own; `database.query(sql)`
        gives a pandas frame.
    """

    def __init__(self, config: Config, frames: Mapping[str, Any] | None = None) -> None:
        self.config = config
        self.lock = threading.RLock()
        self._frames = frames
        stack = ExitStack()
        self._finalizer = weakref.finalize(self, stack.close)
        self.database = stack.enter_context(self._opened(config, ()))

    @property
    def data_end(self) -> datetime:
        """The latest past time in the tables, or as the settings have it (naive UTC)."""
        return self.database.data_end

    @property
    def in_memory(self) -> bool:
        """Whether the tables are frames, so that there is no folder of settings."""
        return self._frames is not None

    def cutoffs(self) -> list[datetime]:
        """The cutoff grid of the settings, up to the data end."""
        return self.config.time.cutoffs(self.data_end)

    def mature_cutoffs(self, horizon_days: int | None = None) -> list[datetime]:
        """The cutoffs whose labels are complete: cutoff + horizon <= data end."""
        return self.config.time.mature_cutoffs(self.data_end, horizon_days)

    def specs(self, actions: Sequence[str] | None = None) -> tuple[Spec, ...]:
        """The features that `readiness train` computes. actions: most frequent first; default: all
        that are in the data, whenever they were first seen."""
        known = self.database.actions if actions is None else actions
        return catalog_of(self.config, replace(self.database, actions=tuple(known)))

    def actions_before(self, cutoff: datetime) -> tuple[str, ...]:
        """The actions of events that were known strictly before the cutoff, most frequent first."""
        with self.lock:
            rows = self.database.connection.execute(
                "SELECT action FROM known_events WHERE known_at < $1::TIMESTAMP GROUP BY action "
                "ORDER BY count(*) DESC, action",
                [cutoff],
            ).fetchall()
        return tuple(action for (action,) in rows)

    @contextmanager
    def staged(
        self, specs: Iterable[Spec] = (), config: Config | None = None
    ) -> Iterator[LeadDatabase]:
        """The database with the attributes that `specs` ask for; read anew where they, or other
        settings, are not those it was opened with. One thread at a time."""
        specs = tuple(specs)
        config = config or self.config
        staged = (config.features.account,)  # beside the attributes
        needed = set(attribute_columns(spec for spec in specs if accounts_of([spec]) != staged))
        needed -= {config.features.title}  # likewise
        with self.lock:
            if needed <= self.database.attributes.keys() and config == self.config:
                yield self.database
                return
            with self._opened(config, specs) as database:
                yield database

    @contextmanager
    def _opened(self, config: Config, specs: Iterable[Spec]) -> Iterator[LeadDatabase]:
        specs = (*specs, *opted_in(config))
        if self._frames is None:
            with open_database(config, specs) as database:
                yield database
            return
        with open_frames(self._frames, Reading.of(config), config.engine, specs) as database:
            end = config.time.data_end
            yield replace(database, data_end=end) if end else database

    def close(self) -> None:
        """Close the database, and remove its temporary files."""
        self._finalizer()

    def __enter__(self) -> Leads:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __deepcopy__(self, memo: object) -> Leads:
        """Itself: like a connection it is shared, also by the clones of a scikit-learn pipeline."""
        return self

    def __reduce__(self) -> NoReturn:
        raise BadInput(
            "An open lead database stays in its process: use n_jobs=None, or threads "
            "(joblib.parallel_config(backend='threading'))."
        )

    def __repr__(self) -> str:
        if not self._finalizer.alive:
            return "Leads(closed)"
        count = self.database.value
        rows = ", ".join(
            f"{count(f'SELECT count(*) FROM {name}'):,} {name}"
            for name in ("leads", "events", "deals")
        )
        horizon = self.config.time.horizon_days
        return f"Leads({rows}, data end {self.data_end:%Y-%m-%d %H:%M}, horizon {horizon} days)"


def is_frame(rows: Any) -> bool:
    """Whether these are rows and columns, in pandas or behind the Arrow interface."""
    is_column = isinstance(rows, pd.Series) or type(rows).__name__ == "Series"
    return not is_column and hasattr(rows, "__arrow_c_stream__")


def to_pandas(rows: Any, name: str) -> pd.DataFrame:
    """A pandas frame as it is, any other frame as pandas. `name` is for the message."""
    if isinstance(rows, pd.DataFrame):
        return rows
    frame: pd.DataFrame = pa.table(_checked(rows, name)).to_pandas()
    return frame


def _checked(rows: Any, name: str) -> Any:
    if not is_frame(rows):
        raise BadInput(
            f"{name} is a {type(rows).__name__}: give a pandas, polars or pyarrow frame, or any "
            "other with the method __arrow_c_stream__."
        )
    return rows


def _settings(given: Mapping[str, Any] | str, frames: Mapping[str, Any]) -> Config:
    """The settings of frames: those given, as strictly as a file's, and defaults for the rest."""
    if not isinstance(given, str) and (faults := list(_none_tables(given, Config))):
        raise BadInput(faults_text(SETTINGS, faults))
    text = given if isinstance(given, str) else toml_text(given)
    content = load_toml(text, SETTINGS)
    if "tables" in content:
        raise BadInput("settings: leave out [tables], the frames are the tables.")
    time = content.get("time", {})
    guess = isinstance(time, dict) and "first_cutoff" not in time
    content |= {"path": IN_MEMORY, "tables": {name: name for name in {"deals", *frames}}}
    content |= {"capacity": content.get("capacity", {"share": 0.1})}
    content |= {"time": time | {"first_cutoff": EARLIEST_CUTOFF}} if guess else {}
    config = validate_toml(content, SETTINGS, Config)
    if not guess:
        return config
    with open_frames(frames, Reading.of(config), config.engine) as database:
        times = config.time.model_copy(update={"first_cutoff": first_cutoff(database)})
    return config.model_copy(update={"time": times})


def _none_tables(given: Mapping[str, Any], model: type[Strict], within: str = "") -> Iterator[str]:
    """The tables of settings that are None, in words; a single setting may be, and is not given."""
    for name in sorted(given.keys() & model.model_fields):
        inner, value = model.model_fields[name].annotation, given[name]
        if not (isinstance(inner, type) and issubclass(inner, Strict)):
            continue
        if value is None:
            yield f"{within}{name}: should be a table; it is None. Leave it out for its defaults"
        elif isinstance(value, Mapping):
            yield from _none_tables(value, inner, f"{within}{name}.")
