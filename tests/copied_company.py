"""A company's folder, copied while something may still have its databases open."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def copied_company(folder: Path, to: Path) -> Path:
    """``to``, with all that ``folder`` holds; its SQLite files by their own backup.

    A plain copy fails where the last connection closes meanwhile: the ``-shm`` beside a database
    is listed and then gone, and what is in the ``-wal`` may be half of a change.
    """
    databases = [*folder.rglob("*.sqlite"), *folder.rglob("*.db")]
    shutil.copytree(
        folder,
        to,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("*.sqlite", "*.db", "*-wal", "*-shm", "*-journal"),
    )
    for database in databases:
        with (
            closing(sqlite3.connect(database)) as source,
            closing(sqlite3.connect(to / database.relative_to(folder))) as copy,
        ):
            source.backup(copy)
    return to
