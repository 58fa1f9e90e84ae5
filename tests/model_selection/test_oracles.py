import gc
import json
import math
import random
import weakref
from contextlib import ExitStack

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from skhpo.exceptions import JournalError
from skhpo.model_selection import Categorical, Integer, Real
from skhpo.model_selection._oracles import (
    RandomOracle,
    SamplerOracle,
    n_initial_points,
)
from skhpo.model_selection._space import read

SPACE = {"rate": Real(1e-4, 1.0, "log-uniform"), "units": Integer(1, 64)}
FINITE = {"a": Categorical([1, 2, 3], prior=[0.998, 0.001, 0.001]), "b": (1, 2)}


def quadratic(params):
    return -((math.log10(params["rate"]) + 2) ** 2) - ((params["units"] - 40) / 20) ** 2


def conditional(hp):
    """A space whose second unit matters only where there are two layers."""
    depth = hp.Int("depth", 1, 2)
    return {"units": [hp.Int(f"units_{i}", 1, 9) for i in range(depth)]}


class OracleContract:
    """What every oracle keeps; a subclass returns its own from the fixture."""

    # Whether it goes through all of a finite space, however little of it is left.
    empties_spaces = True
    # Whether it is the same for every seed.
    goes_in_order = False

    @pytest.fixture
    def make_oracle(self):
        raise NotImplementedError

    def run(self, oracle, n_trials, score=quadratic):
        trials = []
        for _ in range(n_trials):
            trial = oracle.ask()
            oracle.tell(trial, score(trial.params))
            trials.append(trial.params)
        return trials

    def test_candidates_lie_within_the_space(self, make_oracle):
        choices = [len, None, []]
        oracle = make_oracle(SPACE | {"act": choices}, 6, seed=1)
        for params in self.run(oracle, 6):
            assert list(params) == ["act", "rate", "units"]
            assert type(params["rate"]) is float
            assert 1e-4 <= params["rate"] <= 1.0
            assert type(params["units"]) is int
            assert 1 <= params["units"] <= 64
            assert any(params["act"] is choice for choice in choices)

    def test_a_seed_decides_the_candidates_whatever_is_seeded_globally(
        self, make_oracle
    ):
        first = self.run(make_oracle(SPACE, 5, seed=1), 5)
        np.random.seed(7)  # noqa: NPY002
        random.seed(7)
        assert self.run(make_oracle(SPACE, 5, seed=1), 5) == first
        same = self.run(make_oracle(SPACE, 5, seed=2), 5) == first
        assert same == self.goes_in_order

    def test_global_generators_are_left_alone(self, make_oracle):
        python, numpy = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
        self.run(make_oracle(SPACE, 4, seed=1), 4)
        assert random.getstate() == python
        np.testing.assert_array_equal(np.random.get_state()[1], numpy)  # noqa: NPY002

    def test_a_search_that_goes_on_proposes_what_it_would_have(self, make_oracle):
        for space in (SPACE, conditional):
            whole, begun = (make_oracle(space, 4, seed=1) for _ in range(2))
            scores = [0.2, math.nan, 0.9, 0.4, 0.6]
            trials = []
            for score in scores:
                trials.append(whole.ask())
                whole.tell(trials[-1], score)
            for trial, score in zip(trials[:4], scores, strict=False):
                again = begun.recall(json.loads(json.dumps(trial.cells)))
                assert again == trial
                begun.tell(again, score)
            for trial, score in zip(trials[4:], scores[4:], strict=True):
                again = begun.ask()
                assert again == trial
                begun.tell(again, score)

    def test_what_does_not_matter_is_left_out(self, make_oracle):
        oracle = make_oracle(conditional, 6, seed=1)
        for _ in range(6):
            trial = oracle.ask()
            depth = trial.cells["depth"]
            assert list(trial.cells) == ["depth", "units_0", "units_1"][: depth + 1]
            assert [trial.cells[f"units_{i}"] for i in range(depth)] == (
                trial.params["units"]
            )
            oracle.tell(trial, float(sum(trial.params["units"])))

    def test_a_finite_space_is_emptied_without_repetition(self, make_oracle):
        oracle = make_oracle(FINITE, 20, seed=1)
        found = []
        while (trial := oracle.ask()) is not None:
            found.append((trial.params["a"], trial.params["b"]))
            oracle.tell(trial, float(trial.params["a"] == 1))
        assert len(set(found)) == len(found)
        if self.empties_spaces:
            assert sorted(found) == [(a, b) for a in (1, 2, 3) for b in (1, 2)]
        assert oracle.ask() is None

    def test_a_distribution_with_few_values_is_emptied_too(self, make_oracle):
        if not self.empties_spaces:
            pytest.skip("Keras Tuner's oracles give up after repetitions")
        oracle = make_oracle({"a": stats.binom(2, 0.5)}, 20, seed=1)
        found = self.run(oracle, 3, lambda params: -params["a"])
        assert sorted(params["a"] for params in found) == [0, 1, 2]
        assert oracle.ask() is None

    def test_the_same_corner_is_not_proposed_twice(self, make_oracle):
        if not self.empties_spaces:
            pytest.skip("Keras Tuner's oracles give up after repetitions")
        oracle = make_oracle({"a": (0.0, 1.0)}, 10, seed=1)
        found = [params["a"] for params in self.run(oracle, 10, lambda p: p["a"])]
        assert len(set(found)) == 10

    def test_several_may_be_pending(self, make_oracle):
        oracle = make_oracle(SPACE, 6, seed=1)
        seen = []
        for _ in range(2):
            batch = [oracle.ask() for _ in range(3)]
            if self.goes_in_order:
                # It may want to know first how the one before went.
                batch = [trial for trial in batch if trial is not None]
            for trial in reversed(batch):
                oracle.tell(trial, 1e6 * quadratic(trial.params))
            seen += [tuple(trial.params.values()) for trial in batch]
        assert len(set(seen)) == len(seen) >= 2
        assert self.goes_in_order or len(seen) == 6

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_failures_are_accepted(self, make_oracle, bad):
        oracle = make_oracle(SPACE, 6, seed=1)
        self.run(oracle, 1, lambda params: bad)
        self.run(oracle, 3)
        self.run(oracle, 1, lambda params: bad)
        assert oracle.ask() is not None

    def test_nothing_but_failures_is_accepted(self, make_oracle):
        self.run(make_oracle(SPACE, 6, seed=1), 6, lambda params: math.nan)

    @pytest.mark.parametrize("scale", [0.0, 1e-200, 1e200])
    def test_scores_of_any_size_are_accepted(self, make_oracle, scale):
        self.run(make_oracle(SPACE, 5, seed=1), 5, lambda p: scale * quadratic(p))

    def test_nothing_is_written(self, make_oracle, tmp_path, monkeypatch, capfd):
        import keras_tuner  # noqa: F401  (TensorFlow logs when it is imported)

        monkeypatch.chdir(tmp_path)
        capfd.readouterr()
        self.run(make_oracle(SPACE, 4, seed=1), 4)
        assert list(tmp_path.iterdir()) == []
        assert capfd.readouterr() == ("", "")

    def test_nothing_stays_in_memory(self, make_oracle):
        oracle = make_oracle(SPACE, 4, seed=1)
        with oracle:
            self.run(oracle, 4)
        gone = weakref.ref(oracle)
        del oracle
        gc.collect()
        assert gone() is None


