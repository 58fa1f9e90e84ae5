"""Callbacks of scikit-learn's that keep what they are told."""

from typing import NamedTuple


class Event(NamedTuple):
    hook: str
    estimator: str
    path: tuple


class Recorder:
    """Keeps every task's beginning and end, and may ask to stop.

    `stop_at` is the name and the number of the task at whose end it does so.
    """

    def __init__(self, stop_at=None):
        self.stop_at = stop_at
        self.events, self.estimators, self.told = [], [], []
        self.running = 0

    def setup(self, estimator, context):
        self.running += 1

    def teardown(self, estimator, context):
        self.running -= 1

    def on_fit_task_begin(self, estimator, context):
        self._keep("begin", estimator, context)

    def on_fit_task_end(self, estimator, context, *, X, y, metadata):
        self._keep("end", estimator, context)
        self.told.append((X, y, metadata))
        return (context.task_name, context.task_id) == self.stop_at

    def _keep(self, hook, estimator, context):
        self.estimators.append(estimator)
        self.events.append(Event(hook, context.estimator_name, path_of(context)))

    def ended(self, task_name):
        """Return the paths of the tasks of that name which ended."""
        return [
            event.path
            for event in self.events
            if event.hook == "end" and event.path[-1][0] == task_name
        ]


class Propagated(Recorder):
    """The same, handed on to what is fitted within."""

    max_propagation_depth = None


class Keeper(Recorder):
    """Keeps what would have been fitted if the fit had ended with each epoch."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.told.append(fitted_estimator)


def path_of(context):
    above = () if context.parent is None else path_of(context.parent)
    return (*above, (context.task_name, context.task_id))
