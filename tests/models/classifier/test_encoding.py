"""The quick encoding equals scikit-learn's own, bit for bit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.spec.kinds import Age, Attribute, First, Last
from models.classifier.encoding import encoded, ordinal

SPECS = (First("source"), Age(), Last("source"), Attribute("size", False))
NAMES = [spec.name for spec in SPECS]
TEXTS = st.sampled_from(["ads", "fair", "Zürich", "", "nan", np.nan])
ROW = st.tuples(TEXTS, st.floats(allow_infinity=False), TEXTS, st.floats(allow_infinity=False))


def frame_of(rows):
    frame = pd.DataFrame(rows, columns=NAMES)
    texts = {spec.name: object for spec in SPECS if isinstance(spec, First | Last)}
    return frame.astype(texts).assign(lead_id=range(len(rows)))


def fitted(frame, names=NAMES):
    return ordinal(frame[names]).fit(frame)


@settings(max_examples=40)
@given(st.lists(ROW, min_size=1, max_size=30), st.lists(ROW, max_size=30))
def test_it_is_the_encoder_s_own(known, requested):
    """With values, and missing values, that the fit has not seen; and with no rows at all."""
    encode, frame = fitted(frame_of(known)), frame_of(requested)
    if requested:
        np.testing.assert_array_equal(encoded(encode, frame), encode.transform(frame).astype(float))
    assert encoded(encode, frame).shape == (len(requested), 4)


def test_rare_values_share_a_code():
    """Beyond 100 different values the encoder gathers the rarest."""
    rows = [(f"s{n}", float(n), "ads", 1.0) for n in range(150) for _ in range(1 + n % 5)]
    frame = frame_of(rows)
    encode = fitted(frame)
    result = encoded(encode, frame)
    np.testing.assert_array_equal(result, encode.transform(frame).astype(float))
    assert len(np.unique(result[:, 0])) == 100


@pytest.mark.parametrize("names", [NAMES[:1], NAMES[1:2]])
def test_texts_alone_or_numbers_alone(names):
    frame = frame_of([("ads", 1.0, "fair", np.nan), (np.nan, 2.0, "fair", 3.0)])
    encode = fitted(frame, names)
    expected = encode.transform(frame).astype(float)
    np.testing.assert_array_equal(encoded(encode, frame), expected)
