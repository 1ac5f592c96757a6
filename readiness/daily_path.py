"""The verbs of the daily path for Python users: what the command does, as objects and frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pandas as pd

from features.check.check import check as checked
from features.check.report import Report
from features.config import Config
from features.cutoffs import utc_now
from features.errors import BadInput
from features.starter.crm.map import map_crm
from features.starter.starter import write_starter
from models.registry import CHAMPION, Registry
from readiness.leads import Leads
from readiness.settings import specs
from readiness.snapshot_frames import as_cutoffs
from serve.ledger.ledger import open_ledger_of
from serve.reports.feedback import figures as feedback_report
from serve.reports.feedback.figures import Feedback
from serve.reports.monitor import figures as monitor_report
from serve.reports.monitor.figures import Monitoring
from serve.scoring.batch import score_all
from serve.scoring.points_only import scorer_of
from serve.scoring.scored import refuse_future
from training.promotion import promote as promotion
from training.promotion.promote import PromotionResult


def init(
    folder: str | Path,
    crm: Literal["hubspot", "salesforce", "pipedrive", "dynamics"] | None = None,
) -> list[Path]:
    """Write readiness.toml and the files that it names into a folder of tables: `readiness init`.

    Parameters
    ----------
    folder : holds leads, deals and events (.parquet, .csv, .sql), or the exports of `crm`.
    crm : the system that they were exported from: queries map them, and readiness.toml begins with
        the questions that are left.

    Returns
    -------
    The paths written. Nothing is overwritten.

    Raises
    ------
    BadInput where a file exists already, and where tables are absent, unreadable or incomplete.
    """
    folder = Path(folder)
    return write_starter(folder, map_crm(folder, crm) if crm else None)


def check(leads: Leads) -> Report:
    """What is in a lead database, what is wrong with it, and whether a model can be trained on it,
    as `readiness check`.

    Returns
    -------
    Report : `breaches` of the contract, `findings` of the leakage audit, `implausible`, `lacks`,
        `notes`, each a sentence by `str`; `ok` and `refused`; `cutoffs` for a frame of counts.
    """
    config = leads.config
    with leads.staged(() if leads.in_memory else specs(config)) as database:
        return checked(database, config, utc_now())


def promote(leads: Leads, because: str | None = None, force: bool = False) -> PromotionResult:
    """Make the challenger champion if it is better, as `readiness promote` (docs/promotion.md).

    Parameters
    ----------
    because : the approval and its reason, where the figures alone are not enough.
    force : with `because`: against the figures.
    """
    return promotion.promote(_stored(leads), because, force=force)


def score(leads: Leads, cutoff: Any = None) -> pd.DataFrame:
    """Score every open lead with the champion, or with the points where there is none, into the
    ledger of the folder, as `readiness score`.

    Parameters
    ----------
    cutoff : a day or a time, UTC. Default: the first midnight after the data end.

    Returns
    -------
    The rows of the ledger for this cutoff, the head of the list first.

    Raises
    ------
    Refused for a cutoff in the future, and where nearly all recent events have unknown actions.
    """
    config, moment = _stored(leads), _moment(cutoff)
    refuse_future(moment, "scored or written to the ledger", "Name a past one.")
    scorer = scorer_of(config, CHAMPION)
    with (
        open_ledger_of(config) as ledger,
        leads.staged(scorer.specs, scorer.staged(config)) as database,
    ):
        return score_all(config, database, scorer, ledger, moment).rows


def monitor(leads: Leads, cutoff: Any = None) -> Monitoring:
    """Is the champion still right, by what was known strictly before the cutoff? The checks of
    `readiness monitor`; nothing is written.

    Parameters
    ----------
    cutoff : a day or a time, UTC. Default: the first midnight after the data end.

    Returns
    -------
    Monitoring : `status`, the worst of its `checks`; `drifts`, a row per feature.

    Raises
    ------
    BadInput without a champion; Refused for a cutoff in the future, or before the training's end.
    """
    config, moment = _stored(leads), _moment(cutoff)
    refuse_future(moment, "checked", "Name a past one.")
    registry = Registry(config)
    champion = registry.load(CHAMPION)
    with (
        open_ledger_of(config) as ledger,
        leads.staged(champion.specs, champion.staged(config)) as database,
    ):
        models = monitor_report.known_models(registry, ledger)
        return monitor_report.monitor(config, database, ledger, models, moment)


def feedback(leads: Leads) -> Feedback:
    """What sales did with the lists in the ledger, as `readiness feedback`.

    Raises
    ------
    BadInput without a table of contacts, or without a list before the data end.
    """
    config = _stored(leads)
    with open_ledger_of(config) as ledger, leads.staged() as database:
        return feedback_report.feedback(ledger, database)


def _stored(leads: Leads) -> Config:
    """The settings of a folder: frames in memory have neither a registry nor a ledger."""
    if leads.in_memory:
        raise BadInput(
            "These leads are frames, without a folder for models and scores: open the folder of a "
            "readiness.toml (rd.init writes one), or score frames with rd.Scorer."
        )
    return leads.config


def _moment(cutoff: Any) -> Any:
    return None if cutoff is None else as_cutoffs(cutoff)[0]
