"""A registered model scores raw events where this project is not installed: loaded by plain MLflow,
and served by it over HTTP; to the last bit as `Scorer.score` does."""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from datetime import datetime
from importlib.metadata import packages_distributions
from pathlib import Path

import pandas as pd
import pytest

from features.config import load
from features.errors import BadInput
from models.from_events import CODE, OUTPUTS, REQUIREMENTS, nested_columns
from models.registry import Registry
from serve.scoring.from_events import EventsModel, _load_pyfunc
from serve.scoring.scorer import COLUMNS, Scorer

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
CUTOFF = datetime(2025, 3, 3, 9, 30)
# Run before anything else: this project's packages are not to be found, however it is installed.
ABSENT = f"""
import sys
sys.meta_path = [f for f in sys.meta_path if "__editable__" not in getattr(f, "__module__", "")]
sys.path = [p for p in sys.path if not p.startswith(({str(ROOT)!r}, "__editable__"))]
sys.path += [p for p in {sys.path!r} if p.endswith("-packages")]
import importlib.util
assert not any(importlib.util.find_spec(name) for name in {(*CODE, "training", "readiness")!r})
"""
LOADED = """
import json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
rows = pd.DataFrame(json.load(open(sys.argv[2])))
scores = model.predict(rows, params={"cutoff": sys.argv[3]})
import features
assert features.__file__.startswith(sys.argv[1]), features.__file__
scores.to_json(sys.argv[4], orient="records", date_format="iso", double_precision=15)
print(json.dumps([scores["lead_id"].tolist(), scores["readiness"].tolist()]))
"""


@pytest.fixture(scope="module")
def folder(demo_folder, trained, tmp_path_factory):
    """The registered model, moved to where nothing else is."""
    _, _, stored = Registry(load(demo_folder)).verified("champion")
    return Path(shutil.copytree(stored, tmp_path_factory.mktemp("elsewhere") / "model"))


@pytest.fixture(scope="module")
def frames(demo_folder):
    """Of 300 leads, open and closed."""
    leads = pd.read_parquet(demo_folder / "leads.parquet").sort_values("created_at")
    leads = leads[leads["created_at"] < CUTOFF].tail(300)
    tables = {
        name: pd.read_parquet(demo_folder / f"{name}.parquet") for name in ("events", "deals")
    }
    for name, rows in tables.items():
        tables[name] = rows[rows["lead_id"].isin(leads["lead_id"])]
    return tables | {"leads": leads}


@pytest.fixture(scope="module")
def rows(frames):
    """The same as JSON: a row per lead with its events and deals, times as texts."""
    nested = {}
    for name in ("events", "deals"):
        known = [column for column in nested_columns(name) if column in frames[name]]
        text = frames[name][["lead_id", *known]].to_json(
            orient="records", date_format="iso", date_unit="us", double_precision=15
        )
        for row in json.loads(text):
            lead = row.pop("lead_id")
            nested.setdefault(name, {}).setdefault(lead, []).append(
                {key: value for key, value in row.items() if value is not None}
            )
    leads = frames["leads"].to_json(orient="records", date_format="iso", date_unit="us")
    return [
        lead | {name: nested[name].get(lead["lead_id"], []) for name in nested}
        for lead in json.loads(leads)
    ]


@pytest.fixture(scope="module")
def expected(demo_folder, frames):
    """What the scorer of the registry says of the same leads: readiness, by lead; None where a lead
    is closed at the cutoff."""
    config = load(demo_folder)
    scored = Scorer.of(config, "champion").score(**frames, cutoff=CUTOFF).set_index("lead_id")
    result = scored.reindex(frames["leads"]["lead_id"])
    assert 50 < result["readiness"].notna().sum() < len(result)
    return result


def records(frame):
    """Rows as plain values: nulls as None, times as texts."""
    text = frame.reset_index().to_json(orient="records", date_format="iso", double_precision=15)
    return json.loads(text)


def exact(frame):
    return [None if pd.isna(value) else value for value in frame["readiness"]]


def environment(folder):
    """An environment in which this project is not to be found."""
    (folder / "sitecustomize.py").write_text(ABSENT)
    return os.environ | {
        "PYTHONPATH": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # uvicorn's
        "OMP_NUM_THREADS": "1",
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "600",  # the first request compiles
    }


