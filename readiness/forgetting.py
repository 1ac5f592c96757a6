"""Forgetting a lead: out of all that this program has written, with a receipt.

An id is matched as a whole: lead 7 is neither 77 nor 7 points. Columns lead_id, keys and texts of
JSON that are the id are always seen. Within sentences and pages an id that looks like any number or
word, such as 7, is seen only behind the word lead; one such as C-20931 is seen wherever it stands.
"""

import csv
import json
import mmap
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import duckdb
import pyarrow.parquet as pq

from features.config import Config
from features.contract.accounts import OWN
from features.contract.extensions import connect
from features.cutoffs import utc_now
from features.questions import FOLDER
from features.result_json import to_json
from features.sql import literal
from features.whole_file import sweep_unfinished, whole, write_whole
from models.artefact_digests import INPUT_EXAMPLES
from models.decisions import outbox, overrides, written_files
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction, wipe
from serve.ledger.earlier_release import TAKEN_OVER
from serve.ledger.ledger import open_ledger
from serve.ledger.run_files import SHADOW_FOLDER
from serve.publish.crm import CRMS
from serve.publish.table import forget_published
from serve.reports.explain.page import page_name

RECEIPTS = "forgotten"  # the folder of receipts in `out`
ID_COLUMNS = {"lead_id", *(crm.columns[0] for crm in CRMS.values())}  # of CSV files
FORGOTTEN = "(forgotten)"  # in place of the id, in texts that stay
TABLES, PAGES, TEXTS = (".csv", ".parquet"), (".html", ".json", ".md"), (".html", ".md", ".txt")


@dataclass(frozen=True)
class Removed:
    """How many (count) of what (rows, decisions, pages, places in a text) were removed where."""

    where: str
    what: str
    count: int


@dataclass(frozen=True)
class Left:
    """What was not removed, or may not have been, and what to do."""

    where: str
    todo: str


@dataclass
class Receipt:
    """What was done for one request. number: drawn by lot; the lead is not named, as ids can be
    guessed from a digest."""

    by: str
    because: str
    at: datetime = field(default_factory=utc_now)
    number: str = field(default_factory=lambda: secrets.token_hex(8))
    removed: list[Removed] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def add(self, where: object, what: str, count: int) -> None:
        """Note what was removed, if anything was."""
        if count:
            self.removed.append(Removed(str(where), what, count))


