"""The list of features in words, as `readiness features` prints it."""

from features.catalog import catalog
from features.conditions.segments import opted_in
from features.config import Config
from features.contract.database import LeadDatabase


def describe_features(database: LeadDatabase, config: Config) -> list[dict[str, str]]:
    """Every feature of the catalog: its name, its meaning in words and its kind."""
    segments = opted_in(config)
    return [
        {"name": spec.name, "meaning": spec.meaning(config.words), "kind": type(spec).__name__}
        for spec in catalog(config.features, database.actions, database.attributes, segments)
    ]
