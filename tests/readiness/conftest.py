"""A company whose whole way, from training to the ledger, is gone by the command."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import edit
from tests.copied_company import copied_company
from tests.readiness.running import Ran, readiness


@dataclass(frozen=True)
class Company:
    """The folder, and what each verb left, run once with --json in this order."""

    folder: Path
    ran: dict[str, Ran]

    def result(self, verb: str) -> dict[str, Any]:
        """What the verb printed."""
        return self.ran[verb].result


@pytest.fixture(scope="session")
def untrained(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo before its first training. Shared: read it, do not change it."""
    folder = tmp_path_factory.mktemp("untrained")
    for path in demo_folder.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def company(untrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Trained, promoted, scored, compared and explained; looked at by groups of countries."""
    folder = tmp_path_factory.mktemp("company")
    copied_company(untrained, folder)
    edit(folder, groups='["country"]')
    verbs = ("check", "features", "train", "promote", "score", "compare")
    ran = {verb: readiness(verb, folder, "--json") for verb in verbs}
    ran["explain"] = readiness("explain", "1999", folder, "--json")
    return Company(folder, ran)
