"""Every notebook runs from top to bottom, and is shipped with what that run prints and draws."""

import ast
import base64
import importlib.util
import io
import re
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
MOST_LINES = 30  # of a cell
MOST_LINES_DEFINED = 5  # of what is defined in a notebook
# What no two runs have in common: the time of a run, its folders, and MLflow's ids and names.
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "<now>"),
    (re.compile(r"(sqlite:///)?(?<![\w.])/[\w./+-]+"), "<path>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b[a-z]+-[a-z]+-\d{1,3}\b"), "<run>"),
)


def _refresh():
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "notebooks" / "refresh.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


refresh = _refresh()


def read(path):
    return nbformat.read(str(path), as_version=4)


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def parsed(cell):
    """The cell's Python, magics included (they become calls)."""
    return ast.parse(TransformerManager().transform_cell(cell.source))


def executed(name, tmp_path):
    """What the cells print in a run now, by id, which is what is shipped; skips a notebook whose
    data are not here."""
    path = ROOT / "notebooks" / f"{name}.ipynb"
    if absent := refresh.absent(path):
        pytest.skip(f"{path.name} needs {absent} (examples/bpic2012/README.md)")
    folder = tmp_path / "cwd"
    folder.mkdir()
    book = refresh.execute(path, folder)
    assert list(folder.iterdir()) == []  # nothing is left behind
    result, shipped = texts(book), texts(read(path))
    for cell in result:
        assert steady(result[cell]) == steady(shipped[cell]), f"{cell}: make notebooks"
    for new, old in zip(pictures(book), pictures(read(path)), strict=True):
        assert alike(new, old), "a picture has changed: make notebooks"
    return result


def texts(book):
    """By the id of the cell: streams and results, `<picture>` for each picture."""
    return {cell.id: "".join(map(_text, cell.outputs)) for cell in code_cells(book)}


def _text(output):
    if output.output_type == "stream":
        assert output.name == "stdout", output.text
        return output.text
    assert output.output_type != "error", output
    if "image/png" in output.data:
        return "<picture>\n"
    return output.data.get("text/markdown", output.data["text/plain"]) + "\n"


def steady(text):
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return text


def pictures(book):
    outputs = [each for cell in code_cells(book) for each in cell.outputs]
    encoded = [each.data["image/png"] for each in outputs if "image/png" in each.get("data", {})]
    return [matplotlib.image.imread(io.BytesIO(base64.b64decode(each))) for each in encoded]


def alike(one, other):
    """Equal, but for a pixel of the size and for how letters are smoothed."""
    if np.abs(np.subtract(one.shape, other.shape)).max() > 2:
        return False
    height, width = np.minimum(one.shape, other.shape)[:2]
    return np.abs(one[:height, :width] - other[:height, :width]).mean() < 0.01


def numbers(text):
    return [float(number) for number in re.findall(r"[-+]?\d+\.\d+", text)]


@pytest.mark.long
def test_what_a_lead_did(tmp_path):
    printed = executed("01_what_a_lead_did", tmp_path)
    assert "Contract kept: True" in printed["open-database"]

    by_hand, feature = re.findall(r": (\d+)", printed["count-by-hand"])
    assert int(by_hand) == int(feature) > 0

    before, sharp, after = (
        float(line.split()[-1]) for line in printed["exactly-at"].splitlines()[1:]
    )
    assert (sharp, after) == (before, before + 1)
    midnight, later = (float(line.split()[-1]) for line in printed["late-seen"].splitlines()[1:])
    assert later == midnight + 1

    for lead, won in {
        "won on 2012-01-16 at 00:00:00, the cutoff": 1,
        "won on 2012-02-14 at 23:59:59, just in time": 1,
        "won on 2012-02-15 at 00:00:00, too late": 0,
        "lost on 2012-01-20": 0,
        "still open": 0,
    }.items():
        rows = re.findall(rf"^{lead} .*$", printed["worked-labels"], re.MULTILINE)
        assert " ".join(rows).replace(lead, "").split() == [str(won), "<NA>"]

    winner, other = printed["their-labels"].splitlines()[1:]
    assert re.search(r"\b945 +2024-11-04 +1 .*won", winner)
    assert re.search(r"\b899 +2024-11-04 +0 ", other)
    assert "won within 30 days" in printed["by-cutoff"]


