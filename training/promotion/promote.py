"""`readiness promote`: the champion changes only for a better one, on cutoffs fair to both.

What it takes to promote a challenger: training/promotion/decision.py, docs/promotion.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from features.config import Config
from features.dataset import Dataset, labelled
from features.errors import BadInput, Refused
from features.open_database import open_database
from features.progress import Progress, silent
from features.result_json import to_json
from features.spec.spec import distinct
from features.spec.wording import plural
from models.artefact_digests import KEY, digests
from models.classifier.model import ReadinessModel
from models.comparison import fair_cutoffs, judge_on
from models.decisions.champion_changes import ChampionChange
from models.realised import Realised
from models.registry import CHALLENGER, CHAMPION, EXPLORATION, Registry
from models.rules.rules import RuleScore, load_rules
from models.simpler import BASE_RATE, CALIBRATED_RULES, STORED_AS, Simpler, does_as_well
from models.statistics.intervals import Estimate
from models.statistics.judge import Contender, Judgement
from training.promotion.champion import approver, set_champion, stripped_reason
from training.promotion.decision import Takes, decide, summarise
from training.promotion.history import history


@dataclass(frozen=True)
class Judged:
    """Challenger minus each opponent (`rules` and, where there is one, `champion`) in `metric`,
    and the mature cutoffs, trained on by neither, that it was judged on. log_loss: challenger minus
    champion, above 0 where it is worse; None without a champion. evidence: what they would have
    said at these cutoffs, or what they did say (docs/shadow.md)."""

    metric: str
    difference: dict[str, Estimate]
    log_loss: Estimate | None
    cutoffs: tuple[str, ...]
    snapshots: int
    leads: int
    wins: int
    rules_version: str
    evidence: Literal["backtest", "realised"] = "backtest"

    @classmethod
    def of(cls, judged: Judgement, metric: str, rules_version: str, **more: Any) -> Judged:
        """Of a judgement whose first contender is the challenger."""
        differences = judged.differences
        return cls(
            metric=metric,
            difference={name: each[metric] for name, each in differences.items()},
            log_loss=differences["champion"]["log_loss"] if "champion" in differences else None,
            cutoffs=tuple(cutoff[:10] for cutoff in judged.cutoffs),
            snapshots=judged.snapshots,
            leads=judged.leads,
            wins=judged.wins,
            rules_version=rules_version,
            **more,
        )

    def json_fields(self) -> dict[str, Any]:
        """The evidence in the history: null without a figure."""
        return vars(self) | {
            "difference": {name: each.or_none for name, each in self.difference.items()},
            "log_loss": self.log_loss and self.log_loss.or_none,
        }


@dataclass(frozen=True)
class PromotionResult:
    """The decision. `judged` None: the challenger was champion already; `takes`: what promoting it
    takes; `summary`: the decision in words; `backtest`: where realised evidence decided, what the
    backtest says."""

    version: str
    promoted: bool
    takes: Takes
    summary: str
    judged: Judged | None
    backtest: Judged | None = None

    def json_fields(self) -> dict[str, Any]:
        """What `promote --json` prints."""
        return {
            "model_version": self.version,
            "promoted": self.promoted,
            "takes": "word" if self.takes is Takes.APPROVAL else self.takes.name.lower(),
            "difference": {},
            **(self.judged.json_fields() if self.judged else {}),
            "backtest": self.backtest,
            "said": self.summary,
        }


Evidence = Callable[[ReadinessModel, ReadinessModel | None], Realised]


@dataclass(frozen=True)
class SimplerWays:
    """preferred: one is to be preferred to the model, so that promoting that takes an approval;
    summary: how the simplest that does as well does, "" where none does."""

    preferred: bool
    summary: str


def promote(
    config: Config,
    reason: str | None = None,
    by: str | None = None,
    force: bool = False,
    progress: Progress = silent,
    realised: Evidence | None = None,
) -> PromotionResult:
    """Judge the challenger against the champion and the rules; make it champion if it may be.

    reason: of a person who approves it; force: they approve it against the figures; realised: what
    judges challenger and champion by what they said in past nights: it decides in place of the
    backtest.

    Raises BadInput where there is no challenger, or an approval without a reason; Refused where
    the challenger is for exploration only, no cutoff is a fair test yet, there is no realised
    evidence where that is to decide, or the champion was changed by another process meanwhile.
    """
    reason = stripped_reason(reason)
    given = _given(reason, force)
    registry = Registry(config)
    rules = load_rules(config.folder / config.rules)
    # Against a registry that lost its champion there is no test: only force goes past it.
    is_there = registry.find(CHAMPION) if force else registry.has(CHAMPION)
    champion = registry.load(CHAMPION) if is_there else None
    is_waiting = champion is None or registry.has(CHALLENGER)  # promoted, it is no challenger
    challenger = registry.load(CHALLENGER if is_waiting else CHAMPION)
    version, before = challenger.version, champion.version if champion else None
    if version == before:
        summary = f"Version {version} is the champion already; nothing to do."
        return PromotionResult(version, True, Takes.NOTHING, summary, None)
    if EXPLORATION in registry.tags(version):
        raise Refused(
            f"Version {version} is for exploration only: it was trained and tested on a random "
            "split, without times. Nobody can know from that how it will do on later leads. Map "
            "the columns that say when leads were created and closed (docs/own-data.md), set "
            'training.split = "time", and train again.'
        )
    back, ways = history(config).rollback_of(version), _simpler_ways(registry, challenger)
    backtest = _judge(config, challenger, champion, rules, progress)
    judged = _realised(config, realised(challenger, champion)) if realised else backtest
    stale = champion is not None and _is_stale(config, challenger, champion)
    simpler = champion is not None and _is_simpler(challenger, champion, judged)
    doubted = back is not None or ways.preferred
    decision = decide(judged.difference, judged.leads, stale, doubted, simpler)
    summary = summarise(version, judged.metric, judged.difference, decision, given, simpler)
    if back is not None:
        summary += f" {back.approved_by} rolled it back on {back.decided_at[:10]}: {back.reason}."
    summary += ways.summary
    if realised:
        lists = f"{plural(len(judged.cutoffs), 'past list')}, with {plural(judged.wins, 'win')}"
        shown = "; ".join(
            f"{each.point:+.3f} against the {n}" for n, each in backtest.difference.items()
        )
        summary += f" By what was said on {lists}. The backtest says: {shown}."
    promoted = given >= decision.takes
    if promoted:
        forced, evidence = decision.takes is Takes.FORCE, to_json(judged)
        evidence |= {KEY: digests(registry.files(version))}
        who = approver(by)
        change = ChampionChange("promote", before, version, who, reason, forced, summary, evidence)
        set_champion(config, registry, change)
    return PromotionResult(
        version, promoted, decision.takes, summary, judged, backtest if realised else None
    )


def _realised(config: Config, realised: Realised) -> Judged:
    """Raises Refused where what was said cannot tell."""
    judged = realised.judgement
    if not 0 < judged.wins < judged.snapshots:
        raise Refused(
            f"Of {plural(judged.snapshots, 'row')} of past lists {judged.wins} are won: nothing "
            "can be judged on them. Wait for outcomes."
        )
    rules_version = ", ".join(realised.rules_versions)
    return Judged.of(judged, config.promotion.metric, rules_version, evidence="realised")


def _given(reason: str, force: bool) -> Takes:
    """How much a person approves. Raises BadInput for force without a reason."""
    if force and not reason:
        raise BadInput("--force goes against the figures: say why, with --because.")
    if not reason:
        return Takes.NOTHING
    return Takes.FORCE if force else Takes.APPROVAL


def _is_stale(config: Config, challenger: ReadinessModel, champion: ReadinessModel) -> bool:
    """Whether the challenger has learnt from cutoffs so much later. Not counted to the data end,
    for every model is older than that by a horizon and the test cutoffs on its first day."""
    behind = challenger.trained_until - champion.trained_until
    return behind.days >= config.promotion.stale_after_days


def _is_simpler(challenger: ReadinessModel, champion: ReadinessModel, judged: Judged) -> bool:
    """Whether the challenger is the simpler model, and its log loss not surely the higher."""
    losses = judged.log_loss
    return challenger.is_linear > champion.is_linear and losses is not None and losses.low <= 0


def _judge(
    config: Config,
    challenger: ReadinessModel,
    champion: ReadinessModel | None,
    rules: RuleScore,
    progress: Progress,
) -> Judged:
    """Everyone on the same snapshots. Raises Refused where these cannot tell."""
    models = [model for model in (challenger, champion) if model is not None]
    datasets = [_fair(config, model, models, rules, progress) for model in models]
    rows = [dataset.frame[["lead_id", "cutoff"]] for dataset in datasets]
    if not all(rows[0].equals(other) for other in rows):
        raise RuntimeError("challenger and champion have other snapshots")
    test = datasets[0]
    if not test.has_both:
        raise Refused(
            f"Of {plural(len(test.won), 'snapshot')} of the cutoffs that no model was trained on "
            f"{test.wins} are won: nothing can be judged on them. Wait for outcomes."
        )
    ours = Contender("challenger", challenger.rank(test.frame), True)
    opponents = [Contender("rules", rules.rank(test.frame), False)]
    if champion is not None:
        opponents.append(Contender("champion", champion.rank(datasets[1].frame), True))
    judged = judge_on(test, config, [ours, *opponents], challenger.base_rate)
    return Judged.of(judged, config.promotion.metric, rules.version)


def _fair(
    config: Config,
    model: ReadinessModel,
    models: Sequence[ReadinessModel],
    rules: RuleScore,
    progress: Progress,
) -> Dataset:
    """The snapshots that are fair to all of the models, with the features that this one and the
    rules need, from a database staged as this one knows it. Same rows, same order, for each."""
    with open_database(model.staged(config), (*rules.specs, *model.specs)) as database:
        cutoffs = fair_cutoffs(config, models, database.data_end)
        specs = distinct([*model.specs, *rules.specs])
        memory_gb = config.engine.memory_gb
        return labelled(database, specs, cutoffs, models[0].horizon_days, memory_gb, progress)


def _simpler_ways(registry: Registry, model: ReadinessModel) -> SimplerWays:
    """As logged at the training; nothing of a version trained before simpler ways were compared.

    Preferred are the base rate and the points as a probability where they are not surely behind
    it, and any that is surely better by the metric that promotes. Points that merely rank as well
    are reported: they give no probability that could stand in its place; so is a regression that
    does as well: trees were asked for.
    """
    text = registry.text(model.run_id, STORED_AS)
    if text is None:
        return SimplerWays(False, "")
    simpler = Simpler.from_json(json.loads(text))
    preferred = [name for name in simpler.side_by_side.simpler if _preferred(simpler, name)]
    summary = f" {simpler.verdict}" if simpler.simplest else ""
    if preferred:
        names = ", ".join(preferred)
        summary = f" Preferred is what is simpler and does as well: {names}.{summary}"
    return SimplerWays(bool(preferred), summary)


def _preferred(simpler: Simpler, name: str) -> bool:
    if not does_as_well(simpler.side_by_side, name, simpler.metric):
        return False
    return name in (BASE_RATE, CALIBRATED_RULES) or (
        simpler.side_by_side.behind(name, simpler.metric).high < 0
    )
