"""What becomes of leads over time, where some are still open: the Aalen-Johansen estimate."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
OPEN, FIRST, SECOND = 0, 1, 2


def cumulative_incidence(time: npt.ArrayLike, event: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The chance that each of two competing events has come, by time since the start (Aalen and
    Johansen, Scandinavian Journal of Statistics 1978). With one of the two alone it is one minus
    Kaplan-Meier; so is the sum of both.

    time: at least 0, until the event or until the lead was last seen, shape (n,). event: 0 for open
    (censored: it counts as at risk at its own time), 1 or 2, shape (n,). Own code, since
    scikit-survival refuses data in which one of the events never comes.

    Returns a step function: the times at which it may change, 0 first and rising, shape (m,), and
    the chances of event 1 and of event 2 from each of them on, shape (2, m).

    >>> times, chances = cumulative_incidence([1, 2, 3, 4], [1, 0, 2, 1])
    >>> times, chances
    (array([0., 1., 3., 4.]), array([[0.   , 0.25 , 0.25 , 0.625],
           [0.   , 0.   , 0.375, 0.375]]))
    """
    times, place, count = np.unique(
        np.asarray(time, np.float64), return_inverse=True, return_counts=True
    )
    cause = np.asarray(event)
    met = np.stack(
        [np.bincount(place[cause == each], minlength=len(times)) for each in (FIRST, SECOND)]
    )
    at_risk = len(place) - np.cumsum(count) + count
    staying = np.append(1.0, np.cumprod(1 - met.sum(axis=0) / at_risk))
    chances = np.cumsum(staying[:-1] * met / at_risk, axis=1)
    changed = met.any(axis=0)
    return np.append(0.0, times[changed]), np.column_stack([np.zeros(2), chances[:, changed]])
