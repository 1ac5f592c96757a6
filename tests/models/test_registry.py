"""What a training leaves in MLflow, read back through its client; and what is never read back."""

import functools
import json
import operator
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.preprocessing import FunctionTransformer
from skops.io import dump, get_untrusted_types
from threadpoolctl import threadpool_limits

from features.config import load
from features.errors import BadInput, Refused
from models.classifier.artefact import (
    TRUSTED,
    describe,
    from_bytes,
    remember,
    stored_form,
    to_bytes,
)
from models.classifier.classifier import NAMES
from models.explanations.explain import explain
from models.registry import Registry
from tests.features.lead_databases import config_for
from tests.models.small_model import (
    fitted,
    fitted_average,
    fitted_logistic,
    names,
    snapshots,
    training,
)


@pytest.fixture(scope="module")
def registry(demo_folder, trained):
    return Registry(load(demo_folder))


@pytest.fixture(scope="module")
def run(registry, trained):
    return registry.client.get_run(trained.model.run_id)


@pytest.fixture(scope="module")
def documents(registry, run, tmp_path_factory):
    """The folder of what is logged beside the model."""
    folder = tmp_path_factory.mktemp("documents")
    return Path(registry.client.download_artifacts(run.info.run_id, "", str(folder)))


@pytest.fixture(scope="module")
def artefact(demo_folder, trained):
    """The folder of the registered model."""
    (result,) = (demo_folder / "out").rglob("MLmodel")
    return result.parent


def test_the_parent_run_has_parameters_and_digests(run, trained, demo_folder):
    params = run.data.params
    assert params["horizon_days"] == "30"
    assert params["seed"] == "7"
    assert params["test_cutoffs"] == "2025-04-14, 2025-04-28, 2025-05-12"
    assert params["last_training_cutoff"] == "2025-03-03 00:00:00"
    assert params["training_snapshots"] == str(trained.snapshots)
    assert params["features"] == str(len(trained.model.specs))
    for key, value in trained.chosen.settings.items():
        assert params[f"setting_{key}"] == str(value)
    for table in ("events", "leads", "deals", "contacts"):
        rows = pq.read_metadata(demo_folder / f"{table}.parquet").num_rows
        assert re.fullmatch(f"{rows} rows [0-9a-f]{{16}}", params[f"digest_{table}"])


def test_the_test_metrics_are_sklearns(run, trained, judged):
    metrics, ready = run.data.metrics, trained.model.rank(judged.frame)
    assert metrics["test_model_roc_auc"] == pytest.approx(roc_auc_score(judged.won, ready))
    assert metrics["test_model_log_loss"] == pytest.approx(log_loss(judged.won, ready))
    assert metrics["test_model_brier"] == pytest.approx(brier_score_loss(judged.won, ready))
    assert metrics["test_difference_roc_auc"] == pytest.approx(
        metrics["test_model_roc_auc"] - metrics["test_rules_roc_auc"]
    )
    assert "test_rules_log_loss" not in metrics  # points are no probability


def test_each_candidate_is_a_child_run_with_its_folds(registry, run, trained):
    children = registry.client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    )
    logged = {child.data.tags["mlflow.runName"]: child.data for child in children}
    assert set(logged) == {f"candidate-{n}" for n in range(len(trained.candidates))}
    for number, candidate in enumerate(trained.candidates):
        data = logged[f"candidate-{number}"]
        assert data.params == {key: str(value) for key, value in candidate.settings.items()}
        folds = [data.metrics[f"fold_{fold}_log_loss"] for fold in range(len(candidate.folds))]
        sizes = [len(fold.losses) for fold in candidate.folds]
        assert data.metrics["folds_log_loss"] == pytest.approx(np.average(folds, weights=sizes))
    place = next(n for n, each in enumerate(trained.candidates) if each is trained.chosen)
    chosen = logged[f"candidate-{place}"].metrics
    assert {k: v for k, v in run.data.metrics.items() if k.startswith("fold")} == chosen


