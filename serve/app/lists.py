"""The lists of leads that are prepared: those that were asked for last."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from concurrent.futures import Future

from serve.app.ledgers import Ledgers
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run, RunFigures
from serve.reports.leads.prepared import PreparedList

LOOK_SECONDS = 3.0
MOST = 2  # the newest, and an earlier one
_log = logging.getLogger("uvicorn.error")


class Lists:
    """Prepares a list once, for all requests; the newest before anybody asks for it."""

    def __init__(self, ledgers: Ledgers) -> None:
        self.ledgers = ledgers
        self._lock = threading.Lock()
        self._prepared: OrderedDict[tuple[Run, object], Future[PreparedList]] = OrderedDict()
        self._stopped = threading.Event()

    def of(self, ledger: Ledger, run: RunFigures) -> PreparedList:
        """The list of a run as the ledger has it now. Who asks while it is being prepared waits.
        Raises BadInput where the ledger cannot be read."""
        key = run.run, ledger.store.stamp(run.run)
        with self._lock:
            mine = key not in self._prepared
            result = self._prepared.setdefault(key, Future())
            self._prepared.move_to_end(key)
            while len(self._prepared) > MOST:
                self._prepared.popitem(last=False)
        if mine:
            try:
                result.set_result(PreparedList(ledger, run))
            except BaseException as error:
                with self._lock:
                    self._prepared.pop(key, None)
                result.set_exception(error)
        return result.result()

    def prepare_newest(self) -> None:
        """Prepare the newest list, unless it is."""
        with self.ledgers.reading() as ledger:
            if ledger.runs:
                self.of(ledger, ledger.newest())

    def watch(self) -> None:
        """Prepare each newest list as it appears, on a thread, until `stop`."""
        threading.Thread(target=self._watch, name="lists", daemon=True).start()

    def _watch(self) -> None:
        fault = ""
        while not self._stopped.is_set():
            try:
                self.prepare_newest()
                fault = ""
            except Exception as error:  # of any kind: who asks for the list gets it as the answer
                if str(error) != fault:
                    _log.error("the newest list cannot be prepared: %s", error)
                fault = str(error)
            self._stopped.wait(LOOK_SECONDS)

    def stop(self) -> None:
        """End the watch."""
        self._stopped.set()
