"""Convert an XES event log to Parquet: one row per event, columns named as in the log, all text.

    python examples/bpic2012/from_xes.py BPI_Challenge_2012.xes.gz BPI_Challenge_2012.parquet

Attributes of an event keep their key, those of its trace (the case) get the prefix ``case:``.
"""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, str | None]


def attributes(element: ElementTree.Element, prefix: str = "") -> Row:
    """The attributes directly under a trace or an event, as text."""
    return {
        prefix + child.attrib["key"]: child.get("value")
        for child in element
        if "key" in child.attrib
    }


def rows(path: Path) -> Iterator[Row]:
    """One row per event, in the order of the log; one trace in memory at a time."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        parser = ElementTree.iterparse(file, events=("start", "end"))
        _, log = next(parser)
        for moment, element in parser:
            if moment == "end" and local_name(element) == "trace":
                case = attributes(element, "case:")
                yield from (attributes(e) | case for e in element if local_name(e) == "event")
                log.clear()


def local_name(element: ElementTree.Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def convert(source: Path, target: Path) -> int:
    """Write the log as Parquet; return the number of events."""
    events = list(rows(source))
    columns = dict.fromkeys(key for event in events for key in event)
    table = {column: pa.array([e.get(column) for e in events], pa.string()) for column in columns}
    pq.write_table(pa.table(table), target, compression="zstd")
    return len(events)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(f"{convert(Path(sys.argv[1]), Path(sys.argv[2])):,} events")