class ModelContract(OracleContract):
    """What oracles keep besides that learn from scores."""

    def test_it_leaves_a_region_where_all_fails(self, make_oracle):
        # Without word of the failures the model would ask for the same region again.
        def score(params):
            return math.nan if params["a"] > 0.6 else params["a"]

        found = self.run(make_oracle({"a": (0.0, 1.0)}, 14, seed=1), 14, score)
        assert sum(params["a"] > 0.6 for params in found[7:]) <= 3

    def test_it_prefers_what_the_model_likes_when_a_proposal_is_taken(
        self, make_oracle
    ):
        space = {"a": (1, 40)}
        found = self.run(make_oracle(space, 14, seed=1), 14, lambda p: p["a"])
        assert {params["a"] for params in found} >= {38, 39, 40}


class TestSamplerOracle(ModelContract):
    @pytest.fixture
    def make_oracle(self):
        def make(space, n_iter, seed):
            space = read(space)
            n_initial = n_initial_points(len(space.dimensions), n_iter)
            return SamplerOracle(space, n_initial, seed)

        return make

    def test_it_ends_far_above_its_random_trials(self, make_oracle):
        oracle = make_oracle(SPACE, 16, seed=1)
        scores = [quadratic(params) for params in self.run(oracle, 16)]
        assert max(scores) > max(scores[:5]) / 2

    def test_the_number_of_threads_decides_nothing(self, make_oracle):
        found = []
        for n_threads in (1, 2):
            with threadpool_limits(n_threads):
                found.append(self.run(make_oracle(SPACE, 12, seed=1), 12))
        assert found[0] == found[1]

    def test_a_dimension_of_many_values_is_searched_without_repetition(
        self, make_oracle
    ):
        oracle = make_oracle({"a": (1, 10**6)}, 14, seed=1)
        found = [p["a"] for p in self.run(oracle, 14, lambda p: -abs(p["a"] - 7))]
        assert len(set(found)) == 14


