"""Grid against random search, and what grids show of a network
============================================================

A grid of 27 settings has three learning rates, a random search 27 of them: which wins?
What do Keras Tuner's oracles of both kinds find in its published example? What do
activations, initializers and each way against overfitting do, and how well do dense,
convolutional and LSTM layers learn digits? It takes an hour; with ``--quick`` seconds.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import loguniform, sem
from sklearn import model_selection as ms
from sklearn.datasets import load_digits
from study import Study, fashion_mnist

from skhpo import KerasClassifier, KerasCNN, KerasMLP, KerasTunerSearchCV
from skhpo.datasets import fetch_fashion_mnist

study = Study()
SETS = {"digits": (load_digits, 1200, 30, 10)}  # images to search with, epochs, seeds
SETS["Fashion-MNIST"] = (fetch_fashion_mnist, 6000, 20, 3)
TRIALS, TUNER_EPOCHS, WIDE_EPOCHS, N_SPLITS = {"random": 16, "grid": 48}, 10, 100, 5
if study.quick:
    SETS = {"digits": (load_digits, 300, 1, 2)}
    TRIALS, TUNER_EPOCHS, WIDE_EPOCHS, N_SPLITS = {"random": 2, "grid": 3}, 1, 3, 1
CV, TEST, SECONDS = "best CV accuracy, %", "test accuracy, %", "seconds"


def outcome(search, X_test, y_test):
    times = [search.cv_results_[f"mean_{step}_time"] for step in ("fit", "score")]
    seconds = search.n_splits_ * np.sum(times) + search.refit_time_
    accuracy = 100 * search.score(X_test, y_test)
    return {CV: 100 * search.best_score_, TEST: accuracy, SECONDS: seconds}


# %%
# Grid against random search, 27 settings each. The seed decides which images there are
# to search with (the others are the test), the folds, the weights, the random settings.
@study.memory.cache
def searched(kind, load, n_train, epochs, seed):
    X, y = load(return_X_y=True)
    split = {"train_size": n_train, "stratify": y, "random_state": seed}
    X, X_test, y, y_test = ms.train_test_split(np.float32(X / X.max()), y, **split)
    mlp = KerasMLP(epochs=epochs, random_state=seed)
    sizes = [(100,), (100,) * 3, (100,) * 5]
    space = {"hidden_layer_sizes": sizes, "batch_size": [32, 64, 128]}
    cv = ms.StratifiedKFold(3, shuffle=True, random_state=seed)
    if kind == "grid":
        space["learning_rate"] = [0.001, 0.01, 0.1]
        search = ms.GridSearchCV(mlp, space, cv=cv)
    else:
        space["learning_rate"] = loguniform(0.001, 0.1)
        search = ms.RandomizedSearchCV(mlp, space, n_iter=27, cv=cv, random_state=seed)
    search.fit(X, y)
    rates = search.cv_results_["param_learning_rate"].tolist()
    errors = 100 - 100 * search.cv_results_["mean_test_score"]
    return outcome(search, X_test, y_test) | {"rates": rates, "errors": errors}


plt.rcParams["axes.formatter.min_exponent"] = 4  # Of log axes: 20, not 2 x 10^1.
rows, size = [], (5 * len(SETS), 4)
figure, panels = plt.subplots(1, len(SETS), figsize=size, layout="constrained")
for panel, images in zip(np.ravel(panels), SETS, strict=True):
    (*sizes, n_seeds), tests = SETS[images], {}
    for kind in ("grid", "random"):
        found = pd.DataFrame(searched(kind, *sizes, s) for s in range(n_seeds))
        tests[kind] = found[TEST]
        row = {"images": images, "search": kind, "seeds": n_seeds}
        rows.append(row | found[[CV, TEST, SECONDS]].mean().to_dict())
        tried = np.concatenate(found["rates"]), np.concatenate(found["errors"])
        panel.scatter(*tried, s=12, alpha=0.5, label=kind)
    lead = tests["random"] - tests["grid"]
    rows[-1] |= {"ahead by, points": lead.mean(), "standard error": lead.sem()}
    panel.set(xlabel="learning rate", ylabel="CV error, %", xscale="log", yscale="log")
    panel.legend(title=images)
study.table(rows, "27 settings by grid, or at random: means over the seeds")
study.picture(figure, "All settings that were tried, with all seeds.")

# %%
# The published example of Keras Tuner: the size and learning rate of 784-units-10.
units, rates = list(range(32, 513, 32)), [0.01, 0.001, 0.0001]
space = {"hidden_layer_sizes": units, "learning_rate": rates}
mlp = KerasMLP(epochs=TUNER_EPOCHS, random_state=0)
images, rows = fashion_mnist(study.quick), []
for oracle, n_iter in TRIALS.items():
    given = {"oracle": oracle, "n_iter": n_iter, "journal": study.journal(oracle)}
    search = KerasTunerSearchCV(mlp, space, cv=images.held_out, random_state=0, **given)
    found = outcome(search.fit(images.X, images.y), *images.test)
    row = {"oracle": oracle, "trials": n_iter} | search.best_params_
    rows.append(row | {"held-out accuracy, %": found.pop(CV)} | found)
study.table(rows, "The published example of Keras Tuner, by two of its oracles")

# %%
# A wide network learns 300 digits by heart. Each of these grids changes one parameter.
GRIDS = {
    "activation": ["relu", "leaky_relu", "sigmoid", "tanh"],
    "kernel_initializer": ["random_normal", "glorot_uniform", "he_normal"],
    "l1": [0.0, 1e-4, 1e-3, 1e-2],
    "l2": [0.0, 1e-4, 1e-3, 1e-2],
    "dropout": [0.0, 0.2, 0.5, 0.8],
    "early_stopping": [False, True],
}
wide = KerasMLP((512, 512), epochs=WIDE_EPOCHS, random_state=0)
rows, cv = [], ms.StratifiedShuffleSplit(N_SPLITS, train_size=300, random_state=0)
given = {"scoring": ["neg_log_loss", "accuracy"], "cv": cv, "return_train_score": True}
X, y = load_digits(return_X_y=True)
figure, panels = plt.subplots(2, 3, figsize=(12, 7), sharey=True, layout="constrained")
for panel, (parameter, values) in zip(panels.flat, GRIDS.items(), strict=True):
    search = ms.GridSearchCV(wide, {parameter: values}, refit=False, **given)
    scores = study.memory.cache(ms.GridSearchCV.fit)(search, X / 16, y).cv_results_
    grid = pd.DataFrame({"parameter": parameter, "value": list(map(str, values))})
    for part, name in (("train", "training"), ("test", "held-out")):
        grid[f"{name} loss"] = -scores[f"mean_{part}_neg_log_loss"]
        panel.plot(grid["value"], grid[f"{name} loss"], "o-", label=name)
        grid[f"{name} accuracy, %"] = 100 * scores[f"mean_{part}_accuracy"]
    grid[SECONDS] = N_SPLITS * (scores["mean_fit_time"] + scores["mean_score_time"])
    rows += grid.to_dict("records")
    panel.set(title=f"log loss by {parameter}", ylim=(-0.02, 0.52))
panels[0, 0].legend()
study.table(rows, "64-512-512-10 on 300 digits: one grid for each parameter")
study.picture(figure, "Training and held-out loss in each grid, as far as 0.5.")


# %%
# Three kinds of layer, some 5,000 weights each, with a grid for the learning rate in
# each split. The rows of an image are the LSTM's sequence.
def lstm():
    rows = [keras.Input((64,)), keras.layers.Reshape((8, 8)), keras.layers.LSTM(32)]
    return keras.Sequential([*rows, keras.layers.Dense(10, activation="softmax")])


_, n_train, epochs, n_splits = SETS["digits"]
common = {"epochs": epochs, "verbose": 0, "random_state": 0}
loss = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"}
dense, cnn = KerasMLP(64, **common), KerasCNN(16, dense_layer_sizes=32, **common)
rnn = KerasClassifier(lstm, **loss, **common)
rows, cv = [], ms.StratifiedShuffleSplit(n_splits, train_size=n_train, random_state=0)
for layers, network in {"dense": dense, "convolutional": cnn, "LSTM": rnn}.items():
    rate = "optimizer__learning_rate" if layers == "LSTM" else "learning_rate"
    search = ms.GridSearchCV(network, {rate: [0.001, 0.003, 0.01]}, cv=3)
    scores = study.memory.cache(ms.cross_validate)(search, X / 16, y, cv=cv)
    accuracy = 100 * scores["test_score"]
    row = {"layers": layers, TEST: accuracy.mean(), "standard error": sem(accuracy)}
    rows.append(row | {SECONDS: scores["fit_time"].sum()})
study.table(rows, "Three kinds of layer on the same digits")
study.write()
