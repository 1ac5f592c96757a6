"""`import readiness`: leads, snapshots, labels and features, against the command's own path."""

from datetime import datetime

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import readiness as rd
from features.catalog import catalog
from features.config import load
from features.dataset import labelled
from features.open_database import open_database

SETTINGS = {"features": {"windows_days": [7, 90], "attributes": ["source"]}}


@pytest.fixture(scope="module")
def world():
    return rd.simulate(leads=1_000, seed=3, days=200)


@pytest.fixture(scope="module")
def frames(world):
    """As a user has them: plain pandas, no categories."""
    tables = {"events": world.events, "leads": world.leads, "deals": world.deals}
    return {
        name: table.astype(dict.fromkeys(table.select_dtypes("category"), "str"))
        for name, table in tables.items()
    }


@pytest.fixture(scope="module")
def leads(frames):
    with rd.open_leads(**frames, settings=SETTINGS) as opened:
        yield opened


@pytest.fixture(scope="module")
def X(leads):  # noqa: N802  # the field's word
    return rd.snapshots(leads, leads.mature_cutoffs())


@pytest.fixture(scope="module")
def y(leads, X):
    return rd.labels(leads, X)["won"].to_numpy()


def test_a_folder_gives_what_training_reads_to_the_last_bit(demo_folder):
    config = load(demo_folder)
    with rd.open_leads(demo_folder) as leads, open_database(config) as database:
        cutoffs = leads.mature_cutoffs()[-4:]
        specs = catalog(config.features, database.actions, database.attributes)
        trained_on = labelled(database, specs, cutoffs, 30, 4)
        frame = rd.features(leads, cutoffs)
        pd.testing.assert_frame_equal(frame, trained_on.frame, check_exact=True)
        np.testing.assert_array_equal(rd.labels(leads, cutoffs)["won"], trained_on.won)
        assert list(rd.describe(leads)["name"]) == list(frame.columns[2:])


def test_pandas_polars_and_arrow_frames_are_alike(frames, leads, X):
    some = X.iloc[::50]
    expected = rd.features(leads, some)
    for convert in (pl.from_pandas, pa.Table.from_pandas):
        with rd.open_leads(
            **{name: convert(table) for name, table in frames.items()}, settings=SETTINGS
        ) as others:
            for rows in (some, convert(some.reset_index(drop=True))):
                result = rd.features(others, rows)
                pd.testing.assert_frame_equal(result, expected, check_exact=True)


def test_snapshots_keep_the_order_and_the_repeats_of_the_user(leads, X):
    requested = X.sample(300, replace=True, random_state=0)
    rows = rd.features(leads, requested)
    assert rows["lead_id"].tolist() == requested["lead_id"].tolist()
    whole = rd.features(leads, X).set_index(["lead_id", "cutoff"])
    expected = whole.loc[pd.MultiIndex.from_frame(requested)].reset_index()
    pd.testing.assert_frame_equal(rows, expected, check_exact=True)


def test_labels_are_those_of_the_deals_by_hand(frames, leads, X, y):
    horizon = pd.Timedelta(days=30)
    deals = frames["deals"].set_index("lead_id")
    closed = deals["closed_at"].reindex(X["lead_id"]).to_numpy()
    won = (deals["outcome"].reindex(X["lead_id"]) == "won").to_numpy()
    within = (closed >= X["cutoff"].to_numpy()) & (closed < (X["cutoff"] + horizon).to_numpy())
    np.testing.assert_array_equal(y, (won & within).astype(float))
    late = leads.data_end - horizon + pd.Timedelta(microseconds=1)
    assert rd.labels(leads, late)["won"].isna().all()
    assert rd.labels(leads, leads.data_end - horizon)["won"].notna().all()


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ([], "at least one cutoff"),
        ("first of May", "such as 2026-03-01"),
        ("03/04/2024", "such as 2026-03-01"),
        ("03.04.2024", "such as 2026-03-01"),
        (20240603, "is a number"),
        (pd.DataFrame({"lead_id": [1]}), "lack cutoff"),
        (pd.DataFrame({"lead_id": [10**9], "cutoff": [datetime(2024, 6, 1)]}), "not open"),
        (pd.DataFrame({"lead_id": ["x"], "cutoff": [datetime(2024, 6, 1)]}), "cannot be read"),
    ],
)
def test_what_is_no_snapshot_is_refused(leads, at, message):
    with pytest.raises(rd.BadInput, match=message):
        rd.features(leads, at)
    assert len(rd.snapshots(leads, leads.mature_cutoffs()[-1:]))  # and the next one works


