"""What one suggestion costs, at 8 dimensions after 100 trials.

    python examples/benchmarks/suggestions.py

Our Gaussian process and Keras Tuner's take turns in one run, each on one core. Printed
are the median of the processor's seconds of each and the median ratio. The floor is
what we promise.
"""

import statistics
import time

import keras_tuner as kt
import numpy as np
from samplers import add_trial
from threadpoolctl import threadpool_limits

from skhpo.model_selection._sampler import Axis, GaussianProcessSampler

N_DIMENSIONS, N_TRIALS, N_SUGGESTIONS, FLOOR = 8, 100, 15, 0.050


def ours(points, scores):
    sampler = GaussianProcessSampler([Axis()] * N_DIMENSIONS, seed=0, n_initial=10)
    return lambda: sampler.suggest(points, scores)


def keras_tuner(points, scores):
    hps = kt.HyperParameters()
    names = [f"x{i}" for i in range(N_DIMENSIONS)]
    for name in names:
        hps.Float(name, 0.0, 1.0)
    objective = kt.Objective("score", "max")
    oracle = kt.oracles.BayesianOptimizationOracle(
        objective, hyperparameters=hps, seed=1
    )
    for number, (point, score) in enumerate(zip(points, scores, strict=True)):
        values = dict(zip(names, point.tolist(), strict=True))
        add_trial(oracle, number, values, score)
    return lambda: oracle.populate_space("next")


def seconds(suggest):
    start = time.process_time()
    suggest()
    return time.process_time() - start


def main():
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(N_TRIALS, N_DIMENSIONS))
    scores = -((points - 0.3) ** 2) @ np.linspace(1, 2, N_DIMENSIONS)
    scores += rng.normal(scale=0.05, size=N_TRIALS)
    searches = [ours(points, scores), keras_tuner(points, scores)]
    with threadpool_limits(1):
        rounds = [[seconds(s) for s in searches] for _ in range(N_SUGGESTIONS)]
    our_median, their_median = map(statistics.median, zip(*rounds, strict=True))
    ratio = statistics.median(theirs / ours for ours, theirs in rounds)
    missed = " MISSED" if our_median > FLOOR else ""
    print(f"ours: {1000 * our_median:.0f} ms (at most {1000 * FLOOR:.0f}){missed}")
    print(f"Keras Tuner: {1000 * their_median:.0f} ms, {ratio:.0f} times as long")


if __name__ == "__main__":
    main()
