"""Nights that carry features on say the same as nights that measure every lead."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from features.config import load
from features.contract.database import open_database
from models.rules.rules import load_rules
from serve.batch import score_all
from serve.ledger.ledger import open_ledger
from serve.scorer import Scorer
from training.record import Trained

MONDAY = datetime(2025, 3, 3)


def test_two_nights(demo_folder: Path, trained: Trained, tmp_path: Path) -> None:
    """The second with what the first one kept, against two full runs."""
    full = load(demo_folder)
    engine = full.engine.model_copy(update={"incremental": True})
    kept = full.model_copy(update={"engine": engine, "out": str(tmp_path / "kept")})
    scorer = Scorer(trained.model, load_rules(full.folder / full.rules), full.words)
    with (
        open_database(full) as database,
        open_ledger(tmp_path / "full.duckdb") as by_full,
        open_ledger(tmp_path / "kept.duckdb") as by_kept,
    ):
        for cutoff in (MONDAY, MONDAY + timedelta(days=1)):
            spared = score_all(kept, database, scorer, by_kept, cutoff)
            whole = score_all(full, database, scorer, by_full, cutoff)
            got, expected = (each.rows.drop(columns="scored_at") for each in (spared, whole))
            pd.testing.assert_frame_equal(got, expected, check_exact=True)
    (told,) = [note for note in spared.notes if "carried on" in note]
    carried, leads = (int(number.replace(",", "")) for number in re.findall(r"[\d,]+", told)[:2])
    assert leads == spared.open_leads
    assert 0 < carried < leads
    assert [path.name for path in (tmp_path / "kept" / "nightly").iterdir()] == [
        f"features-{spared.run.model_version}.parquet"
    ]
