"""MLflow: tracked trainings and registered model versions. The only file that imports mlflow.

What is stored of a version, and what of it is trusted, is in models/classifier/artefact.py.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import sklearn
import skops
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.utils.logging_utils import disable_logging, enable_logging

from features.config import Config
from features.contract.database import Digest
from features.errors import BadInput
from features.masking import without_secrets
from models.artefact_digests import require_unchanged
from models.classifier.artefact import (
    FORM,
    TRUSTED,
    UNREADABLE,
    describe,
    from_stored,
    load_trusted,
    remember,
    stored_form,
)
from models.classifier.model import ReadinessModel

CHALLENGER, CHAMPION = "challenger", "champion"
EXPLORATION = "exploration"  # tag of a version that may never be promoted


@dataclass(frozen=True)
class Child:
    """A candidate of the search, to be logged as a child run."""

    settings: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True, repr=False)
class TrainingRecord:
    """Everything that is stored of one training."""

    model: ReadinessModel
    rules_text: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    digests: Mapping[str, Digest]
    tags: Mapping[str, str]
    children: Sequence[Child]
    figures: Mapping[str, Figure]
    documents: Mapping[str, Any]
    example: pd.DataFrame

    def __repr__(self) -> str:
        return f"TrainingRecord({self.model!r}, {len(self.children)} candidates)"


class Registry:
    """The experiment and the registered model that readiness.toml names. Reading makes no store:
    where there is none, there is no version."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.name = config.mlflow.model
        self.uri = config.mlflow_uri
        path = self.uri.partition("?")[0].removeprefix("sqlite:///")
        self.file = Path(path) if self.uri.startswith("sqlite:///") else None
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)

    def prepared(self) -> Registry:
        """The same, its store and experiment made where they are not there. Raises BadInput where
        they cannot be used; so a training asks before its work."""
        _ = self.experiment
        return self

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's, whose store is made where it is not there. Raises BadInput as `prepared`."""
        if self.file is not None:
            self._make_folder(self.file)
        with self._usable():
            client = MlflowClient(self.uri, self.uri)
            client.get_experiment_by_name(self.config.mlflow.experiment)  # does the store answer?
            return client

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment, made where it is not there. Raises BadInput as `prepared`."""
        name = self.config.mlflow.experiment
        with self._usable():
            experiment = self.client.get_experiment_by_name(name)
            if experiment is None:
                artifacts = self.config.out_folder.resolve() / "mlartifacts"
                local = artifacts.as_uri() if self.file is not None else None
                return str(self.client.create_experiment(name, artifact_location=local))
        if experiment.lifecycle_stage != "active":
            raise BadInput(
                f"The experiment {name} was deleted in MLflow. Restore it there, or name another "
                "as mlflow.experiment."
            )
        return str(experiment.experiment_id)

    def _make_folder(self, file: Path) -> None:
        if file.is_dir():
            raise BadInput(f"mlflow.uri: {file} is a folder; name a file in it.")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"mlflow.uri: the folder {file.parent} cannot be made: {error}"
            ) from None

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except BadInput:
            raise
        except Exception as error:  # a store of any kind fails in its own way, none of them ours
            raise BadInput(f"MLflow at {self.uri!r} cannot be used: {error}") from None

    def log(self, training: TrainingRecord) -> ReadinessModel:
        """Log a training as a parent run with a child run per candidate, register its model with
        the alias `challenger`, and return the model with its version and run."""
        mlflow.set_tracking_uri(self.uri)  # of the whole process: another registry may have set it
        named = f"until-{training.model.trained_until:%Y-%m-%d}"
        with _quiet(), mlflow.start_run(experiment_id=self.experiment, run_name=named) as run:
            mlflow.log_params({k: without_secrets(str(v)) for k, v in training.params.items()})
            mlflow.log_params({f"digest_{name}": str(d) for name, d in training.digests.items()})
            mlflow.log_text(training.rules_text, "rules.toml")
            _log(training.tags, training.metrics, training.documents, training.figures)
            for number, child in enumerate(training.children):
                name = f"candidate-{number}"
                with mlflow.start_run(nested=True, experiment_id=self.experiment, run_name=name):
                    mlflow.log_params(dict(child.settings))
                    mlflow.log_metrics(dict(child.metrics))
            version = self._register(training)
            return replace(training.model, version=version, run_id=run.info.run_id)

    def _register(self, training: TrainingRecord) -> str:
        model = training.model
        example = training.example[[spec.name for spec in model.specs]]
        stored = stored_form(model.classifier)
        logged = mlflow.sklearn.log_model(
            stored,
            name="model",
            serialization_format="skops",
            skops_trusted_types=list(TRUSTED),
            signature=infer_signature(example, stored.predict_proba(example)),
            input_example=example,
            pyfunc_predict_fn="predict_proba",
            registered_model_name=self.name,
            metadata={"readiness": describe(model)},
            pip_requirements=[
                f"scikit-learn=={sklearn.__version__}",
                f"skops=={skops.__version__}",
                f"pandas=={pd.__version__}",
            ],
        )
        version = str(logged.registered_model_version)
        self.client.set_registered_model_alias(self.name, CHALLENGER, version)
        return version

    def attach(self, run_id: str, texts: Mapping[str, str]) -> None:
        """Add texts to the artefacts of a run, each under its file name."""
        with _quiet():
            for name, text in texts.items():
                self.client.log_text(run_id, text, name)

    def log_monitoring(
        self,
        named: str,
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        documents: Mapping[str, Any],
        figures: Mapping[str, Figure],
    ) -> str:
        """Log what the monitor found as a run of its own; returns the run's id."""
        mlflow.set_tracking_uri(self.uri)
        with _quiet(), mlflow.start_run(experiment_id=self.experiment, run_name=named) as run:
            _log(tags, metrics, documents, figures)
            return str(run.info.run_id)

    def text(self, run_id: str, name: str) -> str | None:
        """A text among the artefacts of a run; None where there is none of that name."""
        mlflow.set_tracking_uri(self.uri)
        with _quiet(), contextlib.suppress(MlflowException, OSError):
            folder = self.client.get_run(run_id).info.artifact_uri
            return str(mlflow.artifacts.load_text(f"{folder}/{name}"))
        return None

    def run_of(self, which: str) -> tuple[str, str]:
        """The version under an alias or number, and its run. Raises BadInput where none is."""
        version = self.find(which)
        if version is None:
            raise BadInput(
                f"There is no {which} of the model {self.name} in {self.uri}. Train one with "
                f"`readiness train`{', then `readiness promote`' if which == CHAMPION else ''}."
            )
        return version, str(self.client.get_model_version(self.name, version).run_id)

    def load(self, which: str) -> ReadinessModel:
        """The model under an alias or version number.

        Raises BadInput where there is no such version, another release stored it or its files are
        not those that were promoted, and Refused where it holds a type that is not trusted.
        """
        version, run_id = self.run_of(which)
        mlflow.set_tracking_uri(self.uri)
        try:
            folder = self.files(version)
            require_unchanged(self.config, version, folder)
            with _quiet():
                info = (mlflow.models.Model.load(str(folder)).metadata or {})["readiness"]
            if info.get("form") != FORM:
                raise BadInput(
                    f"Version {version} of the model {self.name} was stored by another release of "
                    "sales-readiness, in a form that this one does not read. Train again."
                )
            classifier = from_stored(load_trusted(folder / "model.skops"))
            remembered = remember(info)
        except (*UNREADABLE, MlflowException) as error:
            raise BadInput(
                f"Version {version} of the model {self.name} cannot be read: {error!r}. Has its "
                "folder been moved or changed? Move it back, or train again."
            ) from None
        return ReadinessModel(classifier, **remembered, version=version, run_id=run_id)

    def files(self, version: str) -> Path:
        """The folder with the files of a version, fetched where the store is elsewhere."""
        mlflow.set_tracking_uri(self.uri)
        with _quiet():
            return Path(mlflow.artifacts.download_artifacts(f"models:/{self.name}/{version}"))

    def find(self, which: str) -> str | None:
        """The number of the version under an alias or number; None where there is none. Raises
        BadInput where the store does not answer."""
        if self.file is not None and not self.file.exists():
            return None
        with self._usable():
            try:
                if which.isdigit():
                    return str(self.client.get_model_version(self.name, which).version)
                return str(self.client.get_model_version_by_alias(self.name, which).version)
            except MlflowException as error:
                if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise
        return None

    def has(self, which: str) -> bool:
        """Whether there is a version under this alias or number."""
        return self.find(which) is not None

    def usual(self) -> str | None:
        """The alias to use where none is asked for: the champion's, the challenger's where there is
        no champion, None where there is neither."""
        return next(filter(self.has, (CHAMPION, CHALLENGER)), None)

    def pick(self, which: str | None) -> ReadinessModel | None:
        """The model under an alias or version number, as `load`; where none is asked for, that of
        `usual`, None where there is none."""
        name = which or self.usual()
        return None if name is None else self.load(name)

    def set_champion(self, version: str) -> None:
        """Point the alias `champion` at a version."""
        self.client.set_registered_model_alias(self.name, CHAMPION, version)

    def tag(self, version: str, tags: Mapping[str, str]) -> None:
        """Tag a version; other tags of it stay."""
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, version, key, without_secrets(value))

    def tags(self, version: str) -> dict[str, str]:
        """The tags of a version."""
        return dict(self.client.get_model_version(self.name, version).tags)


def _log(
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    documents: Mapping[str, Any],
    figures: Mapping[str, Figure],
) -> None:
    """Log to the run that is active."""
    mlflow.set_tags({key: without_secrets(text) for key, text in tags.items()})
    mlflow.log_metrics(dict(metrics))
    for name, document in documents.items():
        mlflow.log_dict(document, name)
    for name, figure in figures.items():
        mlflow.log_figure(figure, f"plots/{name}.png")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """MLflow without its notices, warnings and progress bars: a user cannot act on them. And
    without the address of the run, which it would print with the server's password."""
    mlflow.environment_variables.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    mlflow.environment_variables.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
    disable_logging()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        enable_logging()
