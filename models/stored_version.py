"""A registered version, read from the folder with its files. Without MLflow, whose import takes
seconds: of a store in files here, the last night knows the folder."""

from pathlib import Path

import yaml

from features.config import Config
from features.errors import BadInput
from models.artefact_digests import require_unchanged
from models.classifier.artefact import FORM, UNREADABLE, from_stored, load_trusted, remember
from models.classifier.model import ReadinessModel


def read_version(config: Config, version: str, run_id: str, folder: Path) -> ReadinessModel:
    """The model of a version. Raises BadInput where another release stored it or its files are not
    those that were promoted, and Refused where it holds a type that is not trusted."""
    try:
        require_unchanged(config, version, folder)
        stored = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
        info = stored["metadata"]["readiness"]
        if info.get("form") != FORM:
            raise BadInput(
                f"Version {version} of the model {config.mlflow.model} was stored by another "
                "release of sales-readiness, in a form that this one does not read. Train again."
            )
        classifier = from_stored(load_trusted(folder / "model.skops"))
        return ReadinessModel(classifier, **remember(info), version=version, run_id=run_id)
    except (*UNREADABLE, yaml.YAMLError) as error:
        raise unreadable(config, version, error) from None


def unreadable(config: Config, version: str, error: Exception) -> BadInput:
    """Of files that are damaged, or not where MLflow says."""
    return BadInput(
        f"Version {version} of the model {config.mlflow.model} cannot be read: {error!r}. Has its "
        "folder been moved or changed? Move it back, or train again."
    )
