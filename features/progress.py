"""Reports of progress, `progress(what, done, of)`, which the command shows as a bar; and of steps,
whose times it shows at the end."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Progress = Callable[[str, int, int], None]
T = TypeVar("T")


def silent(what: str, done: int, of: int) -> None:
    """Reports nothing."""


class Steps:
    """The seconds of each step. What is within another step counts to the inner one only: features
    that are computed while rows are written are no part of writing. report: called with `begin` or
    `end`, the step and, at its end, its seconds so far."""

    def __init__(self, report: Callable[[str, str, float], None]) -> None:
        self.report, self.seconds = report, dict[str, float]()
        self._thread, self._open, self._since = threading.get_ident(), list[str](), 0.0

    @property
    def is_here(self) -> bool:
        """Whether this is the thread that is measured."""
        return threading.get_ident() == self._thread

    def begin(self, name: str) -> None:
        """The first time in a step."""
        self.seconds.setdefault(name, 0.0)
        self.report("begin", name, 0.0)

    def end(self, name: str) -> None:
        """The last time."""
        self.report("end", name, self.seconds[name])

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """What runs in it counts to the step."""
        self._switch()
        self._open.append(name)
        try:
            yield
        finally:
            self._switch()
            self._open.pop()

    def _switch(self) -> None:
        now = time.monotonic()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


_current: list[Steps] = []  # of the process: the command sets one


def measure(steps: Steps) -> None:
    """From now on the steps of this thread are measured."""
    _current[:] = [steps]


def _measured() -> Steps | None:
    return _current[0] if _current and _current[0].is_here else None


@contextmanager
def step(name: str) -> Iterator[None]:
    """A step of the work, from begin to end."""
    steps = _measured()
    if steps is None:
        yield
        return
    steps.begin(name)
    with steps.within(name):
        yield
    steps.end(name)


def timed(name: str, items: Iterable[T]) -> Iterator[T]:
    """The items; the time that each takes to come counts to the step."""
    steps = _measured()
    if steps is None:
        yield from items
        return
    steps.begin(name)
    iterator = iter(items)
    while True:
        with steps.within(name):
            try:
                item = next(iterator)
            except StopIteration:
                break
        yield item
    steps.end(name)
