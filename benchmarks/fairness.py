"""How often the intervals by group hold the truth, and how often a warning comes, as Markdown.

    .venv/bin/python -m benchmarks.fairness [--repetitions 200] [--seed 1000]

Simulated companies of 2,000 leads at three cutoffs, four countries and two sizes
(`tests/models/fairness/test_figures.py`). First all groups are treated alike: the truth of a figure
is its mean over the companies, of a ratio 1, of a difference 0. Then the leads of FR, a quarter of
all, are held down by 0.8 standard deviations of their quality.
"""

import argparse
from collections import defaultdict

import numpy as np

from models.statistics.intervals import Estimate
from tests.models.fairness.test_figures import company, groups_of, warned

FIGURES = ("listed", "won", "missed", "ratio", "missed_difference")
KNOWN = {"ratio": 1.0, "missed_difference": 0.0}
WARNINGS = ("selected", "misses")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    given = parser.parse_args()
    estimates: dict[tuple[str, str], list[Estimate]] = defaultdict(list)
    alike, held_down = dict.fromkeys(WARNINGS, 0), dict.fromkeys(WARNINGS, 0)
    for seed in range(given.seed, given.seed + given.repetitions):
        groups = groups_of(company(seed))
        for (column, name), group in groups.items():
            for figure in FIGURES:
                estimate = getattr(group.lists["model"], figure)
                estimates[f"{column} {name}", figure].append(estimate)
        unequal = groups_of(company(seed, held_down=0.8))
        for kind in WARNINGS:
            alike[kind] += bool(warned(groups, kind))
            held_down[kind] += ("country", "FR") in warned(unequal, kind)
    print(f"Of {given.repetitions} companies, a warning of any group, all treated alike: {alike}.")
    print(f"A warning of the group held down: {held_down}.\n")
    print(f"| group | {' | '.join(FIGURES)} |\n|---|{'---:|' * len(FIGURES)}")
    for name in dict.fromkeys(name for name, _ in estimates):
        held = (_held(estimates[name, figure], KNOWN.get(figure)) for figure in FIGURES)
        print(f"| {name} | {' | '.join(held)} |")


def _held(estimates: list[Estimate], truth: float | None) -> str:
    """The share of the intervals that hold the truth, of how many intervals."""
    point, low, high = np.array(estimates).T
    if np.isnan(low).all():
        return "-"
    truth = float(np.nanmean(point)) if truth is None else truth
    known = ~np.isnan(low)
    holds = (low <= truth) & (truth <= high)
    return f"{holds[known].mean():.1%} of {known.sum()}"


if __name__ == "__main__":
    main()
