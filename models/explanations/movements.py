"""What moved a readiness between two cutoffs, worded by the facts, for many leads at once."""

import numpy as np
import numpy.typing as npt

from features.spec.wording import movement
from models.explanations.explain import Explained, Rows


def movements(explained: Explained, topic: int, rows: Rows) -> npt.NDArray[np.object_]:
    """For each of the rows the fact behind most of what moved a topic's addition, at both cutoffs.

    explained: of a frame of 2n rows, n leads at the earlier cutoff, and then the same leads in the
    same order at the later one; rows: which of the n. A fact that changed comes before one that
    reads the same at both.
    """
    then, now = rows, rows + len(explained.frame) // 2
    members = explained.members(explained.topics[topic])
    sums = explained.by_topic[now, topic] - explained.by_topic[then, topic]
    weights = (explained.by_feature[now] - explained.by_feature[then]) * np.sign(sums)[:, None]
    facts = {int(m): (explained.facts(m, then), explained.facts(m, now)) for m in members}
    changed = np.zeros(weights.shape, dtype=bool)
    for member, (before, after) in facts.items():
        changed[:, member] = before != after
    news = np.where(changed, weights, 0.0)
    is_news = news[:, members].max(axis=1) > 0
    best = explained.telling(topic, np.where(is_news[:, None], news, weights))
    pairs = ((facts[int(member)], row) for row, member in enumerate(best))
    return np.array([movement(old[row], new[row]) for (old, new), row in pairs], dtype=object)
