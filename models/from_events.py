"""What a registered model takes and gives where MLflow alone loads it: a row per lead with its raw
events in, readiness, points, band and reasons out (serve/scoring/from_events.py, ADR 33).

The model's folder then holds this project's own code, and a folder `settings` as a project has it:
readiness.toml with what scoring goes by and no tables, rules.toml, segments.toml. All times are
texts in ISO 8601, as JSON has no others: UTC, or with their offset.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from features.conditions.segments import Segments, load_segments
from features.config import Config
from features.contract.database import LeadDatabase
from features.contract.reading import Reading
from features.contract.tables import CONTRACT
from features.spec.compiled import attribute_columns
from features.toml import read_text, toml_text
from models.classifier.model import ReadinessModel
from models.rules.rules import RuleScore

LOADER = "serve.scoring.from_events"  # named and not imported: it stands on a floor above
CODE = ("features", "models", "serve")  # the packages that travel with the model
REQUIREMENTS = (
    "duckdb",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scikit-learn",
    "scipy",
    "skops",
    "threadpoolctl",
)
SETTINGS = "settings"  # the folder of the settings within the model's
MODEL = "model.json"  # in it: what the model remembers (models/classifier/artefact.py)
SETTING_KEYS = {"capacity", "cohort", "exclude", "outcomes", "time", "words"}
NESTED = {"events": True, "deals": False}  # lists of a lead's rows, and whether they are required
OUTPUTS = {  # beside lead_id
    "cutoff": "datetime",
    "readiness": "double",
    "rule_score": "double",
    "band": "string",
    "reasons": "string",
    "disqualified": "string",
    "segments": "string",
    "close_days_low": "double",
    "close_days_median": "double",
    "close_days_high": "double",
    "follow_up_on": "datetime",
    "postponing": "boolean",
    "fit": "string",
    "engagement": "string",
}
_KINDS = {"TIMESTAMP": "string", "VARCHAR": "string", "DOUBLE": "double"}
_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_NUMBER = re.compile(rf"{_WHOLE.pattern}|FLOAT|DOUBLE|DECIMAL\(.*\)")
_PLACEHOLDERS: dict[str, Any] = {"double": 1.0, "string": "a text", "boolean": False}


@dataclass(frozen=True, repr=False)
class FromEvents:
    """What a model needs beside itself to score raw events.

    files: the settings by file name. columns: those of a lead, and of what it needs in order to be
    scored: MLflow's type and whether each is required. example: two invented leads; nobody's data
    go into MLflow. cutoff: of the example.
    """

    files: Mapping[str, str]
    columns: Mapping[str, tuple[str, bool]]
    example: pd.DataFrame
    cutoff: str

    @classmethod
    def of(
        cls, config: Config, database: LeadDatabase, model: ReadinessModel, rules: RuleScore
    ) -> FromEvents:
        """Of a model that was trained on this lead database, with these settings and rules."""
        path = config.optional_file("segments")
        if path is not None and not path.is_file():  # of frames: there is no folder of settings
            path = None
        segments = load_segments(config) if path else Segments()
        reading = Reading.of(config)
        specs = (*model.specs, *rules.specs, *segments.specs, *reading.specs)
        types = database.columns["leads"]
        whole = _WHOLE.fullmatch(types["lead_id"].upper()) is not None
        columns = {"lead_id": ("long" if whole else "string", True), "created_at": ("string", True)}
        for name in dict.fromkeys([*attribute_columns(specs), *reading.exclude.leads]):
            kind = kind_of(types.get(name, "VARCHAR"))  # of a segment alone, it may not be staged
            columns[name] = "string" if kind == "datetime" else kind, True
        for name in ("source", "objected_at"):
            columns.setdefault(name, ("string", False))
        points = rules.text or toml_text(rules.file.content())  # of points made in Python: no text
        files = {"readiness.toml": _settings(config), "rules.toml": points}
        if path:
            files["segments.toml"] = read_text(path)
        until = model.trained_until
        rows = []
        for lead, days in enumerate((20, 3), start=1):
            times = [f"{until - timedelta(days=d):%Y-%m-%dT%H:%M:%S}" for d in (days, days / 2)]
            events = [
                {"occurred_at": times[1], "action": action} for action in database.actions[:lead]
            ]
            known = {name: _PLACEHOLDERS[kind] for name, (kind, _) in list(columns.items())[2:]}
            first = {"lead_id": lead if whole else str(lead), "created_at": times[0]}
            rows.append(first | known | {"objected_at": None, "events": events})
        return cls(files, columns, pd.DataFrame(rows), f"{until:%Y-%m-%dT%H:%M:%S}")


def nested_columns(table: str) -> dict[str, tuple[str, bool]]:
    """The columns of a lead's events or deals: MLflow's type and whether each is required."""
    columns = (column for column in CONTRACT[table] if column.type != "LEAD_ID")
    return {c.name: (_KINDS[c.type], c.required and not c.nullable) for c in columns}


def kind_of(type_: str) -> str:
    """MLflow's type of a column of DuckDB's type."""
    name = type_.upper()
    if name.startswith(("TIMESTAMP", "DATE")):
        return "datetime"
    return "boolean" if name == "BOOLEAN" else "double" if _NUMBER.fullmatch(name) else "string"


def _settings(config: Config) -> str:
    """The readiness.toml of the model's folder: nothing of tables, databases or MLflow."""
    content = config.model_dump(include=SETTING_KEYS, exclude_defaults=True, exclude_none=True)
    return toml_text({"tables": {name: name for name in ("leads", "events", "deals")}} | content)