def test_features_rules_code_version_and_plots_are_kept(run, documents, trained, demo_folder):
    features = json.loads((documents / "features.json").read_text("utf-8"))
    dropped = json.loads((documents / "dropped_features.json").read_text("utf-8"))
    names = [feature["name"] for feature in features]
    assert [name for name in names if name not in dropped] == [s.name for s in trained.model.specs]
    meanings = {feature["name"]: feature["meaning"] for feature in features}
    report = "number of times: visited pricing, in the last 7 days"
    assert meanings["count_7d(visited_pricing)"] == report
    rules = (documents / "rules.toml").read_text("utf-8")
    assert rules == (demo_folder / "rules.toml").read_text("utf-8")
    assert run.data.tags["code_version"].startswith(version("sales-readiness") + " (")
    assert run.data.tags["verdict"] == trained.comparison.verdict.headline
    plots = ("calibration", "gain", "precision_by_capacity", "importance")
    for plot in plots:
        assert (documents / "plots" / f"{plot}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert json.loads((documents / "test.json").read_text("utf-8"))["test"]["snapshots"] > 0


def test_the_version_is_champion_and_no_challenger_any_more(registry, trained):
    for name in ("champion", trained.model.version):
        assert registry.load(name).run_id == trained.model.run_id
        assert registry.load(name).version == trained.model.version
    assert not registry.has("challenger")


def test_the_datasets_are_listed_with_digest_context_and_schema(run, trained, judged):
    inputs = {each.dataset.name: each for each in run.inputs.dataset_inputs}
    assert list(inputs) >= ["training", "calibration", "test"]
    for name, each in inputs.items():
        (tag,) = each.tags
        context = "table" if f"digest_{name}" in run.data.params else name
        assert (tag.key, tag.value) == ("mlflow.data.context", context)
        assert re.fullmatch("[0-9a-f]{16}", each.dataset.digest)
    profiles = {name: json.loads(each.dataset.profile) for name, each in inputs.items()}
    assert profiles["test"]["num_rows"] == len(judged.won)
    assert profiles["test"]["won"] == judged.won.sum()
    fitted_on = profiles["training"]["num_rows"] + profiles["calibration"]["num_rows"]
    assert fitted_on == trained.snapshots
    assert profiles["training"]["cutoffs"][-10:] < profiles["calibration"]["cutoffs"][:10]
    columns = json.loads(inputs["test"].dataset.schema)["mlflow_colspec"]
    features = [spec.name for spec in trained.model.specs]
    assert [c["name"] for c in columns] == ["lead_id", "cutoff", *features, "won"]


def test_run_version_and_model_are_described_and_the_tags_are_short(registry, run, trained):
    version = registry.client.get_model_version(registry.name, trained.model.version)
    note = run.data.tags["mlflow.note.content"]
    assert version.description == note
    assert note.startswith(f"# Model card, version {trained.model.version}")
    assert str(trained.comparison.verdict) in note
    assert "30 days" in registry.client.get_registered_model(registry.name).description
    short = {k: v for k, v in run.data.tags.items() if not k.startswith(("mlflow.", "readiness."))}
    assert max(map(len, short.values())) < 80, short


def test_the_metrics_of_the_test_hang_on_the_model_and_the_dataset(registry, run):
    (output,) = run.outputs.model_outputs
    logged = registry.client.get_logged_model(output.model_id)
    metrics = {metric.key: metric for metric in logged.metrics}
    assert metrics["test_model_roc_auc"].value == run.data.metrics["test_model_roc_auc"]
    assert metrics["test_model_roc_auc"].dataset_name == "test"
    assert logged.params["horizon_days"] == "30"


def test_the_model_is_skops_with_signature_and_example_and_nothing_pickled(artefact):
    about = yaml.safe_load((artefact / "MLmodel").read_text("utf-8"))
    inputs = json.loads(about["signature"]["inputs"])
    required = [column["name"] for column in inputs if column["required"]]
    assert required[:2] == ["lead_id", "created_at"]
    assert {"events", "source"} <= {*required}
    served = json.loads((artefact / "serving_input_example.json").read_text("utf-8"))
    assert {*required} <= {*served["dataframe_split"]["columns"]}
    assert zipfile.is_zipfile(artefact / "model.skops")
    files = [file for file in artefact.parents[3].rglob("*") if file.is_file()]
    assert not [f for f in files if re.search(r"\.(pkl|pickle|joblib|dill|cloudpickle)$", f.name)]
    assert not [f for f in files if f.suffix != ".png" and f.read_bytes()[:1] == b"\x80"]


def test_exactly_the_needed_types_are_trusted(tmp_path):
    """By all learners together."""
    needed = set()
    for model in (fitted(300), fitted_logistic(300), fitted_average(300)):
        dump(stored_form(model.classifier), tmp_path / "model.skops")
        needed |= set(get_untrusted_types(file=tmp_path / "model.skops"))
    assert needed == set(TRUSTED)


@pytest.mark.parametrize("kind", ["logistic", "average"])
def test_other_learners_are_read_back_as_they_were(kind, tmp_path):
    registry, model = Registry(config_for(tmp_path)), LEARNERS[kind](300)
    named = registry.log(training(model))
    loaded, frame = registry.load(named.version), snapshots(50)[0]
    assert (loaded.way, loaded.specs) == (NAMES[kind], model.specs)
    assert np.array_equal(loaded.rank(frame), model.rank(frame))
    assert np.array_equal(explain(loaded, frame).by_feature, explain(model, frame).by_feature)


LEARNERS = {"trees": fitted, "logistic": fitted_logistic, "average": fitted_average}


@pytest.mark.parametrize("model", [fit(300) for fit in LEARNERS.values()], ids=LEARNERS)
def test_a_classifier_is_the_same_in_another_process(model):
    sent, frame = from_bytes(to_bytes(model.classifier)), snapshots(50)[0]
    assert np.array_equal(sent.predict_proba(frame[names()])[:, 1], model.rank(frame))
    ours, theirs = model.classifier.get_params(), sent.get_params()
    of_learner = {
        "trees": [*sent.tree_settings, "random_state"],
        "logistic": ["strength"],
        "average": [*sent.tree_settings, "random_state", "strength"],
    }[ours["learner"]] + ["learner"]
    assert {key: theirs[key] for key in of_learner} == {key: ours[key] for key in of_learner}


# Any import of this project's packages fails in the child, whatever the environment has installed.
ALONE = """
    import sys
    from importlib.abc import MetaPathFinder

    class Absent(MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {"features", "models", "training", "serve", "readiness"}:
                raise ModuleNotFoundError(f"{name} is not installed here")

    sys.meta_path.insert(0, Absent())
    import mlflow, numpy as np, pandas as pd

    try:
        import models
    except ModuleNotFoundError:
        frame = pd.read_parquet("frame.parquet")
        for place, folder in enumerate(sys.argv[1:]):
            model = mlflow.sklearn.load_model(folder)
            np.save(f"chances{place}.npy", model.predict_proba(frame))
"""


@pytest.mark.slow
def test_plain_mlflow_scores_it_where_this_project_is_absent(tmp_path):
    made = [fit(300) for fit in LEARNERS.values()]
    stored = []
    for place, model in enumerate(made):
        home = tmp_path / str(place)
        home.mkdir()
        Registry(config_for(home)).log(training(model))
        stored += [path.parent for path in home.rglob("MLmodel")]
    assert len(stored) == len(made)
    frame = snapshots(200, seed=1)[0][names()]
    frame.to_parquet(tmp_path / "frame.parquet")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(ALONE), *map(str, stored)],
        cwd=tmp_path,
        env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for place, (kind, model) in enumerate(zip(LEARNERS, made, strict=True)):
        chances = np.load(tmp_path / f"chances{place}.npy")
        with threadpool_limits(1, "blas"):
            assert np.array_equal(chances, stored_form(model.classifier).predict_proba(frame))
        if kind == "trees":  # the regression sums up row by row, scikit-learn by BLAS
            assert np.array_equal(chances[:, 1], model.rank(frame))
        assert chances[:, 1] == pytest.approx(model.rank(frame), abs=1e-14)


