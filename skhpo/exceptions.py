"""The few errors and warnings of our own."""


class PersistenceWarning(UserWarning):
    """A fitted estimator was saved with other versions than the ones now loading it."""


class CheckpointError(ValueError):
    """A checkpoint is damaged, or of another network."""
