"""What an optimizer updates: the variables of a model, or all of them as one vector."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from .._compat import (
    all_layers,
    apply_gradients,
    has_own_learning_rate,
    set_learning_rate,
)
from ._templates import Start
from ._updates import BEYOND_ONE_WEIGHT, fused_update

# Of a small network the updates cost more than the products: a dozen operations for
# each variable. One vector needs them once. Of a large one, the vector would have to
# be cut up and put together at some cost; there one operation can do for the dozen,
# of TensorFlow's or made by XLA, which on few weights would cost more than it saves.
LARGEST_AS_VECTOR = 50_000
SMALLEST_FOR_XLA = 100_000

# What these do to a weight depends on that weight alone.
_ELEMENTWISE = frozenset(
    {
        keras.optimizers.SGD,
        keras.optimizers.Adam,
        keras.optimizers.AdamW,
        keras.optimizers.RMSprop,
        keras.optimizers.Adagrad,
        keras.optimizers.Adadelta,
        keras.optimizers.Adamax,
        keras.optimizers.Nadam,
        keras.optimizers.Lion,
    }
)


class Weights:
    """The trainable variables of a program's model, each updated by itself."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.optimizer = model.optimizer
        if not self.optimizer.built:
            self.optimizer.build(self.variables)
        self._fresh_state = [v.numpy() for v in self.optimizer.variables]
        n_weights = _count(self.variables)
        self._fused_update = None
        if n_weights > LARGEST_AS_VECTOR:
            self._fused_update = fused_update(self.optimizer, self.variables)
        self._uses_xla = n_weights >= SMALLEST_FOR_XLA

    @property
    def variables(self) -> list[keras.Variable]:
        """What the optimizer updates."""
        return self.model.trainable_variables

    @property
    def values(self) -> list[tf.Tensor]:
        """What `variables` hold."""
        return [tf.convert_to_tensor(variable.value) for variable in self.variables]

    @contextlib.contextmanager
    def in_place(self, values: list[tf.Tensor]) -> Iterator[None]:  # noqa: ARG002
        """Let the model compute with `values`, the values of `variables`."""
        yield

    def update(self, gradients: list[tf.Tensor]) -> None:
        """Take one step of the optimizer."""
        if self._fused_update is not None:
            self._fused_update(gradients)
            return

        def apply(gradients: list[tf.Tensor]) -> None:
            apply_gradients(self.optimizer, gradients, self.variables)

        if self._uses_xla:
            apply = tf.function(apply, autograph=False, jit_compile=True)
        apply(gradients)

    def finish(self) -> None:
        """Let the optimizer replace the weights by their averages, if it keeps any."""
        self.optimizer.finalize_variable_values(self.variables)

    def start(self, start: Start) -> None:
        """Take over the values that training begins with."""
        self._load_trainable(start.trainable)
        _assign(self.model.non_trainable_variables, start.others)
        _assign(self.optimizer.variables, self._fresh_state)
        if start.learning_rate is not None:
            set_learning_rate(self.optimizer, start.learning_rate)

    def state(self) -> list[np.ndarray]:
        """Return all that training changes, in a form of this object's own."""
        return _values_of([*self._asked, *self.optimizer.variables])

    def resume(self, state: list[np.ndarray]) -> None:
        """Take over what `state` gave, of this object or an alike one."""
        _assign([*self._asked, *self.optimizer.variables], state)

    def resume_weights(self, state: list[np.ndarray]) -> None:
        """Take over the weights alone."""
        _assign(self._asked, state[: len(self._asked)])

    def load(self, model: keras.Model) -> None:
        """Take over the weights and the optimizer's state of an alike model."""
        if not model.optimizer.built:
            self.start(start_of(model))
            return
        self.load_weights(model)
        self._load_optimizer(model.optimizer)

    def load_weights(self, model: keras.Model) -> None:
        """Take over the weights alone."""
        self._load_trainable(_values_of(model.trainable_variables))
        _assign(self.model.non_trainable_variables, model.non_trainable_variables)

    def store(self, model: keras.Model) -> None:
        """Give an alike model these weights and this state of the optimizer."""
        self._store_trainable(model.trainable_variables)
        _assign(model.non_trainable_variables, self.model.non_trainable_variables)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self._store_optimizer(model.optimizer)

    @property
    def _asked(self) -> list[keras.Variable]:
        """What predictions depend on."""
        return [*self.variables, *self.model.non_trainable_variables]

    def _load_trainable(self, values: list[np.ndarray]) -> None:
        _assign(self.variables, values)

    def _store_trainable(self, variables: list[keras.Variable]) -> None:
        _assign(variables, self.variables)

    def _load_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        _assign(self.optimizer.variables, optimizer.variables)

    def _store_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        _assign(optimizer.variables, self.optimizer.variables)


