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


def written(folder):
    """The runs of the ledger and the pages, by when they were written."""
    files = [file for kind in ("parquet", "html") for file in folder.rglob(f"*.{kind}")]
    return sorted((file, file.stat().st_mtime_ns) for file in files)


@pytest.mark.parametrize(
    "words", [("score",), ("explain", "1999"), ("monitor",), ("compare",)], ids=lambda each: each[0]
)
def test_it_is_refused_and_the_file_is_named(changed, words):
    before = written(changed)
    ran = readiness(*words, changed, "--json")
    assert ran.code == 2
    assert "model.skops" in ran.result["error"]
    assert written(changed) == before
