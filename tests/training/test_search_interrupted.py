"""Ctrl-C reaches every process of a terminal; the workers of the search must not answer it."""

import signal

import pytest
from joblib import Parallel, delayed

from training.search import _sigint_blocked


def blocked() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set())


@pytest.mark.slow
def test_the_workers_block_it_and_this_process_does_not() -> None:
    with _sigint_blocked():
        runs = Parallel(n_jobs=2, return_as="generator")(delayed(blocked)() for _ in range(2))
    assert list(runs) == [True, True]
    assert not blocked()
