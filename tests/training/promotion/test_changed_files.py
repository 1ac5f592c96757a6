"""A version whose files are not those that were promoted is not loaded, and they are named."""

import re
from hashlib import sha256

import pytest

from features.errors import BadInput
from models.artefact_digests import KEY, digests
from tests.training.promotion.changes import FIGURES, promoted
from training.promotion.history import rollback


@pytest.fixture
def champion(company):
    """Settings, registry and files of version 2, promoted after 1, both with their digests; the
    files are put back afterwards."""
    config, registry = company
    for old, new in ((None, "1"), ("1", "2")):
        promoted(company, old, new, evidence=FIGURES | {KEY: digests(registry.files(new))})
    folder = registry.files("2")
    sound = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    yield config, registry, folder
    for path, content in sound.items():
        path.write_bytes(content)


def test_the_digests_are_of_the_files(tmp_path):
    (tmp_path / "code").mkdir()
    for name in ("b", "code/a", "input_example.json", "registered_model_meta"):
        (tmp_path / name).write_bytes(name.encode())
    expected = [(name, sha256(name.encode()).hexdigest()) for name in ("b", "code/a")]
    assert list(digests(tmp_path).items()) == expected


def test_sound_files_are_loaded_again_and_again(champion):
    _, registry, _ = champion
    assert [registry.load("champion").version for _ in range(3)] == ["2"] * 3


@pytest.mark.parametrize("name", ["model.skops", "MLmodel"])
def test_a_changed_file_is_named(champion, name):
    _, registry, folder = champion
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    for which in ("champion", "2"):
        with pytest.raises(BadInput, match=rf"Version 2 .*: {re.escape(name)} changed"):
            registry.load(which)
    assert registry.load("1").version == "1"


def test_added_and_removed_files_are_named(champion):
    _, registry, folder = champion
    (folder / "more.py").write_text("")
    (folder / "conda.yaml").unlink()
    try:
        with pytest.raises(BadInput, match=r": conda\.yaml, more\.py changed"):
            registry.load("champion")
    finally:
        (folder / "more.py").unlink()


def test_the_way_back_from_it_is_open(champion):
    config, registry, folder = champion
    (folder / "model.skops").write_bytes(b"")
    rollback(config, "somebody changed it")
    assert registry.load("champion").version == "1"


def test_a_champion_of_an_earlier_release_has_no_digests(company):
    _, registry = company
    promoted(company, None, "3")
    path = registry.files("3") / "requirements.txt"
    sound = path.read_bytes()
    path.write_bytes(sound + b"\n")
    assert registry.load("champion").version == "3"
    path.write_bytes(sound)
