"""Fashion-MNIST with an MLP: a published search, here and by Keras Tuner alone
============================================================================

A tutorial on Keras Tuner searches the sizes, dropout, optimizer and learning rate of
an MLP by Bayesian optimization, and reports a test accuracy of 86.6 % before and of
88.2 % after. Here is that search in scikit-learn's terms, and the same again with Keras
Tuner alone (`keras_tuner_alone.py`), to see what either costs.

Every choice is made on 3,000 validation images; the test images are asked once for each
row of the last table, by three networks that differ in their seed. All of it takes 40
minutes on one core, 26 of them Keras Tuner's; with ``--quick`` seconds, on digits.
"""

import time

import keras_tuner_alone
import matplotlib.pyplot as plt
import pandas as pd
from study import Study, fashion_mnist, in_words, published_space

from skhpo import BayesSearchCV, KerasMLP

study = Study(seed=48)
images = fashion_mnist(study.quick)
N_TRIALS, EPOCHS, FIT_EPOCHS = (3, 2, 3) if study.quick else (30, 50, 100)


# %%
# The published space is `published_space`. What `fit` is given as `X_val` stops each
# network early, and `cv` makes the log loss on the same images the score.
def n_epochs(network, X, y):  # noqa: ARG001
    return network.n_iter_


bayes = BayesSearchCV(
    KerasMLP(epochs=EPOCHS, early_stopping=True, n_iter_no_change=5, random_state=0),
    published_space,
    n_iter=N_TRIALS,
    scoring={"loss": "neg_log_loss", "epochs": n_epochs},
    refit=False,
    objective="loss",
    cv=images.held_out,
    random_state=study.seed,
    journal=study.journal("bayes"),
)
bayes.fit(images.X, images.y, **images.valid)
columns = ["mean_test_loss", "mean_test_epochs", "mean_fit_time"]
ours = pd.DataFrame(bayes.cv_results_)[columns]
ours.columns = ["loss", "epochs", "seconds"]
ours["loss"] *= -1  # scikit-learn's scores are the greater the better.


# %%
# The same with Keras Tuner alone. The two searches go different ways, so that what an
# epoch costs is compared on the settings of its trials, right after each.
def seconds_of(settings, epochs):
    mlp = KerasMLP(epochs=epochs, random_state=0, **settings)
    start = time.perf_counter()
    mlp.fit(*images.train, **images.valid)
    return time.perf_counter() - start


theirs = keras_tuner_alone.search(
    published_space,
    images,
    study.journal("keras_tuner"),
    N_TRIALS,
    EPOCHS,
    beside=seconds_of,
)
theirs = pd.DataFrame(theirs)
again = theirs[["epochs"]].assign(seconds=theirs["beside"])
searches = {
    "BayesSearchCV": ours,
    "Keras Tuner alone": theirs,
    "the settings of Keras Tuner, by KerasMLP": again,
}
study.table(
    [
        {
            "": name,
            "best validation loss": trials["loss"].min() if "loss" in trials else "",
            "epochs": round(trials["epochs"].sum()),
            "seconds": round(trials["seconds"].sum()),
            "s per epoch": trials["seconds"].sum() / trials["epochs"].sum(),
        }
        for name, trials in searches.items()
    ],
    f"The same search twice, {N_TRIALS} trials each: seconds of training",
)
share = again["seconds"].sum() / theirs["seconds"].sum()
study.say(f"On the same settings KerasMLP takes {share:.2f} of Keras Tuner's seconds.")
figure, axes = plt.subplots(figsize=(8, 3.5))
for name, trials in (("BayesSearchCV", ours), ("Keras Tuner alone", theirs)):
    minutes = trials["seconds"].cumsum() / 60
    axes.step(minutes, trials["loss"].cummin(), ".-", where="post", label=name)
# The first trials may be far above.
best, other = sorted([ours["loss"].min(), theirs["loss"].min()])
axes.set(xlabel="minutes of training", ylabel="best validation loss so far")
axes.set_ylim(0.98 * best, 1.15 * other)
axes.legend()
study.picture(figure, "The same search twice: the best so far, by the time spent.")


# %%
# The network of before, and the best of what was found here.
rows = []
for name, published, settings in (
    ("784-350-10, Adam", 86.6, {"hidden_layer_sizes": 350}),
    ("best of the published space", 88.2, bayes.best_params_),
):
    mlp = KerasMLP(early_stopping=True, n_iter_no_change=20, monitor="val_accuracy")
    mlp.set_params(epochs=FIT_EPOCHS, **settings)
    row = {"network": name, "published, %": published}
    rows.append(row | study.tested(mlp, images))
    study.say(f"{name}: {in_words(settings)}.")
study.table(rows, "Test accuracy")
study.write()
