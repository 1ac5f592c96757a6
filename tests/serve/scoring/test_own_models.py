"""A model with own models goes through the registry and is scored from raw events as any other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.classifier.by_segment import BySegment, Shares
from models.registry import Registry
from serve.scoring.from_events import _load_pyfunc
from tests.features.lead_databases import config_for
from tests.models.small_model import FROM_EVENTS, fitted, learner, names, snapshots, training

pytestmark = pytest.mark.slow


def test_the_registry_and_raw_events_score_by_the_own_model(tmp_path):
    frame, won = snapshots(900)
    shares = Shares("first_source", {"ads": 1.0})
    own = BySegment.fit(learner(frame, won), shares, frame[names()], won)
    model = replace(fitted(300), classifier=own)
    registry = Registry(config_for(tmp_path))
    version = registry.log(training(model)).version
    loaded, unseen = registry.load(version), snapshots(200, seed=1)[0]
    assert loaded.way == model.way
    assert np.array_equal(loaded.rank(unseen), model.rank(unseen))
    served = _load_pyfunc(str(registry.files(version)))
    leads = pd.concat([FROM_EVENTS.example] * 2, ignore_index=True).assign(lead_id=[1, 2])
    visit = leads["events"][0][0]
    leads["events"] = [[visit | {"source": source}] for source in ("ads", "unknown")]
    scores = served.predict(leads, {"cutoff": FROM_EVENTS.cutoff})["readiness"]
    age, size = 29.0, 20.0  # days from its creation to the cutoff; as of the example
    seen = pd.DataFrame({name: [0.0, 0.0] for name in names()}).assign(
        **{
            "age_days": age,
            "count_7d(visit)": 0.0,
            "count_all(visit)": 1.0,
            "days_since(visit)": 9.0 + 14 / 24,
            "first_source": ["ads", "unknown"],
            "last_source": ["ads", "unknown"],
            "attribute(size)": size,
        }
    )
    assert scores.tolist() == pytest.approx(model.rank(seen).tolist(), abs=1e-9)
    assert scores[0] != scores[1]
