"""docs/architecture.md, the floors declared in pyproject.toml and the imports of the code agree."""

import ast
import re
import tomllib
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("features", "models", "training", "serve", "readiness")
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]
FLOORS = {
    contract["containers"][0]: contract
    for contract in LINTER["contracts"]
    if "containers" in contract
}


def floors(names):
    return [set(re.split(r"[|:,\s]+", floor)) for floor in names]


def folder_imports(package):
    """Which folders and files of a package import which others of it, directly."""
    graph = grimp.build_graph(package, cache_dir=None)
    result = defaultdict(set)
    for module in graph.modules - {package}:
        for other in graph.find_modules_directly_imported_by(module) - {package}:
            one, two = (name.split(".")[1] for name in (module, other))
            if one != two:
                result[one].add(two)
    return result


def test_the_declared_floors_are_those_of_the_code():
    """Each folder and file has its floor ("exhaustive"), and imports from lower ones only."""
    assert all(contract["exhaustive"] for contract in FLOORS.values())
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_depends_in_a_ring_on_another(package):
    imports = folder_imports(package)
    assert imports
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" > ".join(error.args[1]))


def test_the_diagram_shows_the_declared_floors():
    sample = defaultdict(dict)
    for package, number, names in re.findall(r"\b([a-z]+)(\d+)\[\"(.*?)\"\]", PAGE):
        sample[package][int(number)] = names
    assert {package: floors(each[n] for n in sorted(each)) for package, each in sample.items()} == {
        package.split(".")[-1]: floors(contract["layers"]) for package, contract in FLOORS.items()
    }


def defined(path):
    """The functions and classes at the top of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_the_walks_name_what_exists():
    steps = re.findall(r"`([a-z_/]+\.py): (\w+)`", PAGE)
    assert len(steps) > 15
    assert [f"{path}: {name}" for path, name in steps if name not in defined(path)] == []


def test_the_walks_go_where_the_imports_go():
    """Each file of a walk is imported, at whatever remove, by the file whose work it shows."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    event, outcome = PAGE.split("## From ")[1:]
    for walk, end in ((event, "serve.scoring.batch"), (outcome, "training.train")):
        for path in re.findall(r"`([a-z_/]+)\.py: \w+`", walk):
            module = path.replace("/", ".")
            assert module == end or module in graph.find_upstream_modules(end), module
