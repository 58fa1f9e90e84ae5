"""The U-Net at work in scikit-learn, in our searches, and in files."""

import copy
import pickle

import numpy as np
import pytest
import sklearn
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import SkipTestWarning
from sklearn.metrics import f1_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator
from unet_pages import assert_same_state, one_hot, pages, unet

from skhpo import ArrayScaler, BayesSearchCV, HyperbandSearchCV, KerasUNet

X, Y = pages()
bare = {"metrics": ()}


# The contract


def test_checks_of_scikit_learn():
    # Those that need no samples in rows; of the others it warns.
    with pytest.warns(SkipTestWarning, match="Can't test estimator KerasUNet"):
        checks = list(estimator_checks_generator(unet(**bare)))
    assert checks
    for estimator, check in checks:
        check(estimator)


def test_tags():
    tags = get_tags(KerasUNet())
    assert not is_classifier(KerasUNet())
    assert not is_regressor(KerasUNet())
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.sparse
    assert tags.target_tags.required
    assert not tags.non_deterministic


def test_what_is_given_is_not_changed():
    images, masks, weights = X.copy(), Y.copy(), np.ones(len(X))
    for array in (images, masks, weights):
        array.flags.writeable = False
    class_weight = {0: 1.0, 2: 3.0}
    network = unet(epochs=1, class_weight=class_weight, **bare)
    network.fit(images, masks, weights)
    assert_array_equal(images, X)
    assert_array_equal(masks, Y)
    assert class_weight == {0: 1.0, 2: 3.0}
    unfitted = clone(network)
    assert unfitted.get_params() == network.get_params()
    assert not hasattr(unfitted, "model_")


# Searches and folds


@pytest.mark.parametrize("masks", [Y, one_hot(Y)], ids=["labels", "one-hot"])
def test_folds_without_regard_to_classes(masks):
    network = unet(epochs=4, **bare)
    scores = cross_val_score(network, X, masks, cv=3, error_score="raise")
    expected = []
    for train, test in KFold(3).split(X):
        fitted = clone(network).fit(X[train], masks[train])
        found = fitted.predict(X[test]).ravel()
        expected.append(f1_score(Y[test].ravel(), found, average="macro"))
    assert_allclose(scores, expected)


def test_out_of_fold_masks():
    predicted = cross_val_predict(unet(epochs=1, **bare), X, Y, cv=2)
    assert predicted.shape == Y.shape


def test_grid_search_over_a_pipeline():
    search = GridSearchCV(
        make_pipeline(ArrayScaler(), unet(epochs=4, **bare)),
        {"kerasunet__learning_rate": np.array([1e-6, 0.02])},
        cv=2,
        error_score="raise",
    ).fit(X, Y)
    assert search.best_params_ == {"kerasunet__learning_rate": 0.02}
    assert search.predict(X).shape == Y.shape
    assert search.score(X, Y) == search.best_estimator_.score(X, Y)


