"""Prefetch: work on the next item on a thread while the caller uses the one before."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def one_ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """work(item) for each of the items in their order, the next one already being worked on.

    The work is done on a thread of its own. The items come from the caller's thread, so that they
    may be read over a connection which the caller uses between two of them.

    >>> list(one_ahead(str.upper, iter("abc")))
    ['A', 'B', 'C']
    """
    pending: Future[Result] | None = None
    with ThreadPoolExecutor(1) as pool:
        for item in items:
            if pending is None:
                pending = pool.submit(work, item)
                continue
            result = pending.result()
            pending = pool.submit(work, item)
            yield result
            del result  # or it would stay in memory beside the two that follow
        if pending:
            yield pending.result()
