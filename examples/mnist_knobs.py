"""What each knob of a network does, on MNIST
==========================================

How much do scaling, batches, layers, learning rate and optimizer matter, and why? Each
knob is turned by itself; the others stay at pixels divided by the maximum, one hidden
layer of 1,000, Adam, batches of 64 and 50 epochs. Test images are measured after each
epoch and choose nothing. It takes an hour; with ``--quick`` seconds, on digits.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from matplotlib.ticker import PercentFormatter
from scipy.special import expit as sigmoid
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from study import Study

from skhpo import ArrayScaler, KerasMLP
from skhpo.datasets import fetch_mnist

study = Study()
# So that a Pipeline hands X_val on to the network.
sklearn.set_config(enable_metadata_routing=True)
USUAL = {"scaler": "max", "inverted": False, "hidden_layer_sizes": (1000,)}
# As in Keras: SGD without momentum, and the learning rate that the optimizer has.
USUAL |= {"optimizer": "adam", "momentum": 0.0, "learning_rate": None}
USUAL |= {"batch_size": 64, "epochs": 3 if study.quick else 50, "quick": study.quick}


def images(inverted, quick):
    if quick:
        X, y = load_digits(return_X_y=True)
        X, X_test, y, y_test = train_test_split(np.uint8(X), y, random_state=0)
    else:
        X, y = fetch_mnist(subset="train", return_X_y=True)
        X_test, y_test = fetch_mnist(subset="test", return_X_y=True)
    if inverted:
        X, X_test = X.max() - X, X.max() - X_test
    return X, y, X_test, y_test


@study.memory.cache
def learned(scaler, inverted, quick, **settings):
    X, y, X_test, y_test = images(inverted, quick)
    mlp = KerasMLP(random_state=0, **settings).set_fit_request(X_val=True, y_val=True)
    scale = ArrayScaler(scaler) if scaler else "passthrough"
    # The scaler learns from X alone, and scales X_val, the test images, likewise.
    pipeline = Pipeline([("scale", scale), ("mlp", mlp)], transform_input=["X_val"])
    start = time.process_time()
    pipeline.fit(X, y, X_val=X_test, y_val=y_test)
    seconds = time.process_time() - start
    n_updates = -(-len(X) // mlp.batch_size)  # in an epoch
    return mlp.history_, seconds, n_updates, mlp.model_.count_params()


def compare(knob, positions, units=("epochs",)):
    """Fit at each position, (published accuracy, settings), of a knob."""
    rows, size = [], {"figsize": (12, 4 * len(units)), "layout": "constrained"}
    figure, panels = plt.subplots(len(units), 2, squeeze=False, **size)
    for i, (position, (published, settings)) in enumerate(positions.items()):
        history, seconds, n_updates, n_parameters = learned(**USUAL | settings)
        test, train = (100 * np.array(history[k]) for k in ("val_accuracy", "accuracy"))
        row = {knob: position, "published, %": published, "test, %": test[-1]}
        row |= {"best epoch, %": test.max(), "training, %": train[-1]}
        rows.append(row | {"parameters": f"{n_parameters:,}", "CPU s": seconds})
        for unit, pair in zip(units, panels, strict=True):
            x = np.arange(1, len(test) + 1) * (n_updates if unit == "updates" else 1)
            for metric, panel in zip(("loss", "accuracy"), pair, strict=True):
                panel.plot(x, history[metric], "--", color=f"C{i}", lw=1)
                panel.plot(x, history[f"val_{metric}"], color=f"C{i}", label=position)
                panel.set(xlabel=unit, title=f"{metric}: test solid, training dashed")
                panel.set_xscale("log" if unit == "updates" else "linear")
    for loss, accuracy in panels:
        loss.set_yscale("log")
        # On this scale 99 % is about as far from 99.9 % as 90 % is from 99 %.
        lowest = min(min(line.get_ydata()) for line in accuracy.lines)
        accuracy.set(yscale="logit", ylim=(0.95 * lowest, 0.9999))
        accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=2))
    figure.legend(handles=loss.lines[1::2], loc="outside right upper", title=knob)
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
    X, *_ = images(inverted, study.quick)
    panel.hist(X.ravel(), bins=min(64, int(X.max()) + 1))
    panel.set(title=f"{name}: mean {X.mean():.1f}, standard deviation {X.std():.1f}")
    panel.set(xlabel="pixel value", ylabel="pixels", yscale="log")
study.picture(figure, "Histograms of the pixels of the training images.")

# %%
# Batches, layers, learning rates, and optimizers at their own learning rates.
sizes = {"64": (98.4, {}), "4,096": ("", {"batch_size": 4096})}
compare("batch size", sizes, units=("epochs", "updates"))
deep = ("98.9; 993,482 parameters", {"hidden_layer_sizes": (512, 1024, 64)})
compare("hidden layers", {"1000": (98.4, {}), "512-1024-64": deep})
rates = {"0.01": (91, {"learning_rate": 0.01}), "0.1": ("", {"learning_rate": 0.1})}
compare("learning rate", {"0.001": (98.4, {})} | rates)
optimizers = {"Adam": (98.4, {}), "SGD": ("98, slower", {"optimizer": "sgd"})}
for name in ("RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam"):
    optimizers[name] = ("", {"optimizer": name.lower()})
compare("optimizer", optimizers)

# %%
# Why scaling matters: where w x is large the sigmoid is flat, and w hardly moves.
rows, w = [{"w": 0.01}] + [{"w": 0.1 * 2**i} for i in range(7)], np.geomspace(0.01, 6.4)
curves = {"sigmoid(w x)": lambda w, x: sigmoid(w * x)}
curves["gradient in w"] = lambda w, x: x * sigmoid(w * x) * sigmoid(-w * x)
figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for panel, (name, curve) in zip(panels, curves.items(), strict=True):
    for x in (1, 255):
        panel.semilogx(w, curve(w, x), label=f"x = {x}")
        for row in rows:
            row[f"{name}, x = {x}"] = curve(row["w"], x)
    panel.set(xlabel="w", title=name)
panels[0].legend()
panels[1].set(yscale="log", ylim=(1e-9, 1e2))
study.table(rows, "A sigmoid of one pixel, scaled and unscaled")
study.picture(figure, "The sigmoid of an unscaled pixel is saturated at once.")

# %%
# How the learning rate moves w in y = 2 x: a step multiplies its error by 1 - 4 rate.
x, rows = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), []
figure, panel = plt.subplots(layout="constrained")
for rate in (0.01, 0.1, 0.5):
    w, b, path = 1.477, 0.0, [1.477]
    for _ in range(20):
        error = w * x + b - 2 * x
        w, b = w - rate * 2 * np.mean(error * x), b - rate * 2 * np.mean(error)
        path.append(w)
    rows.append({"rate": rate} | {f"w after {n}": path[n] for n in (0, 1, 2, 5, 20)})
    panel.plot(path, ".-", label=f"{rate}")
panel.set(xlabel="step", ylabel="w")
figure.legend(loc="outside right upper", title="learning rate")
study.table(rows, "The weight of y = 2 x by gradient descent")
study.picture(figure, "The weight creeps, arrives, or jumps to and fro for ever.")
study.write()
