"""Every settings file is checked before any work, whichever the verb; a named one must be there."""

from pathlib import Path

import pytest

from features.conditions.segments import load_segments
from features.config import load
from features.errors import BadInput
from tests.readiness.running import SETTINGS, little_folder, readiness

KEYS = ("rules", "sources", "funnel", "segments", "titles", "roles")
VERBS = {
    "check": (), "features": (), "train": (), "promote": (), "score": (), "monitor": (),
    "compare": (), "card": (), "funnel": (), "plan": (),
    "segments": (), "sources": (), "feedback": (),
    "effect": (), "history": (), "rollback": ("--because", "why"),
    "explain": ("1",), "override": ("1",),
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("verb", ["check", "score", "history"])
def test_a_named_file_must_be_there(tmp_path: Path, key: str, verb: str) -> None:
    little_folder(tmp_path, settings=f'{key} = "mistyped.toml"\n{SETTINGS}')
    ran = readiness(verb, tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert str(tmp_path / "mistyped.toml") in ran.err


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_wrong_in_any_file_is_reported_by_every_verb(tmp_path: Path, verb: str) -> None:
    little_folder(tmp_path)
    for key in KEYS:
        (tmp_path / f"{key}.toml").write_text(f"[no_{key}]\n")
    ran = readiness(verb, *VERBS[verb], tmp_path)
    assert (ran.code, ran.out) == (2, "")
    for key in KEYS:
        assert f"no_{key}: unknown key" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("key", ["sources", "funnel", "segments"])
def test_without_a_name_and_a_file_there_is_none(tmp_path: Path, key: str) -> None:
    config = load(little_folder(tmp_path))
    assert config.optional_file(key) is None
    assert load_segments(config).segments == ()


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    little_folder(tmp_path)
    (tmp_path / "segments.toml").mkdir()
    with pytest.raises(BadInput, match=r"segments\.toml"):
        load_segments(load(tmp_path))


@pytest.mark.parametrize(
    "names",
    ['model = "leads/2026"', 'model = "a:b"', 'model = ".."', 'model = " "', 'experiment = ""'],
)
def test_names_that_mlflow_refuses_are_refused_at_once(tmp_path: Path, names: str) -> None:
    little_folder(tmp_path, settings=f"{SETTINGS}\n[mlflow]\n{names}\n")
    for verb in ("check", "train", "monitor"):
        ran = readiness(verb, tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert f"mlflow.{names.split()[0]}: " in ran.err
