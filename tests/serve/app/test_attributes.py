"""The attributes of a request are read as the batch reads a column, and refused by their names."""

import json
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from features.contract.text_values import number
from features.errors import BadInput
from serve.app.score_request import Person
from serve.app.scoring import _values


def people(value: Any) -> list[Person]:
    lead = {"lead_id": "7", "created_at": "2025-01-01", "attributes": {"size": value}}
    return [Person.model_validate(lead)]


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (pa.string(), "a", "a"),
        (pa.string(), "3", "3"),
        (pa.string(), True, "true"),
        (pa.float64(), 3, 3.0),
        (pa.float64(), "-1.5e1", -15.0),
        (pa.timestamp("us"), "2026-03-01", datetime(2026, 3, 1)),
        *((kind, None, None) for kind in (pa.string(), pa.float64(), pa.timestamp("us"))),
    ],
)
def test_an_attribute_is_read_as_the_batch_reads_its_column(
    kind: pa.DataType, value: Any, read: Any
) -> None:
    assert _values("size", kind, people(value)).to_pylist() == [read]
    if isinstance(value, str | bool) and kind != pa.timestamp("us"):
        sql = number("x") if kind == pa.float64() else "x"
        batch = duckdb.execute(f"SELECT {sql} FROM (SELECT ?::VARCHAR AS x)", [value]).fetchall()
        assert batch == [(read,)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((pa.string(), value) for value in (3, 3.5, 0)),
        *((pa.float64(), value) for value in ("abc", "", "1,095", "12 %", "1_000", " 3", True)),
        *((pa.float64(), value) for value in ("nan", "inf", "1e999")),
        *((pa.timestamp("us"), value) for value in ("soon", 3, True)),
    ],
)
def test_an_attribute_of_another_kind_is_refused_by_its_name(kind: pa.DataType, value: Any) -> None:
    with pytest.raises(BadInput, match=r"size is a .*lead 7") as refused:
        _values("size", kind, people(value))
    assert json.dumps(value) in str(refused.value)
