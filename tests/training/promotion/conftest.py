"""Three registered versions of one model, in a registry of their own."""

import pytest

from models.registry import CHAMPION, Registry
from tests.features.lead_databases import config_for
from tests.models.small_model import fitted, training
from training.promotion.champion import TAG


@pytest.fixture(scope="session")
def three_versions(tmp_path_factory):
    """Settings, and a registry with versions 1, 2 and 3, each another model."""
    config = config_for(tmp_path_factory.mktemp("three"))
    registry = Registry(config)
    for seed in range(3):
        registry.log(training(fitted(300, seed=seed)))
    return config, registry


@pytest.fixture
def company(three_versions):
    """The same without a champion and with no history."""
    config, registry = three_versions
    if registry.has(CHAMPION):
        registry.client.delete_registered_model_alias(registry.name, CHAMPION)
    for file in config.out_folder.glob("decisions.sqlite*"):
        file.unlink()
    for version in ("1", "2", "3"):
        registry.tag(version, {TAG: "", "champion_by": "", "champion_because": ""})
    return config, registry