@pytest.mark.long
def test_train_track_compare(tmp_path):
    printed = executed("02_train_track_compare", tmp_path)
    for changed in ("cutoff_every_days=28", "test_cutoffs=4", "windows_days=[30]"):
        assert changed in printed["edit-settings"]
    assert "candidates=2 folds=1 jobs=1" in printed["edit-settings"]

    assert "True" in printed["search"]  # one of the candidates is the chosen one
    assert "average precision" in printed["judged"]
    assert "model had it right" in printed["verdict"]
    assert "95% interval" in printed["verdict"]
    assert "features.json" in printed["artifacts"]
    assert "plots/gain.png" in printed["artifacts"]
    assert "mlflow ui --backend-store-uri sqlite:///" in printed["mlflow-ui"]
    assert re.match(r"Version 1 is .*champion", printed["promote"])

    base, moved, log_odds = numbers(printed["adds-up"].splitlines()[1])
    assert base + moved == pytest.approx(log_odds, abs=0.002)

    assert "'industry', 'company_size', 'country'] | version 2" in printed["challenger"]
    assert printed["gate"].startswith("Version 2 is")
    assert re.search(r"^champion is version [12]$", printed["gate"], re.MULTILINE)
    assert len(printed["side-by-side"].splitlines()) == 3  # a header and two trainings


@pytest.mark.long
def test_your_crm(tmp_path):
    printed = executed("03_your_crm", tmp_path)
    assert "'Signed'" in printed["init"]
    breaches = re.findall(r"^BREACHES: ([\w.]+)", printed["check"], re.MULTILINE)
    assert breaches == ["leads.lead_id", "deals.closed_at"]
    assert "kept: True" in printed["check-again"]
    assert "BREACHES" not in printed["check-again"]


@pytest.mark.long
def test_a_real_log(tmp_path):
    printed = executed("04_a_real_log", tmp_path)
    assert "13,087 leads" in printed["open"]


@pytest.mark.long
def test_how_long_a_list(tmp_path):
    printed = executed("05_how_long_a_list", tmp_path)
    deal, on_the_list = map(int, re.findall(r"(\d+) euros", printed["figures"].replace(",", "")))
    assert on_the_list == round(0.05 * deal)
    assert numbers(printed["figures"])[-1] == pytest.approx(100 * 30 / on_the_list, rel=0.01)
    lengths = [int(row.split()[1]) for row in printed["sensitivity"].splitlines()[2:7]]
    assert lengths == sorted(lengths)  # the more a call does, the longer the list that pays


@pytest.mark.long
def test_your_own_feature(tmp_path):
    printed = executed("06_your_own_feature", tmp_path)
    weeks = [line.split()[-1] for line in printed["example"].splitlines()[1:]]
    assert weeks == ["2.0", "NaN", "1.0"]
    for candidate in ("two features more", "logistic regression", "random forest"):
        assert candidate in printed["answer"]


@pytest.mark.long
def test_leaks(tmp_path):
    printed = executed("07_leaks", tmp_path)
    assert "findings: 0" in printed["clean"]
    for planted in ("action:had_meeting", "column:account_manager", "column:vendor_score"):
        assert planted in printed["findings"]
    assert "that are left: 0" in printed["cured"]
    assert "honest company: True" in printed["cured"]
    folds = [numbers(line)[-3:] for line in printed["train-and-test"].splitlines()[2:]]
    assert all(on_the_day < honest < leaky for honest, leaky, on_the_day in folds)


@pytest.mark.long
def test_watch_a_model(tmp_path):
    printed = executed("08_watch_a_model", tmp_path)
    assert "viewed_prices is new" in printed["finding"]
    assert re.search(r"Up to the change 0 of\s2 lists", printed["answer"])
    assert "red" not in printed["cure"]


def test_every_notebook_is_run_here():
    here = Path(__file__).read_text(encoding="utf-8")
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        assert f'executed("{path.stem}", tmp_path)' in here


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_shipped_as_one_run_left_it(path):
    """Ids say what a cell is about, and nothing of the machine is stored: a diff shows changes."""
    book = read(path)
    nbformat.validate(book)
    assert book.metadata.kernelspec.name == "python3"
    assert "version" not in book.metadata.language_info
    cells = code_cells(book)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in book.cells:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", cell.id)
        assert cell.metadata.keys() <= {"tags"}
        assert "\u2014" not in cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_begins_with_a_question_and_ends_with_the_answer(path):
    book = read(path)
    assert "?" in book.cells[0].source
    last = book.cells[-1]
    (output,) = last.outputs
    assert output.data["text/markdown"].startswith("## Answer")
    assert re.search(r"\d", output.data["text/markdown"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_defines_little_and_keeps_cells_short(path):
    for cell in code_cells(read(path)):
        for node in ast.walk(parsed(cell)):
            if isinstance(node, DEFINITIONS):
                lines = node.end_lineno - node.lineno + 1
                assert lines <= MOST_LINES_DEFINED, f"{cell.id}: this belongs into a package"
        assert cell.source.count("\n") < MOST_LINES, cell.id


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_leaves_mlflow_to_the_registry(path):
    for cell in code_cells(read(path)):
        for node in ast.walk(parsed(cell)):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("mlflow") for alias in node.names)
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("mlflow")
