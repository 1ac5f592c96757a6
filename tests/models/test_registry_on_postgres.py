"""MLflow's store in a PostgreSQL that does not let one in: said at once."""

import time

import pytest

from models.registry import CHAMPION, Registry, StoreFault
from tests.features.lead_databases import config_for

WRONG = {
    "password": "postgresql+psycopg://reader:nonsense@127.0.0.1:{port}/crm",
    "user": "postgresql+psycopg://nobody:nonsense@127.0.0.1:{port}/crm",
    "port": "postgresql+psycopg://reader:nonsense@127.0.0.1:9/crm",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_credentials_are_said_at_once(wrong, tmp_path, postgres):
    config = config_for(tmp_path)
    uri = WRONG[wrong].format(port=postgres.port)
    mlflow = config.mlflow.model_copy(update={"uri": uri})
    began = time.monotonic()
    for ask in (Registry.prepared, Registry.usual, lambda each: each.load(CHAMPION)):
        with pytest.raises(StoreFault):
            ask(Registry(config.model_copy(update={"mlflow": mlflow})))
    assert time.monotonic() - began < 30  # MLflow alone asks for 100 s, each time
    assert list(tmp_path.iterdir()) == []
