"""Features of several questions measured in one pass, and laid by for each to take its own.

Worked example: main asks about all open leads, expansion about the customers that are open in its
own pipeline. Every lead that is open in either is measured once, with the features of both; main
takes its columns of its leads. What depends on the deals, days since the last won one, is measured
for each question by its own deals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow as pa

from features.engine.duckdb_engine import KEY, feature_frame, feature_frames
from features.progress import Progress, silent
from features.snapshots import Snapshots
from features.spec.compiled import compile_specs
from features.spec.kinds import DaysSinceDeal, PastDeals
from features.spec.spec import OfEvents, OfLead, Spec, distinct


def is_of_events(spec: Spec) -> bool:
    """Whether a feature is the same whatever the deals are."""
    return all(
        isinstance(leaf, OfEvents | OfLead) and not isinstance(leaf, PastDeals | DaysSinceDeal)
        for leaf in compile_specs([spec]).leaves
    )


@dataclass(frozen=True)
class Measured:
    """The features `specs` of snapshots, a file per chunk of leads."""

    specs: frozenset[Spec]
    files: tuple[Path, ...]

    @classmethod
    def over(
        cls,
        snapshots: Snapshots,
        specs: Sequence[Spec],
        memory_gb: float,
        progress: Progress = silent,
    ) -> Measured:
        """Measure those of the specs that do not depend on deals. Of two that differ and have one
        name only the first is. Raises BadInput as `feature_frames`."""
        shared = distinct(filter(is_of_events, specs))
        home = snapshots.database.scratch / f"measured_{uuid4().hex}"
        home.mkdir()
        files: list[Path] = []
        for frame in feature_frames(snapshots, shared, memory_gb, progress):
            files.append(home / f"{len(files)}.arrow")
            table = pa.Table.from_pandas(frame, preserve_index=False)
            with pa.OSFile(str(files[-1]), "wb") as file, pa.ipc.new_file(file, table.schema) as to:
                to.write_table(table)
        return cls(frozenset(shared), tuple(files))

    def frames(
        self,
        snapshots: Snapshots,
        specs: Sequence[Spec],
        memory_gb: float,
        progress: Progress = silent,
    ) -> Iterator[pd.DataFrame]:
        """As `feature_frames`, of snapshots that were among those measured."""
        own = [spec for spec in specs if spec not in self.specs]
        of_deals = feature_frame(snapshots, own, memory_gb) if own else None
        keys = pd.MultiIndex.from_frame(snapshots.frame[KEY])
        for done, file in enumerate(self.files, start=1):
            frame = _read(file, [spec for spec in specs if spec in self.specs])
            inside = pd.MultiIndex.from_frame(frame[KEY]).isin(keys)
            frame = frame[inside].reset_index(drop=True)
            if of_deals is not None:
                frame = frame.merge(of_deals, on=KEY, how="left", validate="one_to_one")
            yield frame[[*KEY, *(spec.name for spec in specs)]]
            progress("features", done, len(self.files))


def _read(file: Path, specs: Sequence[Spec]) -> pd.DataFrame:
    columns = [*KEY, *(spec.name for spec in specs)]
    with pa.memory_map(str(file)) as source:
        frame: pd.DataFrame = pa.ipc.open_file(source).read_all().select(columns).to_pandas()
    for spec in specs:
        if spec.is_text:
            texts = frame[spec.name].astype(object)
            frame[spec.name] = texts.where(texts.notna(), np.nan)
    return frame
