"""The features' part of docs/benchmarks.md, and its plot, from the records of all sizes."""

import json
import os
import platform
import re
import statistics
from datetime import date
from importlib.metadata import version
from typing import Any

from matplotlib.figure import Figure

from benchmarks.feature_contestants import FLOORS, OURS, OURS_ROOMY, POLARS
from benchmarks.measure import HOME

RECORDS = HOME / "docs" / "benchmarks" / "features.json"
PAGE, PLOT = HOME / "docs" / "benchmarks.md", HOME / "docs" / "benchmarks" / "features.png"
BEGIN, END = "<!-- features: begin -->", "<!-- features: end -->"
# At this size; of smaller ones a second or two of loading libraries is too large a part.
LARGE, MOST_CPU, MOST_GB = 20_000_000, 0.6, 1.0

HEAD = """## Features

{features} features of each snapshot, from Parquet files to Parquet files; each run is a fresh
process, measured by its parent from start to end: imports, reading and writing included. The
contestants took turns; medians over the rounds, and medians of each round's ratios to Polars. All
values were compared: counts and texts are equal, the rest within 1e-9. Ours had been compiled
before, as by any earlier run on the machine. The floor computes nothing: it scans the events, and
writes a matrix of that size.

![CPU and wall seconds over those of Polars, by number of events](benchmarks/features.png)

Peers that compute a part of the features run in environments of their own, beside ours and Polars
with all of them, on events that are known when they occur. How their definitions were made equal
to ours, and what of the 80 they lack, is in the docstrings of benchmarks/feature_featuretools.py,
feature_fastdfs.py and feature_medstab.py. Below a million events loading the libraries is most of
what ours takes. The peak is that of the largest process.

Aim: at 20 M events at most {cpu:g} times the CPU of Polars, no more wall time, under {gb:g} GB.
"""


def measured_on() -> str:
    """Date, machine, load and libraries."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    first = " (run with real-time priority)" if os.sched_getscheduler(0) == os.SCHED_RR else ""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "pandas"))
    return (
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, load of "
        f"others {os.getloadavg()[1]:.1f}{first}, Python {platform.python_version()}, {libraries}"
    )


def median(record: dict[str, Any], name: str, what: str) -> float:
    """The median over the rounds of `wall`, `cpu` or `peak_gb`."""
    return statistics.median(_figure(each[name], what) for each in record["rounds"])


def ratio(record: dict[str, Any], name: str, what: str) -> float:
    """The median over the rounds of a figure over that of Polars in the same round."""
    pairs = [(_figure(each[name], what), _figure(each[POLARS], what)) for each in record["rounds"]]
    return statistics.median(mine / its for mine, its in pairs)


def _figure(run: dict[str, Any], what: str) -> float:
    value: float = run["peak_gb"] if what == "peak_gb" else run["total"][what]
    return value


def kept_up(record: dict[str, Any]) -> bool:
    """Whether all values are equal and ours kept to its aim: at 20 M events or more at most 0.6 of
    the CPU of Polars, no more wall time and under 1 GB; below, not more of both CPU and wall.
    Beside a peer that computes a part of the features only the values count."""
    if record["differing"] or "peer" in record:
        return not record["differing"]
    cpu, wall = ratio(record, OURS, "cpu"), ratio(record, OURS, "wall")
    if record["events"] < LARGE:
        return cpu <= 1 or wall <= 1
    return cpu <= MOST_CPU and wall <= 1 and median(record, OURS, "peak_gb") < MOST_GB


def section(record: dict[str, Any]) -> str:
    """One size: its table, and a sentence on it."""
    title = f"{record['peer']} {record['version']}: " if "peer" in record else ""
    lines = [
        f"### {title}{record['events']:,} events, {record['snapshots']:,} snapshots\n",
        f"{record['measured']}; {len(record['rounds'])} rounds; {record['columns']} features of "
        f"{record['rows']:,} snapshots compared.\n",
        f"| | CPU s | wall s | peak GB | CPU / {POLARS} | wall / {POLARS} |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in record["rounds"][0]:
        figures = [median(record, name, what) for what in ("cpu", "wall", "peak_gb")]
        ratios = [ratio(record, name, what) for what in ("cpu", "wall")]
        cells = [f"{figure:.2f}" for figure in (*figures, *ratios)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [f"\nDIFFERS: {difference}" for difference in record["differing"]]
    lines += [f"\n{shared}" for shared in _shared(record)]
    lines += [f"\nNot run: {name} ({why})." for name, why in record["not_run"].items()]
    if "peer" not in record:
        lines.append(f"\n{verdict(record)}")
    return "\n".join(lines) + "\n"


def _shared(record: dict[str, Any]) -> list[str]:
    """How many features a peer computed, and what of its CPU is not its own work."""
    sentences = []
    for name, columns in record.get("shared", {}).items():
        runs = [each[name]["printed"] for each in record["rounds"]]
        parts = {part: statistics.median(run[part]["cpu"] for run in runs) for part in runs[0]}
        costs = " and ".join(f"{cpu:.2f} {part}" for part, cpu in parts.items())
        of_it = f"; of its CPU s, {costs}" if costs else ""
        sentences.append(f"{name}: {columns} features compared{of_it}.")
    return sentences


def verdict(record: dict[str, Any]) -> str:
    """Ours by its aim, in words."""
    sentence = (
        f"Within 1 GB ours takes {ratio(record, OURS, 'cpu'):.2f} of the CPU of Polars, "
        f"{ratio(record, OURS, 'wall'):.2f} of its wall time and "
        f"{median(record, OURS, 'peak_gb'):.2f} GB"
    )
    if record["events"] < LARGE:
        return f"{sentence}."
    return f"{sentence}: the aim is {'met' if kept_up(record) else 'NOT met'}."


def write_page(record: dict[str, Any]) -> None:
    """Keep the record beside those of other sizes, and write page and plot anew from all."""
    RECORDS.parent.mkdir(exist_ok=True)
    records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else {}
    records[_key(record)] = record
    RECORDS.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    by_size = sorted(records.values(), key=lambda each: ("peer" in each, each["events"]))
    plot([each for each in by_size if "peer" not in each]).savefig(PLOT, dpi=110)
    own = "\n".join([page_head(by_size), *map(section, by_size)])
    text = PAGE.read_text(encoding="utf-8")
    own = f"{BEGIN}\n{own}\n{END}"
    PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: own, text, flags=re.S), encoding="utf-8")


def _key(record: dict[str, Any]) -> str:
    """A peer's record takes the place of its last, of any size."""
    return str(record.get("peer", f"{POLARS}, {record['events']:,} events"))


