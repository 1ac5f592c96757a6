"""The generated reference pages are what the code says now."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import readiness as rd

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", REFERENCE / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("page", "made_by"),
    [
        ("settings.md", "settings_page"),
        ("commands.md", "commands_page"),
        ("python.md", "python_page"),
    ],
)
def test_a_reference_page_is_fresh(generate, page, made_by):
    """Else: .venv/bin/python docs/reference/generate.py"""
    assert (REFERENCE / page).read_text(encoding="utf-8") == getattr(generate, made_by)()


def test_every_key_of_the_settings_is_in_the_page(generate):
    page = generate.settings_page()
    config = generate.Config
    keys = [*config.model_fields, *config.model_fields["routing"].annotation.model_fields]
    missing = [key for key in keys if key not in page and key != "path"]
    assert missing == []


def test_every_public_name_is_in_the_page_with_its_parameters(generate):
    page = generate.python_page()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, flags=re.M | re.S))
    assert list(sections) == [name for name in rd.__all__ if name != "__version__"]
    parameters = {name: inspect.signature(getattr(rd, name)).parameters for name in sections}
    assert {n: [p for p in ps if p not in sections[n]] for n, ps in parameters.items()} == {
        name: [] for name in sections
    }
    assert " at 0x" not in page
