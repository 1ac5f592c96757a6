"""scikit-learn's own checks of estimators. All that apply pass, so that none is expected to fail.

What does not apply is in the tags: two classes only, no sparse X, NaN and text among the features.
The check of the array API is skipped by scikit-learn itself, for SCIPY_ARRAY_API is not set.
"""

from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.classifier.classifier import ReadinessClassifier

QUICK = ReadinessClassifier(min_samples_leaf=5, max_features=1.0, learning_rate=0.3, max_iter=20)


OTHERS = [ReadinessClassifier("logistic", strength=1.0), clone(QUICK).set_params(learner="average")]


@parametrize_with_checks([QUICK, *OTHERS])
def test_it_is_an_estimator_as_scikit_learn_means_it(estimator, check):
    check(estimator)
