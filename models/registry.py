"""MLflow: tracked trainings and registered model versions. The only file that imports mlflow.

What is stored of a version, and what of it is trusted, is in models/classifier/artefact.py.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version as version_of
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import skops.io  # noqa: F401  # isort: skip  # it searches all that is imported: before MLflow

import mlflow
import sqlalchemy
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.store.db.db_types import DATABASE_ENGINES
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array, Object, Property
from mlflow.utils.logging_utils import disable_logging, enable_logging

from features.config import Config
from features.contract.database import Digest
from features.errors import BadInput
from features.masking import without_secrets
from features.processes import is_gone, mark
from models.artefact_digests import require_unchanged
from models.classifier.artefact import (
    TRUSTED,
    UNREADABLE,
    describe,
    stored_form,
)
from models.classifier.model import ReadinessModel
from models.decisions.champion_changes import changes_at
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions
from models.from_events import (
    CODE,
    LOADER,
    MODEL,
    NESTED,
    OUTPUTS,
    REQUIREMENTS,
    SETTINGS,
    FromEvents,
    nested_columns,
)
from models.stored_version import read_version, unreadable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# How long a server that does not answer is waited for, unless the user says otherwise: MLflow's own
# 7 retries of 120 s, and its 10 attempts at a database, are minutes before a mistyped host shows.
for _name, _value in {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "PGCONNECT_TIMEOUT": "10",
}.items():
    os.environ.setdefault(_name, _value)

CHALLENGER, CHAMPION = "challenger", "champion"
EXPLORATION = "exploration"  # tag of a version that may never be promoted
PROCESS = "readiness.process"  # tag of a run: the mark of the process that writes it
MONITOR = "-monitor"  # ends the name of the experiment of the monitor's runs
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")  # stores of runs that hold no artefacts
_STORE_ERRORS = (MlflowException, OSError)  # of a store that is written to
TEST = "test"  # the dataset that the metrics test_... were measured on


class StoreFault(BadInput):
    """MLflow's store cannot be read, or lacks what is known to have been in it: no answer on what
    is there, and so never "there is no model"."""


@dataclass(frozen=True)
class Child:
    """A candidate of the search, to be logged as a child run."""

    settings: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset of a training, as MLflow lists it: what it was for (`context`), a digest of its
    content, its columns with MLflow's types, and figures of it such as its number of rows."""

    name: str
    context: str
    digest: str
    columns: Mapping[str, str]
    profile: Mapping[str, Any]


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
    from_events: FromEvents
    datasets: Sequence[DatasetRecord] = field(default=())

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
        home = "" if self.uri == config.mlflow.uri else str(config.folder.resolve())
        if self.file and ("?" in home or re.search("%[0-9a-fA-F]{2}", path)):
            raise BadInput(
                f"mlflow.uri: the path of {self.uri!r} has a ? or a %, which mean something else "
                "in a URL: the store would be made elsewhere. Name another path."
            )
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)

    def prepared(self) -> Registry:
        """The same, its store and experiment made where they are not there, and the runs ended that
        count as running although the process that began them was killed. Raises StoreFault where
        they cannot be used; so a training asks before its work."""
        with self._usable(), _quiet():
            running = self.client.search_runs([self.experiment], "attributes.status = 'RUNNING'")
            for run in running:
                if is_gone(run.data.tags.get(PROCESS, "")):
                    self.client.set_terminated(run.info.run_id, "KILLED")
        return self

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's, whose store is made where it is not there. Raises StoreFault as `prepared`."""
        if self.file is not None:
            self._make_folder(self.file)
        with self._usable():
            if self.uri.partition("://")[0].partition("+")[0] in DATABASE_ENGINES:
                _connect_once(self.uri)
            client = MlflowClient(self.uri, self.uri)
            client.get_experiment_by_name(self.config.mlflow.experiment)  # does the store answer?
            return client

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment, made where it is not there. Raises StoreFault as `prepared`."""
        return self._experiment(self.config.mlflow.experiment)

    def _experiment(self, name: str) -> str:
        chosen, store = self.config.artifacts_uri, self.uri.partition(":")[0].partition("+")[0]
        with self._usable():
            experiment = self.client.get_experiment_by_name(name)
            if experiment is None:  # a tracking server has a place of its own for artefacts
                local = (self.config.out_folder.resolve() / "mlartifacts").as_uri()
                place = chosen or (local if store in DATABASES else None)
                kind = {"mlflow.experimentKind": "custom_model_development"}  # not one of prompts
                return str(self.client.create_experiment(name, place, kind))
        if experiment.lifecycle_stage != "active":
            raise BadInput(
                f"The experiment {name} was deleted in MLflow. Restore it there, or name another "
                "as mlflow.experiment."
            )
        if chosen and experiment.artifact_location.rstrip("/") != chosen.rstrip("/"):
            raise BadInput(
                f"mlflow.artifacts: the experiment {name} was made with its artefacts in "
                f"{experiment.artifact_location}, and MLflow cannot move them to {chosen}. Name "
                "another mlflow.experiment, or take mlflow.artifacts out."
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
    def _usable(self, errors: tuple[type[Exception], ...] = (Exception,)) -> Iterator[None]:
        """What a store fails with becomes StoreFault: any error, for each kind of store has its
        own; but only `errors` where the work within could also fail by itself."""
        try:
            yield
        except BadInput:
            raise
        except errors as error:
            fault = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            raise StoreFault(f"MLflow at {self.uri!r} cannot be used: {fault}") from None

    def training_run(self) -> contextlib.AbstractContextManager[str]:
        """An open run for a training, from before its work to its end; yields its id."""
        return self._run("training", self.experiment, "train")

    @contextlib.contextmanager
    def _run(self, named: str, experiment: str, verb: str) -> Iterator[str]:
        """An open run, MLflow's active one. An error ends it as FAILED, an interrupt as KILLED; the
        tag PROCESS says who writes it, so that a run left open by a kill can be ended later."""
        mlflow.set_tracking_uri(self.uri)  # of the whole process: another registry may have set it
        tags = {PROCESS: mark(), "mlflow.source.name": f"readiness {verb}"}
        commit = _commit(self.config.folder)
        with self._usable(), _quiet():
            run = mlflow.start_run(experiment_id=experiment, run_name=named, tags=tags)
            if commit:
                mlflow.set_tag("mlflow.source.git.commit", commit)
            elif "mlflow.source.git.commit" in run.data.tags:  # of wherever the command lies
                mlflow.delete_tag("mlflow.source.git.commit")
        try:
            yield str(run.info.run_id)
        except BaseException as error:
            status = "FAILED" if isinstance(error, Exception) else "KILLED"
            with _quiet(), contextlib.suppress(Exception):  # the error is what is to be seen
                mlflow.set_tag("mlflow.note.content", f"{status}: {type(error).__name__}")
                mlflow.end_run(status)
            raise
        with self._usable(), _quiet():
            mlflow.end_run()

    def log(self, training: TrainingRecord, run_id: str | None = None) -> ReadinessModel:
        """Log a training to its open run (None: to a run of its own) with a child run per
        candidate, register its model with the alias `challenger`, and return the model with its
        version and run."""
        if run_id is None:
            with self.training_run() as run_id:
                return self.log(training, run_id)
        named = f"until-{training.model.trained_until:%Y-%m-%d}"
        with self._usable(_STORE_ERRORS), _quiet():
            self.client.update_run(run_id, name=named)
            mlflow.log_params({k: without_secrets(str(v)) for k, v in training.params.items()})
            mlflow.log_params({f"digest_{name}": str(d) for name, d in training.digests.items()})
            mlflow.log_text(training.rules_text, "rules.toml")
            inputs = [self._input(dataset) for dataset in training.datasets]
            self.client.log_inputs(run_id, inputs)
            _log(training.tags, training.documents, training.figures)
            for number, child in enumerate(training.children):
                name = f"candidate-{number}"
                with mlflow.start_run(nested=True, experiment_id=self.experiment, run_name=name):
                    mlflow.log_params(dict(child.settings))
                    mlflow.log_metrics(dict(child.metrics))
            logged = self._register(training)
            test = next((each.dataset for each in inputs if each.dataset.name == TEST), None)
            tested = {n: value for n, value in training.metrics.items() if n.startswith("test_")}
            mlflow.log_metrics(tested, model_id=logged.model_id, dataset=test)
            rest = {n: value for n, value in training.metrics.items() if n not in tested}
            mlflow.log_metrics(rest, model_id=logged.model_id)
            version = str(logged.registered_model_version)
            return replace(training.model, version=version, run_id=run_id)

    def _input(self, dataset: DatasetRecord) -> DatasetInput:
        columns = [ColSpec(kind, name) for name, kind in dataset.columns.items()]
        entity = Dataset(
            name=dataset.name,
            digest=dataset.digest,
            source_type="local",
            source=json.dumps({"uri": str(self.config.path)}),
            schema=json.dumps({"mlflow_colspec": Schema(columns).to_dict()}),
            profile=json.dumps(dict(dataset.profile)),
        )
        return DatasetInput(entity, [InputTag("mlflow.data.context", dataset.context)])

    def _register(self, training: TrainingRecord) -> ModelInfo:
        logged = Model.log(
            None,
            name="model",
            flavor=SimpleNamespace(save_model=_save, __name__="sklearn"),
            registered_model_name=self.name,
            metadata={"readiness": describe(training.model)},
            validate_serving_input=False,  # the tests do: it would score here once more
            training=training,
        )
        version = str(logged.registered_model_version)
        self.client.set_registered_model_alias(self.name, CHALLENGER, version)
        return logged

    def describe(self, model: ReadinessModel, text: str) -> None:
        """Describe a version and its run in Markdown; and the registered model, where nobody has
        described it yet."""
        with self._usable(), _quiet():
            self.client.set_tag(model.run_id, "mlflow.note.content", text)
            self.client.update_model_version(self.name, model.version, text)
            if not self.client.get_registered_model(self.name).description:
                about = (
                    f"P(won within {model.horizon_days} days of the cutoff) of open leads, from "
                    "their events. Alias `champion`: in use; `challenger`: trained last, not "
                    "promoted.\n\n`mlflow.pyfunc.load_model` takes leads with their raw events, "
                    "`mlflow.sklearn.load_model` gives the classifier of the features."
                )
                self.client.update_registered_model(self.name, about)

    def attach(self, run_id: str, texts: Mapping[str, str]) -> None:
        """Add texts to the artefacts of a run, each under its file name."""
        with self._usable(), _quiet():
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
        """Log what the monitor found as a run in an experiment of its own; returns its id."""
        experiment = self._experiment(self.config.mlflow.experiment + MONITOR)
        with (
            self._run(named, experiment, "monitor") as run_id,
            self._usable(_STORE_ERRORS),
            _quiet(),
        ):
            _log(tags, documents, figures)
            mlflow.log_metrics(dict(metrics))
            return run_id

    def text(self, run_id: str, name: str) -> str | None:
        """A text among the artefacts of a run; None where there is none of that name. Raises
        StoreFault where that cannot be known."""
        mlflow.set_tracking_uri(self.uri)
        with self._usable(), _quiet():
            folder = PurePosixPath(name).parent.as_posix()
            if name not in {file.path for file in self.client.list_artifacts(run_id, folder)}:
                return None
            uri = self.client.get_run(run_id).info.artifact_uri
            return str(mlflow.artifacts.load_text(f"{uri}/{name}"))

    def run_of(self, which: str) -> tuple[str, str]:
        """The version under an alias or number, and its run. Raises BadInput where none is."""
        version = self._version(which)
        if version is None:
            self._refuse_lost(which)
            raise BadInput(
                f"There is no {which} of the model {self.name} in {self.uri}. Train one with "
                f"`readiness train`{', then `readiness promote`' if which == CHAMPION else ''}."
            )
        return str(version.version), str(version.run_id)

    def load(self, which: str) -> ReadinessModel:
        """The model under an alias or version number.

        Raises BadInput where there is no such version, another release stored it or its files are
        not those that were promoted, and Refused where it holds a type that is not trusted.
        """
        version, run_id = self.run_of(which)
        return read_version(self.config, version, run_id, self.files(version))

    def verified(self, which: str) -> tuple[str, str, Path]:
        """The version under an alias or number, the run of its training, and the folder with its
        files. Raises BadInput where there is none, or they are not those that were promoted."""
        version, run_id = self.run_of(which)
        folder = self.files(version)
        try:
            require_unchanged(self.config, version, folder)
        except UNREADABLE as error:
            raise unreadable(self.config, version, error) from None
        return version, run_id, folder

    def files(self, version: str) -> Path:
        """The folder with the files of a version, fetched where the store is elsewhere. Raises
        BadInput where they are not where MLflow says."""
        mlflow.set_tracking_uri(self.uri)
        try:
            with _quiet():
                return Path(mlflow.artifacts.download_artifacts(f"models:/{self.name}/{version}"))
        except (*UNREADABLE, MlflowException) as error:
            raise unreadable(self.config, version, error) from None

    def find(self, which: str) -> str | None:
        """The number of the version under an alias or number; None where MLflow says that the
        model, the alias or the version does not exist. Raises StoreFault for any other answer, and
        where the alias stands at a version that has vanished."""
        version = self._version(which)
        return version and str(version.version)

    def _version(self, which: str) -> ModelVersion | None:
        if self.file is not None and not self.file.exists():
            return None
        with self._usable():
            number: str | None = which
            if not which.isdigit():
                model = _existing(lambda: self.client.get_registered_model(self.name))
                if model and model.name != self.name:  # "{}", as of a server that is no MLflow
                    raise ValueError(f"it answers with the model {model.name!r}")
                number = model.aliases.get(which) if model else None
            if number is None:
                return None
            version = _existing(lambda: self.client.get_model_version(self.name, number))
        if version is None and number != which:
            raise StoreFault(
                f"{which} of the model {self.name} is version {number}, which has vanished from "
                f"MLflow at {self.uri!r}. Set the alias there to a version that it has."
            )
        return version

    def has(self, which: str) -> bool:
        """Whether there is a version under this alias or number. Raises StoreFault as `find`, and
        where there is no champion although the history of champions names one."""
        version = self.find(which)
        if version is None:
            self._refuse_lost(which)
        return version is not None

    def _refuse_lost(self, which: str) -> None:
        champion = _champion_on_record(self.config) if which == CHAMPION else None
        if champion is not None:
            raise StoreFault(
                f"The history has version {champion} of the model {self.name} as champion "
                f"({LedgerPlace.of(self.config).decisions}), and MLflow at {self.uri!r} has none. "
                "Correct mlflow.uri or mlflow.model, or restore the store. If it is lost for good: "
                'readiness train, then readiness promote --force --because "why".'
            )

    def versions(self) -> list[int]:
        """The numbers of all versions that may be promoted, the newest first."""
        quote = '"' if "'" in self.name else "'"
        with self._usable(), _quiet():
            stored = self.client.search_model_versions(f"name = {quote}{self.name}{quote}")
        return sorted((int(v.version) for v in stored if EXPLORATION not in v.tags), reverse=True)

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
        """Point the alias `champion` at a version, which is no challenger from then on."""
        with self._usable():
            self.client.set_registered_model_alias(self.name, CHAMPION, version)
            if self.find(CHALLENGER) == version:
                self.client.delete_registered_model_alias(self.name, CHALLENGER)

    def tag(self, version: str, tags: Mapping[str, str]) -> None:
        """Tag a version; other tags of it stay."""
        with self._usable():
            for key, value in tags.items():
                self.client.set_model_version_tag(self.name, version, key, without_secrets(value))

    def tags(self, version: str) -> dict[str, str]:
        """The tags of a version."""
        with self._usable():
            return dict(self.client.get_model_version(self.name, version).tags)


def _connect_once(uri: str) -> None:
    """Raises what the database says. MLflow would ask again for 100 s after a wrong password."""
    engine = sqlalchemy.create_engine(uri)
    try:
        sqlalchemy.inspect(engine).get_table_names()
    finally:
        engine.dispose()


Item = TypeVar("Item")


def _existing(get: Callable[[], Item]) -> Item | None:
    """What a request to MLflow yields; None where the answer is that it does not exist. A 404 that
    is not MLflow's, as of a wrong path, has another code."""
    try:
        return get()
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return None
        raise