def test_weights_by_routing():
    weights = np.linspace(0, 2, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        network = unet(epochs=1, **bare)
        network.set_fit_request(sample_weight=True)
        network.set_score_request(sample_weight=True)
        params = {"sample_weight": weights}
        scores = cross_val_score(network, X, Y, cv=2, params=params)
    fitted = unet(epochs=1, **bare).fit(X[6:], Y[6:], weights[6:])
    assert scores[0] == pytest.approx(fitted.score(X[:6], Y[:6], weights[:6]))


def test_hyperband_goes_on_from_rung_to_rung(tmp_path):
    search = HyperbandSearchCV(
        unet(checkpoint_dir=tmp_path, n_classes=3, **bare),
        {"bn_after_act": [True, False], "dropout": [0.0, 0.2]},
        max_resource=2,
        factor=2,
        resource="epochs",
        cv=2,
        random_state=0,
        error_score="raise",
    )
    assert search.budget().continues
    search.fit(X, Y)
    assert search.best_estimator_.n_iter_ == 2
    best = clone(search.estimator).set_params(checkpoint_dir=None)
    best.set_params(**search.best_params_)
    scores = cross_val_score(best, X, Y, cv=2)
    assert search.best_score_ == scores.mean()


def test_bayesian_search():
    search = BayesSearchCV(
        unet(epochs=1, **bare),
        {"start_neurons": (1, 2), "activation": ["lrelu"]},
        n_iter=2,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, Y)
    assert search.best_params_["activation"] == "lrelu"
    assert search.best_score_ > 0


# Files


def by_pickle(network):
    return pickle.loads(pickle.dumps(network))


def by_skops(network):
    data = skops.io.dumps(network)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


@pytest.fixture(scope="module")
def fitted():
    return unet(dropout=0.2, class_weight="balanced").fit(X, Y)


@pytest.mark.parametrize("copied", [by_pickle, by_skops, copy.deepcopy])
def test_a_copy_goes_on_as_if_nothing_had_happened(copied, fitted):
    again = copied(fitted)
    assert_same_state(again, fitted)
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    one, other = copied(fitted).partial_fit(X, Y), again.partial_fit(X, Y)
    assert_same_state(one, other)
    expected = unet(dropout=0.2, class_weight="balanced", epochs=3).fit(X, Y)
    assert_same_state(one, expected)


@pytest.mark.parametrize("random_state", [0, None])
def test_a_broken_fit_equals_a_whole_one(random_state, tmp_path):
    network = unet(
        random_state=random_state,
        dropout=0.2,
        class_weight="balanced",
        checkpoint_dir=tmp_path,
    ).fit(X, Y)
    seed = network._seed
    network.set_params(epochs=5).fit(X, Y)
    assert network.resumed_from_epoch_ == 2
    whole = clone(network).set_params(checkpoint_dir=None, random_state=seed)
    assert_same_state(whole.fit(X, Y), network)


# Weights to start from


@pytest.mark.parametrize("name", ["unet.weights.h5", "unet.keras"])
def test_it_starts_from_the_weights_in_a_file(name, fitted, tmp_path):
    path = tmp_path / name
    save = fitted.model_.save if name.endswith("keras") else fitted.model_.save_weights
    save(path)
    for given in (path, str(path)):
        network = unet(epochs=1, initial_weights=given, learning_rate=1e-12)
        network.set_params(random_state=5, metrics=()).fit(X, Y)
        for layer, other in zip(
            network.model_.trainable_variables,
            fitted.model_.trainable_variables,
            strict=True,
        ):
            assert_allclose(layer.numpy(), other.numpy(), atol=1e-9)
    assert network.loss_curve_[0] < unet(epochs=1, **bare).fit(X, Y).loss_curve_[0]


def test_a_checkpoint_knows_what_it_started_from(fitted, tmp_path):
    path, moved = tmp_path / "a.weights.h5", tmp_path / "b.weights.h5"
    fitted.model_.save_weights(path)
    network = unet(initial_weights=path, checkpoint_dir=tmp_path / "states", **bare)
    whole = unet(initial_weights=path, **bare).fit(X, Y)
    network.set_params(epochs=1).fit(X, Y)
    path.rename(moved)
    network.set_params(epochs=2, initial_weights=moved).fit(X, Y)
    assert network.resumed_from_epoch_ == 1
    assert_same_state(network, whole)
    whole.model_.save_weights(moved)
    assert network.fit(X, Y).resumed_from_epoch_ == 0


def test_files_to_start_from_that_are_none(fitted, tmp_path):
    path = tmp_path / "unet.weights.h5"
    network = unet(initial_weights=path, **bare)
    with pytest.raises(
        FileNotFoundError, match=r"initial_weights must .*unet.weights.h"
    ):
        network.fit(X, Y)
    path.write_bytes(b"no weights")
    message = r"initial_weights must name a file of weights, .*unet.weights.h5': "
    with pytest.raises(ValueError, match=message):
        network.fit(X, Y)
    fitted.model_.save_weights(path)
    for settings in (
        {"start_neurons": 3},
        {"net_depth": 2},
        {"n_classes": 4},
        {"initial_weights": __file__},
    ):
        other = clone(network).set_params(**settings)
        with pytest.raises(ValueError, match="initial_weights must name a file of wei"):
            other.fit(X, Y)
        assert not other.__sklearn_is_fitted__()
