"""Grid, random, Bayes and Hyperband on one budget
===============================================

Four searches of the same MLP on Fashion-MNIST may spend 300 epochs each. Three of them
spend 20 on every trial; Hyperband gives most of its candidates two or six, and networks
of so few epochs count as well. What does the best network lose on 3,000 validation
images, after how many epochs, over three seeds? All of it takes two hours on two cores;
with ``--quick`` seconds, on digits.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from study import Study, fashion_mnist, published_space

from skhpo import BayesSearchCV, HyperbandSearchCV, KerasMLP, KerasTunerSearchCV

study = Study()
images = fashion_mnist(study.quick)
EPOCHS, N_TRIALS, SEEDS = (3, 3, [0, 1]) if study.quick else (20, 15, [0, 1, 2])

# %%
# A grid must do with few values of each parameter, chosen beforehand.
GRID = {
    "hidden_layer_sizes": [
        (100, 75),
        (200, 75),
        (350, 75),
        (200, 75, 75),
        (350, 75, 75),
    ],
    "learning_rate": [0.1, 0.01, 0.001],
}


def searches(seed):
    mlp = KerasMLP(epochs=EPOCHS, random_state=seed)
    n_iter = {"n_iter": N_TRIALS}
    yield "grid", KerasTunerSearchCV(mlp, GRID, oracle="grid", **n_iter)
    yield "random", KerasTunerSearchCV(mlp, published_space, oracle="random", **n_iter)
    yield "Bayes", BayesSearchCV(mlp, published_space, **n_iter)
    hyperband = HyperbandSearchCV(
        mlp,
        published_space,
        max_resource=EPOCHS,
        hyperband_iterations=1 if study.quick else 2,
    )
    yield "Hyperband", hyperband


def epochs_spent(results):
    """Return the epochs that each row of `cv_results_` adds to those before."""
    if "n_resources" not in results:
        return np.full(len(results), EPOCHS)
    # Who is promoted goes on from the rung below.
    rungs = results.groupby(["bracket", "rung"])["n_resources"].first()
    below = rungs.groupby("bracket").shift(fill_value=0)
    places = pd.MultiIndex.from_frame(results[["bracket", "rung"]])
    return (rungs - below).loc[places].to_numpy()


def of_all_epochs(results):
    return results.get("n_resources", pd.Series(EPOCHS, results.index)) == EPOCHS


# %%
# Every search in turn, with its journal. The loss is what it scores by, but for a sign.
curves = []
for seed in SEEDS:
    for name, search in searches(seed):
        search.set_params(
            scoring="neg_log_loss",
            cv=images.held_out,
            random_state=seed,
            refit=False,
            journal=study.journal(f"{name} {seed}"),
        )
        results = pd.DataFrame(search.fit(images.X, images.y).cv_results_)
        curve = pd.DataFrame(
            {
                "search": name,
                "seed": seed,
                "epochs": epochs_spent(results).cumsum(),
                "loss": -results["mean_test_score"].cummax(),
                "whole": -results["mean_test_score"][of_all_epochs(results)].max(),
                "seconds": results["mean_fit_time"].cumsum(),
            }
        )
        curves.append(curve)
        print(f"seed {seed}, {name}: {curve.iloc[-1].to_dict()}", flush=True)
curves = pd.concat(curves)

# %%
# The best loss so far, on a common scale of epochs: mean and range of the seeds.
budget = EPOCHS * N_TRIALS
spent = np.arange(EPOCHS, budget + 1)
figure, axes = plt.subplots(figsize=(8, 5))
rows = []
for name, of_search in curves.groupby("search", sort=False):
    runs = [run.set_index("epochs") for _, run in of_search.groupby("seed")]
    losses = np.array([run["loss"].asof(spent) for run in runs])
    axes.step(spent, losses.mean(axis=0), where="post", label=name)
    ends = losses.min(axis=0), losses.max(axis=0)
    axes.fill_between(spent, *ends, step="post", alpha=0.15)
    row = {"search": name, "epochs": max(run.index[-1] for run in runs)}
    for share in (1 / 3, 2 / 3, 1):
        found = losses[:, round(share * budget) - EPOCHS]
        row[f"loss after {round(share * budget)}"] = found.mean()
    row["standard error"] = losses[:, -1].std(ddof=1) / len(SEEDS) ** 0.5
    row[f"of {EPOCHS} epochs alone"] = np.mean([run["whole"].iloc[-1] for run in runs])
    row["minutes"] = np.mean([run["seconds"].iloc[-1] for run in runs]) / 60
    rows.append(row)
axes.set(xlabel="epochs spent", ylabel="best validation loss so far")
axes.legend()
study.table(rows, f"Validation loss of the best so far: means of {len(SEEDS)} seeds")
study.picture(figure, "The best so far: means, and the range of the seeds.")
study.write()
