"""Text files (.csv, .tsv, .txt, each also .gz) read in one way, with nothing guessed from a sample.

The delimiter is the one of `,` `;` tab `|` that the header line has. A field may be quoted with ",
which is doubled inside; nothing is a comment. An empty field is NULL, quoted or not. Blank lines
hold no row and are passed over: exports end with them (a file of one column has none, there it is
an empty value). Text is UTF-8 (or UTF-16, where the file begins with its mark), else as
tables.encoding names it.

Each file is read twice, and the two must agree on the number of rows and fields: here, in one pass
over its bytes that only counts, and by DuckDB, which parses it. What the count finds odd is looked
at row by row: refused with the first offending lines, or, where it is unusual but sure (another
encoding, mixed line ends, a quote within an unquoted field), written anew in the temporary folder.
"""

import csv
import glob
import gzip
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import TextIOWrapper
from pathlib import Path
from typing import IO, NoReturn, cast
from uuid import uuid4

import duckdb
import numpy as np

from features.contract.text_values import COLUMN_TYPES, read_as, reads_as
from features.errors import BadInput
from features.sql import literal, quoted

KINDS = ("csv", "tsv", "txt")
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
SHOWN = 3
_BLOCK = 1 << 24  # bytes
_SAMPLE_ROWS = 2_000  # rule out types; none is decided by them
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_OFFERED = ("cp1252", "latin-1", "cp1250", "cp1251")
_NEVER_EMPTY = ("events", "leads")  # no deal need be closed yet
_MOST_LINES = 100_000  # that one row may go over


def is_text_file(named: str) -> bool:
    """Whether a table is named by a text file."""
    return named.lower().removesuffix(".gz").rpartition(".")[2] in KINDS


