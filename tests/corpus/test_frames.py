"""Frames of pandas, polars and Arrow, as programs make them."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

import readiness as rd
from features.config import load
from features.errors import BadInput
from tests.corpus.company import (
    Breaches,
    Message,
    breach,
    each,
    measure,
    message,
    says,
    write_company,
)

Frames = dict[str, Any]


@dataclass(frozen=True)
class FrameCase:
    """What is done to the sound company's frames, and what comes out; None: the same numbers."""

    name: str
    edit: Callable[[Frames], Frames]
    out: Message | Breaches | None = None


def sound_frames(folder: Path) -> Frames:
    """The tables as pandas frames: times, numbers and texts."""
    read = {table: pd.read_csv(folder / f"{table}.csv") for table in ("leads", "events", "deals")}
    for table, names in {
        "leads": ("created_at", "renews_on"),
        "events": ("occurred_at",),
        "deals": ("closed_at", "opened_at"),
    }.items():
        for name in names:
            read[table][name] = pd.to_datetime(read[table][name])
    return read


def column(table: str, name: str, how: Callable[[Any], Any]) -> Callable[[Frames], Frames]:
    """Another form of one column."""
    return lambda frames: frames | {table: frames[table].assign(**{name: how(frames[table][name])})}


def whole(table: str, how: Callable[[pd.DataFrame], Any]) -> Callable[[Frames], Frames]:
    """Another form of one table."""
    return lambda frames: frames | {table: how(frames[table])}


def ids(how: Callable[[Any], Any], *tables: str) -> Callable[[Frames], Frames]:
    """Another form of the ids, of all tables or of some."""

    def edit(frames: Frames) -> Frames:
        chosen = tables or tuple(frames)
        return frames | {t: frames[t].assign(lead_id=how(frames[t]["lead_id"])) for t in chosen}

    return edit


def number(series: Any) -> Any:
    return series.str.removeprefix("a-").astype("int64")