def page_head(records: list[dict[str, Any]]) -> str:
    """What holds for all sizes, and how to get them again."""
    commands = [
        f"    .venv/bin/python -m benchmarks.features --write --events {each['events']} "
        f"--rounds {len(each['rounds'])}"
        + (f" --peer {each['peer']}=PYTHON" if "peer" in each else "")
        for each in records
    ]
    features = max(each["columns"] for each in records)
    head = HEAD.format(features=features, cpu=MOST_CPU, gb=MOST_GB)
    return f"{head}\n{chr(10).join(commands)}\n"


def plot(records: list[dict[str, Any]]) -> Figure:
    """CPU and wall ratios to Polars: a group of bars per size."""
    figure = Figure(figsize=(10.5, 4), layout="constrained")
    names = list(dict.fromkeys(n for each in records for n in each["rounds"][0] if n != POLARS))
    names.sort(key=lambda name: (name in FLOORS, name not in (OURS, OURS_ROOMY)))
    for axes, what in zip(figure.subplots(1, 2, sharey=True), ("cpu", "wall"), strict=True):
        for place, name in enumerate(names):
            ran = [(i, e) for i, e in enumerate(records) if name in e["rounds"][0]]
            bars = axes.barh(
                [i + 0.8 * (place + 0.5) / len(names) - 0.4 for i, _ in ran],
                [ratio(each, name, what) for _, each in ran],
                0.8 / len(names),
                label=name,
            )
            axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=7)
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_xlabel(f"{'CPU' if what == 'cpu' else 'wall'} seconds / Polars")
        axes.set_yticks(range(len(records)), [f"{e['events'] / 1e6:g} M" for e in records])
        axes.margins(x=0.15)
        axes.spines[["top", "right"]].set_visible(False)
    axes.invert_yaxis()
    figure.axes[0].set_ylabel("events")
    handles, labels = figure.axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=7, frameon=False)
    return figure
