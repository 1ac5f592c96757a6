"""A second training of the same data, by another process with other threads and jobs."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from features.config import load
from models.registry import Registry
from tests.conftest import edit
from training.record import Trained

ROOT = Path(__file__).resolve().parents[2]
TRAIN = """
import json, sys
from pathlib import Path
from features.config import load
from features.result_json import to_json
from training.train import train
print(json.dumps(to_json(train(load(Path(sys.argv[1])))), allow_nan=False))
"""
FAXES = '\n[[rule]]\naction = "faxed"\npoints = 10\n'  # nobody does


@dataclass(frozen=True)
class Twin:
    """The folder, what its training printed, and its registry."""

    folder: Path
    printed: dict[str, Any]
    registry: Registry


@pytest.fixture(scope="session")
def twin(demo_folder: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Twin:
    """The data and settings of `demo_folder`, but for a rule that never gives points."""
    folder = tmp_path_factory.mktemp("twin")
    for file in demo_folder.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    edit(folder, jobs=2)
    with (folder / "rules.toml").open("a", encoding="utf-8") as rules:
        rules.write(FAXES)
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(folder)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Twin(folder, json.loads(done.stdout), Registry(load(folder)))
