"""Work on one thing while the one before is used: half the waiting, the same results."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Made = TypeVar("Made")


def one_ahead(work: Callable[[Thing], Made], things: Iterable[Thing]) -> Iterator[Made]:
    """work(thing) for each of the things in their order, the next of them already being worked on.

    The work is done on a thread of its own. The things come from the caller's thread, so that they
    may be read over a connection which the caller uses between two of them.

    >>> list(one_ahead(str.upper, iter("abc")))
    ['A', 'B', 'C']
    """
    coming: Future[Made] | None = None
    with ThreadPoolExecutor(1) as pool:
        for thing in things:
            if coming is None:
                coming = pool.submit(work, thing)
                continue
            made = coming.result()
            coming = pool.submit(work, thing)
            yield made
            del made  # or it would be kept beside the two that follow
        if coming:
            yield coming.result()
