"""Behaviour against attributes: models on features of the events, of the lead alone, and on both.

Implicit is what needs the events: counts, times, trends, and the sources that the events came from.
Explicit is what the table of leads holds: the attributes listed in
readiness.toml, and the age, for every CRM knows the day a lead was created. A feature made of both
(events per day of age, a segment on an attribute and a visit) needs the events: implicit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from features.config import Config
from features.dataset import Dataset
from features.errors import Refused
from features.spec.compiled import compile_specs
from features.spec.spec import OfLead, Spec
from models.classifier.classifier import AnySettings
from models.simpler import SideBySide, slug
from training.baselines import Baseline, Floats, Rank, same_for_all, side_by_side
from training.fit import fit

EXPLICIT, IMPLICIT = "explicit only", "implicit only"


@dataclass(frozen=True)
class Groups:
    """Which features are in which group, by name, and how a model of each does beside the model
    with both."""

    features: dict[str, tuple[str, ...]]
    side_by_side: SideBySide

    def json_fields(self) -> dict[str, Any]:
        """What `train --json` prints as `feature_groups`; `model` is the one with both."""
        features = {slug(name): names for name, names in self.features.items()}
        return {"features": features, **self.side_by_side.json_fields()}


def judged_groups(
    config: Config,
    past: Dataset,
    test: Dataset,
    specs: Sequence[Spec],
    readiness: Floats,
    settings: AnySettings,
) -> Groups:
    """Fit each group as the model was fitted, with its settings, and judge them on its final test.
    readiness: what the model says of that."""
    specs_of = groups(specs)

    def rank(some: Sequence[Spec]) -> Rank:
        try:
            return fit(past, some, settings, config.time.horizon_days, config.seed).rank
        except Refused:  # nothing in the group tells enough leads apart
            return same_for_all(past)

    names = {name: tuple(spec.name for spec in each) for name, each in specs_of.items()}
    with threadpool_limits(1, "openmp"):  # on a busy machine, threads mostly wait for each other
        fitted = [Baseline(name, True, rank(each)) for name, each in specs_of.items()]
        return Groups(names, side_by_side(config, test, readiness, fitted))


def groups(specs: Iterable[Spec]) -> dict[str, tuple[Spec, ...]]:
    """Every spec in exactly one of the two groups.

    >>> from features.spec.kinds import Age, Attribute, Count, Ratio
    >>> found = groups([Age(), Count(), Attribute("size", False), Ratio(Count(), Age())])
    >>> [spec.name for spec in found[EXPLICIT]], [spec.name for spec in found[IMPLICIT]]
    (['age_days', 'attribute(size)'], ['count_all', 'count_all/age_days'])
    """
    specs = tuple(specs)
    explicit = tuple(spec for spec in specs if is_explicit(spec))
    return {
        EXPLICIT: explicit,
        IMPLICIT: tuple(spec for spec in specs if spec not in explicit),
    }


def is_explicit(spec: Spec) -> bool:
    """Whether the feature is known without the events."""
    return all(isinstance(leaf, OfLead) for leaf in compile_specs([spec]).leaves)
