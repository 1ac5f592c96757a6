"""The same run again, where nothing changed: what the last one printed, without opening a table.

The last run leaves a digest of its inputs and what it was in `out/last_run.json`. A file of the
inputs that was touched since, other settings, rules or segments, another model, or a run that the
ledger has no longer as it was, and all is done as ever. So is it where the clock matters: at the
first run over data up to 2026-11-20 14:00, at 15:00, the default cutoff is just after them; from
midnight on it is 2026-11-21 00:00, which is another run.

Where MLflow's store and the model are files here, and none of them was touched either, MLflow
is not asked: its import alone takes seconds.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.config import Config
from features.contract.breaches import IN_FUTURE
from features.cutoffs import utc_now
from features.fingerprint import file_states, inputs_fingerprint
from features.masking import without_secrets
from features.whole_file import write_whole
from models.artefact_digests import model_files
from models.decisions.place import LedgerPlace
from models.rules.rules import RuleScore, load_rules, rules_folder, store
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run, RunFigures
from serve.scoring.scored import Scored, Unscored, default_cutoff

if TYPE_CHECKING:
    from serve.scoring.scorer import Scorer

LAST_RUN = "last_run.json"  # in the folder `out`
# What is not there, or is of another release.
NOT_REMEMBERED = (OSError, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class Registered:
    """A registered version that was verified: the run of its training, the folder with its files,
    and the `file_states` of all that this depends on, None where these are not files."""

    version: str
    training: str
    folder: str
    states: str | None

    @classmethod
    def of(cls, config: Config, which: str) -> Registered | None:
        """What the last run left, where it still holds; else MLflow is asked. None without a
        champion. Raises as Registry.load."""
        with suppress(*NOT_REMEMBERED):
            last = cls(**_last_run(config)["models"][which])
            if last.states is not None and last.states == _states(config, Path(last.folder)):
                return last
        from models.registry import CHAMPION, Registry

        registry = Registry(config)
        if which == CHAMPION and not registry.has(CHAMPION):
            return None
        version, training, folder = registry.verified(which)
        return cls(version, training, str(folder), _states(config, folder))


def _states(config: Config, model: Path) -> str | None:
    """The states of MLflow's store, of the champion's history and of the model's files. A model
    that MLflow fetched from elsewhere is new here, and so has none."""
    place, store = LedgerPlace.of(config), config.mlflow_uri.removeprefix("sqlite:///")
    if place.server or store == config.mlflow_uri:
        return None
    databases = [Path(store), *[place.decisions_file] * place.has_decisions]
    logs = [path.with_name(f"{path.name}-wal") for path in databases]
    if any(path.is_file() and path.stat().st_size for path in logs):
        return None
    return file_states([*databases, *model_files(model)])


@dataclass(frozen=True)
class RunInputs:
    """What a run depends on but for its cutoff: `digest` of all of it, the alias or version that
    was asked for, the model that it is, and the rules."""

    digest: str
    which: str
    model: Registered
    rules: RuleScore

    @classmethod
    def of(cls, config: Config, which: str) -> RunInputs | None:
        """As they are now, before the tables are read; the model is not loaded, which takes
        seconds. None where the inputs cannot be seen from outside (features/fingerprint.py), and
        without a champion, for why there is none is worked out from the data. Raises as
        Registry.load."""
        inputs = inputs_fingerprint(config)
        model = None if inputs is None else Registered.of(config, which)
        if model is None:
            return None
        rules = load_rules(config.folder / config.rules)
        release = version("sales-readiness")
        of = (inputs, model.training, model.version, rules.version, release)
        return cls(sha256(repr(of).encode()).hexdigest(), which, model, rules)

    def scorer(self, config: Config) -> Scorer:
        """The model as the files have it, beside the rules of today. Raises as Registry.load."""
        from models.stored_version import read_version
        from serve.scoring.scorer import Scorer

        known = self.model
        model = read_version(config, known.version, known.training, Path(known.folder))
        return Scorer.of_model(config, model)


def _last_run(config: Config) -> dict[str, Any]:
    last: dict[str, Any] = json.loads((config.out_folder / LAST_RUN).read_text("utf-8"))
    return last


def unchanged(
    config: Config, inputs: RunInputs | None, ledger: Ledger, cutoff: datetime | None
) -> Scored | None:
    """What scoring at the cutoff would yield: nothing added to a run that the ledger has. None
    where only scoring can tell."""
    try:
        last = _last_run(config)
        if inputs is None or last["digest"] != inputs.digest:
            return None
        data_end = datetime.fromisoformat(last["data_end"])
        cutoff = cutoff or default_cutoff(data_end, utc_now())
        run = Run(cutoff, inputs.model.version, inputs.rules.version)
        figures = _figures(ledger, run)
        if figures is None or _text(figures) != last["figures"]:
            return None
        unscored = Unscored(**last["unscored"])
        messages = tuple(last["breaches"]), tuple(last["notes"])
        scored = Scored(run, last["open_leads"], unscored, 0, *messages, data_end, ledger)
    except NOT_REMEMBERED:
        return None
    store(inputs.rules, rules_folder(config))
    models = {inputs.which: asdict(inputs.model)}
    if last.get("models") != models:
        _leave(config, last | {"models": models})
    return scored


def remember(config: Config, inputs: RunInputs | None, scored: Scored) -> None:
    """Leave what `unchanged` needs. Times in the future come true one day, so a run over such data
    is not remembered; nor is one beside which a challenger failed, so that it is tried again."""
    figures, failed = _figures(scored.ledger, scored.run), scored.shadow_failed
    if inputs is None or figures is None or failed:
        return
    if any(IN_FUTURE in each for each in scored.breaches):
        return
    last = {
        "digest": inputs.digest,
        "models": {inputs.which: asdict(inputs.model)},
        "data_end": scored.data_end.isoformat(),
        "figures": _text(figures),
        "open_leads": scored.open_leads,
        "unscored": asdict(scored.unscored),
        "breaches": [without_secrets(each) for each in scored.breaches],
        "notes": [without_secrets(each) for each in scored.notes],
    }
    _leave(config, last)


def _leave(config: Config, last: dict[str, Any]) -> None:
    with suppress(OSError):  # the run is in the ledger: without this the next does its work again
        write_whole(config.out_folder / LAST_RUN, json.dumps(last, ensure_ascii=False))


def _figures(ledger: Ledger, run: Run) -> RunFigures | None:
    return next((each for each in ledger.runs if each.run == run), None)


def _text(figures: RunFigures) -> dict[str, str]:
    return {name: str(value) for name, value in figures.json_fields().items()}