def test_a_closed_lead_is_no_snapshot(frames, leads):
    lead, closed = frames["deals"][["lead_id", "closed_at"]].iloc[0]
    rows = pd.DataFrame({"lead_id": [lead], "cutoff": [closed]})
    assert len(rd.features(leads, rows)) == 1  # closed at the cutoff, not before it
    rows["cutoff"] += pd.Timedelta(microseconds=1)
    with pytest.raises(rd.BadInput, match=f"lead {lead}"):
        rd.features(leads, rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "the path of a readiness.toml, or the frame `leads`"),
        ({"events": [1], "leads": [2]}, "events is a list"),
        ({"path": ".", "settings": "seed = 1"}, "not both"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_the_way(arguments, message):
    with pytest.raises(rd.BadInput, match=message):
        rd.open_leads(**arguments)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time": {"horizont_days": 14}}, "did you mean horizon_days"),
        ({"tables": {"events": "x"}}, r"leave out \[tables\]"),
        ("time = ", "not valid TOML"),
    ],
)
def test_settings_are_as_strict_as_the_file(frames, settings, message):
    with pytest.raises(rd.BadInput, match=message):
        rd.open_leads(**frames, settings=settings)


def test_settings_as_text_or_mapping(frames):
    first = datetime(2024, 4, 1)
    text = "[time]\nfirst_cutoff = 2024-04-01\nhorizon_days = 14\n"
    mapping = {"time": {"first_cutoff": first, "horizon_days": 14}}
    opened = [rd.open_leads(**frames, settings=settings) for settings in (text, mapping)]
    assert opened[0].config == opened[1].config
    assert opened[0].cutoffs()[0] == first


def test_rows_that_breach_the_contract_are_a_warning(frames):
    twice = pd.concat([frames["leads"], frames["leads"].iloc[:1]])
    with pytest.warns(UserWarning, match="breach the contract"):
        opened = rd.open_leads(**(frames | {"leads": twice}))
    assert "1,001 leads" in repr(opened)
    opened.close()
    assert repr(opened) == "Leads(closed)"


def test_a_transformer_before_a_classifier_in_cross_validation(leads, X, y):
    pipeline = make_pipeline(rd.LeadFeatures(leads), HistGradientBoostingClassifier(max_iter=5))
    cv = rd.RollingCutoffs(2, horizon_days=30)
    areas = cross_val_score(pipeline, X, y, cv=cv, scoring="roc_auc", error_score="raise")
    by_hand = []
    for train, test in cv.split(X):
        fitted = clone(pipeline).fit(X.iloc[train], y[train])
        chance = fitted.predict_proba(X.iloc[test])[:, 1]
        won, lost = chance[y[test] == 1], chance[y[test] == 0]
        above = (won[:, None] > lost).mean() + (won[:, None] == lost).mean() / 2
        by_hand.append(above)
    np.testing.assert_allclose(areas, by_hand)
    grid = {"histgradientboostingclassifier__max_leaf_nodes": [4, 8]}
    search = GridSearchCV(pipeline, grid, cv=cv, scoring="roc_auc", error_score="raise").fit(X, y)
    assert len(search.cv_results_["split1_test_score"]) == 2


def test_the_transformer_gives_the_features_and_codes_texts(leads, X):
    early, late = X[X["cutoff"] < X["cutoff"].median()], X[X["cutoff"] >= X["cutoff"].median()]
    transformer = rd.LeadFeatures(leads)
    pd.testing.assert_frame_equal(
        transformer.fit_transform(early), transformer.fit(early).transform(early), check_exact=True
    )
    result = transformer.transform(late)
    names = list(transformer.get_feature_names_out())
    assert list(result.columns) == names
    assert result.index.equals(late.index)
    assert (result.dtypes == "float64").all()
    texts = rd.LeadFeatures(leads, encode_texts=False).fit(early).transform(late)
    numbers = [name for name in names if texts[name].dtype == "float64"]
    raw = rd.features(leads, late, transformer.specs_).set_index(late.index)
    pd.testing.assert_frame_equal(texts, raw[names], check_exact=True)
    pd.testing.assert_frame_equal(result[numbers], raw[numbers], check_exact=True)
    for name in set(names) - set(numbers):  # one code for one text
        pairs = pd.DataFrame({"text": texts[name], "code": result[name]}).dropna().drop_duplicates()
        assert pairs["text"].is_unique
        assert pairs["code"].is_unique


