"""A champion whose file was changed after its promotion is used by no verb."""

import pytest

from features.config import load
from models.registry import Registry
from tests.readiness.running import readiness


@pytest.fixture
def changed(company):
    """The folder of a company, one byte of whose champion is another; put back afterwards."""
    path = Registry(load(company.folder)).files("1") / "model.skops"
    sound = path.read_bytes()
    path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    yield company.folder
    path.write_bytes(sound)


@pytest.mark.parametrize(
    "words", [("score",), ("explain", "1999"), ("monitor",), ("compare",)], ids=lambda each: each[0]
)
def test_it_is_refused_and_the_file_is_named(changed, words):
    before = sorted((path, path.stat().st_size) for path in changed.rglob("*.duckdb"))
    ran = readiness(*words, changed, "--json")
    assert ran.code == 2
    assert "model.skops" in ran.result["error"]
    assert sorted((path, path.stat().st_size) for path in changed.rglob("*.duckdb")) == before
