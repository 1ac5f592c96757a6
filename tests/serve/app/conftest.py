"""A company that is served: its folder with a champion and a list in the ledger."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from features.config import Config, load
from features.open_database import open_database
from models.decisions.place import LedgerPlace
from serve.app.application import create_app
from serve.app.serving import Serving
from serve.ledger.ledger import open_ledger
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from tests.copied_company import copied_company
from training.record import Trained

CUTOFF = datetime(2025, 3, 3, 9, 30)
LOCAL = "http://localhost:8000"
PATIENT = Serving(seconds=300.0)  # a busy machine is slow at times


@pytest.fixture(scope="package")
def served(demo_folder: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Its settings. Shared: decide nothing and promote nobody there."""
    folder = tmp_path_factory.mktemp("served") / "demo"
    copied_company(demo_folder, folder)
    config = load(folder)
    scorer = Scorer.of(config, "champion")
    with open_database(config) as database, open_ledger(LedgerPlace.of(config)) as ledger:
        score_all(config, database, scorer, ledger, CUTOFF)
    return config


@pytest.fixture
def own(served: Config, tmp_path: Path) -> Config:
    """The same company, of one test alone."""
    folder = tmp_path / "own"
    copied_company(served.folder, folder)
    return load(folder)


@pytest.fixture(scope="package")
def app(served: Config) -> FastAPI:
    return create_app(served, PATIENT)


@pytest.fixture(scope="package")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, LOCAL) as result:
        yield result
