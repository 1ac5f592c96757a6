"""The words that docs/glossary.md avoids stay out of names, texts, pages and docs."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
CODE = ["features", "models", "training", "serve", "readiness", "benchmarks", "tests"]


def avoided(where):
    """The words of the glossary's table that are avoided there."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", GLOSSARY.read_text(encoding="utf-8"), re.M)
    return [word for words, place, *_ in rows if place == where for word in words.split(", ")]


def texts():
    """Every file that people read: code, pages, docs, notebooks, settings."""
    folders = [*CODE, "docs", "notebooks", "examples"]
    files = [file for folder in folders for file in (ROOT / folder).rglob("*")]
    kinds = {".py", ".html", ".md", ".ipynb", ".toml", ".sql"}
    own = [f for f in files if f.suffix in kinds and "out" not in f.relative_to(ROOT).parts]
    return [f for f in [*own, *ROOT.glob("*.md")] if f not in {GLOSSARY, ROOT / "CHANGELOG.md"}]


def lines(file):
    """Those of a file, without the pictures in a notebook: letters at random are no words."""
    text = re.sub(r'"image/png": ".*"', "", file.read_text(encoding="utf-8"))
    return text.splitlines()


def names(tree):
    """Every name that a module gives to something."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)):
                yield name


def test_the_glossary_names_words_to_avoid():
    assert "deed" in avoided("anywhere")
    assert "found" in avoided("as a name")


@pytest.mark.parametrize("word", avoided("anywhere"))
def test_an_avoided_word_stands_nowhere(word):
    pattern = re.compile(rf"(?<![a-z]){re.escape(word)}(?![a-z])", re.IGNORECASE)
    here = Path(__file__)
    places = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in texts()
        if file != here
        for number, line in enumerate(lines(file), start=1)
        if pattern.search(line)
    ]
    assert places == []


@pytest.mark.parametrize("folder", CODE)
def test_no_name_is_an_avoided_word(folder):
    words = set(avoided("as a name"))
    places = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in (ROOT / folder).rglob("*.py")
        for name in names(ast.parse(file.read_text(encoding="utf-8")))
        if name.strip("_") in words
    }
    assert sorted(places) == []
