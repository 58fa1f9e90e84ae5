"""Segmentation of scanned pages with a U-Net, tuned by Hyperband
==============================================================

A published project finds tables, ordering numbers, stamps and handwritten digits on
scanned pages by a U-Net, whose size and details it tunes with Keras Tuner's Hyperband:
its worst trial has an F1 of 0.51, its best of 0.953. Here the same is done to made-up
pages: a mask tells the class of each of their pixels. Of 360 pages 60 are held out to
choose by. The test is on 100 others, whose fonts, stamps and layouts none of these has:
there, thresholds with connected components have a mean F1 of 0.6 at most over the four
kinds of object (`tests/datasets/test_pages.py`). A network's score is the mean over all
classes, paper included. All of it takes two hours on two cores; with ``--quick``
seconds, on few small pages.
"""

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import jaccard_score, precision_recall_fscore_support
from sklearn.model_selection import PredefinedSplit
from study import Study, cosine_decay

from skhpo import HyperbandSearchCV, KerasUNet
from skhpo.datasets import make_pages
from skhpo.inspection import PredictionGridDisplay

study = Study(seed=0)
N_TRAIN, N_HELD_OUT, N_TEST, SIDE, EPOCHS = 300, 60, 100, 128, 20
BATCH_SIZE = 4
if study.quick:
    N_TRAIN, N_HELD_OUT, N_TEST, SIDE, EPOCHS = 16, 4, 4, 64, 3

# %%
# The pages and their masks, which hold the number of a class for each pixel.
size = {"height": SIDE, "width": SIDE, "random_state": study.seed}
pages = make_pages(N_TRAIN + N_HELD_OUT, **size)
test = make_pages(N_TEST, subset="test", **size)


# %%
# The space: the filters of the uppermost level, the levels below it, and details.
def space(hp):
    return {
        "start_neurons": hp.Int("start_neurons", 4, 4 if study.quick else 32, step=4),
        "net_depth": hp.Int("net_depth", 2, 2 if study.quick else 6),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2]),
        "bn_after_act": hp.Boolean("bn_after_act"),
        "activation": hp.Choice("activation", ["mish", "elu", "lrelu"]),
    }


# %%
# Hyperband trains many networks for two or six epochs, and the best of them for 20, by
# which their learning rate has come down to 0. The score is the mean F1 of the classes.
rate = cosine_decay(0.005, EPOCHS, N_TRAIN, BATCH_SIZE)
search = HyperbandSearchCV(
    KerasUNet(learning_rate=rate, batch_size=BATCH_SIZE, random_state=study.seed),
    space,
    max_resource=EPOCHS,
    cv=PredefinedSplit(np.repeat([-1, 0], [N_TRAIN, N_HELD_OUT])),
    random_state=study.seed,
    verbose=1,
    refit=False,
    journal=study.journal("hyperband"),
)
print(search.budget())
search.fit(pages.images, pages.masks)
with redirect_stdout(StringIO()) as summary:
    search.results_summary(3)
folder = f"{search.journal.parent}/"
study.say(f"```text\n{summary.getvalue().replace(folder, '')}```")

# %%
# What it cost and found. The published figures are of other pages.
trials = pd.DataFrame(search.cv_results_)
last = trials[trials["n_resources"] == EPOCHS]
scores = {"all trials": trials, f"trials of {EPOCHS} epochs": last}
rows = [{"": "published", "worst F1": 0.51, "best F1": 0.953}]
for name, some in scores.items():
    found = some["mean_test_score"]
    row = {"": name, "worst F1": found.min(), "best F1": found.max()}
    rows.append(row | {"number": len(some), "failed": found.isna().sum()})
# A trial that goes on from a rung has the time since then alone.
rows[1]["minutes"] = trials["mean_fit_time"].sum() / 60
study.table(rows, "F1 on held-out pages")

# %%
# The best, fitted to all 360 pages, on the test pages.
unet = clone(search.estimator).set_params(**search.best_params_)
rate = cosine_decay(0.005, EPOCHS, len(pages.images), BATCH_SIZE)
unet.set_params(epochs=EPOCHS, learning_rate=rate, checkpoint_dir=study.journal("best"))
unet.fit(pages.images, pages.masks)
predicted = unet.predict(test.images)
masks = test.masks.ravel(), predicted.ravel()
columns = [*precision_recall_fscore_support(*masks)[:3]]
columns.append(jaccard_score(*masks, average=None))
study.table(
    [
        dict(zip(["class", "precision", "recall", "F1", "IoU"], row, strict=True))
        for row in zip(test.class_names, *columns, strict=True)
    ],
    "The best network on test pages",
)
f1 = unet.score(test.images, test.masks)
of_objects = columns[2][1:].mean()
study.say(f"The mean F1 on test pages is {f1:.3f}, without paper {of_objects:.3f}.")

# %%
# Test pages, their masks, and what the network says.
display = PredictionGridDisplay.from_predictions(
    test.images, test.masks, predicted, display_labels=test.class_names
)
study.picture(display.figure_, "Test pages with true and predicted masks.")
study.write()
