"""How good searches are: ours beside others', on models of recorded trials.

    pip install ".[bench]"
    python examples/benchmarks/samplers.py --json regrets.json

A forest is fitted to each table of `record_trials.py`, and searches get its predictions
as scores, with noise, instead of training networks [1]_. After 20, 30 and 50 trials the
trial with the best score seen is taken, and its regret is

    (best - prediction there) / (best - median)

where `best` is the greatest prediction known and `median` that of random settings: 0
is perfect, 1 is a single random trial. The table has means over seeds, and in brackets
the mean difference to ours and its standard error, paired by seed: more than 0 is worse
than ours. Conditional parameters are searched as such by ours and by Optuna ("flat":
not), and are always there for the others. What the file of --json has is gone on with:
seeds that are there are not run again. `trials/regrets.json` has those measured so far.

.. [1] K. Eggensperger, F. Hutter, H. Hoos, K. Leyton-Brown, "Efficient benchmarking of
   hyperparameter optimizers via surrogates", AAAI 2015.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict
from spaces import SPACES, setting_at
from threadpoolctl import threadpool_limits

from skhpo.model_selection._oracles import n_initial_points
from skhpo.model_selection._sampler import Axis, GaussianProcessSampler

TRIALS = Path(__file__).parent / "trials"
CHECKED = (20, 30, 50)
# The deviation of the noise: a guess at what the seed of a network alone changes.
NOISE = {
    "digits_mlp": 0.003,
    "fashion_cnn": 0.008,
    "other": 0.005,
    "kernel_ridge": 0.005,
}


class Problem:
    """A table, and a forest that stands for its networks."""

    def __init__(self, name):
        self.name, self.space = name, SPACES[name]
        lines = (TRIALS / f"{name}.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        scores = np.array([row["score"] for row in rows], dtype=float)
        # A failed fit counts as the worst that there is.
        scores = np.where(np.isnan(scores), np.nanmin(scores), scores)
        X = self.encoded([row["setting"] for row in rows])
        forest = ExtraTreesRegressor(100, min_samples_leaf=2, random_state=0)
        self.r2 = r2_score(scores, cross_val_predict(forest, X, scores, cv=10))
        self.n_rows = len(rows)
        self._trees = [tree.tree_ for tree in forest.fit(X, scores).estimators_]
        self.median, self.best = self._ends()

    def encoded(self, settings):
        """Return a column for each number and each choice; -1: does not matter."""
        columns = []
        for parameter in self.space:
            values = [setting.get(parameter.name) for setting in settings]
            if parameter.choices:
                columns += [[v == c for v in values] for c in parameter.choices]
            elif parameter.log:
                columns.append(
                    [-1 if v is None else np.log(v / parameter.low) for v in values]
                )
            else:
                columns.append([-1 if v is None else v for v in values])
        return np.array(columns, dtype=np.float32).T.copy()

    def predict(self, settings):
        X = self.encoded(settings)
        return np.mean([tree.predict(X)[:, 0] for tree in self._trees], axis=0)

    def _ends(self):
        rng = np.random.default_rng(0)
        units = rng.uniform(size=(5000, len(self.space)))
        found = self.predict([setting_at(self.space, row) for row in units])
        median = np.median(found)
        for _ in range(30):
            top = units[np.argsort(-found)[:50]]
            units = np.repeat(top, 11, axis=0)
            moved = rng.uniform(size=units.shape) < 2 / len(self.space)
            moved[::11] = False
            units = np.where(moved, rng.uniform(size=units.shape), units)
            found = self.predict([setting_at(self.space, row) for row in units])
        return median, found.max()

    def regrets(self, search, seed, n_trials):
        """Return the regret after as many trials as CHECKED says."""
        noise = np.random.default_rng((seed, 1)).normal(
            scale=NOISE[self.name], size=n_trials
        )
        true, seen = [], []
        setting = next(search)
        for trial in range(n_trials):
            true.append(self.predict([setting])[0])
            seen.append(true[-1] + noise[trial])
            if trial + 1 < n_trials:
                setting = search.send(seen[-1])
        best = [true[int(np.argmax(seen[:n]))] for n in CHECKED]
        return [max(0.0, (self.best - b) / (self.best - self.median)) for b in best]


# Searches: generators that yield settings and are sent scores.


def random_search(space, seed):
    rng = np.random.default_rng(seed)
    while True:
        yield setting_at(space, rng.uniform(size=len(space)))


def ours(space, seed):
    def active(points):
        settings = [setting_at(space, point) for point in points]
        return np.array([[p.name in setting for p in space] for setting in settings])

    sampler = GaussianProcessSampler(
        [axis(parameter) for parameter in space],
        seed=seed,
        n_initial=n_initial_points(len(space), CHECKED[-1]),
        active=active if any(p.needs for p in space) else None,
    )
    points, scores = np.empty((0, len(space))), np.empty(0)
    while True:
        point = sampler.suggest(points, scores)
        score = yield setting_at(space, np.where(np.isnan(point), 0.5, point))
        points, scores = np.vstack([points, point]), np.append(scores, score)


def axis(parameter):
    if parameter.choices:
        return Axis(np.linspace(0, 1, len(parameter.choices) + 1), ordered=False)
    if not parameter.whole:
        return Axis()
    values = np.arange(parameter.low, parameter.high + 2)
    ends = np.log(values) if parameter.log else values
    edges = (ends - ends[0]) / (ends[-1] - ends[0])
    return Axis(edges)


def keras_tuner(space, seed, n_initial=None):
    import keras_tuner as kt

    hps = kt.HyperParameters()
    for p in space:
        kind = {"sampling": "log"} if p.log else {}
        if p.choices:
            hps.Choice(p.name, list(p.choices))
        elif p.whole:
            hps.Int(p.name, p.low, p.high, **kind)
        else:
            hps.Float(p.name, p.low, p.high, **kind)
    oracle = kt.oracles.BayesianOptimizationOracle(
        kt.Objective("score", "max"),
        hyperparameters=hps,
        seed=seed + 1,
        num_initial_points=n_initial,
    )
    for number in range(10**6):
        values = oracle.populate_space(str(number))["values"]
        score = yield only_active(space, values)
        add_trial(oracle, number, values, score)


def add_trial(oracle, number, values, score):
    """Let an oracle of Keras Tuner's know a trial with its score."""
    from keras_tuner.engine.trial import Trial

    shown = oracle.get_space()
    shown.values = values
    trial = Trial(shown, trial_id=str(number), status="COMPLETED")
    trial.score = score
    oracle.trials[str(number)] = trial


