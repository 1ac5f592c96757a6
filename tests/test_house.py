"""The house stands where it should, and keeps its own rules."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["features", "models", "training", "serve", "readiness"]
ONLY_ONE = {"mlflow": "models/registry.py", "pyspark": "features/spark/session.py"}


def own_files():
    """Every .py file of this repository; what is installed or made is not its own."""
    folders = [each for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")]
    own = [each for each in folders if each.name != "build" and not (each / "pyvenv.cfg").exists()]
    files = [file for folder in (*own, ROOT / ".ci") for file in folder.rglob("*.py")]
    every = [file.relative_to(ROOT) for file in (*files, *ROOT.glob("*.py"))]
    return [file.as_posix() for file in every if "out" not in file.parts]


def imported(name):
    """The modules that a file imports, wherever in it."""
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_one_place_opens_a_duckdb():
    """One that prints a progress bar among the results of a command would be a second."""
    opened = {
        name
        for name in own_files()
        if name.split("/")[0] in PACKAGES
        and "duckdb.connect(" in (ROOT / name).read_text(encoding="utf-8")
    }
    assert opened == {"features/contract/extensions.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_this_repository_s(package):
    """Their names are common words: another installed package must not stand in for them."""
    assert Path(importlib.import_module(package).__file__).parent == ROOT / package


@pytest.mark.parametrize("package", ONLY_ONE)
def test_only_one_file_imports_what_is_to_stay_apart(package):
    importers = {
        name
        for name in own_files()
        if any(module.partition(".")[0] == package for module in imported(name))
    }
    assert importers == {ONLY_ONE[package]}
