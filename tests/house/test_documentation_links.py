"""The representation of estimators in notebooks links to our documentation."""

import re
import tomllib
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.svm import SVC

import skhpo

URLS = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
DOCUMENTATION = URLS["project"]["urls"]["Documentation"]
ESTIMATORS = [
    name
    for name in skhpo.__all__
    if isinstance(getattr(skhpo, name), type)
    and issubclass(getattr(skhpo, name), BaseEstimator)
]
REQUIRED = {
    "LabelEncodedClassifier": (SVC(),),
    "BayesSearchCV": (SVC(), {"C": (1, 10)}),
    "HyperbandSearchCV": (SVC(), {"C": (1, 10)}),
    "KerasTunerSearchCV": (SVC(), {"C": (1, 10)}),
}


def made(name):
    more = {"resource": "max_iter", "max_resource": 9} if "Hyperband" in name else {}
    return getattr(skhpo, name)(*REQUIRED.get(name, ()), **more)


def test_all_estimators_are_there():
    assert len(ESTIMATORS) == 12


@pytest.mark.parametrize("name", ESTIMATORS)
def test_representation_links_to_the_documentation(name):
    estimator = clone(made(name))
    html = estimator._repr_html_()
    (first, *_) = re.findall(r'href="(https://[^"]+)"', html)
    assert first == f"{DOCUMENTATION}/api/skhpo.{name}.html"
