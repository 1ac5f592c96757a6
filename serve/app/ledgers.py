"""Open ledgers, kept for the next request: opening one takes longer than most of what is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import Empty, LifoQueue

from models.decisions.place import LedgerPlace
from serve.ledger.ledger import Ledger, open_ledger

FRESH_SECONDS = 1.0  # a reader may see the ledger of so long ago
MOST = 4  # lent at a time: each has memory of its own


@dataclass
class _Open:
    ledger: Ledger
    stack: ExitStack
    refreshed: float
    writes: int


class Ledgers:
    """Lends each ledger to one request at a time, and brings it up to date before."""

    def __init__(self, place: LedgerPlace) -> None:
        self.place = place
        self._idle: LifoQueue[_Open] = LifoQueue()
        self._lent = threading.BoundedSemaphore(MOST)
        self._writes = 0

    @contextmanager
    def reading(self) -> Iterator[Ledger]:
        """A ledger as it is now: at most FRESH_SECONDS old, and with all that this service wrote.
        One that fails is not used again. Raises BadInput where it cannot be read."""
        with self._lent:
            writes = self._writes
            try:
                each = self._idle.get_nowait()
            except Empty:
                each = self._opened(writes)
            try:
                if each.writes != writes or time.monotonic() - each.refreshed > FRESH_SECONDS:
                    each.ledger.refresh()
                    each.refreshed, each.writes = time.monotonic(), writes
                yield each.ledger
            except BaseException:
                each.stack.close()
                raise
            self._idle.put(each)

    @contextmanager
    def writing(self) -> Iterator[Ledger]:
        """The same, for a request that writes a decision: all others see it from then on."""
        with self.reading() as ledger:
            ledger.refresh()
            try:
                yield ledger
            finally:
                self._writes += 1

    def _opened(self, writes: int) -> _Open:
        stack = ExitStack()
        ledger = stack.enter_context(open_ledger(self.place))
        return _Open(ledger, stack, time.monotonic(), writes)

    def close(self) -> None:
        """Close those that are not lent."""
        while not self._idle.empty():
            self._idle.get_nowait().stack.close()
