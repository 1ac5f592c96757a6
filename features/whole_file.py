"""Files that are written whole or not at all, and what killed processes left of them."""

import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from features.processes import MARK, is_gone, mark

_UNFINISHED = re.compile(rf"\..*\.({MARK})\.[0-9]+\.tmp", re.DOTALL)
_numbers = itertools.count(1)
_TEMPORARY = re.compile(rf"readiness-({MARK})-.*")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary name to write to. It replaces `path` when the block ends, and is deleted if the
    block raises, so that no reader ever sees half a file. What killed processes left unfinished in
    this folder is removed first."""
    sweep_unfinished(path.parent)
    unfinished = unfinished_name(path)
    try:
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        # none of a disk that is full; the temporary one means nothing to who named the file
        if error.errno and error.filename in (None, str(unfinished), unfinished):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def sweep_unfinished(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder."""
    _sweep(folder, _UNFINISHED)


def unfinished_name(path: Path) -> Path:
    """A name in its folder to write to, another one at each call: threads of a service may write
    the same file at once."""
    return path.with_name(f".{path.name}.{mark()}.{next(_numbers)}.tmp")


def write_whole(path: Path, text: str) -> None:
    """Write a text to a file, whole or not at all. Makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for this process, removed at the end. First those of killed ones are removed."""
    _sweep(Path(tempfile.gettempdir()), _TEMPORARY)
    folder = Path(tempfile.mkdtemp(prefix=f"readiness-{mark()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(folder: Path, pattern: re.Pattern[str]) -> None:
    """Remove what matches and belongs to a process that is gone. What cannot be removed, such as
    another user's, stays."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = pattern.fullmatch(entry.name)
            if match and is_gone(match[1]):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with suppress(OSError):
                        os.unlink(entry.path)
