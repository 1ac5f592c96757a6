"""Weights whose signs are known beforehand, fitted to outcomes and rounded to small points.

The sign of a column is that of its own lift, taken alone; the joint fit may shrink its weight to
0 but never change the sign. So of two events that go together and both lift, neither gets negative
points for what the other explains.

The snapshots of one lead share its outcome, so noise is measured by lead: the penalty of a column
is a number of standard errors, clustered by lead, of its score under no effect (the lasso with
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

CLEAR = 2.0  # standard errors by which a lift, or a weight, must differ from no effect
RIDGE = 1.0  # of a weight per standard deviation: bounds it where every snapshot was won


@dataclass(frozen=True)
class Evidence:
    """The effect of each column by itself; arrays of shape (columns,).

    leads: with a value other than 0. clear: by how many standard errors, clustered by lead, those
    snapshots are won more often (less often: below 0) than all. noise: one standard error of the
    column's score in a fit without it, per standard deviation of the column.
    """

    leads: Ints
    clear: Floats
    noise: Floats


def evidence(columns: Floats, won: Floats, lead: npt.ArrayLike) -> Evidence:
    """columns: shape (snapshots, columns); won: 1 or 0; lead: the lead of each snapshot."""
    by_lead = _summing(lead)
    touched, residual = (columns != 0).astype(np.float64), (won - won.mean())[:, None]
    effect = by_lead((touched - touched.mean(axis=0)) * residual)
    scored = by_lead((columns - columns.mean(axis=0)) * residual)
    spread = np.maximum(columns.std(axis=0), np.finfo(float).tiny)
    error = np.sqrt((effect**2).sum(axis=0))
    return Evidence(
        leads=(by_lead(touched) > 0).sum(axis=0),
        clear=effect.sum(axis=0) / np.where(error > 0, error, np.inf),
        noise=np.sqrt((scored**2).sum(axis=0)) / spread,
    )


def weights(columns: Floats, won: Floats, penalty: Floats) -> Floats:
    """The intercept, then the weight of each column, none below 0, of a logistic regression.

    penalty: of each column's weight per standard deviation, shape (columns,).
    """
    spread = np.maximum(columns.std(axis=0), np.finfo(float).tiny)
    scaled = columns / spread

    def loss(fitted: Floats) -> tuple[float, Floats]:
        odds, inner = fitted[0] + scaled @ fitted[1:], fitted[1:]
        lost = (np.logaddexp(0, odds) - won * odds).sum()
        off = expit(odds) - won
        slope = scaled.T @ off + penalty + RIDGE * inner
        cost = lost + penalty @ inner + RIDGE / 2 * inner @ inner
        return float(cost), np.concatenate([[off.sum()], slope])

    base = won.mean()
    start = np.concatenate([[np.log(base / (1 - base))], np.zeros(columns.shape[1])])
    bounds = [(None, None)] + [(0, None)] * columns.shape[1]
    with threadpool_limits(1, "blas"):  # threads add up in another order: other last bits
        fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.asarray(np.concatenate([fitted[:1], fitted[1:] / spread]), np.float64)


def errors(columns: Floats, won: Floats, lead: npt.ArrayLike, fitted: Floats) -> Floats:
    """The standard errors, clustered by lead, of jointly fitted weights, shape (columns,): the
    sandwich of Liang and Zeger, Biometrika 1986."""
    ones = np.column_stack([np.ones(len(won)), columns])
    with threadpool_limits(1, "blas"):
        chance = expit(ones @ fitted)
        ridge = np.diag(np.r_[0.0, np.maximum(RIDGE * columns.var(axis=0), 1e-9)])
        curved = np.linalg.pinv((ones * (chance * (1 - chance))[:, None]).T @ ones + ridge)
        scores = _summing(lead)(ones * (won - chance)[:, None])
        spread = np.diag(curved @ (scores.T @ scores) @ curved)
    return np.asarray(np.sqrt(np.maximum(spread[1:], 1e-24)), np.float64)


def whole_points(columns: Floats, won: Floats, fitted: Floats, scale: float, most: Floats) -> Ints:
    """`scale` times the weights as whole points from 0 to `most` of each, then moved by one as long
    as that lowers the loss: another column may make up for what rounding took from one."""
    points = np.minimum(np.rint(fitted[1:] * scale), most)

    def lost(total: Floats) -> float:
        odds = fitted[0] + total / scale
        return float((np.logaddexp(0, odds) - won * odds).sum())

    total = columns @ points
    best, moved = lost(total), True
    while moved:
        moved = False
        for column, step in [(c, s) for c in range(len(points)) for s in (1, -1)]:
            if not 0 <= points[column] + step <= most[column] or points[column] == 0:
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