class Vector(Weights):
    """All trainable variables of a program's model as one vector, updated at once."""

    def __init__(self, model: keras.Model) -> None:
        self._shapes = [tuple(v.shape) for v in model.trainable_variables]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        values = _values_of(model.trainable_variables)
        self._vector = keras.Variable(_joined(values), name="vector")
        super().__init__(model)

    @property
    def variables(self) -> list[keras.Variable]:
        return [self._vector]

    @contextlib.contextmanager
    def in_place(self, values: list[tf.Tensor]) -> Iterator[None]:
        parts = tf.split(values[0], self._sizes)
        mapping = [
            (variable, tf.reshape(part, shape))
            for variable, part, shape in zip(
                self.model.trainable_variables, parts, self._shapes, strict=True
            )
        ]
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            yield
        # Batch statistics and the states of dropout stay variables of the model.
        for variable in self.model.non_trainable_variables:
            value = scope.get_current_value(variable)
            if value is not None:
                variable.value.assign(value)

    def _load_trainable(self, values: list[np.ndarray]) -> None:
        _set(self._vector, _joined(values))

    def _store_trainable(self, variables: list[keras.Variable]) -> None:
        self._cut(self._vector, variables)

    def _load_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        slots = _slots(optimizer, len(self._sizes))
        for name, (vector,) in _slots(self.optimizer, 1).items():
            _set(vector, _joined(_values_of(slots[name])))
        _assign(_scalars(self.optimizer, 1), _scalars(optimizer, len(self._sizes)))

    def _store_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        slots = _slots(optimizer, len(self._sizes))
        for name, (vector,) in _slots(self.optimizer, 1).items():
            self._cut(vector, slots[name])
        _assign(_scalars(optimizer, len(self._sizes)), _scalars(self.optimizer, 1))

    def _cut(self, vector: keras.Variable, variables: list[keras.Variable]) -> None:
        parts = np.split(vector.numpy(), np.cumsum(self._sizes)[:-1])
        for variable, part, shape in zip(variables, parts, self._shapes, strict=True):
            _set(variable, part.reshape(shape))


def start_of(model: keras.Model) -> Start:
    """Return what the training of a model begins with whose optimizer is unused."""
    rate = None
    if has_own_learning_rate(model.optimizer):
        rate = model.optimizer.learning_rate.numpy()
    return Start(
        _values_of(model.trainable_variables),
        _values_of(model.non_trainable_variables),
        rate,
    )


def weights_of(model: keras.Model) -> Weights:
    """Return the faster form of the weights of a program's own copy of a model.

    It depends on architecture and optimizer alone: the two round differently.
    """
    variables = model.trainable_variables
    alike = all(v.dtype == variables[0].dtype and not v.constraint for v in variables)
    alike &= all(_is_dense(layer) for layer in all_layers(model))
    if (
        _count(variables) <= LARGEST_AS_VECTOR
        and alike
        and _is_elementwise(model.optimizer)
    ):
        return Vector(model)
    return Weights(model)


def _is_dense(layer: keras.layers.Layer) -> bool:
    """Tell whether an optimizer updates all of a layer's weights in each step.

    Of tables that a layer looks up, Keras updates the rows looked up. A layer that is
    not of Keras may be one.
    """
    is_of_keras = type(layer).__module__.startswith("keras.")
    return is_of_keras and not isinstance(layer, keras.layers.Embedding)


def _is_elementwise(optimizer: keras.optimizers.Optimizer) -> bool:
    return type(optimizer) in _ELEMENTWISE and not any(
        getattr(optimizer, name) for name in BEYOND_ONE_WEIGHT
    )


def _slots(
    optimizer: keras.optimizers.Optimizer, n_variables: int
) -> dict[str, list[keras.Variable]]:
    """Return by name what a built optimizer keeps for each of its variables."""
    return {
        name: list(value)
        for name, value in vars(optimizer).items()
        if isinstance(value, list)
        and name not in ("_variables", "_trainable_variables")
        and len(value) == n_variables
        and all(isinstance(variable, keras.Variable) for variable in value)
    }


def _scalars(
    optimizer: keras.optimizers.Optimizer, n_variables: int
) -> list[keras.Variable]:
    """Return what a built optimizer keeps once, as its count of steps."""
    slots = {id(v) for vs in _slots(optimizer, n_variables).values() for v in vs}
    return [v for v in optimizer.variables if id(v) not in slots]


def _count(variables: list[keras.Variable]) -> int:
    """Return how many numbers there are in variables."""
    return sum(int(np.prod(variable.shape)) for variable in variables)


def _values_of(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _joined(values: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([value.ravel() for value in values])


def _assign(variables: list, values: list) -> None:
    for variable, value in zip(variables, values, strict=True):
        _set(variable, value)


def _set(variable: keras.Variable, value: object) -> None:
    """Assign a value, of another float type where that of Keras was changed."""
    if getattr(value.dtype, "name", value.dtype) != variable.dtype:
        value = tf.cast(np.asarray(value), variable.dtype)
    variable.value.assign(value)