def test_what_is_loaded_predicts_and_remembers_the_same(registry, trained, judged):
    loaded = registry.load("champion")
    assert np.array_equal(loaded.rank(judged.frame), trained.model.rank(judged.frame))
    for rest in ("specs", "dropped", "horizon_days", "trained_until", "base_rate", "inputs"):
        assert getattr(loaded, rest) == getattr(trained.model, rest)


def test_a_model_stored_before_inputs_were_recorded_is_read_without_them():
    info = describe(fitted(300))
    del info["inputs"]
    assert remember(info)["inputs"] is None


class Foreign:
    """A class that no model of ours holds."""


def with_attribute(value):
    stored = stored_form(fitted(300).classifier)
    stored.note_ = value
    return stored


TAMPERED = {
    "an attribute of a foreign class": (lambda: with_attribute(Foreign()), "test_registry.Foreign"),
    "a call put off": (lambda: with_attribute(functools.partial(os.system, "id")), "posix.system"),
    "a method to be called": (lambda: with_attribute(operator.methodcaller("x")), "methodcaller"),
    "a class by its name": (lambda: with_attribute(subprocess.Popen), "subprocess.Popen"),
    "another estimator": (lambda: FunctionTransformer(func=eval), "builtins.eval"),
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A registry with one sound model, and the folder of its artefact."""
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry(config_for(folder))
    registry.log(training(fitted(300)))
    (result,) = folder.rglob("MLmodel")
    return registry, result.parent


@pytest.fixture
def attacked(stored):
    """The same, mended afterwards."""
    registry, folder = stored
    rest = {name: (folder / name).read_bytes() for name in ("model.skops", "MLmodel")}
    yield registry, folder
    for name, content in rest.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("kind", TAMPERED)
def test_a_tampered_artefact_is_refused_by_the_name_of_its_type(kind, attacked):
    """Even where the artefact's own list of trusted types says that all is well."""
    registry, folder = attacked
    make, named = TAMPERED[kind]
    dump(make(), folder / "model.skops")
    about = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
    flavour = about["flavors"]["sklearn"]
    flavour["skops_trusted_types"] += get_untrusted_types(file=folder / "model.skops")
    (folder / "MLmodel").write_text(yaml.safe_dump(about), encoding="utf-8")
    for alias in ("challenger", "1"):
        with pytest.raises(Refused, match=re.escape(named)):
            registry.load(alias)


def test_a_type_renamed_within_the_file_is_refused(attacked):
    """The sound file, but its predictors are said to be of a class that starts programs."""
    registry, folder = attacked
    sound = folder / "sound.skops"
    shutil.move(folder / "model.skops", sound)
    with zipfile.ZipFile(sound) as before, zipfile.ZipFile(folder / "model.skops", "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "schema.json":
                renamed = content.replace(b'"TreePredictor"', b'"Popen"')
                assert renamed != content
                content = re.sub(rb'"sklearn[\w.]*\.predictor"', b'"subprocess"', renamed)
            after.writestr(name, content)
    sound.unlink()
    with pytest.raises(Refused, match=r"subprocess\.Popen"):
        registry.load("challenger")


@pytest.mark.parametrize("name", ["model.skops", "MLmodel"])
def test_an_artefact_that_is_broken_or_gone_is_bad_input(name, attacked):
    registry, folder = attacked
    (folder / name).write_bytes(b"flavors: {}\n")
    with pytest.raises(BadInput, match="Version 1 of the model sales-readiness cannot be read"):
        registry.load("challenger")
    (folder / name).unlink()
    with pytest.raises(BadInput, match="Has its folder been moved or changed"):
        registry.load("challenger")


def test_a_store_where_nothing_can_be_written_is_bad_input(tmp_path):
    (tmp_path / "out").write_text("a file, where a folder should be", "utf-8")
    with pytest.raises(BadInput, match=r"mlflow\.uri: the folder .*out cannot be made"):
        Registry(config_for(tmp_path)).prepared()


def test_reading_makes_no_store(tmp_path):
    registry = Registry(config_for(tmp_path))
    assert registry.pick(None) is None
    assert not registry.has("champion")
    for read in (registry.load, registry.pick, registry.run_of):
        with pytest.raises(BadInput, match="There is no 1 of the model"):
            read("1")
    assert list(tmp_path.iterdir()) == []


def test_a_sound_artefact_is_loaded_after_all(stored):
    registry, _ = stored
    frame, _ = snapshots(100, seed=1)
    assert np.array_equal(registry.load("challenger").rank(frame), fitted(300).rank(frame))


@pytest.mark.parametrize("which", ["champion", "7", "nobody"])
def test_a_version_that_is_not_there_is_bad_input(stored, which):
    registry, _ = stored
    assert not registry.has(which)
    with pytest.raises(BadInput, match=f"There is no {which} of the model sales-readiness"):
        registry.load(which)


def test_two_registries_do_not_take_each_other_s_models(stored, tmp_path):
    """MLflow keeps one tracking URI for the whole process."""
    first, _ = stored
    frame, _ = snapshots(100, seed=1)
    here, there = (fitted(300, seed=seed).rank(frame) for seed in (0, 1))
    assert not np.array_equal(here, there)
    second = Registry(config_for(tmp_path))
    assert not second.has("challenger")
    assert second.log(training(fitted(300, seed=1))).version == "1"
    assert np.array_equal(first.load("challenger").rank(frame), here)
    assert first.log(training(fitted(300))).version == "2"
    assert np.array_equal(second.load("challenger").rank(frame), there)


def test_the_form_that_was_stored_before_is_refused_by_its_version(attacked):
    """scikit-learn's own calibrated classifier, whose sigmoid only private attributes give away."""
    registry, folder = attacked
    frame, won = snapshots(300)
    learner = FrozenEstimator(fitted(300).classifier.learner_)
    older = CalibratedClassifierCV(learner, method="sigmoid").fit(frame[names()], won)
    dump(older, folder / "model.skops")
    about = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
    del about["metadata"]["readiness"]["form"]
    (folder / "MLmodel").write_text(yaml.safe_dump(about), encoding="utf-8")
    with pytest.raises(BadInput, match=r"Version 1 of .* Train again"):
        registry.load("1")


def test_a_version_from_before_there_was_a_time_to_close_has_none(attacked):
    registry, folder = attacked
    about = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
    del about["metadata"]["readiness"]["time_to_close"]
    (folder / "MLmodel").write_text(yaml.safe_dump(about), encoding="utf-8")
    assert registry.load("1").time_to_close is None


def test_without_a_name_the_champion_is_picked_else_the_challenger(stored):
    registry, _ = stored
    first = registry.client.get_model_version(registry.name, "1")
    second = registry.client.create_model_version(
        registry.name, source=first.source, run_id=first.run_id
    )
    registry.client.set_registered_model_alias(registry.name, "challenger", "1")
    assert registry.pick(None).version == registry.pick("").version == "1"
    registry.set_champion(str(second.version))
    assert registry.pick(None).version == str(second.version)
    assert registry.pick("challenger").version == "1"


def test_artefacts_go_where_the_settings_say_and_are_not_moved_silently(tmp_path):
    config = config_for(tmp_path)
    mlflow = config.mlflow.model_copy(update={"artifacts": "shared/models"})
    config = config.model_copy(update={"mlflow": mlflow})
    Registry(config).log(training(fitted(300)))
    (stored,) = tmp_path.rglob("MLmodel")
    assert stored.is_relative_to(tmp_path / "shared" / "models")
    moved = config.mlflow.model_copy(update={"artifacts": "elsewhere"})
    with pytest.raises(BadInput, match="elsewhere"):
        Registry(config.model_copy(update={"mlflow": moved})).prepared()


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_that_does_not_come_to_its_end_says_so(error, status, tmp_path):
    registry = Registry(config_for(tmp_path))
    opened = []

    def work():
        with registry.training_run() as run_id:
            opened.append(registry.client.get_run(run_id))
            raise error

    with pytest.raises(type(error)):
        work()
    run_id = opened[0].info.run_id
    assert opened[0].info.status == "RUNNING"
    run = registry.client.get_run(run_id)
    assert run.info.status == status
    assert run.data.tags["mlflow.note.content"] == f"{status}: {type(error).__name__}"
    assert f"-{os.getpid()}-" in run.data.tags["readiness.process"]
    assert registry.log(training(fitted(300))).run_id != run_id  # no run is left active


def test_the_commit_is_that_of_the_settings_and_nothing_where_they_are_in_no_git(tmp_path):
    def commit_tag():
        with Registry(config_for(tmp_path)).training_run() as run_id:
            pass
        tags = Registry(config_for(tmp_path)).client.get_run(run_id).data.tags
        assert tags["mlflow.source.name"] == "readiness train"
        return tags.get("mlflow.source.git.commit")

    assert commit_tag() is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "settings"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert commit_tag() == head.stdout.strip()
