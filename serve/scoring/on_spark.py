"""Scoring on Spark: workers score bucket by bucket of leads and write Parquet, from which the
driver fills the ledger.

Parquet and ledger hold the same rows. Parquet is replaced whole by every run of the same cutoff and
versions; the ledger keeps what it has (serve/ledger).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from features.config import Config
from features.contract.breaches import Breach, find_breaches
from features.contract.database import LeadDatabase
from features.questions import FOLDER, MAIN
from features.spark.buckets import added_up, breach_table, over_buckets
from features.spark.whole import Whole
from models.classifier.artefact import from_bytes, to_bytes
from models.classifier.classifier import ReadinessClassifier
from serve.ledger.runs import Run
from serve.ledger.schema import ROW
from serve.scoring.lead_rows import LeadRows
from serve.scoring.scored import Unscored
from serve.scoring.scorer import Scorer

BY = ("kind", "cutoff", "model_version", "rules_version")  # the folders of the Parquet
FILES_AT_ONCE = 16  # read into the ledger
_TYPES = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "BOOLEAN": pa.bool_(),
}
_TEXTS = [(name, pa.string()) for name in (*BY, "told")]
_SCHEMA = pa.schema([*((name, _TYPES[kind]) for name, kind in ROW.items()), *_TEXTS])


@dataclass(frozen=True)
class ScoringResult:
    """What scoring found: the rows in parts, and what is said of them all."""

    parts: Iterator[pd.DataFrame]
    open_leads: int
    unscored: Unscored
    breaches: Sequence[Breach]


@dataclass(frozen=True)
class _Scoring:
    """What a worker does with a bucket: its rows, kind "scored", and a last one, kind "told", of
    what is to be known of the bucket. The classifier travels as skops bytes, never pickled, and is
    read once."""

    rows: LeadRows
    classifier: bytes | None
    now: datetime
    run: dict[str, str]

    def __call__(self, bucket: LeadDatabase) -> Iterator[pa.Table]:
        rows = self.rows
        if self.classifier is not None and isinstance(rows.scorer, Scorer):
            model = replace(rows.scorer.model, classifier=from_bytes(self.classifier))
            rows = replace(rows, scorer=replace(rows.scorer, model=model))
        scorable, others = rows.open_leads(bucket)
        for part in rows.parts(scorable, others):
            yield self._as_rows(bucket, part, "scored")
        summary = {
            "leads": bucket.value("SELECT count(*) FROM raw_leads"),
            "open_leads": scorable.count + len(others),
            "unscored": vars(Unscored.of(others)),
            "breaches": breach_table(
                find_breaches(bucket.of_leads.connection, bucket.columns, self.now)
            ).to_pylist(),
        }
        yield self._as_rows(bucket, pd.DataFrame({"told": [json.dumps(summary)]}), "told")

    def _as_rows(self, bucket: LeadDatabase, part: pd.DataFrame, kind: str) -> pa.Table:
        """In the ledger's own types, cast as the ledger casts them."""
        given = part.assign(**self.run, kind=kind)
        bucket.connection.register("part", given)
        types = ROW | dict.fromkeys((*BY, "told"), "VARCHAR")
        columns = ", ".join(
            f"CAST({name if name in given else 'NULL'} AS {sql_type}) AS {name}"
            for name, sql_type in types.items()
        )
        return bucket.connection.execute(f"SELECT {columns} FROM part").to_arrow_table()


def score_on_spark(
    config: Config, whole: Whole, rows: LeadRows, run: Run, now: datetime
) -> ScoringResult:
    """Score every open lead of the whole. Raises RuntimeError where leads were lost on the way."""
    place = config.engine.spark.scores
    folder = place if "://" in place else str((config.out_folder / place).resolve())
    if "://" in place and config.question != MAIN:  # `out` is the question's own, a URI is not
        folder = f"{place.rstrip('/')}/{FOLDER}/{config.question}"
    named = folders_of(run)
    scoring = _Scoring(*_without_classifier(rows), now, named)
    whole.tables.replace_parts(over_buckets(whole, scoring, _SCHEMA), folder, BY)
    inside = "/".join(f"{name}={value}" for name, value in named.items())
    summaries = [
        json.loads(text)
        for table in whole.tables.parts(f"{folder}/kind=told/{inside}", FILES_AT_ONCE)
        for text in table["told"].to_pylist()
    ]
    leads = _sum(summaries, "leads")
    if leads != whole.leads:
        raise RuntimeError(f"of {whole.leads} rows of leads {leads} came into the buckets")
    open_leads = _sum(summaries, "open_leads")
    scored = whole.tables.parts(f"{folder}/kind=scored/{inside}", FILES_AT_ONCE)
    breaches = [breach for each in summaries for breach in each["breaches"]]
    return ScoringResult(
        (part.select(list(ROW)).to_pandas() for part in scored) if open_leads else iter(()),
        open_leads,
        Unscored.total(Unscored(**each["unscored"]) for each in summaries),
        added_up(breaches),
    )


def folders_of(run: Run) -> dict[str, str]:
    """The folders below the kind: 2012-03-01 00:00 of the champion 3 is in
    cutoff=2012-03-01T000000/model_version=3/rules_version=..."""
    cutoff = f"{run.cutoff:%Y-%m-%dT%H%M%S}"
    cutoff += f".{run.cutoff:%f}" if run.cutoff.microsecond else ""
    values = (cutoff, run.model_version, run.rules_version)
    return dict(zip(BY[1:], values, strict=True))


def _without_classifier(rows: LeadRows) -> tuple[LeadRows, bytes | None]:
    if not isinstance(rows.scorer, Scorer):
        return rows, None
    model = rows.scorer.model
    hollow = replace(model, classifier=ReadinessClassifier())
    return replace(rows, scorer=replace(rows.scorer, model=hollow)), to_bytes(model.classifier)


def _sum(summaries: list[dict[str, Any]], name: str) -> int:
    return sum(each[name] for each in summaries)
