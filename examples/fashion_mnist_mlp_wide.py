"""How far an MLP goes on Fashion-MNIST, and what brings it there
==============================================================

The search of `fashion_mnist_mlp.py` finds nothing better than a layer of 350, with 89 %
of the test images. Here `BayesSearchCV` has a space of its own: more and wider layers,
batches, dropout, l2 penalty, batch normalization, and a learning rate that decays or
does not. Which of these matter, and how far do they go?

Candidates differ by less than 3,000 validation images can tell. So they are trained on
half of the training images, and judged, after their last epoch, by the other half and
the validation images, 31,500 together. So is the best of them with one of its parts
changed, and itself once more, with another seed, since the best of many is so by luck
as well. At last it is fitted to all training images three times, with different seeds,
and keeps the weights of the epoch with the best accuracy on the validation images; the
test images are asked once for each fit. All of it takes an hour on one core; with
``--quick`` seconds, on digits.
"""

from sklearn.model_selection import cross_val_score
from study import Study, cosine_decay, fashion_mnist, fitted_for, in_words

from skhpo import BayesSearchCV, KerasMLP
from skhpo.inspection import HyperparameterImportanceDisplay, SliceDisplay

study = Study(seed=48)
images = fashion_mnist(study.quick)
n_half, n_train = len(images.halves[0][0]), len(images.train[0])
N_TRIALS, EPOCHS, FIT_EPOCHS = (6, 2, 3) if study.quick else (30, 30, 50)


# %%
# The space, and its search.
def space(hp):
    batch_size = hp.Choice("batch_size", [64, 128, 256])
    rate = hp.Float("learning_rate", 3e-4, 1e-2, sampling="log")
    if hp.Boolean("cosine_decay"):
        rate = cosine_decay(rate, EPOCHS, n_half, batch_size)
    units, layers = hp.Int("units", 256, 1024, step=128), hp.Int("layers", 1, 3)
    return {
        "hidden_layer_sizes": (units,) * layers,
        "dropout": hp.Float("dropout", 0.0, 0.6),
        "l2": hp.Float("l2", 1e-7, 1e-3, sampling="log"),
        "batch_normalization": hp.Boolean("batch_normalization"),
        "batch_size": batch_size,
        "learning_rate": rate,
    }


bayes = BayesSearchCV(
    KerasMLP(epochs=EPOCHS, random_state=0),
    space,
    n_iter=N_TRIALS,
    cv=images.halves,
    refit=False,
    random_state=study.seed,
    verbose=1,
    journal=study.journal("bayes"),
)
bayes.fit(images.X, images.y)
best, minutes = bayes.best_params_, bayes.cv_results_["mean_fit_time"].sum() / 60
study.say(f"{N_TRIALS} trials, trained for {minutes:.0f} minutes. The best of them:")
study.say(f"{in_words(best)}; {100 * bayes.best_score_:.2f} % of held-out images.")
display = HyperparameterImportanceDisplay.from_search(bayes)
study.picture(display.figure_, "How much of the score each part of the space decides.")
display = SliceDisplay.from_search(bayes)
study.picture(display.figure_, "The score against each part: trials, and a forest.")


# %%
# The best candidate with one of its parts changed.
@study.memory.cache
def held_out_accuracy(**settings):
    network = KerasMLP(**settings)
    return 100 * cross_val_score(network, images.X, images.y, cv=images.halves)[0]


rate, batch_size = best["learning_rate"], best["batch_size"]
if isinstance(rate, float):
    other_rate = cosine_decay(rate, EPOCHS, n_half, batch_size)
else:
    other_rate = rate.initial_learning_rate
rows = []
for change in (
    {},
    {"hidden_layer_sizes": tuple(n // 2 for n in best["hidden_layer_sizes"])},
    {"dropout": 0.0},
    {"l2": 0.0},
    {"batch_normalization": not best["batch_normalization"]},
    {"learning_rate": other_rate},
):
    settings = best | {"epochs": EPOCHS, "random_state": 1} | change
    row = {"change": in_words(change) or "none"}
    rows.append(row | {"held-out accuracy, %": held_out_accuracy(**settings)})
study.table(rows, "The best candidate with one part changed, fitted with another seed")


# %%
# The best, fitted to all training images.
settings = fitted_for(best, FIT_EPOCHS, n_train, batch_size)
# So that none of the fits stops early, and only the best epoch is kept.
settings |= {"early_stopping": True, "n_iter_no_change": FIT_EPOCHS}
mlp = KerasMLP(monitor="val_accuracy", **settings)
caption = f"Test accuracy at the best of {FIT_EPOCHS} epochs by the validation images"
study.table([{"network": "the best"} | study.tested(mlp, images)], caption)
study.write()
