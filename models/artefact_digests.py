"""The files of a registered version are those that were promoted: their digests stand in the
champion's history, and are compared whenever the version is loaded.

A version that was never promoted, or by a release before this one, has none there: it is loaded as
it is. What MLflow and Python add on reading (the `__pycache__` of the code that travels, where
MLflow loads the model), and the input examples, are not looked at: no model is read from them, and
a lead may have to be forgotten there.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from features.config import Config
from features.errors import BadInput
from models.decisions.champion_changes import UNFINISHED, changes_at
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions

KEY = "files"  # of the evidence of a change
INPUT_EXAMPLES = {"input_example.json", "serving_input_example.json"}
_NOT_OF_THE_MODEL = {"registered_model_meta", *INPUT_EXAMPLES}


def model_files(folder: Path) -> list[Path]:
    """The files of the folder that a model is read from, at any depth, sorted."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.name not in _NOT_OF_THE_MODEL and "__pycache__" not in path.parts and path.is_file()
    )


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each of the `model_files`, by its path in the folder."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in model_files(folder)
    }


def require_unchanged(config: Config, version: str, folder: Path) -> None:
    """Raises BadInput, naming the files, where they are not those that were promoted."""
    promoted = _promoted(config, version)
    present = digests(folder) if promoted else {}
    changed = sorted(
        name for name in promoted.keys() | present.keys() if promoted.get(name) != present.get(name)
    )
    if changed:
        raise BadInput(
            f"Version {version} of the model {config.mlflow.model} is not as it was promoted: "
            f"{', '.join(changed)} changed, in {folder}. It was not loaded. Put the files back "
            "from a backup, or go back to an earlier champion with `readiness rollback`; without "
            "one, delete the alias champion in MLflow, train and promote again."
        )


def _promoted(config: Config, version: str) -> Mapping[str, str]:
    """The digests in the last change that set this version as champion and has some; else none."""
    place = LedgerPlace.of(config)
    if not place.has_decisions:
        return {}
    with open_decisions(place) as store:
        changes = changes_at(store, *UNFINISHED, "done")
    known = [c.evidence[KEY] for c in changes if c.new_version == version and KEY in c.evidence]
    return known[-1] if known else {}
