"""A readiness model fitted in a moment on snapshots drawn at random, no database needed.

Who visits and comes by referral wins more often; missing values, and text, are among the columns.
"""

from datetime import datetime

import numpy as np
import pandas as pd

from features.contract.database import Digest
from features.spec.kinds import Age, Attribute, Count, DaysSince, First, Last
from models.classifier.classifier import AverageSettings, ReadinessClassifier, Settings
from models.classifier.logistic import LogisticSettings
from models.classifier.model import ReadinessModel
from models.from_events import FromEvents
from models.registry import TrainingRecord

SPECS = (
    Age(),
    Count("visit", 7),
    First("source"),
    Count("visit"),
    DaysSince("visit"),
    Count("chat"),
    Last("source"),
    Attribute("size", False),
)
SETTINGS = Settings(
    learning_rate=0.1,
    max_iter=30,
    max_leaf_nodes=8,
    min_samples_leaf=20,
    l2_regularization=1.0,
    max_features=1.0,
)
AVERAGE = AverageSettings(**SETTINGS, strength=0.01)


FROM_EVENTS = FromEvents(
    files={
        "readiness.toml": """
tables = { leads = "leads", events = "events", deals = "deals" }
time = { first_cutoff = 2026-01-05 }
capacity = { share = 0.1 }
""",
        "rules.toml": """
name = "small"
bands = { warm = 10, hot = 20 }
[[rule]]
action = "visit"
points = 5
""",
    },
    columns={
        "lead_id": ("long", True),
        "created_at": ("string", True),
        "size": ("double", True),
        "source": ("string", False),
        "objected_at": ("string", False),
    },
    example=pd.DataFrame(
        {
            "lead_id": [1],
            "created_at": ["2026-02-01T00:00:00"],
            "size": [20.0],
            "events": [[{"occurred_at": "2026-02-20T10:00:00", "action": "visit"}]],
        }
    ),
    cutoff="2026-03-02T00:00:00",
)


def snapshots(n, seed=0):
    """n snapshots with a column per spec, and whether each was won."""
    rng = np.random.default_rng(seed)
    visits, sources = rng.poisson(1.5, n), np.array(["ads", "fair", "referral", np.nan], object)
    source = sources[rng.integers(4, size=n)]
    frame = pd.DataFrame(
        {
            "lead_id": np.arange(n),
            "cutoff": pd.Timestamp("2026-03-02"),
            "age_days": rng.uniform(1, 300, n),
            "count_7d(visit)": rng.binomial(visits, 0.4).astype(float),
            "count_all(visit)": visits.astype(float),
            "days_since(visit)": np.where(visits > 0, rng.exponential(20, n), np.nan),
            "count_all(chat)": rng.poisson(0.3, n).astype(float),
            "first_source": source,
            "last_source": source[rng.permutation(n)],
            "attribute(size)": np.where(rng.random(n) < 0.3, np.nan, rng.integers(1, 500, n)),
        }
    )
    log_odds = frame["count_7d(visit)"] + 1.5 * (source == "referral") - frame["age_days"] / 100
    chance = 1 / (1 + np.exp(-log_odds.to_numpy()))
    return frame, (rng.random(n) < chance).astype(float)


def names(specs=SPECS):
    return [spec.name for spec in specs]


def learner(frame, won, specs=SPECS, settings=SETTINGS, seed=0):
    """Fitted on all the snapshots, not calibrated."""
    classifier = ReadinessClassifier.of(settings, seed, calibration="none")
    return classifier.fit(frame[names(specs)], won)


def fitted(n=1_500, specs=SPECS, seed=0, settings=SETTINGS, calibration="sigmoid"):
    """A learner on the first two thirds of the snapshots, the line on the rest."""
    frame, won = snapshots(n, seed)
    classifier = ReadinessClassifier.of(settings, seed, calibration)
    classifier.fit(frame[names(specs)], won, cutoffs=np.arange(n) >= 2 * n // 3)
    return ReadinessModel(
        classifier=classifier,
        specs=tuple(spec for spec in specs if spec.name not in classifier.dropped_),
        dropped=classifier.dropped_,
        horizon_days=30,
        trained_until=datetime(2026, 3, 2),
        base_rate=float(won.mean()),
    )


def fitted_logistic(n=1_500):
    """The same of the logistic regression."""
    return fitted(n, settings=LogisticSettings(strength=0.01))


def fitted_average(n=1_500):
    """The same of the average of both."""
    return fitted(n, settings=AVERAGE)


def training(model, children=(), figures=None):
    """What the registry keeps of a training that yielded this model."""
    return TrainingRecord(
        model=model,
        rules_text='name = "none"',
        params={"seed": 0},
        metrics={"test_model_roc_auc": 0.7},
        digests={"events": Digest(2, "00")},
        tags={"verdict": "none yet"},
        children=children,
        figures=figures or {},
        documents={},
        from_events=FROM_EVENTS,
    )
