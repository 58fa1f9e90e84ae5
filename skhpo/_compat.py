"""Every borrowed private name of another library, each with its reason.

TensorFlow and Keras are imported inside the functions, so that importing this module
costs nothing.
"""

import contextlib
import importlib
import io
import multiprocessing
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

# scikit-learn has no public path to the base class of its searches, though its own
# docstring invites subclasses that override `_run_search`.
from sklearn.model_selection._search import BaseSearchCV as BaseSearchCV
from sklearn.utils import Bunch, validation

# Every estimator of scikit-learn checks its weights by this; its project template for
# third parties uses it too.
check_sample_weight = validation._check_sample_weight

# By which scikit-learn's searches count whatever they are given.
n_samples = validation._num_samples

# As in the project's metadata.
DOCUMENTATION = "https://skhpo.readthedocs.io/en/latest"

_thread = threading.local()


class DocumentationLinkMixin:
    """Lets scikit-learn's representation of an estimator link to our documentation.

    It reads these two from the class, by names without a public form.
    """

    _doc_link_module = "skhpo"
    _doc_link_template = f"{DOCUMENTATION}/api/skhpo.{{estimator_name}}.html"


def callback_context(estimator: Any, **settings: Any) -> Any:
    """Return the root context of a fit, and set up the estimator's callbacks.

    scikit-learn documents it for authors of estimators, underscore and all.
    """
    return estimator._init_callback_context(**settings)


def forget_context(context: Any) -> None:
    """Let go of a task that has ended, which scikit-learn keeps with all others."""
    context.parent._children_map.pop(context.task_id)


def callbacks_set_on(estimator: Any) -> list[Any]:
    """Return the callbacks of an estimator, which has no public name for them.

    They are asked for, so that fits that nobody listens to cost nothing.
    """
    return getattr(estimator, "_skl_callbacks", [])


class _SeedSource:
    """Stands for the module `random` where Keras draws its default seeds.

    A thread inside `seeded_by` draws from its own generator, every other thread from
    Python's `random`, as before.
    """

    def randint(self, low: int, high: int) -> int:
        source = getattr(_thread, "random", random)
        return source.randint(low, high)


@contextlib.contextmanager
def seeded_by(seed: int) -> Iterator[None]:
    """Let this thread's unseeded Keras objects draw their seeds from `seed`.

    Keras has no public way to pass a generator to initializers and dropout layers that
    a user's function makes; all of them draw from `make_default_seed`, which looks up
    `python_random.randint`.
    """
    source = importlib.import_module("keras.src.random.seed_generator")
    if not isinstance(source.python_random, _SeedSource):
        source.python_random = _SeedSource()
    outer = getattr(_thread, "random", None)
    _thread.random = random.Random(seed)
    try:
        yield
    finally:
        if outer is None:
            del _thread.random
        else:
            _thread.random = outer


def default_seed() -> int:
    """Return the seed that an unseeded object of Keras's would draw now."""
    source = importlib.import_module("keras.src.random.seed_generator")
    return source.make_default_seed()


def fresh_names() -> contextlib.AbstractContextManager[None]:
    """Start Keras's counters of automatic names afresh for this thread.

    TensorFlow keeps a kernel for every distinct variable name for ever, so that a
    network named alike each time leaves no memory behind. Only for networks that reuse
    nothing made outside: two layers of one name cannot meet in one model.
    """
    return _set_in_this_thread("object_name_uids", None)


def under_policy(policy: Any) -> contextlib.AbstractContextManager[None]:
    """Let this thread make layers of a dtype policy.

    `keras.config.set_dtype_policy` sets the same, and cannot unset it again.
    """
    return _set_in_this_thread("dtype_policy", policy)


@contextlib.contextmanager
def _set_in_this_thread(name: str, value: Any) -> Iterator[None]:
    """Set one of what Keras keeps for each thread, and bring back what it was."""
    state = importlib.import_module("keras.src.backend.common.global_state")
    before = state.get_global_attribute(name)
    state.set_global_attribute(name, value)
    try:
        yield
    finally:
        state.set_global_attribute(name, before)


