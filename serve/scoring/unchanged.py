"""The same run again, where nothing changed: what the last one printed, without opening a table.

The last run leaves a digest of its inputs and what it was in `out/last_run.json`. A file of the
inputs that was touched since, other settings, rules or segments, another model, or a run that the
ledger has no longer as it was, and all is done as ever. So is it where the clock matters: at the
first run over data up to 2026-11-20 14:00, at 15:00, the default cutoff is just after them; from
midnight on it is 2026-11-21 00:00, which is another run.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version

from features.config import Config
from features.contract.breaches import IN_FUTURE
from features.cutoffs import utc_now
from features.fingerprint import inputs_fingerprint
from features.masking import without_secrets
from features.whole_file import write_whole
from models.registry import CHAMPION, Registry
from models.rules.rules import RuleScore, load_rules, rules_folder, store
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run, RunFigures
from serve.scoring.batch import Scored, default_cutoff
from serve.scoring.lead_rows import Unscored

LAST_RUN = "last_run.json"  # in the folder `out`


@dataclass(frozen=True)
class RunInputs:
    """What a run depends on but for its cutoff: `digest` of all of it, the version of the model,
    and the rules."""

    digest: str
    model_version: str
    rules: RuleScore

    @classmethod
    def of(cls, config: Config, which: str) -> RunInputs | None:
        """As they are now, before the tables are read; the model is not loaded, which takes
        seconds. None where the inputs cannot be seen from outside (features/fingerprint.py), and
        without a champion, for why there is none is worked out from the data. Raises as
        Registry.load."""
        inputs, registry = inputs_fingerprint(config), Registry(config)
        if inputs is None or (which == CHAMPION and not registry.has(CHAMPION)):
            return None
        model_version, training, _ = registry.verified(which)
        rules = load_rules(config.folder / config.rules)
        of = (inputs, training, model_version, rules.version, version("sales-readiness"))
        return cls(sha256(repr(of).encode()).hexdigest(), model_version, rules)


def unchanged(
    config: Config, inputs: RunInputs | None, ledger: Ledger, cutoff: datetime | None
) -> Scored | None:
    """What scoring at the cutoff would yield: nothing added to a run that the ledger has. None
    where only scoring can tell."""
    try:
        last = json.loads((config.out_folder / LAST_RUN).read_text("utf-8"))
        if inputs is None or last["digest"] != inputs.digest:
            return None
        data_end = datetime.fromisoformat(last["data_end"])
        cutoff = cutoff or default_cutoff(data_end, utc_now())
        run = Run(cutoff, inputs.model_version, inputs.rules.version)
        figures = _figures(ledger, run)
        if figures is None or _text(figures) != last["figures"]:
            return None
        unscored = Unscored(**last["unscored"])
        messages = tuple(last["breaches"]), tuple(last["notes"])
        scored = Scored(run, last["open_leads"], unscored, 0, *messages, data_end, ledger)
    except (OSError, ValueError, KeyError, TypeError):  # not there, or of another release
        return None
    store(inputs.rules, rules_folder(config))
    return scored


def remember(config: Config, inputs: RunInputs | None, scored: Scored) -> None:
    """Leave what `unchanged` needs. Times in the future come true one day, so a run over such data
    is not remembered."""
    figures = _figures(scored.ledger, scored.run)
    if inputs is None or figures is None or any(IN_FUTURE in each for each in scored.breaches):
        return
    last = {
        "digest": inputs.digest,
        "data_end": scored.data_end.isoformat(),
        "figures": _text(figures),
        "open_leads": scored.open_leads,
        "unscored": asdict(scored.unscored),
        "breaches": [without_secrets(each) for each in scored.breaches],
        "notes": [without_secrets(each) for each in scored.notes],
    }
    write_whole(config.out_folder / LAST_RUN, json.dumps(last, ensure_ascii=False))


def _figures(ledger: Ledger, run: Run) -> RunFigures | None:
    return next((each for each in ledger.runs if each.run == run), None)


def _text(figures: RunFigures) -> dict[str, str]:
    return {name: str(value) for name, value in figures.json_fields().items()}
