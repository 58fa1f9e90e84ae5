"""Functions and classes of a user's own module, found by their qualified names."""

import keras


def relu(x):
    """Named as an activation of Keras, and another."""
    return 2 * keras.ops.tanh(x)


def softsine(x, times=1.0):
    """An activation."""
    return x + keras.ops.sin(times * x)


def double(x):
    """A function for a Lambda layer."""
    return 2 * x


def cubic_loss(y_true, y_pred):
    """A loss."""
    return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)


def largest_error(y_true, y_pred):
    """A metric that has one value for a batch."""
    return keras.ops.max(keras.ops.abs(y_true - y_pred))


def fixed_rate():
    """A learning rate that an optimizer calls for."""
    return 0.05


class Times(keras.layers.Layer):
    """Multiplies by a number that its configuration tells of."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class SecretlyTimes(Times):
    """Multiplies by a number that its configuration keeps quiet about."""

    def get_config(self):
        config = super().get_config()
        del config["factor"]
        return config


class Unconfigured(keras.layers.Layer):
    """Has an argument that Keras cannot write into a configuration."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


class FixedNoise(keras.layers.Layer):
    """Adds the numbers that a seed gives, the same in every step."""

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def call(self, x):
        return x + keras.random.normal(x.shape[1:], seed=self.seed)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


class Penalized(keras.layers.Layer):
    """Adds a penalty on what passes through to the loss."""

    def call(self, x):
        self.add_loss(0.1 * keras.ops.mean(x**2))
        return x


class SecretModel(keras.Model):
    """A model with a number that its configuration keeps quiet about."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {"name": self.name}


class ScaledError(keras.losses.Loss):
    """A loss with a setting."""

    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, y_true, y_pred):
        return self.scale * keras.ops.mean((y_true - y_pred) ** 2, axis=-1)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


class AnnealedError(keras.losses.Loss):
    """A loss with a variable that a callback may change."""

    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = keras.Variable(scale, trainable=False)

    def call(self, y_true, y_pred):
        return self.scale * keras.ops.mean((y_true - y_pred) ** 2, axis=-1)


class Scaled(keras.metrics.Mean):
    """A metric with a setting that its configuration keeps quiet about."""

    def __init__(self, scale=1.0, name="scaled", **kwargs):
        super().__init__(name=name, **kwargs)
        self.scale = scale

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(self.scale * keras.ops.abs(y_true - y_pred))


class Halved(keras.optimizers.SGD):
    """An optimizer with a setting that its configuration keeps quiet about."""

    def __init__(self, *args, share=0.5, **kwargs):
        super().__init__(*args, **kwargs)
        self.share = share

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(self.share * gradient, variable, learning_rate)