def _champion_on_record(config: Config) -> str | None:
    """The champion by the history of champions; None where that has none."""
    place = LedgerPlace.of(config)
    if place.server is None and not place.decisions_file.exists():
        return None
    with open_decisions(place) as store:
        done = changes_at(store, "done")
    return done[-1].new_version if done else None


def _save(path: str, mlflow_model: Model, training: TrainingRecord, **_: Any) -> None:
    """Write a model's folder as MLflow asks a flavour to: scikit-learn's, of the classifier on
    features, and over it a pyfunc of ours that scores raw events with the code that travels."""
    folder, served = Path(path), training.from_events
    mlflow.sklearn.save_model(
        stored_form(training.model.classifier),
        path,
        mlflow_model=mlflow_model,
        serialization_format="skops",
        skops_trusted_types=list(TRUSTED),
        signature=_signature(served),
        input_example=(served.example, {"cutoff": served.cutoff}),
        pip_requirements=[f"{name}=={version_of(name)}" for name in REQUIREMENTS],
    )
    for package in CODE:
        source = Path(__file__).parents[1] / package
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, folder / "code" / package, ignore=ignored)
    files = {**served.files, MODEL: json.dumps(describe(training.model))}
    (folder / SETTINGS).mkdir()
    for name, text in files.items():
        (folder / SETTINGS / name).write_text(text, "utf-8")
    environment = {"conda_env": "conda.yaml", "python_env": "python_env.yaml"}
    mlflow.pyfunc.add_to_model(mlflow_model, loader_module=LOADER, code="code", **environment)
    mlflow_model.save(str(folder / "MLmodel"))


def _signature(served: FromEvents) -> ModelSignature:
    inputs = [ColSpec(kind, name, required) for name, (kind, required) in served.columns.items()]
    for table, required in NESTED.items():
        row = [Property(name, *each) for name, each in nested_columns(table).items()]
        inputs.append(ColSpec(Array(Object(row)), table, required))
    outputs = [inputs[0]]
    outputs += [ColSpec(kind, name, required=False) for name, kind in OUTPUTS.items()]
    params = ParamSchema([ParamSpec("cutoff", "string", "")])
    return ModelSignature(Schema(inputs), Schema(outputs), params)


def _commit(folder: Path) -> str | None:
    """The commit of the git work tree that a folder is in; None where it is in none."""
    command = ["git", "-C", str(folder), "rev-parse", "--verify", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _log(
    tags: Mapping[str, str], documents: Mapping[str, Any], figures: Mapping[str, Figure]
) -> None:
    """Log to the run that is active."""
    mlflow.set_tags({key: without_secrets(text) for key, text in tags.items()})
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
