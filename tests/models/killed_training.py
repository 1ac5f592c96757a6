"""A training that waits in the middle, in a process of its own, to be killed there."""

import signal
import sys
import time

from models.registry import Registry
from tests.features.lead_databases import config_for
from tests.models.small_model import fitted, training


def train_and_wait(folder, registered):
    """Set the event `registered` once the version is, and end no sooner than a signal does it."""
    made = Registry._register

    def register(*given):
        made(*given)
        registered.set()
        time.sleep(600)

    Registry._register = register
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    Registry(config_for(folder)).log(training(fitted(300)))
