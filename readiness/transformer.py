"""The features of a lead database as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils.validation import check_is_fitted

from features.spec.spec import Spec
from readiness.leads import Leads, to_pandas
from readiness.snapshot_frames import as_cutoffs, features


class LeadFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """Snapshots in, features out: the first step of a Pipeline before any classifier.

    What it learns is learnt before the last cutoff it is fitted on: which actions get features of
    their own (by what was known strictly before that cutoff), and the codes of texts. What it
    computes for a snapshot is known strictly before that snapshot's cutoff.

    Parameters
    ----------
    leads : the open lead database. Clones of the transformer share it.
    specs : the features; default: the list of the settings, with the actions known at fit, without
        those that have no value in any snapshot of the fit.
    encode_texts : whether sources, actions and text attributes become ordinal codes learnt at fit
        (NaN where missing or new), so that any classifier for numbers can follow; False leaves
        them as texts.

    Attributes
    ----------
    specs_ : the features, in order.
    encoder_ : the fitted OrdinalEncoder, or None.

    Examples
    --------
    >>> import readiness as rd
    >>> leads = rd.example()
    >>> X = rd.snapshots(leads, ["2026-01-10", "2026-01-11"])
    >>> transformer = rd.LeadFeatures(leads).fit(X)

    Lead 1 called in on 2026-01-11 at 00:00, which is not before the last cutoff: unknown yet.

    >>> [name for name in transformer.get_feature_names_out() if "(called_in)" in name]
    []
    >>> transformer.transform(X)[["age_days", "count_7d(visited)"]]
       age_days  count_7d(visited)
    0       8.0                2.0
    1       1.0                0.0
    2       9.0                1.0
    3       2.0                0.0
    """

    def __init__(
        self, leads: Leads, specs: Sequence[Spec] | None = None, encode_texts: bool = True
    ) -> None:
        self.leads = leads
        self.specs = specs
        self.encode_texts = encode_texts

    def fit(self, X: Any, y: Any = None) -> LeadFeatures:
        """Learn the list of features and the codes of texts.

        X : a frame of snapshots, lead_id and cutoff, shape (n, 2 or more); n at least 1.
        """
        self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> pd.DataFrame:
        """The same as `fit(X).transform(X)`; the features are computed once."""
        return self._coded(self._fit(X))

    def transform(self, X: Any) -> pd.DataFrame:
        """The features of the snapshots X: a frame of shape (n, k), with the index of X."""
        check_is_fitted(self)
        return self._coded(self._texts_and_numbers(X))

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """The names of the features, in order."""
        check_is_fitted(self)
        return np.array([spec.name for spec in self.specs_], dtype=object)

    def _fit(self, X: Any) -> pd.DataFrame:
        if self.specs is None:
            last = as_cutoffs(to_pandas(X, "X")["cutoff"])[-1]
            self.specs_ = self.leads.specs(self.leads.actions_before(last))
        else:
            self.specs_ = tuple(self.specs)
        frame = self._texts_and_numbers(X)
        if self.specs is None:
            has_value = frame.notna().any()
            self.specs_ = tuple(spec for spec in self.specs_ if has_value[spec.name])
            frame = frame[[spec.name for spec in self.specs_]]
        self._texts = [spec.name for spec in self.specs_ if spec.is_text]
        self.encoder_ = None
        if self.encode_texts and self._texts:
            self.encoder_ = OrdinalEncoder(
                handle_unknown="use_encoded_value",
                unknown_value=np.nan,
                encoded_missing_value=np.nan,
                max_categories=100,
            ).set_output(transform="default")
            self.encoder_.fit(frame[self._texts])
        return frame

    def _texts_and_numbers(self, X: Any) -> pd.DataFrame:
        frame = features(self.leads, X, self.specs_)
        if isinstance(X, pd.DataFrame):
            frame.index = X.index
        return frame[[spec.name for spec in self.specs_]]

    def _coded(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.encoder_ is None:
            return frame
        codes = self.encoder_.transform(frame[self._texts])
        return frame.assign(**dict(zip(self._texts, codes.T, strict=True)))
