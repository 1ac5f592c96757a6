"""Weights whose signs are known beforehand, fitted to outcomes and rounded to small points.

The sign of a column is that of its own lift, taken alone; the joint fit may shrink its weight to
nothing but never turn it. So of two deeds that go together and both lift, none is punished for
what the other explains.

The snapshots of one lead share its fate, so noise is measured by lead: the penalty of a column is
so many standard errors, clustered by lead, of its score where it means nothing (the lasso with
penalty loadings of Belloni, Chernozhukov, Hansen and Kozbur, JBES 2016).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CLEAR = 2.0  # standard errors by which a lift, or a weight, must stand clear of nothing
RIDGE = 1.0  # of a weight per standard deviation: keeps what never failed from growing for ever


@dataclass(frozen=True)
class Evidence:
    """What each column tells by itself; arrays of shape (columns,).

    leads: with a value other than 0. clear: by how many standard errors, clustered by lead, those
    snapshots are won more often (less often: below 0) than all. noise: one standard error of the
    column's score in a fit without it, per standard deviation of the column.
    """

    leads: Ints
    clear: Floats
    noise: Floats


def evidence(columns: Floats, won: Floats, lead: npt.ArrayLike) -> Evidence:
    """columns: shape (snapshots, columns); won: 1 or 0; lead: whose each snapshot is."""
    by_lead = _summing(lead)
    touched, surprise = (columns != 0).astype(np.float64), (won - won.mean())[:, None]
    told = by_lead((touched - touched.mean(axis=0)) * surprise)
    scored = by_lead((columns - columns.mean(axis=0)) * surprise)
    spread = np.maximum(columns.std(axis=0), np.finfo(float).tiny)
    error = np.sqrt((told**2).sum(axis=0))
    return Evidence(
        leads=(by_lead(touched) > 0).sum(axis=0),
        clear=told.sum(axis=0) / np.where(error > 0, error, np.inf),
        noise=np.sqrt((scored**2).sum(axis=0)) / spread,
    )


def weights(columns: Floats, won: Floats, penalty: Floats) -> Floats:
    """The intercept, then the weight of each column, none below 0, of a logistic regression.

    penalty: of each column's weight per standard deviation, shape (columns,).
    """
    spread = np.maximum(columns.std(axis=0), np.finfo(float).tiny)
    scaled = columns / spread

    def loss(found: Floats) -> tuple[float, Floats]:
        odds, inner = found[0] + scaled @ found[1:], found[1:]
        lost = (np.logaddexp(0, odds) - won * odds).sum()
        off = expit(odds) - won
        slope = scaled.T @ off + penalty + RIDGE * inner
        cost = lost + penalty @ inner + RIDGE / 2 * inner @ inner
        return float(cost), np.concatenate([[off.sum()], slope])

    base = won.mean()
    start = np.concatenate([[np.log(base / (1 - base))], np.zeros(columns.shape[1])])
    bounds = [(None, None)] + [(0, None)] * columns.shape[1]
    with threadpool_limits(1, "blas"):  # threads add up in another order: other last bits
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.asarray(np.concatenate([found[:1], found[1:] / spread]), np.float64)


def errors(columns: Floats, won: Floats, lead: npt.ArrayLike, found: Floats) -> Floats:
    """The standard errors, clustered by lead, of fitted weights, shape (columns,): how sure it is
    what each tells beside the others (the sandwich of Liang and Zeger, Biometrika 1986)."""
    ones = np.column_stack([np.ones(len(won)), columns])
    with threadpool_limits(1, "blas"):
        chance = expit(ones @ found)
        ridge = np.diag(np.r_[0.0, np.maximum(RIDGE * columns.var(axis=0), 1e-9)])
        curved = np.linalg.pinv((ones * (chance * (1 - chance))[:, None]).T @ ones + ridge)
        scores = _summing(lead)(ones * (won - chance)[:, None])
        spread = np.diag(curved @ (scores.T @ scores) @ curved)
    return np.asarray(np.sqrt(np.maximum(spread[1:], 1e-24)), np.float64)


def whole_points(columns: Floats, won: Floats, found: Floats, scale: float, most: Floats) -> Ints:
    """`scale` times the weights as whole points from 0 to `most` of each, then moved by one as long
    as that tells the outcomes better: what rounding took from one column, another may make good."""
    points = np.minimum(np.rint(found[1:] * scale), most)

    def lost(total: Floats) -> float:
        odds = found[0] + total / scale
        return float((np.logaddexp(0, odds) - won * odds).sum())

    total = columns @ points
    best, moved = lost(total), True
    while moved:
        moved = False
        for column, step in [(c, s) for c in range(len(points)) for s in (1, -1)]:
            if not 0 <= points[column] + step <= most[column] or (points[column] == 0 and step > 0):
                continue
            tried = total + step * columns[:, column]
            if (cost := lost(tried)) < best - 1e-6:
                points[column] += step
                total, best, moved = tried, cost, True
    return points.astype(np.int64)


def _summing(lead: npt.ArrayLike) -> Callable[[Floats], Floats]:
    """Sums of rows by lead."""
    code, _ = pd.factorize(pd.Series(lead))
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    return lambda rows: np.asarray(np.add.reduceat(rows[order], starts), np.float64)