def polars(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("polars").from_pandas(frame)


def with_value(series: Any, value: Any, dtype: Any = object) -> Any:
    changed = series.astype(dtype)
    changed.iloc[0] = value
    return changed


CASES = [
    FrameCase("polars", lambda frames: {t: polars(frame) for t, frame in frames.items()}),
    FrameCase(
        "lazy polars",
        whole("events", lambda frame: polars(frame).lazy()),
        message("events", "LazyFrame"),
    ),
    FrameCase(
        "Arrow",
        lambda frames: {
            t: pa.Table.from_pandas(frame, preserve_index=False) for t, frame in frames.items()
        },
    ),
    FrameCase(
        "Arrow in pieces",
        whole(
            "events",
            lambda frame: pa.concat_tables(
                [pa.Table.from_pandas(frame[:5]), pa.Table.from_pandas(frame[5:])]
            ),
        ),
    ),
    FrameCase(
        "a dictionary of Arrow",
        whole(
            "events",
            lambda frame: pa.table(
                {
                    name: (
                        pa.array(frame[name]).dictionary_encode()
                        if name in ("action", "lead_id")
                        else pa.array(frame[name], from_pandas=True)
                    )
                    for name in frame
                }
            ),
        ),
    ),
    FrameCase("categories for actions", column("events", "action", lambda s: s.astype("category"))),
    FrameCase("categories for ids", ids(lambda s: s.astype("category"))),
    FrameCase("categories for ids in one table", ids(lambda s: s.astype("category"), "events")),
    FrameCase(
        "categories for countries", column("leads", "country", lambda s: s.astype("category"))
    ),
    FrameCase("nullable integers", column("leads", "employees", lambda s: s.astype("Int64"))),
    FrameCase("texts of pandas", column("events", "action", lambda s: s.astype("string"))),
    FrameCase("texts as objects", column("events", "action", lambda s: s.astype(object))),
    FrameCase("32-bit values", column("events", "value", lambda s: s.astype("float32"))),
    FrameCase("times of UTC", column("events", "occurred_at", lambda s: s.dt.tz_localize("UTC"))),
    FrameCase(
        "times of another zone",
        column(
            "events",
            "occurred_at",
            lambda s: s.dt.tz_localize("UTC").dt.tz_convert("America/New_York"),
        ),
    ),
    FrameCase(
        "times in seconds", column("events", "occurred_at", lambda s: s.astype("datetime64[s]"))
    ),
    FrameCase(
        "times in nanoseconds",
        column("events", "occurred_at", lambda s: s.astype("datetime64[ns]")),
    ),
    FrameCase(
        "times as Python's objects",
        column(
            "events", "occurred_at", lambda s: pd.Series(list(s.dt.to_pydatetime()), dtype=object)
        ),
    ),
    FrameCase("times as texts", column("events", "occurred_at", lambda s: s.astype(str))),
    FrameCase("days as Python's objects", column("leads", "renews_on", lambda s: s.dt.date)),
    FrameCase(
        "an index of its own", whole("events", lambda frame: frame.set_index("action", drop=False))
    ),
    FrameCase("an index of labels twice", whole("events", lambda frame: frame.set_axis([0] * 16))),
    FrameCase("rows in another order", whole("events", lambda frame: frame[::-1])),
    FrameCase("a column of nulls only", whole("events", lambda frame: frame.assign(more=None))),
    FrameCase(
        "a column of Python objects",
        whole("events", lambda frame: frame.assign(more=[{"a": n} for n in range(16)])),
    ),
    # What cannot be right.
    FrameCase(
        "one time that is none",
        column("events", "occurred_at", lambda s: with_value(s, pd.NaT)),
        breach("events.occurred_at", 1, "lead a-1: NULL"),
    ),
    FrameCase(
        "one word among the times",
        column("events", "occurred_at", lambda s: with_value(s.astype(str), "soon")),
        breach("events.occurred_at", 1, "lead a-1: soon"),
    ),
    FrameCase(
        "seconds for times",
        column("events", "occurred_at", lambda s: s.astype("int64") // 10**6),
        breach("events.occurred_at", 16, "to_timestamp"),
    ),
    FrameCase(
        "ids that became doubles",
        lambda frames: ids(lambda s: s.str.removeprefix("a-").astype("float64") + 2**53)(frames),
        breach("leads.lead_id", 8),
    ),
    FrameCase(
        "no rows",
        lambda frames: {table: frame[:0] for table, frame in frames.items()},
        message("no readable time"),
    ),
    FrameCase(
        "no column lead_id",
        whole("leads", lambda frame: frame.drop(columns="lead_id")),
        message("the frame leads", "lead_id", "Rename"),
    ),
    FrameCase(
        "a column twice",
        whole(
            "events",
            lambda frame: pd.concat([frame, frame[["action"]].rename(columns=str.upper)], axis=1),
        ),
        message("events", "action"),
    ),
    FrameCase(
        "numbers for names of columns",
        whole("events", lambda frame: frame.set_axis(range(len(frame.columns)), axis=1)),
        message("events", "lead_id"),
    ),
    FrameCase("no frame", whole("events", lambda frame: "events.csv"), message("events")),
    FrameCase("a dictionary", whole("events", lambda frame: frame.to_dict()), message("events")),
    FrameCase(
        "a list of actions",
        column("events", "action", lambda s: [[each] for each in s]),
        message("the frame events", "action", "VARCHAR[]"),
    ),
]


@each(CASES)
def test_frames(one: FrameCase, tmp_path: Path, sound: pd.DataFrame) -> None:
    config = load(write_company(tmp_path))
    frames = one.edit(sound_frames(tmp_path))
    settings = {
        "time": {"horizon_days": 7, "first_cutoff": config.time.first_cutoff},
        "capacity": {"share": 0.25},
        "features": dict(config.features),
    }
    if isinstance(one.out, Message):
        with pytest.raises(BadInput) as refused:
            rd.open_leads(**frames, settings=settings)
        says(str(refused.value), one.out.facts)
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        opened = rd.open_leads(**frames, settings=settings)
    with opened:
        texts = [str(each.message) for each in caught if each.category is UserWarning]
        if isinstance(one.out, Breaches):
            (text,) = texts
            ((place, count),) = one.out.counts.items()
            says(text, (f"{place}: rows that", f": {count} (first: ", *one.out.facts))
            return
        assert texts == []
        numbers = measure(opened.database, config)
        if numbers["lead_id"].str.isdecimal().all():
            numbers["lead_id"] = "a-" + numbers["lead_id"]
        pd.testing.assert_frame_equal(numbers, sound, check_dtype=False)


CURE = re.compile(r"(\w+) = (duckdb\.sql\(\".+?\"\)\.df\(\))")


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%Y%m%d"])
def test_the_cure_of_times_is_a_line_of_python_that_cures(tmp_path: Path, form: str) -> None:
    write_company(tmp_path)
    sound = sound_frames(tmp_path)
    times = sound["events"]["occurred_at"].dt.strftime(form)
    frames = sound | {"events": sound["events"].assign(occurred_at=times)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rd.open_leads(**frames)
    (text,) = (str(each.message) for each in caught if each.category is UserWarning)
    assert "tables." not in text
    assert "readiness.toml" not in text
    ((table, line),) = CURE.findall(text)
    cured = {table: eval(line, {"duckdb": duckdb, table: frames[table]})}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = rd.open_leads(**frames | cured)
    with opened:
        read = opened.database.query("SELECT occurred_at FROM events ORDER BY lead_id, occurred_at")
    meant = sound["events"].sort_values(["lead_id", "occurred_at"])["occurred_at"]
    if form == "%Y%m%d":
        meant = meant.dt.normalize()
    minutes = meant.dt.floor("min").to_numpy()
    assert (read["occurred_at"].to_numpy() == minutes).all()


def test_frames_without_any_time_that_reads_say_what_makes_them_read(tmp_path: Path) -> None:
    write_company(tmp_path)
    frames = {
        table: frame.assign(
            **{n: frame[n].dt.strftime("%d.%m.%Y") for n in frame.select_dtypes("datetime")}
        )
        for table, frame in sound_frames(tmp_path).items()
    }
    with pytest.raises(BadInput) as refused:
        rd.open_leads(**frames)
    assert {table for table, _ in CURE.findall(str(refused.value))} == {"leads", "events", "deals"}


@pytest.mark.parametrize(
    "settings",
    [
        {"features": {"attributes": ["nope"]}},
        {"features": {"account": "nope"}},
        {"exclude": {"leads": {"nope": ["x"]}}},
    ],
)
def test_a_setting_of_a_column_that_the_frame_lacks_speaks_of_no_file(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    write_company(tmp_path)
    with pytest.raises(BadInput, match="nope") as refused:
        rd.open_leads(**sound_frames(tmp_path), settings=settings)
    for word in ("tables.", "query", "SQL", "readiness.toml"):
        assert word not in str(refused.value)