def test_set_output(leads, X):
    transformer = rd.LeadFeatures(leads).set_output(transform="polars")
    result = transformer.fit_transform(X.iloc[:200])
    assert isinstance(result, pl.DataFrame)
    assert result.columns == list(transformer.get_feature_names_out())
    plain = rd.LeadFeatures(leads).fit_transform(X.iloc[:200])
    np.testing.assert_array_equal(result.to_numpy(), plain.to_numpy())


def test_features_without_any_value_are_left_out() -> None:
    """Events that name no source: scikit-learn's boosting ends on a column without a value."""
    world = rd.simulate(leads=1_000, seed=3, days=200)
    events = world.events.drop(columns=["source"])
    leads = rd.open_leads(events=events, leads=world.leads, deals=world.deals)
    X = rd.snapshots(leads, leads.mature_cutoffs()[-2:])
    model = make_pipeline(rd.LeadFeatures(leads), HistGradientBoostingClassifier(max_iter=2))
    model.fit(X, rd.labels(leads, X)["won"])
    names = set(model[0].get_feature_names_out())
    every = rd.features(leads, X)
    assert {name for name in every if name not in names} - {"lead_id", "cutoff"} == {
        name for name in every if every[name].isna().all()
    }
    assert {"first_source", "last_source"} <= set(every) - names


@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_a_fit_sees_nothing_of_the_future(frames, leads, X, share):
    """Fitted with all data or with what was known before its last cutoff alone: the same features,
    the same codes, the same values."""
    cutoffs = X["cutoff"].drop_duplicates()
    last = cutoffs.iloc[int(share * (len(cutoffs) - 1))]
    past = X[X["cutoff"] <= last]
    known = {
        "events": frames["events"][frames["events"]["recorded_at"].fillna(
            frames["events"]["occurred_at"]
        ) < last],
        "leads": frames["leads"][frames["leads"]["created_at"] < last],
        "deals": frames["deals"][frames["deals"]["closed_at"] < last],
    }  # fmt: skip
    with rd.open_leads(**known, settings=SETTINGS) as truncated:
        alone = rd.LeadFeatures(truncated).fit(past)
        whole = rd.LeadFeatures(leads).fit(past)
        assert list(alone.get_feature_names_out()) == list(whole.get_feature_names_out())
        pd.testing.assert_frame_equal(
            alone.transform(past), whole.transform(past), check_exact=True
        )


def test_an_action_first_seen_later_has_no_feature(frames, X, leads):
    last = X["cutoff"].max()
    new = (
        frames["events"]
        .iloc[:1]
        .assign(
            action="invented", occurred_at=last, recorded_at=pd.NaT, lead_id=X["lead_id"].iloc[-1]
        )
    )
    with rd.open_leads(
        **(frames | {"events": pd.concat([frames["events"], new])}), settings=SETTINGS
    ) as later:
        names = rd.LeadFeatures(later).fit(X).get_feature_names_out()
        assert list(names) == list(rd.LeadFeatures(leads).fit(X).get_feature_names_out())
        assert "invented" in later.database.actions


def test_processes_are_refused_with_the_way(leads, X, y):
    pipeline = make_pipeline(rd.LeadFeatures(leads), HistGradientBoostingClassifier(max_iter=2))
    with pytest.raises(rd.BadInput, match="n_jobs=None"):
        leads.__reduce__()

    with joblib.parallel_config(backend="threading"):
        areas = cross_val_score(
            pipeline,
            X,
            y,
            cv=rd.RollingCutoffs(2),
            scoring="roc_auc",
            n_jobs=2,
            error_score="raise",
        )
    alone = cross_val_score(pipeline, X, y, cv=rd.RollingCutoffs(2), scoring="roc_auc")
    assert len(areas) == len(alone) == 2


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"time": None}, "time"),
        ({"capacity": None}, "capacity"),
        ({"engine": {"spark": None}}, "engine.spark"),
    ],
)
def test_none_is_no_table_of_settings(frames, settings, place):
    with pytest.raises(rd.BadInput, match=rf"  {place}: should be a table"):
        rd.open_leads(**frames, settings=settings)
