"""The networks keep the contract of scikit-learn's estimators."""

import contextlib
import re
from unittest import SkipTest

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils._test_common.instance_generator import PER_ESTIMATOR_XFAIL_CHECKS
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from skhpo import KerasCNN, KerasCNNRegressor, KerasMLP, KerasMLPRegressor

SHARED = {"learning_rate": 0.1, "random_state": 0}
BLOCKS = {"padding": "same", "pool_size": 1, "dense_layer_sizes": 20}
NETWORKS = [
    KerasMLP(20, epochs=8, **SHARED),
    KerasMLPRegressor(20, epochs=15, **SHARED),
    KerasCNN(4, epochs=8, **BLOCKS, **SHARED),
    KerasCNNRegressor(4, epochs=15, **BLOCKS, **SHARED),
]
STOCHASTIC = {
    "check_sample_weight_equivalence_on_dense_data": (
        "sample_weight is not equivalent to removing/repeating samples."
    )
}
SPARSE_TWIN = "check_sample_weight_equivalence_on_sparse_data"

each_network = pytest.mark.parametrize(
    "network", NETWORKS, ids=lambda network: type(network).__name__
)

# Whether each check, by estimator and its own name and arguments, ran or was skipped.
_ran: dict[tuple, bool] = {}


@parametrize_with_checks(
    NETWORKS, expected_failed_checks=lambda _: STOCHASTIC, xfail_strict=True
)
def test_check_of_scikit_learn(estimator, check):
    run(estimator, check)


@each_network
def test_scikit_learn_expects_the_same_failure_of_its_own(network):
    own = SGDClassifier if is_classifier(network) else SGDRegressor
    assert STOCHASTIC.items() <= PER_ESTIMATOR_XFAIL_CHECKS[own].items()


@each_network
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_as_many_checks_run_as_for_scikit_learns_own(network):
    own = MLPClassifier if is_classifier(network) else MLPRegressor
    ran, ran_for_own = checks_that_run(network), checks_that_run(own(max_iter=20))
    assert len(ran) >= len(ran_for_own) >= 50
    # All but that of sparse X, which the networks refuse as their tags say.
    assert {name for name, *_ in ran_for_own - ran} == {SPARSE_TWIN}


@each_network
@pytest.mark.parametrize("name", ["check_dataframe_column_names_consistency"])
def test_check_that_scikit_learn_has_but_does_not_yield(network, name):
    getattr(estimator_checks, name)(type(network).__name__, network)


@each_network
def test_every_parameter_refuses_what_is_none_in_one_message(network, iris):
    names = network.get_params()
    wrong = clone(network).set_params(**dict.fromkeys(names, ...))
    with pytest.raises(ValueError, match="Invalid parameters of") as error:
        wrong.fit(*iris)
    found = re.findall(r"[:;] (\w+) must be [^;]*, got Ellipsis", str(error.value))
    assert found == sorted(names)
    assert not hasattr(wrong, "n_features_in_")


@each_network
def test_tags(network):
    tags = get_tags(network)
    assert is_classifier(network) != is_regressor(network)
    assert is_classifier(network) == (type(network) in (KerasMLP, KerasCNN))
    assert tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array == ("CNN" in type(network).__name__)
    assert not tags.input_tags.sparse
    assert not tags.non_deterministic
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert not is_classifier(network) or tags.classifier_tags.multi_label


@each_network
@pytest.mark.parametrize("name", ["model_", "history_", "n_iter_", "best_epoch_"])
def test_what_is_fitted_is_not_there_before(network, name):
    network = clone(network)
    assert not hasattr(network, name)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        getattr(network, name)


@each_network
def test_a_failed_first_fit_leaves_it_unfitted(network, iris):
    X, y = iris
    network = clone(network)
    with pytest.raises(ValueError, match=r"one class|infinity"):
        network.fit(X, np.zeros(150) if is_classifier(network) else y + np.inf)
    assert not hasattr(network, "history_")
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        network.predict(X)


def checks_that_run(estimator):
    """Return which of scikit-learn's checks run to an end, good or bad."""
    ran = set()
    for instance, check in estimator_checks_generator(estimator):
        key = key_of(instance, check)
        if key not in _ran:
            with contextlib.suppress(SkipTest, AssertionError):
                run(instance, check)
        if _ran[key]:
            ran.add(key[1:])
    return ran


def run(estimator, check):
    """Run a check, and record whether it ran or skipped itself."""
    key = key_of(estimator, check)
    _ran[key] = True
    try:
        check(estimator)
    except SkipTest:
        _ran[key] = False
        raise


def key_of(estimator, check):
    arguments = tuple(sorted(check.keywords.items()))
    return type(estimator).__name__, check.func.__name__, arguments