class TestKerasTunerProcessOracle(ModelContract):
    @pytest.fixture
    def make_oracle(self):
        from skhpo.model_selection._keras_tuner import KerasTunerProcessOracle

        def make(space, n_iter, seed):
            space = read(space)
            n_initial = n_initial_points(len(space.dimensions), n_iter)
            return KerasTunerProcessOracle(space, n_initial, seed)

        return make


class TestRandomOracle(OracleContract):
    @pytest.fixture
    def make_oracle(self):
        return lambda space, n_iter, seed: RandomOracle(read(space), seed)


class KerasTunerContract(OracleContract):
    empties_spaces = False
    name: str

    @pytest.fixture
    def make_oracle(self):
        from skhpo.model_selection._keras_tuner import KerasTunerOracle, named_oracle

        with ExitStack() as stack:
            yield lambda space, n_iter, seed: stack.enter_context(
                KerasTunerOracle(named_oracle(self.name, seed), read(space))
            )

    def test_keras_tuner_keeps_nothing_of_it(self):
        from keras_tuner.src.engine import oracle as engine

        from skhpo.model_selection._keras_tuner import KerasTunerOracle, named_oracle

        before = len(engine.LOCKS), len(engine.THREADS)
        with KerasTunerOracle(named_oracle(self.name, 1), read(SPACE)) as oracle:
            self.run(oracle, 4)
        assert (len(engine.LOCKS), len(engine.THREADS)) == before

    def test_nothing_stays_in_memory(self, make_oracle):
        pytest.skip("the fixture keeps it")

    def test_another_candidate_than_the_journal_holds_is_an_error(self, make_oracle):
        oracle = make_oracle({"a": (1, 9)}, 4, seed=1)
        with pytest.raises(JournalError, match=r"holds \{'a': 99\} where it now"):
            oracle.recall({"a": 99})


class TestKerasTunerRandom(KerasTunerContract):
    name = "random"


class TestKerasTunerGrid(KerasTunerContract):
    name = "grid"
    goes_in_order = True


class TestKerasTunerBayesian(KerasTunerContract):
    name = "bayesian"


class TestGaussianProcessOracle(KerasTunerContract):
    name = "gp"

    @pytest.mark.parametrize("direction", ["min", "max"])
    def test_a_tuner_of_keras_tuners_finds_the_best_by_it(self, direction, tmp_path):
        import keras_tuner

        from skhpo import GaussianProcessOracle

        sign = 1 if direction == "max" else -1

        class Tuner(keras_tuner.Tuner):
            def run_trial(self, trial, **_):
                x = trial.hyperparameters.Float("x", 0.0, 1.0)
                if x > 0.9:
                    raise keras_tuner.errors.FailedTrialError("too large")
                return {"score": -sign * (x - 0.7) ** 2}

        oracle = GaussianProcessOracle(
            keras_tuner.Objective("score", direction),
            max_trials=14,
            num_initial_points=5,
            seed=1,
            max_consecutive_failed_trials=14,
        )
        Tuner(oracle, directory=tmp_path, overwrite=True).search(verbose=0)
        trials = list(oracle.trials.values())
        assert len(trials) == 14
        assert abs(oracle.get_best_trials()[0].hyperparameters["x"] - 0.7) < 0.02
        # What comes after the initial points lies nearer.
        distances = [abs(t.hyperparameters["x"] - 0.7) for t in trials]
        assert np.mean(distances[-5:]) < np.mean(distances[:5])


def test_a_repeated_candidate_gets_the_score_that_it_had():
    import keras_tuner

    from skhpo.model_selection._keras_tuner import KerasTunerOracle

    class Stubborn(keras_tuner.Oracle):
        def populate_space(self, trial_id):
            return {"status": "RUNNING", "values": {"a": min(int(trial_id) // 2, 1)}}

    with KerasTunerOracle(Stubborn(), read({"a": [10, 20]})) as oracle:
        for value in (10, 20):
            trial = oracle.ask()
            assert trial.params == {"a": value}
            oracle.tell(trial, float(value))
        assert oracle.ask() is None
        told = [trial.score for trial in oracle._oracle.trials.values()]
        assert told == [10.0, 10.0] + [20.0] * (len(told) - 2)


@pytest.mark.parametrize(
    ("n_dimensions", "n_iter", "n_initial"),
    [(1, 50, 10), (12, 50, 13), (8, 12, 6), (2, 3, 1), (2, 1, 1)],
)
def test_the_model_starts_before_half_of_the_trials_are_spent(
    n_dimensions, n_iter, n_initial
):
    assert n_initial_points(n_dimensions, n_iter) == n_initial
