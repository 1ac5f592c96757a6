"""Whether the inputs of a run are those of an earlier one, without reading them."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from time import time_ns
from typing import get_args

from features.config import Config, SettingsFile
from features.contract.files import is_workbook
from features.contract.tables import CONTRACT, is_folder, is_query

SETTLED = 2_000_000_000  # nanoseconds: a file that changed just now may change unseen in this tick


def inputs_fingerprint(config: Config) -> str | None:
    """A digest of the settings, and of each input file's path, size, inode and times of change: two
    that are equal had the same inputs, to the last byte.

    None where that cannot be seen from outside: tables of a database, queries, files that are not
    there, or that changed less than two seconds ago. A file that is written anew with what it held
    makes another digest, which costs a run and is never wrong. The time of change is the system's
    own (ctime), which no copying or `touch` sets back.

    A run does not depend on its inputs alone: its cutoff and versions are its key in the ledger,
    and whether a date lies in the future changes with the clock, which moves breaches and the
    default cutoff, never the rows of a cutoff.
    """
    files = _files(config)
    if files is None:
        return None
    digest = sha256(config.model_dump_json().encode())
    try:
        for name in get_args(SettingsFile):
            path = config.folder / str(getattr(config, name))
            digest.update(f"{name} {path.read_bytes()!r}".encode() if path.is_file() else b"-")
    except OSError:
        return None
    states = file_states(files)
    digest.update((states or "").encode())
    return digest.hexdigest() if states is not None else None


def file_states(files: Iterable[Path]) -> str | None:
    """Each file's path, size, inode and times of change; None where one is not there, or changed
    less than two seconds ago."""
    now, states = time_ns(), list[str]()
    try:
        for path in files:
            state = path.stat()
            if now - state.st_ctime_ns < SETTLED:
                return None
            times = f"{state.st_mtime_ns} {state.st_ctime_ns}"
            states.append(f"{path} {state.st_size} {state.st_dev} {state.st_ino} {times}\n")
    except OSError:
        return None
    return "".join(states)


def _files(config: Config) -> list[Path] | None:
    """The files of all tables, in order; None where a table is no file."""
    tables, files = config.tables, list[Path]()
    if tables.database is not None:
        return None
    for table in CONTRACT:
        named = getattr(tables, table)
        if named is None:
            continue
        of_table = [] if is_query(named) else sorted(_named(config.folder / tables.folder, named))
        if not of_table:
            return None
        files += of_table
    return files


def _named(data: Path, named: str) -> Iterator[Path]:
    """The files of a table that is named as a file, a pattern of files or a folder. Of a query in a
    file only the query would be seen, so it has none."""
    if named.lower().endswith(".sql"):
        return
    if is_folder(named):
        yield from (path for path in (data / named).rglob("*") if path.is_file())
    elif "*" in named:
        yield from (path for path in data.glob(named) if path.is_file())
    else:
        path = data / (named.partition("#")[0] if is_workbook(named) else named)
        yield from [path] if path.is_file() else []