def forget_kernels() -> None:
    """Drop the kernels that TensorFlow keeps for variables of distinct names.

    Models that a user's function builds get new automatic names each time; without
    this each leaves 0.1 to 0.3 MiB behind that no collector can free.
    """
    from tensorflow.python.eager import context

    context.context().clear_kernel_cache()


def variable_clock() -> int:
    """Return a number that grows with every TensorFlow variable made."""
    from tensorflow.python.framework import ops

    return ops.uid()


def born_before(variable: Any, clock: int) -> bool:
    """Tell whether a Keras variable was made before `variable_clock` gave `clock`.

    TensorFlow numbers its variables by one counter, which is the only record of when
    a variable was made.
    """
    return int(variable.value._unique_id.rsplit("_", 1)[1]) < clock


def compile_arguments(model: Any) -> dict[str, Any]:
    """Return what a compiled Keras model was given as losses and metrics.

    `Model.get_compile_config` gives copies turned into JSON, in which two closures of
    one name look the same; the objects themselves stand in private attributes.
    """
    losses, metrics = model._compile_loss, model._compile_metrics
    return {
        "loss": losses._user_loss if losses is not None else None,
        "loss_weights": losses._user_loss_weights if losses is not None else None,
        "metrics": metrics._user_metrics if metrics is not None else None,
        "weighted_metrics": (
            metrics._user_weighted_metrics if metrics is not None else None
        ),
    }


def all_layers(model: Any) -> list[Any]:
    """Return the model and every layer in it, however deep: `layers` is one level."""
    return list(model._flatten_layers())


def takes_training(model: Any) -> bool:
    """Tell whether a model's `call` has the argument `training`, as Keras sees it."""
    return model._call_has_training_arg


def traces_batches(callback: Any) -> bool:
    """Tell whether Keras's TensorBoard is to profile some batches."""
    return getattr(callback, "_should_trace", True)


def direction_of(metric: Any) -> str | None:
    """Return "up" or "down" where a metric knows which is better.

    By it Keras's own callbacks choose what to keep.
    """
    return getattr(metric, "_direction", None)


def variables_of(optimizer: Any) -> list[Any]:
    """Return what a built optimizer was built for, which it tells nobody."""
    return optimizer._trainable_variables


def function_of(metric: Any) -> Any:
    """Return the function of each sample that a metric averages, if it is of one."""
    return getattr(metric, "_fn", None)


def function_arguments(metric: Any) -> dict[str, Any]:
    """Return the arguments that a metric gives its function."""
    return metric._fn_kwargs


def set_learning_rate(optimizer: Any, learning_rate: Any) -> None:
    """Assign the variable behind `optimizer.learning_rate`, skipping its checks."""
    optimizer._learning_rate.assign(learning_rate)


def has_own_learning_rate(optimizer: Any) -> bool:
    """Tell whether the optimizer's learning rate is a number, held in a variable."""
    import keras

    return isinstance(getattr(optimizer, "_learning_rate", None), keras.Variable)


def schedule_of(optimizer: Any, default: Any) -> Any:
    """Return the schedule behind `optimizer.learning_rate`, which gives its value."""
    return getattr(optimizer, "_learning_rate", default)


def has_exceptions_from_decay(optimizer: Any) -> bool:
    """Tell whether `optimizer.exclude_from_weight_decay` was called.

    The configuration of an optimizer keeps no record of it.
    """
    return hasattr(optimizer, "_exclude_from_weight_decay")


def moments_of(adam: Any) -> tuple[list[Any], list[Any]]:
    """Return the running means of gradients and of their squares, for each variable.

    Keras's SGD has its momentums in a public attribute, its Adam has not.
    """
    return adam._momentums, adam._velocities


def apply_gradients(optimizer: Any, gradients: list, variables: list) -> None:
    """Take a step without summing gradients over replicas, of which there is one.

    TensorFlow registers a function for each such sum when it is traced, and keeps it
    with its graph for ever.
    """
    optimizer._all_reduce_sum_gradients = lambda pairs: pairs
    try:
        optimizer.apply(gradients, variables)
    finally:
        del optimizer._all_reduce_sum_gradients


