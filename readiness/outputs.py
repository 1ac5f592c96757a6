"""Where a verb may write: asked before its work, so that no input is written over, and no work is
done for a file that cannot be written."""

import fnmatch
import glob
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

from features.config import FILE_NAME, Config, SettingsFile
from features.contract.databases import read_place
from features.contract.tables import CONTRACT, is_query
from features.errors import BadInput
from features.toml import read_text
from features.whole_file import unfinished_name
from models.decisions import written_files
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction
from models.rules.rules import rules_folder

BESIDE_A_PAGE = (".json", ".md")  # written next to the page of the same name
OWN_FILES = ("ledger.duckdb", "decisions.sqlite")
OWN_FOLDERS = ("ledger", "mlartifacts")
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")


def require_output(config: Config, path: Path) -> None:
    """Raises BadInput where this file cannot be written, or is what is read or kept: a table or a
    settings file, also by another path or a link, a file that the pattern or folder of a table
    would take in, the ledger, or MLflow's store."""
    written = [path]
    if path.suffix == ".html":
        written += [path.with_suffix(suffix) for suffix in BESIDE_A_PAGE]
    for each in written:
        for what, used in _used(config):
            if _is_same(each, used):
                raise BadInput(
                    f"{each} is {what} ({used}), and would be written over. Name another file."
                )
        _require_writable(each)


def destination(config: Config, to: Path | None, name: str = "") -> Path:
    """The file that a verb writes: the one that was named, else `name` in `out`. One elsewhere is
    recorded before it is written, so that a lead can be forgotten in it (readiness forget)."""
    if to is None:
        return config.out_folder / name
    path = to.resolve()
    if not path.is_relative_to(config.out_folder.resolve()):
        with open_decisions(LedgerPlace.of(config)) as store, transaction(store):
            written_files.add(store, path)
    return to


def require_without_tables(folder: Path) -> None:
    """Raises BadInput where the folder has settings or tables already, or cannot be written to."""
    if folder.is_dir():
        names = sorted(path.name for path in folder.iterdir())
        taken = {*CONTRACT, "customers", FILE_NAME.partition(".")[0]}
        there = [name for name in names if name.partition(".")[0].lower() in taken]
        if there:
            raise BadInput(
                f"{folder} has tables or settings already: {', '.join(there)}. Name another "
                "folder, or move them away."
            )
    _require_writable(folder / FILE_NAME)


def _used(config: Config) -> Iterator[tuple[str, Path]]:
    """What each file, pattern or folder that is in use is, and its path."""
    yield "the settings", config.path
    for key in get_args(SettingsFile):
        yield f"the settings file `{key}`", config.folder / getattr(config, key)
    data = config.folder / config.tables.folder
    for table in CONTRACT:
        named = getattr(config.tables, table)
        if named is not None:
            for place in _places(named, config.folder, data):
                yield f"read as tables.{table}", place
    if config.tables.database and (path := read_place(config.tables.database, data).path):
        yield "tables.database", path
    for name in OWN_FILES:
        yield "where results are kept", config.out_folder / name
    for folder in (*(config.out_folder / name for name in OWN_FOLDERS), rules_folder(config)):
        yield "where results are kept", folder
    if config.mlflow_uri.startswith("sqlite:///"):
        yield "MLflow's store", Path(config.mlflow_uri.removeprefix("sqlite:///"))


def _places(named: str, folder: Path, data: Path) -> Iterator[Path]:
    """The files, patterns and folders that a table is read from; of a query all texts in it that
    end as file names do."""
    query = named if is_query(named) else ""
    if named.lower().endswith(".sql"):
        yield folder / named
        query = read_text(folder / named)
    if query:
        texts = (single or double for single, double in _QUOTED.findall(query))
        yield from (data / text for text in texts if re.search(r"\.\w+$", text))
    else:
        yield data / named.partition("#")[0]


def _is_same(path: Path, used: Path) -> bool:
    """Whether they are the same file, or the first is (would be) within a folder or a pattern."""
    try:
        if used.is_file():
            return path.exists() and path.samefile(used)
        real, place = os.path.realpath(path), os.path.realpath(used)
        if not glob.has_magic(place):
            return Path(real).is_relative_to(place)
        if path.exists():
            return any(map(path.samefile, glob.iglob(place, recursive=True)))
        same_depth = "**" in place or real.count(os.sep) == place.count(os.sep)
        return same_depth and fnmatch.fnmatch(real, place)
    except (OSError, ValueError):  # a text of a query that no system takes as a path
        return False


def _require_writable(path: Path) -> None:
    """Raises BadInput where the system does not let the file be made, with what it says."""
    try:
        if path.is_dir():
            raise BadInput(f"{path} is a folder: name a file in it.")
        folder = path.parent
        while not folder.exists():
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            pass
        with suppress(FileNotFoundError):
            os.lstat(folder / unfinished_name(path).name)  # a name that is too long
    except (OSError, ValueError) as error:
        fault = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} cannot be written: {fault}.") from None