def keras_tuner_early(space, seed):
    return keras_tuner(space, seed, n_initial=max(5, len(space) + 1))


def only_active(space, values):
    setting = {}
    for parameter in space:
        if parameter.is_active(setting):
            setting[parameter.name] = values[parameter.name]
    return setting


def scikit_optimize(space, seed):
    import skopt

    dimensions = []
    for p in space:
        prior = "log-uniform" if p.log else "uniform"
        if p.choices:
            dimensions.append(skopt.space.Categorical(p.choices))
        elif p.whole:
            dimensions.append(skopt.space.Integer(p.low, p.high, prior))
        else:
            dimensions.append(skopt.space.Real(p.low, p.high, prior))
    optimizer = skopt.Optimizer(dimensions, random_state=seed)
    names = [p.name for p in space]
    while True:
        point = optimizer.ask()
        score = yield only_active(space, dict(zip(names, point, strict=True)))
        optimizer.tell(point, -score)


def optuna_search(sampler_name, *, flat=False):
    def search(space, seed):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = getattr(optuna.samplers, sampler_name)(seed=seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        while True:
            trial, setting = study.ask(), {}
            for p in space:
                if flat or p.is_active(setting):
                    setting[p.name] = suggested(trial, p)
            score = yield only_active(space, setting)
            study.tell(trial, score)

    return search


def suggested(trial, p):
    if p.choices:
        return trial.suggest_categorical(p.name, p.choices)
    suggest = trial.suggest_int if p.whole else trial.suggest_float
    return suggest(p.name, p.low, p.high, log=p.log)


SEARCHES = {
    "skhpo": ours,
    "random": random_search,
    "Optuna TPE": optuna_search("TPESampler"),
    "Optuna GP": optuna_search("GPSampler"),
    "Optuna GP, flat": optuna_search("GPSampler", flat=True),
    "scikit-optimize": scikit_optimize,
    "Keras Tuner": keras_tuner,
    "Keras Tuner, early": keras_tuner_early,
}
# Of those that take a minute or two for each.
MOST_SEEDS = {"scikit-optimize": 60, "Keras Tuner": 10, "Keras Tuner, early": 10}


def measure(problem, name, n_seeds, result):
    """Add to a result the seeds that it lacks; yield after each."""
    n_seeds = min(n_seeds, MOST_SEEDS.get(name, n_seeds))
    for seed in range(len(result["regrets"]), n_seeds):
        start = time.process_time()
        search = SEARCHES[name](problem.space, seed)
        with threadpool_limits(1):
            result["regrets"].append(problem.regrets(search, seed, CHECKED[-1]))
        spent = (time.process_time() - start) / CHECKED[-1]
        result["seconds"] += (spent - result["seconds"]) / (seed + 1)
        yield


def show(problem, results):
    print(f"\n{problem.name}: {problem.n_rows} rows, R² {problem.r2:.2f}")
    heads = "".join(f"{f'after {n} trials':>28}" for n in CHECKED)
    print(f"{'':20}{heads}  s/trial  seeds")
    for name, result in results.items():
        regrets = np.array(result["regrets"])
        cells = "".join(
            f"{value:>28}" for value in compared(regrets, results.get("skhpo"))
        )
        print(f"{name:20}{cells}  {result['seconds']:7.3f}  {len(regrets):5}")


def compared(regrets, baseline):
    means = regrets.mean(axis=0)
    if baseline is None:
        return [f"{mean:.4f}" for mean in means]
    n = min(len(regrets), len(baseline["regrets"]))
    gaps = regrets[:n] - np.array(baseline["regrets"])[:n]
    errors = gaps.std(axis=0, ddof=1) / np.sqrt(n)
    rows = zip(means, gaps.mean(axis=0), errors, strict=True)
    return [f"{mean:.4f} ({gap:+.4f} ± {error:.4f})" for mean, gap, error in rows]


def save(found, path):
    """Write a file whole or not at all: it may be killed at any time."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(found))
    temporary.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tables", nargs="+", default=["digits_mlp", "fashion_cnn"])
    parser.add_argument(
        "--samplers", nargs="+", default=list(SEARCHES), choices=SEARCHES
    )
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    kept = arguments.json and arguments.json.exists()
    found = json.loads(arguments.json.read_text()) if kept else {}
    for table in arguments.tables:
        problem, results = Problem(table), found.setdefault(table, {})
        for name in arguments.samplers:
            result = results.setdefault(name, {"regrets": [], "seconds": 0.0})
            for _ in measure(problem, name, arguments.seeds, result):
                if arguments.json:
                    save(found, arguments.json)
        show(problem, results)


if __name__ == "__main__":
    main()
