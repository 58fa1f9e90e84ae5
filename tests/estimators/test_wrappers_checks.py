import re
from collections import defaultdict
from unittest import SkipTest

import keras
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    estimator_checks_generator,
    parametrize_with_checks,
)
from wrapper_models import build_classifier, build_regressor

from skhpo import KerasClassifier, KerasRegressor

NOT_EQUIVALENT = "sample_weight is not equivalent to removing/repeating samples."
EXPECTED_FAILURES = {
    "check_estimator_tags_renamed": (
        "SciKeras's base class has a method _more_tags of scikit-learn before 1.7"
    ),
    "check_mixin_order": "SciKeras's classes have scikit-learn's mixins on the right",
    # As SGDClassifier and SGDRegressor declare for themselves.
    "check_sample_weight_equivalence_on_dense_data": NOT_EQUIVALENT,
    "check_sample_weight_equivalence_on_sparse_data": NOT_EQUIVALENT,
}


# An optimizer as parameter would not do: scikit-learn compares its pickles, and those
# of Keras hold the time.
def build_compiled(build, loss, meta):
    model = build(meta)
    model.compile(keras.optimizers.Adam(0.1), loss)
    return model


def build_quick_classifier(meta):
    softmax = meta["target_type_"] == "multiclass"
    loss = "sparse_categorical_crossentropy" if softmax else "binary_crossentropy"
    return build_compiled(build_classifier, loss, meta)


def build_quick_regressor(meta):
    return build_compiled(build_regressor, "mse", meta)


QUIET = {"verbose": 0, "random_state": 0}
CLASSIFIER = KerasClassifier(build_quick_classifier, epochs=8, **QUIET)
REGRESSOR = KerasRegressor(build_quick_regressor, epochs=15, **QUIET)

ran = defaultdict(set)
skipped = defaultdict(set)


def name_of(check):
    """Return the name of a check and its own arguments."""
    arguments = ", ".join(f"{k}={v}" for k, v in getattr(check, "keywords", {}).items())
    return f"{getattr(check, 'func', check).__name__}({arguments})"


def without_addresses(mark):
    """Name the tests alike in every process that runs some of them."""
    name = mark.kwargs["ids"]
    settings = mark.kwargs | {"ids": lambda v: re.sub(r"at0x[0-9a-f]+", "", name(v))}
    return pytest.mark.parametrize(*mark.args, **settings)


@without_addresses(
    parametrize_with_checks(
        [CLASSIFIER, REGRESSOR],
        expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
        xfail_strict=True,
    )
)
def test_scikit_learn_checks(estimator, check):
    kind = type(estimator)
    ran[kind].add(name_of(check))
    try:
        check(estimator)
    except SkipTest:
        ran[kind].discard(name_of(check))
        skipped[kind].add(name_of(check))
        raise


@pytest.mark.parametrize(
    ("estimator", "peer", "number"),
    [(CLASSIFIER, MLPClassifier(), 67), (REGRESSOR, MLPRegressor(), 60)],
    ids=["classifier", "regressor"],
)
def test_all_checks_of_scikit_learns_own_ran(estimator, peer, number):
    kind = type(estimator)
    generated = {name_of(check) for _, check in estimator_checks_generator(estimator)}
    if ran[kind] | skipped[kind] != generated:
        pytest.skip("counts the checks of a whole run of this file")
    of_peer = {name_of(check) for _, check in estimator_checks_generator(peer)}
    # Neither has a decision function; array API input needs SCIPY_ARRAY_API=1.
    assert skipped[kind] <= {
        "check_array_api_input()",
        "check_classifiers_multilabel_output_format_decision_function()",
    }
    assert of_peer - ran[kind] == skipped[kind]
    assert len(ran[kind]) >= number


@pytest.mark.parametrize(
    "estimator", [CLASSIFIER, REGRESSOR], ids=["classifier", "regressor"]
)
def test_scikit_learn_check_of_feature_names(estimator):
    # Which scikit-learn has, but does not yield above.
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)