class Name:
    """How a lead may be named in texts and JSON. is_distinct: whether the id is seen anywhere."""

    def __init__(self, lead: str) -> None:
        self.lead = lead
        self.is_distinct = len(lead) >= 12 or (len(lead) >= 5 and bool(re.search(r"\D", lead)))
        before = r"(?<![\w-])" if self.is_distinct else r"(?<=\b[Ll]ead )"
        self.pattern = re.compile(rf"{before}{re.escape(lead)}(?![\w-])")
        self.cell = re.compile(rf">\s*{re.escape(lead)}\s*<")

    def replaced(self, text: str) -> tuple[str, int]:
        """A text without the id, and how often it was there."""
        return self.pattern.subn(FORGOTTEN, text)

    def without(self, value: Any, key: str = "") -> tuple[Any, int]:
        """A value of JSON (of a key) without the lead, and how often it was there: its rows go, in
        lists of objects or as pandas splits a frame; in texts FORGOTTEN takes its place."""
        if isinstance(value, str):
            is_id = value == self.lead and (self.is_distinct or "lead" in key)
            return (FORGOTTEN, 1) if is_id else self.replaced(value)
        if isinstance(value, list):
            stay = [each for each in value if not self._is_row(each)]
            pairs = [self.without(each, key) for each in stay]
            return [v for v, _ in pairs], len(value) - len(stay) + sum(n for _, n in pairs)
        if not isinstance(value, dict):
            return value, 0
        value, count = self._without_rows(value)
        if self._is_row(value):
            value, count = value | {"lead_id": FORGOTTEN}, count + 1
        result = {}
        for name, each in value.items():
            stays, in_name = self.replaced(name)
            result[stays], in_value = self.without(each, name)
            count += in_name + in_value
        return result, count

    def without_in(self, text: str) -> tuple[str, int]:
        """A text of JSON without the lead, and how often it was there."""
        value, count = self.without(json.loads(text))
        return json.dumps(value, allow_nan=False), count

    def _without_rows(self, frame: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """An object that is a frame, split into columns and data, without the rows of the lead."""
        columns, rows = frame.get("columns"), frame.get("data")
        if not (isinstance(columns, list) and isinstance(rows, list) and "lead_id" in columns):
            return frame, 0
        at = columns.index("lead_id")
        stay = [row for row in rows if str(row[at]) != self.lead]
        index = {"index": list(range(len(stay)))} if "index" in frame else {}
        return frame | {"data": stay} | index, len(rows) - len(stay)

    def _is_row(self, value: Any) -> bool:
        return isinstance(value, dict) and str(value.get("lead_id")) == self.lead

    def is_in(self, path: Path) -> bool:
        """Whether a text, a page or JSON names the lead. Of a page whose figures are not beside it
        a whole cell is taken for the id, also a number: it is soon made again."""
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".json":
            with suppress(ValueError):
                return bool(self.without(json.loads(text))[1])
        text = unescape(text)
        alone = path.suffix == ".html" and not path.with_suffix(".json").is_file()
        return bool(self.pattern.search(text) or (alone and self.cell.search(text)))

    def is_in_bytes(self, path: Path) -> bool:
        """Whether a file of any kind has the bytes of an id that is distinct, as a whole."""
        if not self.is_distinct or not path.stat().st_size:
            return False
        whole_id = re.compile(rb"(?<![\w-])" + re.escape(self.lead.encode()) + rb"(?![\w-])")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return bool(whole_id.search(data))


def forget(
    questions: Sequence[Config], lead: str, by: str, because: str, notify: Callable[[str], None]
) -> tuple[Receipt, Path]:
    """Delete a lead from all that was written for every question of a project, the first of them
    that of the file, and write the receipt; the receipt and its path.

    Killed on the way, it may be run again. Raises BadInput where ledger or decisions cannot be
    read, or a file of `out` cannot be written.
    """
    name, file = Name(lead), questions[0]
    receipt = Receipt(by, name.replaced(because)[0])
    for config in questions:
        _forget_results(config, name, receipt, notify)
    _note_left(file, name, receipt)
    path = file.out_folder / RECEIPTS / f"{receipt.at:%Y-%m-%d}-{receipt.number}.json"
    content, _ = name.without(to_json(receipt))  # in paths
    write_whole(path, json.dumps(content, indent=2) + "\n")
    return receipt, path


def _forget_results(
    config: Config, name: Name, receipt: Receipt, notify: Callable[[str], None]
) -> None:
    """Delete the lead from the results of one question; of one about accounts the account that the
    lead is by itself, and the pages that name it."""
    place, names = LedgerPlace.of(config), [name]
    if config.unit == "account":
        name = Name(f"{OWN}{name.lead}")
        names.append(name)
    lead = name.lead
    with open_ledger(place, notify=notify) as ledger:
        receipt.add(ledger.store, "rows of the ledger", ledger.forget(lead))
    elsewhere = _forget_decisions(place, name, receipt)
    if config.publish.database:
        table = f"the table {config.publish.table} of publish.database"
        receipt.add(table, "rows", forget_published(config, lead))
    out, artefacts = config.out_folder, _artefacts(config)
    runs = out / "ledger"
    for folder in {out, runs, runs / "withdrawn", runs / SHADOW_FOLDER}:
        sweep_unfinished(folder)
    taken_over = out / TAKEN_OVER
    if taken_over.is_file():
        taken_over.unlink()
        receipt.add(taken_over, "file: the ledger of an earlier release", 1)
    own = (runs, out / RECEIPTS, out / FOLDER, *((artefacts,) if artefacts else ()))
    files = [f for f in _files(out) if not any(f.is_relative_to(each) for each in own)]
    for path in files:
        if path.suffix in TABLES:
            _without_rows(path, name, receipt)
    for each in names:
        pages = [path for path in files if path.suffix in PAGES and path.is_file()]
        _delete_pages(pages, each, receipt)
    if artefacts:
        for path in _files(artefacts):
            _clear_artefact(path, artefacts, name, receipt)
    for path in elsewhere:
        if path.suffix in TABLES:
            _without_rows(path, name, receipt)
        companions = {path, *(path.with_suffix(suffix) for suffix in PAGES)}
        for file in sorted(each for each in companions if each.is_file()):
            is_page = file.suffix in PAGES
            if any(each.is_in_bytes(file) or (is_page and each.is_in(file)) for each in names):
                receipt.left.append(Left(str(file), "names the lead: delete it"))


def _forget_decisions(place: LedgerPlace, name: Name, receipt: Receipt) -> list[Path]:
    """Delete what was decided; the files that were written elsewhere and are still there."""
    if not place.has_decisions:
        return []
    with open_decisions(place) as store:
        with transaction(store):
            receipt.add(place.decisions, "decisions of people", overrides.forget(store, name.lead))
            messages = outbox.rewrite(store, name.without_in)
            receipt.add(place.decisions, "messages of the webhook", messages)
            written = written_files.all_of(store)
            for path in written:
                if not path.is_file():
                    written_files.remove(store, path)
        if place.server:
            todo = "has the deleted rows on its disk until it runs VACUUM FULL, and in its own log"
            receipt.left.append(Left(str(place), todo))
        elif not wipe(store):
            todo = "another process reads it: run this again, until it is in no log"
            receipt.left.append(Left(str(place.decisions_file), todo))
    return [path for path in written if path.is_file()]


def _artefacts(config: Config) -> Path | None:
    """The folder of MLflow's artefacts, where it is on this machine."""
    uri = config.artifacts_uri
    if uri is None:
        return config.out_folder / "mlartifacts"
    return Path(unquote(urlparse(uri).path)) if uri.startswith("file:") else None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _without_rows(path: Path, name: Name, receipt: Receipt) -> None:
    """Write a table anew without the rows of the lead, if it has any."""
    try:
        count = _rows_in_csv(path, name) if path.suffix == ".csv" else _parquet(path, name)
    except (OSError, ValueError, csv.Error, duckdb.Error) as error:
        receipt.left.append(Left(str(path), f"was not cleared: {error}"))
    else:
        receipt.add(path, "rows", count)


def _rows_in_csv(path: Path, name: Name) -> int:
    """Without another character changed; how many rows there were."""
    ids = (name.lead, f"'{name.lead}")  # the second where it is guarded (features/csv_guard.py)

    def is_its(row: dict[str, str]) -> bool:
        return any(row.get(column) in ids for column in ID_COLUMNS)

    with path.open(encoding="utf-8", newline="") as file:
        count = sum(is_its(row) for _, row in _records(file))
    if count:
        with (
            whole(path) as unfinished,
            path.open(encoding="utf-8", newline="") as old,
            unfinished.open("w", encoding="utf-8", newline="") as new,
        ):
            new.writelines(text for text, row in _records(old) if not is_its(row))
    return count


def _records(file: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The header and each row of a CSV file: its text as it is, and its cells by column."""
    lines: list[str] = []

    def read() -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line

    header: list[str] | None = None
    for cells in csv.reader(read()):
        text = "".join(lines)
        lines.clear()
        yield text, {} if header is None else dict(zip(header, cells, strict=False))
        header = header or cells


def _parquet(path: Path, name: Name) -> int:
    """The same of a Parquet file."""
    with connect() as connection:
        source = f"FROM read_parquet({literal(str(path))})"
        columns = [column for column, *_ in connection.execute(f"DESCRIBE {source}").fetchall()]
        if "lead_id" not in columns:
            return 0
        named = f"lead_id::VARCHAR IS NOT DISTINCT FROM {literal(name.lead)}"
        [(count,)] = connection.execute(f"SELECT count(*) {source} WHERE {named}").fetchall()
        if count:
            stored = pq.read_metadata(path).metadata or {}
            own = {k.decode(): v.decode() for k, v in stored.items() if k.startswith(b"readiness.")}
            own_keys = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in own.items())
            with whole(path) as unfinished:
                connection.execute(
                    f"COPY ({source} WHERE NOT ({named})) TO {literal(str(unfinished))} "
                    f"(FORMAT parquet{f', KV_METADATA {{{own_keys}}}' if own_keys else ''})"
                )
        return int(count)


def _delete_pages(files: list[Path], name: Name, receipt: Receipt) -> None:
    """Delete the pages that name the lead, and what was written beside each."""
    own = Path(page_name(name.lead)).stem
    named = {path.with_suffix("") for path in files if path.stem == own or name.is_in(path)}
    count = 0
    for path in files:
        if path.with_suffix("") in named:
            path.unlink()
            count += path.stem == own
            receipt.add(path, "page, or what is beside it", path.stem != own)
    receipt.add(page_name("LEAD"), "page of the lead, and what is beside it", count)


def _clear_artefact(path: Path, folder: Path, name: Name, receipt: Receipt) -> None:
    """Take the lead out of an artefact of MLflow; but those files of a model that its digest is of
    are only named."""
    within = path.relative_to(folder).parents
    of_model = any((folder / each / "MLmodel").is_file() for each in within)
    may_change = path.name in INPUT_EXAMPLES or not of_model
    count = 0
    if may_change and (path.suffix == ".json" or path.name in INPUT_EXAMPLES):
        with suppress(ValueError):
            content, count = name.without(json.loads(path.read_text(encoding="utf-8")))
            if count:
                write_whole(path, json.dumps(content))
    elif may_change and path.suffix in TEXTS:
        text, count = name.replaced(path.read_text(encoding="utf-8", errors="surrogateescape"))
        if count:
            with whole(path) as unfinished:
                unfinished.write_text(text, encoding="utf-8", errors="surrogateescape")
    receipt.add(path, "places in an artefact of MLflow", count)


def _note_left(config: Config, name: Name, receipt: Receipt) -> None:
    """What is out of reach, and what still has the bytes of the id."""
    for path in _files(config.out_folder):
        if name.is_in_bytes(path):
            receipt.left.append(Left(str(path), "still has the id: look into it"))
    for path in sorted(Path(tempfile.gettempdir()).glob("readiness-crash-*.txt")):
        with suppress(OSError):
            if name.is_in(path):
                receipt.left.append(Left(str(path), "this crash report names the lead: delete it"))
    tables = "while the lead is in your tables, the next run brings it back: delete it there, or "
    tables += "leave it out in the queries of readiness.toml. [exclude] takes it out of models "
    tables += "and lists, yet its id stays in the ledger"
    receipt.left.append(Left("your tables", tables))
    receipt.left.append(Left("backups, copies, sent files", "are out of reach"))
    if not config.mlflow_uri.startswith("sqlite:") or _artefacts(config) is None:
        receipt.left.append(Left("MLflow", "on a server: search its artefacts and tags for the id"))
    if config.engine.kind == "spark":
        todo = "on Spark: delete the lead's rows there"
        receipt.left.append(Left(config.engine.spark.scores, todo))
    if not name.is_distinct:
        todo = "the id looks like any number or word: within sentences it was searched only as "
        receipt.left.append(Left("texts", f"{todo}'lead ID'"))
