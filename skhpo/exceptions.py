"""The few errors and warnings of our own."""


class PersistenceWarning(UserWarning):
    """A fitted estimator was saved with other versions than the ones now loading it."""


class TrackingWarning(UserWarning):
    """A tracker failed and follows a search no further, or found its folder taken."""


class CheckpointError(ValueError):
    """A checkpoint is damaged, or of another network."""


class JournalError(ValueError):
    """The journal of a search is damaged, in use, or of another search."""


class ContinuationError(RuntimeError):
    """A fit that had to continue from a checkpoint began anew."""