def read_header(
    table: str, path: str, line: str, required: Collection[str]
) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the columns that the header line of a text file says. Raises BadInput where
    it cannot be told."""
    file = _TextFile(table, Path(path), "utf-8").headed(line.removeprefix("\ufeff"), required)
    return file.delimiter, file.names


@dataclass(frozen=True)
class TextFiles:
    """Reads the text files of a lead database. `encoding` is tables.encoding; `scratch` is the
    temporary folder."""

    connection: duckdb.DuckDBPyConnection
    encoding: str
    scratch: Path

    def sql(
        self,
        table: str,
        named: Path,
        required: Collection[str] = (),
        texts: Collection[str] | None = (),
    ) -> str:
        """The SELECT that reads a file, or all files that a pattern with * names.

        `required` columns tell the delimiter where the header line has several. The columns `texts`
        (None: all) stay texts; any other becomes BIGINT, DOUBLE, BOOLEAN, DATE or TIMESTAMP where
        all its values read as that. Raises BadInput for whatever cannot be read surely.
        """
        try:
            return self._sql(table, named, required, texts)
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(f"tables.{table}: {named} cannot be read: {error}") from None

    def _sql(
        self, table: str, named: Path, required: Collection[str], texts: Collection[str] | None
    ) -> str:
        files = [self._opened(table, path, required) for path in _paths(table, named)]
        first = files[0]
        for file in files[1:]:
            if (file.names, file.delimiter) != (first.names, first.delimiter):
                file.refuse(
                    f"its columns are {', '.join(file.names)}; those of {first.path.name} are "
                    f"{', '.join(first.names)}. Files of one table need the same header line."
                )
        counted = [file.counted(self.scratch / f"{uuid4().hex}.csv") for file in files]
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in first.names)
        several_lines = any(spans for _, _, spans in counted)
        read = (
            f"read_csv([{', '.join(literal(glob.escape(str(path))) for path, *_ in counted)}], "
            f"columns = {{{columns}}}, auto_detect = false, header = true, "
            f"delim = {literal(first.delimiter)}, quote = '\"', escape = '\"', comment = '', "
            f"nullstr = '', hive_partitioning = false, parallel = {not several_lines})"
        )
        rows = sum(rows for _, rows, _ in counted)
        if not rows and table in _NEVER_EMPTY and required:
            first.refuse("it has a header line and no row. Was the export cut off?")
        try:
            typed = [name for name in first.names if texts is not None and name not in texts]
            types = self._types(read, typed, rows, first)
        except duckdb.Error as error:
            causes = [line for line in str(error).splitlines() if not line.startswith("Original")]
            first.refuse(f"DuckDB cannot read it: {' '.join(causes)[:300]}")
        values = [
            f"{read_as(types[name], quoted(name))} AS {quoted(name)}"
            if name in types
            else quoted(name)
            for name in first.names
        ]
        return f"SELECT {', '.join(values)} FROM {read}"

    def name_in(self, table: str, query: str, folder: Path) -> None:
        """Make a view of each text file that a query reads FROM, so that it is read as here."""
        names = "SELECT unnest(json_extract_string(json_serialize_sql(?), '$..table_name'))"
        views = "SELECT view_name FROM duckdb_views()"
        sql = f"SELECT DISTINCT * FROM ({names}) t(name) WHERE name NOT IN ({views}) ORDER BY name"
        for (name,) in self.connection.execute(sql, [query]).fetchall():
            if is_text_file(name) and ("*" in name or (folder / name).is_file()):
                view = self.sql(table, folder / name)
                self.connection.execute(f"CREATE VIEW {quoted(name)} AS {view}")

    def _opened(self, table: str, path: Path, required: Collection[str]) -> "_TextFile":
        with _open_bytes(path) as file:
            start = file.read(3)
        marked = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "")
        opened = _TextFile(table, path, marked or self.encoding)
        if not start:
            opened.refuse("the file is empty. Its first line should name the columns.")
        return opened.with_header(required)

    def _types(
        self, read: str, names: Sequence[str], rows: int, file: "_TextFile"
    ) -> dict[str, str]:
        """The type of each column that is not text. The number of rows is compared on the way.

        The first rows rule types out; one that is left is decided by all rows.
        """
        candidates = [(name, kind) for name in names for kind in COLUMN_TYPES]
        some = f"(FROM {read} LIMIT {_SAMPLE_ROWS})"
        readable = 0
        for source in (some, read) if candidates else (read,):
            tests = [
                f"coalesce(bool_and({reads_as(kind, quoted(name))}) "
                f"FILTER ({quoted(name)} IS NOT NULL), {source == some})"
                for name, kind in candidates
            ]
            sql = f"SELECT {', '.join(['count(*)', *tests])} FROM {source}"
            ((readable, *holds),) = self.connection.execute(sql).fetchall()
            candidates = [each for each, is_so in zip(candidates, holds, strict=True) if is_so]
        if readable != rows:
            file.refuse(f"{rows:,} rows are counted in it, but {readable:,} can be read.")
        return dict(reversed(candidates))


@dataclass(frozen=True)
class _TextFile:
    """A text file of a table: its encoding, delimiter and columns."""

    table: str
    path: Path
    encoding: str
    delimiter: str = ","
    names: tuple[str, ...] = ()

    def refuse(self, why: str) -> NoReturn:
        raise BadInput(f"tables.{self.table}: {self.path}: {why}")

    def with_header(self, required: Collection[str]) -> "_TextFile":
        """With the delimiter and the columns that the header line says."""
        return self.headed(next(self._lines(), ""), required)

    def headed(self, line: str, required: Collection[str]) -> "_TextFile":
        """With the delimiter and the columns of this header line."""
        if not line.strip():
            self.refuse("line 1 is blank. It should name the columns: delete what is above them.")
        if "\0" in line:
            self.refuse('line 1 has NUL bytes. Is it UTF-16? Then set tables.encoding = "utf-16".')
        if "\r" in line.rstrip("\r\n"):
            self.refuse(
                "its lines end with carriage returns alone, as on old Macs. Save it with the line "
                "ends of Unix or Windows."
            )
        delimiter = self._delimiter(line, required)
        names = self._split(line, delimiter)
        low = [name.strip().lower() for name in names]
        unnamed = [str(place) for place, name in enumerate(low, start=1) if not name]
        if unnamed:
            if line.startswith("sep="):
                self.refuse(
                    "line 1 is a hint for Excel, sep=. Delete it: line 1 names the columns."
                )
            self.refuse(
                f"line 1 gives no name to column {', '.join(unnamed)} of {len(names)}: "
                f"{_short(line)}. Name it, or leave the column out (an index that pandas wrote: "
                "to_csv(..., index=False))."
            )
        twice = sorted({name for name in low if low.count(name) > 1})
        if twice:
            self.refuse(f"line 1 has the column {', '.join(twice)} more than once. Rename one.")
        return replace(self, delimiter=delimiter, names=tuple(names))

    def _delimiter(self, line: str, required: Collection[str]) -> str:
        outside = "".join(line.split('"')[::2])
        there = [each for each in DELIMITERS if each in outside]
        fitting = [each for each in there if set(required) <= set(self._split(line, each))]
        chosen = fitting if required and len(fitting) == 1 else there
        if len(chosen) == 1:
            return chosen[0]
        if not chosen and not required:
            return ","  # a file of one column
        counts = [f"{DELIMITERS[each]} {outside.count(each)} times" for each in chosen]
        self.refuse(
            f"the delimiter cannot be seen in line 1, which has {', '.join(counts) or 'none'} "
            f"of , ; tab |: {_short(line)}. Name it in a query: "
            f"{self.table} = \"SELECT * FROM read_csv('{self.path.name}', delim = ',', "
            'all_varchar = true)"'
        )

    def _split(self, line: str, delimiter: str) -> list[str]:
        try:
            return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True))
        except csv.Error as error:
            self.refuse(f"line 1, which should name the columns: {_fault(error)}.")

    def counted(self, copy: Path) -> tuple[Path, int, bool]:
        """What DuckDB is to read (the file, or the copy of an unusual one), how many rows it has
        below the header, and whether any goes over several lines."""
        plain = self._count() if self.encoding in ("utf-8", "utf-8-sig") else None
        return (self.path, *plain) if plain else (copy, *self._write_anew(copy))

    def _count(self) -> tuple[int, bool] | None:
        """Rows are counted in one pass over the bytes; None where each needs a look."""
        records = fields = 0
        spans = False
        delimiter = self.delimiter.encode()
        with _open_bytes(self.path) as file:
            for block in _blocks(file):
                outside = _outside_of_quotes(block, delimiter[0])
                if outside is None or b"\0" in block or not _is_utf8(block):
                    return None
                lines, windows = outside.count(b"\n"), outside.count(b"\r\n")
                if outside.count(b"\r") != windows or windows not in (0, lines):
                    return None
                spans = spans or lines != block.count(b"\n")
                has_blank = b"\n\n" in outside or b"\n\r\n" in outside
                if len(self.names) > 1 and (has_blank or outside.startswith((b"\n", b"\r\n"))):
                    lines = sum(1 for line in outside.split(b"\n") if line.strip(b"\r"))
                elif not outside.endswith(b"\n"):
                    lines += 1
                records += lines
                fields += lines + outside.count(delimiter)
        return (records - 1, spans) if fields == records * len(self.names) else None

    def _write_anew(self, copy: Path) -> tuple[int, bool]:
        """Read row by row and write in the plainest form: quoted UTF-8. Raises BadInput with the
        first faults of each kind."""
        rows, spans, faults = 0, False, _Faults()
        with open(copy, "w", encoding="utf-8", newline="") as target:
            writer = csv.writer(
                target, delimiter=self.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n"
            )
            for line, row in self._rows(faults):
                if len(row) != len(self.names):
                    kind = "too many" if len(row) > len(self.names) else "too few"
                    short = _short(self.delimiter.join(row))
                    fields = f"{len(row)} field{'s' * (len(row) > 1)}"
                    what = f"{fields} where line 1 names {len(self.names)} columns"
                    faults.add(kind, line, f"{what}: {short}")
                elif any("\0" in field for field in row):
                    faults.add("NUL", line, "a NUL byte")
                else:
                    writer.writerow(row)
                    rows += 1
                    spans = spans or any("\n" in field for field in row)
        if faults.counts:
            self._refuse_all(faults)
        return rows - 1, spans

    def _rows(self, faults: "_Faults") -> Iterator[tuple[int, list[str]]]:
        """The line on which each row begins, and its fields; blank lines hold no row."""
        reader = csv.reader(self._lines(), delimiter=self.delimiter, strict=True)
        limit = csv.field_size_limit(2**31 - 1)
        try:
            while True:
                line = reader.line_num + 1
                try:
                    row = next(reader)
                except csv.Error as error:
                    faults.add("quote", line, _fault(error))
                except StopIteration:
                    return
                else:
                    if row or len(self.names) == 1:
                        yield line, row or [""]
        finally:
            csv.field_size_limit(limit)

    def _refuse_all(self, faults: "_Faults") -> NoReturn:
        advice = "Export it anew, or correct these lines."
        if "too many" in faults.counts:
            advice = (
                f"A field that holds {DELIMITERS[self.delimiter]} or a line end must be quoted: "
                '"...", with a quote in it doubled. Export it anew, or correct these lines.'
            )
        elif set(faults.counts) == {"too few"}:
            advice = (
                "Is it a footer that the export adds, or was the file cut off? Delete these lines, "
                "or export it anew."
            )
        count = sum(faults.counts.values())
        lines = "\n  ".join(faults.first)
        self.refuse(f"{count:,} row{'s' * (count > 1)} cannot be read:\n  {lines}\n{advice}")

    def _lines(self) -> Iterator[str]:
        """The lines with their ends. Raises BadInput where they are in another encoding."""
        with _open_bytes(self.path) as file:
            text = TextIOWrapper(file, encoding=self.encoding, newline="\n")
            try:
                yield from text
            except UnicodeError as error:
                self._refuse_encoding(error)

    def _refuse_encoding(self, error: UnicodeError) -> NoReturn:
        """With the first line that is not in the encoding, and how it reads in others."""
        if self.encoding.startswith("utf-16"):
            self.refuse(f"it is not the text in {self.encoding} that it should be: {error}.")
        faulty: list[tuple[int, int, bytes]] = []
        with _open_bytes(self.path) as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode(self.encoding)
                except UnicodeDecodeError as fault:
                    faulty.append((number, fault.start, line if not faulty else b""))
        number, place, line = faulty[0]
        word = line[:place][-12:].rpartition(self.delimiter.encode())[2] + line[place:][:12]
        readings = []
        for name in _OFFERED:
            with suppress(UnicodeDecodeError):
                readings.append(f'"{name}" ({word.decode(name).strip()!r})')
        lines = f"{len(faulty):,} line{'s are' if len(faulty) > 1 else ' is'}"
        self.refuse(
            f"{lines} not {self.encoding.removesuffix('-sig').upper()} text, the "
            f"first line {number}, byte {place + 1}: 0x{line[place]:02x}. Set "
            f"tables.encoding to the one in which the word reads right: {', '.join(readings)}; or "
            "save the file as UTF-8."
        )


@dataclass
class _Faults:
    """How many rows are faulty, by kind of fault, and the first of each kind."""

    counts: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)

    def add(self, kind: str, line: int, what: str) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= SHOWN:
            self.first.append(f"line {line}: {what}")


def _paths(table: str, named: Path) -> list[Path]:
    if named.is_file():
        return [named]
    paths = [Path(path) for path in sorted(glob.glob(str(named), recursive=True))]
    if not paths:
        raise BadInput(f"tables.{table}: there is no file {named}.")
    return paths


@contextmanager
def _open_bytes(path: Path) -> Iterator[IO[bytes]]:
    is_zipped = path.suffix.lower() == ".gz"
    with cast(IO[bytes], gzip.open(path) if is_zipped else open(path, "rb")) as file:
        yield file


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Some megabytes at a time, up to a line end that is in no quotes."""
    is_first = True
    while block := file.read(_BLOCK):
        parts = [block.removeprefix(b"\xef\xbb\xbf") if is_first else block, file.readline()]
        quotes = sum(part.count(b'"') for part in parts)
        while quotes % 2 and len(parts) < _MOST_LINES and (line := file.readline()):
            parts.append(line)
            quotes += line.count(b'"')
        yield b"".join(parts)
        is_first = False


def _outside_of_quotes(block: bytes, delimiter: int) -> bytes | None:
    """A block without what is quoted; None where a quote is not at the edge of its field."""
    if b'"' not in block:
        return block
    edge = np.zeros(256, dtype=bool)
    edge[[delimiter, *b'\r\n"']] = True
    padded = np.frombuffer(b"\n" + block + b"\n", dtype=np.uint8)
    places = np.flatnonzero(padded == ord('"'))
    is_edge = edge[padded[places[::2] - 1]].all() and edge[padded[places[1::2] + 1]].all()
    if len(places) % 2 or not is_edge:
        return None
    return b'"'.join(block.split(b'"')[::2])


def _is_utf8(block: bytes) -> bool:
    try:
        return block.isascii() or bool(block.decode())
    except UnicodeDecodeError:
        return False


def _fault(error: csv.Error) -> str:
    """What Python's csv says of a row, in words for people."""
    text = str(error)
    if "end of data" in text:
        return "a quote opens a field and is never closed"
    if "expected after" in text:
        return "text follows a closing quote; a quote within a field is doubled"
    if "new-line" in text:
        return "a carriage return stands alone in an unquoted field"
    return text


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 60 else text[:57] + "...")
