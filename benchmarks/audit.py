"""How many planted leaks the leakage audit finds, and how many false alarms it raises, as Markdown.

.venv/bin/python -m benchmarks.audit [LEADS ...] [--first-seed SEED]

The thresholds were set on the worlds of seeds 0 to 19; those of 100 to 119 were not used before.
To set them again, use other seeds, and report on yet others.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.audit_plants import PLANTS, Frames
from features.audit.audit import audit, spread_out
from features.audit.finding import Finding
from features.audit.single_features import BANDS
from features.catalog import catalog
from features.check.gate import training_cutoffs
from features.config import Capacity, Config, Engine, Features, Tables, Times
from features.contract.database import open_frames
from features.contract.reading import Reading
from features.dataset import labelled
from features.simulator.simulate import simulate
from features.spec.spec import distinct

SEEDS, LEADS = 20, (5_000, 1_000)
FRESH = 100  # the first of the seeds that were not used to set thresholds


def audited(frames: Frames, features: bool = True) -> tuple[Finding, ...]:
    """The findings of the audit before a training on these frames; without `features`, all but
    those of single features, which take most of the time."""
    config = Config(
        path=Path("readiness.toml"),
        tables=Tables(events="", leads="", deals=""),
        time=Times(first_cutoff=datetime(2024, 4, 1)),
        capacity=Capacity(share=0.1),
        features=Features(attributes=list(frames.attributes)),
        engine=Engine(threads=1),
    )
    tables = {"events": frames.events, "leads": frames.leads, "deals": frames.deals}
    with open_frames(tables, Reading.of(config), config.engine) as database:
        specs = catalog(config.features, database.actions, database.attributes)
        cutoffs = training_cutoffs(config, database.data_end)
        horizon, memory = config.time.horizon_days, config.engine.memory_gb
        some = spread_out(cutoffs)
        needed = distinct((*specs, *BANDS))
        dataset = labelled(database, needed, some, horizon, memory) if features else None
        return audit(database, config, cutoffs, dataset, specs)


def planted(frames: Frames, code: str, seed: int) -> Frames:
    """A copy of the frames with one leak in it."""
    copy = Frames(frames.events.copy(), frames.leads.copy(), frames.deals.copy())
    PLANTS[code](copy, np.random.default_rng(seed))
    return copy


def detected(leads: int, seed: int) -> list[str]:
    """The codes that the audit finds in one world where their leak is planted; and `nothing`, if it
    finds anything where none is."""
    frames = Frames.of(simulate(leads, seed))
    codes = ["nothing"] if audited(frames) else []
    for code in PLANTS:
        findings = audited(planted(frames, code, seed), code.startswith("separates"))
        codes += [code] if code in {finding.code for finding in findings} else []
    print(f"{leads:,} leads, seed {seed}: {len(codes)} of {len(PLANTS)}", file=sys.stderr)
    return codes


def measured(sizes: Sequence[int] = LEADS, first_seed: int = FRESH) -> str:
    """How often each leak is found, in twenty worlds of each size, two worlds at a time."""
    seeds = range(first_seed, first_seed + SEEDS)
    columns: dict[int, dict[str, int]] = {}
    with ProcessPoolExecutor(2) as pool:
        for leads in sizes:
            worlds = pool.map(detected, [leads] * SEEDS, seeds)
            columns[leads] = Counter(code for codes in worlds for code in codes)
    return table(columns)


def table(columns: dict[int, dict[str, int]]) -> str:
    """Rows by plant, a column per size of the database."""
    sizes = " | ".join(f"{leads:,} leads" for leads in columns)
    lines = [
        f"| planted leak: its code | {sizes} |",
        f"|---|{'---|' * len(columns)}",
        "| nothing: any finding at all | "
        + " | ".join(f"{counts['nothing']} of {SEEDS}" for counts in columns.values())
        + " |",
    ]
    for code, plant in PLANTS.items():
        cells = " | ".join(f"{counts[code]} of {SEEDS}" for counts in columns.values())
        leak = " ".join(str(plant.__doc__).split()).rstrip(".")
        lines.append(f"| {leak}: `{code}` | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("leads", type=int, nargs="*", default=LEADS)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    arguments = parser.parse_args()
    print(measured(arguments.leads, arguments.first_seed))


if __name__ == "__main__":
    main()
