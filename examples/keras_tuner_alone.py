"""The search of `fashion_mnist_mlp.py` as one writes it with Keras Tuner alone.

pip install ".[plot,tracking]"
"""

import json
import time

import keras
import keras_tuner as kt
import tensorboard  # noqa: F401 - Keras Tuner needs it, and says so trials later.


def search(space, images, folder, max_trials, epochs, beside):
    """Search by Bayesian optimization, and go on with what is in the folder.

    Returns a dict for each trial: its settings, validation loss, epochs and seconds,
    and the seconds "beside" it, which `beside(settings, epochs)` returns right after,
    so that what else the machine does bears on both.
    """
    keras.utils.set_random_seed(48)
    trials = folder / "trials.jsonl"
    tuner = kt.BayesianOptimization(
        TimedModel(space, trials, beside),
        objective="val_loss",
        max_trials=max_trials,
        seed=48,
        directory=folder,
        project_name="tuner",
    )
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", min_delta=1e-4, patience=5, restore_best_weights=True
    )
    tuner.search(
        *images.train,
        validation_data=tuple(images.valid.values()),
        epochs=epochs,
        batch_size=32,
        callbacks=[stopping],
        verbose=0,
    )
    return [json.loads(line) for line in trials.read_text().splitlines()]


class TimedModel(kt.HyperModel):
    """Builds networks, and writes down how long each was trained."""

    def __init__(self, space, trials, beside):
        super().__init__()
        self.space, self.trials, self.beside = space, trials, beside

    def build(self, hp):
        settings = self.space(hp)
        model = keras.Sequential()
        layers = zip(settings["hidden_layer_sizes"], settings["dropout"], strict=True)
        for units, dropout in layers:
            model.add(keras.layers.Dense(units, activation="relu"))
            if dropout:
                model.add(keras.layers.Dropout(dropout))
        model.add(keras.layers.Dense(10, activation="softmax"))
        rate = settings["learning_rate"]
        if settings["optimizer"] == "adam":
            optimizer = keras.optimizers.Adam(rate)
        else:
            optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
        loss = "sparse_categorical_crossentropy"
        model.compile(optimizer, loss, metrics=["accuracy"])
        return model

    def fit(self, hp, model, *args, **kwargs):
        start = time.perf_counter()
        history = model.fit(*args, **kwargs)
        seconds = time.perf_counter() - start
        settings, epochs = self.space(hp), len(history.epoch)
        trial = {
            "settings": settings,
            "loss": min(history.history["val_loss"]),
            "epochs": epochs,
            "seconds": seconds,
            "beside": self.beside(settings, epochs),
        }
        with self.trials.open("a") as file:
            file.write(json.dumps(trial) + "\n")
        return history
