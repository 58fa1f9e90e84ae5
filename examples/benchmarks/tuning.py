"""Tables to change the sampler by, so that those of `samplers.py` stay a test.

    python examples/benchmarks/tuning.py --record
    python examples/benchmarks/tuning.py --seeds 40

records 500 settings of each of four scikit-learn estimators, which takes minutes, and
replays searches of ours on models of them, as `samplers.py` does. A change of the
sampler is made by what it does here; what it does on the tables of `samplers.py` is
looked at when it is made.
"""

import argparse
import functools
import warnings

import samplers
from record_trials import SCALERS, record
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from spaces import CURVED, SPACES, Parameter

N_ROWS = 500
STEPPED = ("constant", "invscaling", "adaptive")

SPACES |= {
    "sk_mlp": [
        Parameter("depth", 1, 3, whole=True),
        Parameter("units_1", 4, 128, True, True),
        Parameter("units_2", 4, 128, True, True, needs=("depth", (2, 3))),
        Parameter("units_3", 4, 128, True, True, needs=("depth", (3,))),
        Parameter("activation", choices=("relu", "tanh", "logistic")),
        Parameter("solver", choices=("adam", "sgd", "lbfgs")),
        Parameter("momentum", 0.0, 0.99, needs=("solver", ("sgd",))),
        Parameter("alpha", 1e-6, 1.0, log=True),
        Parameter(
            "learning_rate_init",
            1e-4,
            1e-1,
            log=True,
            needs=("solver", ("adam", "sgd")),
        ),
        Parameter("batch_size", 8, 128, True, True, needs=("solver", ("adam", "sgd"))),
        Parameter("max_iter", 5, 40, whole=True),
    ],
    "svm": [
        Parameter("kernel", choices=(*CURVED, "linear")),
        Parameter("C", 1e-3, 1e3, log=True),
        Parameter("gamma", 1e-5, 10, log=True, needs=("kernel", CURVED)),
        Parameter("degree", 2, 5, whole=True, needs=("kernel", ("poly",))),
        Parameter("coef0", -1, 1, needs=("kernel", ("poly", "sigmoid"))),
        Parameter("scaler", choices=tuple(SCALERS)),
        Parameter("components", 2, 30, whole=True),
        Parameter("tol", 1e-5, 1e-1, log=True),
    ],
    "trees": [
        Parameter("n_estimators", 3, 60, True, True),
        Parameter("max_depth", 2, 20, whole=True),
        Parameter("min_samples_split", 2, 40, True, True),
        Parameter("min_samples_leaf", 1, 30, True, True),
        Parameter("max_features", 0.02, 1.0),
        Parameter("criterion", choices=("gini", "entropy")),
        Parameter("bootstrap", choices=(True, False)),
        Parameter("max_samples", 0.1, 1.0, needs=("bootstrap", (True,))),
        Parameter("ccp_alpha", 1e-6, 1e-1, log=True),
    ],
    "sgd": [
        Parameter(
            "loss", choices=("hinge", "log_loss", "modified_huber", "perceptron")
        ),
        Parameter("penalty", choices=("l2", "l1", "elasticnet")),
        Parameter("alpha", 1e-7, 1e-1, log=True),
        Parameter("l1_ratio", 0.0, 1.0, needs=("penalty", ("elasticnet",))),
        Parameter("learning_rate", choices=("optimal", *STEPPED)),
        Parameter("eta0", 1e-4, 1.0, log=True, needs=("learning_rate", STEPPED)),
        Parameter("power_t", 0.1, 0.9, needs=("learning_rate", ("invscaling",))),
        Parameter("max_iter", 2, 40, True, True),
        Parameter("average", choices=(True, False)),
        Parameter("scaler", choices=tuple(SCALERS)),
    ],
}
samplers.NOISE |= {"sk_mlp": 0.01, "svm": 0.004, "trees": 0.005, "sgd": 0.006}


def sk_mlp(setting, seed):
    depth = setting.pop("depth")
    sizes = tuple(setting.pop(f"units_{layer}") for layer in range(1, depth + 1))
    return MLPClassifier(sizes, random_state=seed, **setting), noisy()


def svm(setting, seed):  # noqa: ARG001
    scaler, n_components = SCALERS[setting.pop("scaler")], setting.pop("components")
    svc = SVC(max_iter=3000, **setting)
    pipeline = make_pipeline(scaler, PCA(n_components, random_state=0), svc)
    return pipeline, load_breast_cancer(return_X_y=True)


def trees(setting, seed):
    return ExtraTreesClassifier(random_state=seed, **setting), few_digits()


def sgd(setting, seed):
    scaler = SCALERS[setting.pop("scaler")]
    model = SGDClassifier(random_state=seed, tol=None, **({"eta0": 0.01} | setting))
    return make_pipeline(scaler, model), few_digits()


@functools.cache
def noisy():
    return make_classification(
        400,
        20,
        n_informative=8,
        n_classes=4,
        class_sep=0.8,
        flip_y=0.05,
        random_state=3,
    )


@functools.cache
def few_digits():
    X, y = load_digits(return_X_y=True)
    return X[:700], y[:700]


TABLES = {make.__name__: make for make in (sk_mlp, svm, trees, sgd)}


def accuracy(make, setting, seed):
    model, (X, y) = make(dict(setting), seed)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    return cross_val_score(model, X, y, cv=folds, error_score="raise").mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="the tables")
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--seeds", type=int, default=40)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.tables:
        if arguments.record:
            record(name, N_ROWS, functools.partial(accuracy, TABLES[name]))
            continue
        problem = samplers.Problem(name)
        result = {"regrets": [], "seconds": 0.0}
        for _ in samplers.measure(problem, "skhpo", arguments.seeds, result):
            pass
        samplers.show(problem, {"ours": result})


if __name__ == "__main__":
    main()