@pytest.mark.long
def test_plain_mlflow_scores_events_where_this_project_is_absent(folder, rows, expected, tmp_path):
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    (tmp_path / "loaded.py").write_text(textwrap.dedent(LOADED))
    paths = folder, tmp_path / "rows.json", CUTOFF.isoformat(), tmp_path / "scores.json"
    done = subprocess.run(
        [sys.executable, tmp_path / "loaded.py", *map(str, paths)],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    leads, readiness = json.loads(done.stdout.splitlines()[-1])
    assert leads == list(expected.index)
    assert [None if value != value else value for value in readiness] == exact(expected)
    assert json.loads((tmp_path / "scores.json").read_text()) == records(expected)


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """The address of `mlflow models serve`, where this project is absent."""
    home = tmp_path_factory.mktemp("server")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "mlflow", "models", "serve", "-m", folder, "--env-manager", "local"]
    running = subprocess.Popen(
        [sys.executable, *command, "-h", "127.0.0.1", "-p", str(port), "-w", "1"],
        cwd=home,
        env=environment(home),
        stdout=(home / "log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 300  # a busy machine is slow at times
        while True:
            assert running.poll() is None, (home / "log").read_text()
            assert time.monotonic() < deadline, (home / "log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
                break
            except OSError:
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, 15)
        running.wait(timeout=60)


def post(address, **body):
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=600) as response:
        return json.load(response)["predictions"]


@pytest.mark.long
def test_mlflow_serves_it(server, rows, expected):
    params = {"cutoff": CUTOFF.isoformat()}
    answers = post(server, dataframe_records=rows, params=params)
    assert [answer["lead_id"] for answer in answers] == list(expected.index)
    assert [answer["readiness"] for answer in answers] == exact(expected)
    for name in ("rule_score", "band", "reasons"):
        values = [None if pd.isna(value) else value for value in expected[name]]
        assert [answer[name] for answer in answers] == values, name
    columns = list(rows[0])
    split = {"columns": columns, "data": [[row[name] for name in columns] for row in rows]}
    assert post(server, dataframe_split=split, params=params) == answers


@pytest.mark.long
def test_one_lead_in_json_as_it_is_documented(server, rows, expected):
    """By its own offset: 09:30 in UTC."""
    place = next(n for n, value in enumerate(exact(expected)) if value is not None)
    (answer,) = post(
        server, dataframe_records=[rows[place]], params={"cutoff": "2025-03-03T11:30:00+02:00"}
    )
    assert answer["readiness"] == exact(expected)[place]


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "params", "named"),
    [
        ({}, {}, "cutoff"),
        ({}, {"cutoff": "soon"}, "'soon'"),
        ({"created_at": "soon"}, {"cutoff": "2025-03-03"}, "created_at"),
        ({"events": [{"action": "visited"}]}, {"cutoff": "2025-03-03"}, "occurred_at"),
    ],
)
def test_a_wrong_request_is_refused_by_name(server, rows, change, params, named):
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(server, dataframe_records=[rows[0] | change], params=params)
    assert refused.value.code == 400
    assert named in refused.value.read().decode()


def test_the_example_is_scored_and_is_nobody_s(folder, trained, frames):
    served = json.loads((folder / "serving_input_example.json").read_text())
    split = served["dataframe_split"]
    example = pd.DataFrame(split["data"], columns=split["columns"])
    scores = _load_pyfunc(str(folder)).predict(example, served["params"])
    assert list(scores.columns) == ["lead_id", *OUTPUTS] == COLUMNS
    assert scores["readiness"].between(0, 1).all()
    assert not set(example["created_at"]) & set(frames["leads"]["created_at"].astype(str))
    assert example["source"].tolist() == ["a text"] * 2


def test_the_order_given_is_the_order_returned_and_nobody_is_lost(folder, rows, expected):
    model = _load_pyfunc(str(folder))
    turned = pd.DataFrame(rows[:40][::-1])
    scores = model.predict(turned, {"cutoff": CUTOFF.isoformat()})
    assert list(scores["lead_id"]) == list(turned["lead_id"])
    assert exact(scores) == exact(expected)[:40][::-1]
    assert isinstance(model, EventsModel)
    assert isinstance(model.get_raw_model(), Scorer)


def test_events_may_be_missing_and_a_lead_twice_is_refused(folder, rows):
    model, params = _load_pyfunc(str(folder)), {"cutoff": CUTOFF.isoformat()}
    nothing = [row | {"events": [], "deals": []} for row in rows[:3]]
    assert model.predict(pd.DataFrame(nothing), params)["readiness"].notna().all()
    with pytest.raises(BadInput, match=str(rows[0]["lead_id"])):
        model.predict(pd.DataFrame([rows[0], rows[0]]), params)


def test_the_settings_that_travel_hold_no_table_and_no_address(folder, demo_folder):
    settings = load(folder / "settings")
    assert settings.tables.database is None
    assert (settings.tables.leads, settings.mlflow) == ("leads", type(settings.mlflow)())
    assert str(demo_folder) not in (folder / "settings" / "readiness.toml").read_text()
    assert not list(folder.rglob("*.parquet"))


def test_exactly_what_is_imported_is_required():
    """Every third-party package that an imported module of ours imports, at its top or within a
    function; but pyspark, which the settings that travel never name."""
    code = "import sys, serve.scoring.from_events; print(*(m.__file__ for n, m in "
    code += f"sys.modules.items() if n.partition('.')[0] in {CODE!r}), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    imported = set()
    for file in done.stdout.split():
        tree = ast.parse(Path(file).read_text())
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        for node in (*tree.body, *(inner for each in functions for inner in ast.walk(each))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    known = packages_distributions()
    outside = {
        known[name][0] for name in imported - {*CODE, "pyspark", "py4j"} - sys.stdlib_module_names
    }
    assert outside == set(REQUIREMENTS)
