"""Changes of champion for the tests, in this process and in others."""

import os
import random
import signal
from dataclasses import replace

from features.errors import Refused
from models.decisions.champion_changes import ChampionChange
from models.registry import CHAMPION, Registry
from training.promotion.champion import set_champion
from training.promotion.history import history

FIGURES = {"metric": "average_precision", "difference": {"rules": {"point": 0.1}}}


def promoted(company, old, new, **more):
    """Set `new` as champion in place of `old`."""
    change = ChampionChange("promote", old, new, "ann", "", False, f"{new} is better.", FIGURES)
    set_champion(*company, replace(change, **more))


def promote_and_die(config, old, new, method, after):
    """In a process of its own: `promoted`, killed before or after a method of the registry."""
    original = getattr(Registry, method)

    def killed(*args):
        if after:
            original(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(Registry, method, killed)
    promoted((config, Registry(config)), old, new, reason="so")


def compete(config, seed, start, results):
    """In a process of its own, beside another: set a champion again and again, and
    report the changes that were not refused."""
    registry, rng, done = Registry(config), random.Random(seed), []
    start.wait()
    for attempt in range(6):
        old = registry.find(CHAMPION)
        new = rng.choice([version for version in ("1", "2", "3") if version != old])
        try:
            promoted((config, registry), old, new, reason=f"{seed} {attempt}")
            done.append((old, new, f"{seed} {attempt}"))
        except Refused:
            history(config)
    results.put(done)
