"""Every notebook runs from top to bottom and shows what it promises; and is committed clean."""

import ast
import os
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
MOST_LINES = 30  # of a cell
SECONDS = 300  # per cell; a busy machine is slow at times


def read(name):
    return nbformat.read(str(ROOT / "notebooks" / f"{name}.ipynb"), as_version=4)


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def parsed(cell):
    """The cell's Python, magics included (they become calls)."""
    return ast.parse(TransformerManager().transform_cell(cell.source))


def executed(name, tmp_path):
    """What the cells said, by id: a text of streams and results, `<picture>` for each picture."""
    cwd, own = tmp_path / "cwd", tmp_path / "ipython"
    cwd.mkdir()
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    client = NotebookClient(
        read(name),
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(cwd)}},
    )
    book = client.execute(env=os.environ | {"PYTHONPATH": path, "IPYTHONDIR": str(own)})
    assert list(cwd.iterdir()) == []  # nothing is left behind
    return {cell.id: "\n".join(map(_text, cell.outputs)) for cell in code_cells(book)}


def _text(output):
    if output.output_type == "stream":
        return output.text
    assert output.output_type != "error", output
    return "<picture>" if "image/png" in output.data else output.data["text/plain"]


def numbers(text):
    return [float(number) for number in re.findall(r"[-+]?\d+\.\d+", text)]


def pictures(texts):
    return {cell for cell, text in texts.items() if "<picture>" in text}


@pytest.mark.slow
def test_what_a_lead_did(tmp_path):
    texts = executed("01_what_a_lead_did", tmp_path)
    assert pictures(texts) == {"timeline", "truth-by-week", "by-cutoff-plot"}
    assert "Contract kept: True" in texts["open-database"]

    by_hand, feature = re.findall(r": (\d+)", texts["count-by-hand"])
    assert int(by_hand) == int(feature) > 0

    before, sharp, after = (
        float(line.split()[-1]) for line in texts["exactly-at"].splitlines()[1:]
    )
    assert (sharp, after) == (before, before + 1)
    midnight, later = (float(line.split()[-1]) for line in texts["late-seen"].splitlines()[1:])
    assert later == midnight + 1

    for lead, won in {
        "won on 2012-01-16 at 00:00:00, the cutoff": 1,
        "won on 2012-02-14 at 23:59:59, just in time": 1,
        "won on 2012-02-15 at 00:00:00, too late": 0,
        "lost on 2012-01-20": 0,
        "still open": 0,
    }.items():
        rows = re.findall(rf"^{lead} .*$", texts["worked-labels"], re.MULTILINE)
        assert " ".join(rows).replace(lead, "").split() == [str(won), "<NA>"]

    winner, other = texts["their-labels"].splitlines()[1:]
    assert re.search(r"\b945 +2024-11-04 +1 .*won", winner)
    assert re.search(r"\b899 +2024-11-04 +0 ", other)
    assert "won within 30 days" in texts["by-cutoff"]


@pytest.mark.slow
def test_train_track_compare(tmp_path):
    texts = executed("02_train_track_compare", tmp_path)
    plots = {"split-plot", "gain", "precision", "calibration", "two-opinions", "explain"}
    assert pictures(texts) == plots | {"load-both"}
    for changed in ("cutoff_every_days=28", "test_cutoffs=4", "windows_days=[7, 30, 90]"):
        assert changed in texts["edit-settings"]
    assert "candidates=3 folds=3 jobs=1" in texts["edit-settings"]

    assert "True" in texts["search"]  # one of the candidates is the chosen one
    assert "average precision" in texts["judged"]
    assert "model had it right" in texts["verdict"]
    assert "95% interval" in texts["verdict"]
    assert "features.json" in texts["artifacts"]
    assert "plots/gain.png" in texts["artifacts"]
    assert "mlflow ui --backend-store-uri sqlite:///" in texts["mlflow-ui"]
    assert re.match(r"Version 1 is .*champion", texts["promote"])

    base, moved, log_odds = numbers(texts["adds-up"].splitlines()[1])
    assert base + moved == pytest.approx(log_odds, abs=0.002)

    assert "'industry', 'company_size', 'country'] | version 2" in texts["challenger"]
    assert "challenger" in texts["judge-both"]
    assert texts["gate"].startswith("Version 2 is")
    assert re.search(r"^champion is version [12]$", texts["gate"], re.MULTILINE)
    assert len(texts["side-by-side"].splitlines()) == 3  # a header and two trainings


def test_every_notebook_is_run_here():
    here = Path(__file__).read_text(encoding="utf-8")
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        assert f'executed("{path.stem}", tmp_path)' in here


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_it_is_committed_clean(name):
    """No outputs and no counts, ids that say what a cell is about: a diff shows what changed."""
    book = read(name)
    nbformat.validate(book)
    assert book.metadata.kernelspec.name == "python3"
    for cell in code_cells(book):
        assert cell.outputs == []
        assert cell.execution_count is None
    for cell in book.cells:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", cell.id)
        assert "\u2014" not in cell.source


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_it_defines_nothing_and_keeps_cells_short(name):
    for cell in code_cells(read(name)):
        result = [node for node in ast.walk(parsed(cell)) if isinstance(node, DEFINITIONS)]
        assert result == [], f"{cell.id}: what is defined here belongs into a package"
        assert cell.source.count("\n") < MOST_LINES, cell.id


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_it_leaves_mlflow_to_the_registry(name):
    for cell in code_cells(read(name)):
        for node in ast.walk(parsed(cell)):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("mlflow") for alias in node.names)
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("mlflow")
