"""The study of late cutoffs, small: three ways from the same trees, and what each said."""

import numpy as np
import pandas as pd

from benchmarks.delay import WAYS, against_truth, company


def test_a_small_company_is_cut_and_judged_in_every_way():
    found, world = company(seed=0, leads=3_000)
    assert set(found.models) == set(WAYS)
    until = found.test.frame["cutoff"].min()
    assert (found.late.frame["cutoff"] < until).all()
    assert (found.late.frame["cutoff"] + pd.Timedelta(days=30) > until).all()
    trees = [model.pipeline.decision_function(found.test.frame) for model in found.models.values()]
    assert np.array_equal(trees[0], trees[1])
    assert np.array_equal(trees[0], trees[2])
    rows = pd.DataFrame(against_truth(found, world))
    off = rows.pivot(index="way", columns="place", values="off")
    assert (off.loc["naive labels"].dropna() <= off.loc["corrected labels"].dropna()).all()
    assert off.at["naive", "final test"] < off.at["corrected", "final test"]
    truth = world.true_probability(found.test.frame[["lead_id", "cutoff"]], 30)
    said = found.models["naive"].rank(found.test.frame)
    assert np.isclose(off.at["naive", "final test"], said.mean() - truth.mean())
