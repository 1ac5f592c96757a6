"""MLflow with its store in PostgreSQL, where there is one: a model goes there and comes back, and
its artefacts lie in the folder `out`, wherever the command was started."""

import os

import numpy as np
import pytest

from features.errors import BadInput
from models.registry import Registry
from tests.database_servers import OWNER, Server
from tests.features.lead_databases import config_for
from tests.models.small_model import fitted, snapshots, training

pytestmark = pytest.mark.slow


@pytest.fixture
def store(postgres: Server, tmp_path, monkeypatch):
    """The URI of an empty database, whose password is where psql and psycopg look for it."""
    postgres.sql("DROP DATABASE IF EXISTS mlflow WITH (FORCE);", "postgres")
    postgres.sql("CREATE DATABASE mlflow;", "postgres")
    monkeypatch.setenv("PGPASSWORD", OWNER)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return f"postgresql://owner@127.0.0.1:{postgres.port}/mlflow"


def configured(folder, uri, **more):
    config = config_for(folder)
    mlflow = config.mlflow.model_copy(update={"uri": uri, **more})
    return config.model_copy(update={"mlflow": mlflow})


def test_a_model_goes_there_and_comes_back_and_its_files_lie_under_out(store, tmp_path, postgres):
    project = tmp_path / "project"
    project.mkdir()
    registry, model = Registry(configured(project, store)), fitted(300)
    assert registry.uri.startswith("postgresql+psycopg://owner@")
    named = registry.log(training(model))
    frame, _ = snapshots(50)
    again = Registry(configured(project, store)).load("challenger")
    assert np.array_equal(again.rank(frame), model.rank(frame))
    assert (again.version, again.run_id) == ("1", named.run_id)
    (stored,) = project.rglob("MLmodel")
    assert stored.is_relative_to(project / "out" / "mlartifacts")
    assert os.listdir() == []
    assert postgres.sql("SELECT count(*) FROM model_versions", "mlflow") == "1"
    registry.set_champion("1")
    assert (registry.find("champion"), registry.find("challenger")) == ("1", None)
    assert registry.text(named.run_id, "rules.toml") == 'name = "none"'


def test_the_password_may_be_a_variable_of_the_environment(store, tmp_path, monkeypatch):
    monkeypatch.delenv("PGPASSWORD")
    named = configured(tmp_path, store.replace("owner@", "owner:${MLFLOW_PASSWORD}@"))
    with pytest.raises(BadInput, match="MLFLOW_PASSWORD, which is not set"):
        Registry(named).prepared()
    monkeypatch.setenv("MLFLOW_PASSWORD", OWNER)
    assert Registry(named).prepared().versions() == []
    monkeypatch.setenv("WHOLE_URI", Registry(named).uri)
    assert Registry(configured(tmp_path, "${WHOLE_URI}")).prepared().versions() == []


def test_a_store_without_a_login_is_bad_input(store, tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(BadInput, match="password authentication failed"):
        Registry(configured(tmp_path, store)).prepared()