def model_to_bytes(model: Any) -> bytes:
    """Return the Keras archive of a model.

    The public functions write to a path only; the ones behind them take a buffer.
    """
    saving = importlib.import_module("keras.src.saving.saving_lib")
    buffer = io.BytesIO()
    saving.save_model(model, buffer)
    return buffer.getvalue()


def model_from_bytes(archive: bytes) -> Any:
    """Return the model of a Keras archive, which is never allowed to run code."""
    saving = importlib.import_module("keras.src.saving.saving_lib")
    return saving.load_model(io.BytesIO(archive), safe_mode=True)


def copy_without_compiling(model: Any) -> Any:
    """Return a copy of a model, code in it included, that is not compiled.

    `copy.deepcopy` compiles it too, for which Keras must find its losses by name, and
    warns of an optimizer that was not used yet.
    """
    saving = importlib.import_module("keras.src.saving.saving_lib")
    archive = io.BytesIO(model_to_bytes(model))
    return saving.load_model(archive, compile=False, safe_mode=False)


def scikeras_wrappers() -> Any:
    """Import `scikeras.wrappers` and undo what its import did to Keras's classes.

    SciKeras replaces `__reduce__` and `__deepcopy__` of Keras's models, losses,
    metrics and optimizers. Keras 3 defines its own on a common base class, so that
    deleting the replacements brings Keras's back.
    """
    import keras

    wrappers = importlib.import_module("scikeras.wrappers")
    for owner, name in (
        (keras.Model, "__reduce__"),
        (keras.Model, "__deepcopy__"),
        (keras.losses.Loss, "__reduce__"),
        (keras.metrics.Metric, "__reduce__"),
        (keras.optimizers.Optimizer, "__reduce__"),
    ):
        replaced = vars(owner).get(name)
        if getattr(replaced, "__module__", None) == "scikeras._saving_utils":
            delattr(owner, name)
    return wrappers


def threads_of_worker() -> int | None:
    """Return the number of threads that joblib grants this process, if it started it.

    joblib writes a worker's share into the variables that OpenMP and BLAS read and
    has no public call for it. None in a process that joblib did not start.
    """
    if not multiprocessing.current_process().name.startswith("LokyProcess"):
        return None
    share = os.environ.get("OMP_NUM_THREADS", "")
    return int(share) if share.isdigit() and int(share) > 0 else None


def set_grid_order(oracle: Any, next_values: Callable) -> None:
    """Let a grid oracle of Keras Tuner's go from values to those that come next.

    It asks conditions of its own which values matter, and knows nothing of ours: it
    would go through all values of what does not matter, a product that may have
    millions.
    """
    oracle._get_next_combination = next_values


def forget_oracle(base: type, oracle: Any) -> None:
    """Drop what Keras Tuner keeps of an oracle as long as the process lives.

    `synchronized` finds a lock and a thread for each in module-level dictionaries, and
    takes nothing out of them.
    """
    module = sys.modules[base.__module__]
    for kept in (module.LOCKS, module.THREADS):
        kept.pop(oracle, None)


def validate_parameters(search: BaseSearchCV) -> None:
    """Raise scikit-learn's own error for a parameter of a wrong type.

    `BaseSearchCV` has the rules of its parameters, and `fit` holds them against the
    private search that is given them.
    """
    search._validate_params()


def scorers_of(search: BaseSearchCV) -> tuple[Callable, dict[str, Callable] | None]:
    """Return what scores a fold for a search, and its parts by name if it has several.

    scikit-learn reads the parameter `scoring` in its many forms by a method of its own.
    """
    scorer, _ = search._get_scorers()
    return scorer, getattr(scorer, "_scorers", None)


def routed_parameters(search: BaseSearchCV, params: dict[str, Any]) -> Bunch:
    """Return which of the parameters of `fit` go to estimator, scorer and splitter."""
    return search._get_routed_params_for_fit(params)
