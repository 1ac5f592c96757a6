"""What is dear to make and shared by many tests: a simulated company, and a model trained on it."""

import gc
import importlib.util
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from features.config import load
from features.dataset import Dataset, labelled
from features.open_database import open_database
from features.simulator.simulate import simulate, write
from features.spark.session import session
from features.spec.spec import distinct
from features.starter.starter import write_starter
from models.decisions.place import LedgerPlace
from models.registry import MlflowClient, Registry
from models.rules.rules import load_rules
from models.statistics.bootstrap import Floats
from tests.database_servers import mariadb, postgres, server  # noqa: F401
from tests.serve.ledger.places import in_postgres
from tests.side_by_side import SharingScheduling, first_groups_then_slow
from training.promotion.promote import promote
from training.record import Trained
from training.train import train

# As readiness/main.py has it: a quarter of the tests' time was the search for garbage.
gc.set_threshold(100_000, 10, 10)

# A busy machine is slow at times; that is no failure of what is tested.
settings.register_profile("readiness", deadline=None)
settings.load_profile("readiness")

QUICK = {
    "cutoff_every_days": 14,
    "test_cutoffs": 3,
    "windows_days": [7, 90],
    "candidates": 2,
    "folds": 2,
    "jobs": 1,
}
Measure = Callable[[Floats], Floats]


SHARED = {"company", "trained"}  # fixtures of a session that take long to make
PROGRAMS = {"spark", "postgres", "mariadb"}  # those that start another program


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who asks for what takes long to make is slow, for another program long, and a long test is
    slow too."""
    for test in items:
        fixtures = set(getattr(test, "fixturenames", ()))
        if fixtures & PROGRAMS:
            test.add_marker(pytest.mark.long)
        if fixtures & SHARED or test.get_closest_marker("long"):
            test.add_marker(pytest.mark.slow)
    if hasattr(config, "workerinput"):
        first_groups_then_slow(config, items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Side by side, a file is run by one worker, and so are those that share what is dear."""
    return SharingScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def edit(folder: Path, **keys: object) -> None:
    """Change keys of a folder's readiness.toml that stand in it uncommented."""
    path = folder / "readiness.toml"
    text = path.read_text(encoding="utf-8")
    for key, value in keys.items():
        text, result = re.subn(rf"^{key} = [^#\n]*", f"{key} = {value} ", text, flags=re.MULTILINE)
        assert result == 1, key
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def copied_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """MLflow makes the tables of a new store in some forty steps: once, and from then on copied."""
    empty = tmp_path_factory.mktemp("store") / "mlflow.db"
    make_folder = Registry._make_folder

    def make_store(registry: Registry, file: Path) -> None:
        make_folder(registry, file)
        if not empty.exists():
            logging.getLogger("mlflow").setLevel(logging.ERROR)
            MlflowClient(f"sqlite:///{empty}").search_experiments()
        if not file.exists():
            shutil.copy(empty, file)

    with patch.object(Registry, "_make_folder", make_store):
        yield


@pytest.fixture(scope="session")
def spark():
    """The one Spark session of the tests, which is active from then on. It stands in New York, so
    that whoever forgets that times are UTC is found out."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("no pyspark: pip install -c constraints.txt -e '.[spark]'")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("no Java: engine.kind = spark is not tested")
    result = session("local[2]")
    result.conf.set("spark.sql.session.timeZone", "America/New_York")
    result.conf.set("spark.sql.shuffle.partitions", "2")
    return result


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 simulated leads as after `simulate` and `init`. Shared: read it, do not change it."""
    folder = tmp_path_factory.mktemp("demo")
    write(simulate(leads=2_000, seed=7), folder)
    write_starter(folder)
    edit(folder, **QUICK)
    return folder


@pytest.fixture(scope="session")
def trained(demo_folder: Path) -> Trained:
    """What training in `demo_folder` yielded; its version is challenger and champion there."""
    config = load(demo_folder)
    result = train(config)
    assert promote(config).promoted
    return result


@pytest.fixture(scope="session")
def judged(demo_folder: Path, trained: Trained) -> Dataset:
    """The snapshots of the final test, with what the model and the rules ask for."""
    specs = distinct((*trained.model.specs, *load_rules(demo_folder / "rules.toml").specs))
    with open_database(load(demo_folder)) as database:
        return labelled(database, specs, trained.split.judge, trained.model.horizon_days, 4)


@pytest.fixture(params=["files", pytest.param("postgres", marks=pytest.mark.long)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerPlace:
    """An empty ledger, in files and in PostgreSQL."""
    if request.param == "files":
        return LedgerPlace(tmp_path / "out")
    return in_postgres(request.getfixturevalue("postgres"), tmp_path / "out")
