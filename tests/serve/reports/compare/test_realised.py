"""What champion and challenger gave in past nights, against outcomes counted in pandas."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.config import Capacity, load
from features.errors import Refused
from features.open_database import open_database
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.ledger.shadows import add_shadow
from serve.reports.compare.realised import realised
from tests.models.small_model import fitted

HORIZON = timedelta(days=30)
TRAINED_UNTIL = datetime(2025, 1, 6)
FAIR = TRAINED_UNTIL + HORIZON
NIGHTS = [FAIR - timedelta(days=1), *(FAIR + timedelta(days=days) for days in (0, 1, 8))]
LEADS = 30  # that sales can call


def deals_of(folder) -> pd.DataFrame:
    return pd.read_parquet(folder / "deals.parquet").astype({"lead_id": str})


def open_at(folder, cutoff: datetime) -> list[str]:
    """Created before it, and without a deal closed before it."""
    leads = pd.read_parquet(folder / "leads.parquet").astype({"lead_id": str})
    deals = deals_of(folder)
    closed = deals.loc[deals["closed_at"] < cutoff, "lead_id"]
    return list(
        leads.loc[(leads["created_at"] < cutoff) & ~leads["lead_id"].isin(closed), "lead_id"]
    )


@pytest.fixture(scope="module")
def models():
    """Champion 1 and challenger 2; no database is needed to fit them, nor do they rank here."""
    model = replace(fitted(300), trained_until=TRAINED_UNTIL)
    return replace(model, version="1"), replace(model, version="2")


@pytest.fixture(scope="module")
def nights(demo_folder):
    """What each gave every open lead at each of the NIGHTS, and whether it was won within the
    horizon."""
    deals, rng = deals_of(demo_folder), np.random.default_rng(5)
    won = deals[deals["outcome"] == "won"].groupby("lead_id")["closed_at"].apply(list).to_dict()
    frames = []
    for cutoff in NIGHTS:
        ids = open_at(demo_folder, cutoff)
        wins = [any(cutoff <= at < cutoff + HORIZON for at in won.get(lead, ())) for lead in ids]
        frame = pd.DataFrame({"lead_id": ids, "cutoff": cutoff, "won": wins})
        frame["champion"] = rng.uniform(0, 0.4, len(ids))
        frame["challenger"] = rng.uniform(0, 0.4, len(ids)) + 0.2 * frame["won"]
        frame["rules"] = rng.permutation(len(ids)).astype(float)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def stored(config, nights: pd.DataFrame, at=NIGHTS) -> LedgerPlace:
    """The ledger of these nights: version 1 was routed, 2 scored beside it."""
    place = LedgerPlace.of(config)
    with open_ledger(place) as ledger:
        for cutoff in at:
            frame = nights[nights["cutoff"] == cutoff]
            run = Run(cutoff, "1", "a41f09c3be")
            rows = pd.DataFrame(
                {
                    "lead_id": frame["lead_id"],
                    "state": "scored",
                    "readiness": frame["champion"],
                    "rule_score": frame["rules"],
                    "band": "warm",
                }
            )
            scored_at = cutoff + timedelta(hours=4)
            ledger.write(run, [rows], len(rows), Router(LEADS, cutoff), scored_at)
            given = frame[["lead_id"]].assign(readiness=frame["challenger"])
            add_shadow(ledger, run, "2", [given], scored_at)
    return place


def settings(demo_folder, tmp_path):
    """Those of the demo, with an `out` of its own and lists of LEADS."""
    config = load(demo_folder)
    update = {"out": str(tmp_path / "out"), "capacity": Capacity(leads=LEADS)}
    return config.model_copy(update=update)


def judged(config, models):
    champion, challenger = models
    with open_ledger(LedgerPlace.of(config)) as ledger, open_database(config) as database:
        return realised(config, database, ledger, challenger, champion)


def test_the_counts_are_those_of_pandas(demo_folder, tmp_path, models, nights) -> None:
    config = settings(demo_folder, tmp_path)
    stored(config, nights)
    result = judged(config, models)
    fair = nights[nights["cutoff"] >= FAIR]
    expected = {
        name: sum(part.nlargest(LEADS, name)["won"].sum() for _, part in fair.groupby("cutoff"))
        for name in ("challenger", "champion", "rules")
    }
    assert expected["challenger"] > expected["champion"] > 0
    assert result.won_on_lists == pytest.approx(expected)
    assert len(result.judgement.cutoffs) == 3
    assert (result.judgement.snapshots, result.judgement.wins) == (len(fair), fair["won"].sum())
    assert result.lost == 0
    for name, given in result.calibration.items():
        assert given.mean_readiness == pytest.approx(fair[name].mean())
        assert given.won == pytest.approx(fair["won"].mean())
    point, low, high = result.judgement.difference["precision"]
    slots = LEADS * 3
    assert point == pytest.approx((expected["challenger"] - expected["champion"]) / slots)
    assert 0 < low < point < high
    assert result.judgement.winner == "challenger"


def test_readings_of_both_as_shadows_count_too(demo_folder, tmp_path, models, nights) -> None:
    """Today's champion was itself a challenger then, beside another."""
    config = settings(demo_folder, tmp_path)
    stored(config, nights)
    with open_ledger(LedgerPlace.of(config)) as ledger:
        for cutoff in NIGHTS:
            frame = nights[nights["cutoff"] == cutoff]
            given = frame[["lead_id"]].assign(readiness=frame["challenger"])
            add_shadow(ledger, Run(cutoff, "1", "a41f09c3be"), "3", [given], cutoff)
    _, challenger = models
    both = (replace(challenger, version="3"), challenger)
    assert judged(config, both).judgement.difference["precision"] == (0, 0, 0)


def test_a_lead_that_is_gone_from_the_data_is_counted_as_lost(
    demo_folder, tmp_path, models, nights
) -> None:
    config = settings(demo_folder, tmp_path)
    gone = nights.head(0)
    for cutoff in NIGHTS[1:]:
        gone = pd.concat(
            [gone, nights[nights["cutoff"] == cutoff].head(2).assign(lead_id=["x", "y"])]
        )
    stored(config, pd.concat([nights, gone], ignore_index=True))
    result = judged(config, models)
    assert result.lost == 6
    assert result.judgement.snapshots == (nights["cutoff"] >= FAIR).sum()


def test_it_says_what_is_missing(demo_folder, tmp_path, models, nights) -> None:
    """No list; none that is fair; none that is mature: the date from which one will be."""
    config = settings(demo_folder, tmp_path)
    with pytest.raises(Refused, match="shadow"):
        judged(config, models)
    stored(config, nights, NIGHTS[:1])
    with pytest.raises(Refused, match=f"{FAIR:%Y-%m-%d}"):
        judged(config, models)
    with open_database(config) as database:
        end = database.data_end
    young = end - HORIZON + timedelta(days=1)
    stored(config, nights[nights["cutoff"] == NIGHTS[1]].assign(cutoff=young), [young])
    with pytest.raises(Refused, match=f"{young + HORIZON:%Y-%m-%d}"):
        judged(config, models)
