"""What each knob of a network does, on MNIST
==========================================

How much do scaling, batches, layers, learning rate and optimizer matter? Each knob is
turned by itself; the others stay at pixels divided by the maximum, one hidden layer of
1,000, Adam, batches of 64 and 50 epochs; each optimizer has its own learning rate. The
last table adds a rate that decays to 0, then dropout and batch normalization, chosen by
fits of 50 epochs to 50,000 training images, and judged by the other 10,000.

Test images are measured after each epoch and choose nothing; "best epoch" is by them,
and flatters. "Training" is the mean over the last epoch, while weights still move and
with dropout. It takes an hour of one core; with ``--quick`` seconds, on digits.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from matplotlib.ticker import PercentFormatter
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, ShuffleSplit, train_test_split
from sklearn.pipeline import Pipeline
from study import Study, cosine_decay, in_words, steps_per_epoch

from skhpo import ArrayScaler, KerasMLP
from skhpo.datasets import fetch_mnist

study = Study()
# So that a Pipeline hands X_val on to the network.
sklearn.set_config(enable_metadata_routing=True)
FIT = {"batch_size": 64, "epochs": 3 if study.quick else 50}
USUAL = FIT | {"scaler": "max", "inverted": False, "hidden_layer_sizes": (1000,)}
# As in Keras: SGD without momentum, and the learning rate that the optimizer has.
USUAL |= {"optimizer": "adam", "momentum": 0.0, "nesterov": False, "decays": False}


def images(inverted):
    if study.quick:
        X, y = load_digits(return_X_y=True)
        X, X_test, y, y_test = train_test_split(np.uint8(X), y, random_state=0)
    else:
        X, y = fetch_mnist(subset="train", return_X_y=True)
        X_test, y_test = fetch_mnist(subset="test", return_X_y=True)
    if inverted:
        X, X_test = X.max() - X, X.max() - X_test
    return X, y, X_test, y_test


@study.memory.cache
def learned(scaler, inverted, decays, **settings):
    X, y, X_test, y_test = images(inverted)
    mlp = KerasMLP(random_state=0, **settings).set_fit_request(X_val=True, y_val=True)
    if decays:
        mlp.learning_rate = cosine_decay(1e-3, mlp.epochs, len(X), mlp.batch_size)
    scale = ArrayScaler(scaler) if scaler else "passthrough"
    # The scaler learns from X alone, and scales X_val, the test images, likewise.
    pipeline = Pipeline([("scale", scale), ("mlp", mlp)], transform_input=["X_val"])
    start = time.process_time()
    pipeline.fit(X, y, X_val=X_test, y_val=y_test)
    seconds = time.process_time() - start
    steps = steps_per_epoch(len(X), mlp.batch_size)
    return mlp.history_, seconds, steps, mlp.model_.count_params()


def compare(knob, positions, units=("epochs",)):
    """Fit at each position, (published accuracy, settings), of a knob."""
    rows, size = [], {"figsize": (12, 4 * len(units)), "layout": "constrained"}
    figure, panels = plt.subplots(len(units), 2, squeeze=False, **size)
    for i, (position, (published, settings)) in enumerate(positions.items()):
        history, seconds, steps, n_parameters = learned(**USUAL | settings)
        test, train = (100 * np.array(history[k]) for k in ("val_accuracy", "accuracy"))
        row = {knob: position, "published, %": published, "test, %": test[-1]}
        row |= {"best epoch, %": test.max(), "training, %": train[-1]}
        rows.append(row | {"parameters": f"{n_parameters:,}", "CPU s": seconds})
        for unit, pair in zip(units, panels, strict=True):
            x = np.arange(1, len(test) + 1) * (steps if unit == "updates" else 1)
            for metric, panel in zip(("loss", "accuracy"), pair, strict=True):
                panel.plot(x, history[metric], "--", color=f"C{i}", lw=1)
                panel.plot(x, history[f"val_{metric}"], color=f"C{i}", label=position)
                panel.set(xlabel=unit, title=f"{metric}: test solid, training dashed")
                panel.set_xscale("log" if unit == "updates" else "linear")
    for loss, accuracy in panels:
        loss.set_yscale("log")
        # On a logit scale 99 % is about as far from 99.9 % as 90 % is from 99 %.
        lowest = min(min(line.get_ydata()) for line in accuracy.lines)
        accuracy.set(yscale="logit", ylim=(0.95 * lowest, 0.9999))
        accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=2))
    solid = panels[0, 0].lines[1::2]
    figure.legend(handles=solid, loc="outside right upper", title=knob)
    study.table(rows, f"Test accuracy by {knob}, after {USUAL['epochs']} epochs")
    study.picture(figure, f"Loss and accuracy by {knob}.")


# %%
# Pixels. The least is 0, so that "minmax" does what "max" does.
scalers = {"unscaled": ("about 97", {"scaler": None}), "max": (98.4, {})}
scalers |= {name: ("", {"scaler": name}) for name in ("minmax", "mean", "standard")}
compare("scaling", scalers)
colours = {"white on black": (98, {}), "black on white": (97, {"inverted": True})}
compare("colours", colours)
figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for panel, name, inverted in zip(panels, colours, (False, True), strict=True):
    X, *_ = images(inverted)
    panel.hist(X.ravel(), bins=min(64, int(X.max()) + 1))
    panel.set(title=f"{name}: mean {X.mean():.1f}, standard deviation {X.std():.1f}")
    panel.set(xlabel="pixel value", ylabel="pixels", yscale="log")
study.picture(figure, "Histograms of the pixels of the training images.")

# %%
# Batches, layers, learning rates, and optimizers at their own learning rates.
sizes = {"64": (98.4, {}), "4,096": ("", {"batch_size": 4096})}
compare("batch size", sizes, units=("epochs", "updates"))
deep = ("98.9; 993,482 parameters", {"hidden_layer_sizes": (512, 1024, 64)})
layers = {"1000": (98.4, {"hidden_layer_sizes": (1000,)}), "512-1024-64": deep}
compare("hidden layers", layers)
rates = {"0.01": (91, {"learning_rate": 0.01}), "0.1": ("", {"learning_rate": 0.1})}
compare("learning rate", {"0.001": (98.4, {})} | rates)
optimizers = {"Adam": (98.4, {}), "SGD": ("98, slower", {"optimizer": "sgd"})}
optimizers["SGD, momentum 0.9"] = ("", {"optimizer": "sgd", "momentum": 0.9})
for name in ("RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam"):
    optimizers[name] = ("", {"optimizer": name.lower()})
compare("optimizer", optimizers)


# %%
# Dropout and batch normalization, chosen without the test images.
@study.memory.cache
def chosen(**settings):
    X, y, *_ = images(inverted=False)
    held_out = ShuffleSplit(1, test_size=len(X) // 6, random_state=0)
    n_train, mlp = len(X) - held_out.test_size, KerasMLP(random_state=0, **settings)
    mlp.learning_rate = cosine_decay(1e-3, mlp.epochs, n_train, mlp.batch_size)
    pipeline = Pipeline([("scale", ArrayScaler("max")), ("mlp", mlp)])
    grid = {"mlp__dropout": [0.0, 0.2, 0.4], "mlp__batch_normalization": [False, True]}
    search = GridSearchCV(pipeline, grid, cv=held_out, refit=False).fit(X, y)
    best = {name.removeprefix("mlp__"): v for name, v in search.best_params_.items()}
    return best, 100 * search.best_score_


trained = {}
for name, (published, settings) in layers.items():
    best, score = chosen(**settings, **FIT)
    study.say(f"Chosen for {name}: {in_words(best)}; {score:.2f} % of held-out images.")
    trained[f"{name}, as above"] = (published, settings)
    trained[f"{name}, decay"] = ("", settings | {"decays": True})
    trained[f"{name}, decay, chosen"] = ("", settings | {"decays": True} | best)
compare("layers and training", trained)
study.write()
