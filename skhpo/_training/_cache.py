"""The programs of this process, lent to fit after fit."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from numbers import Integral

import keras

from .._compat import seeded_by
from ._key import objects_in, program_key
from ._program import Program, own_program_of, program_for, program_over
from ._templates import Templates


class ProgramCache:
    """Idle programs by key, the longest unused forgotten first.

    A program that is lent is not in the cache, so that no two fits ever run one at the
    same time, and none waits for another: who finds none idle makes one.

    Parameters
    ----------
    max_size : int
        The largest number of idle programs kept.
    """

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self._idle: OrderedDict[int, tuple[Hashable, Program]] = OrderedDict()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def lend(
        self, model: keras.Model, targets: Hashable | None = None
    ) -> Iterator[Program]:
        """Lend a program for models like this one, with nothing loaded.

        `targets` is the kind of the targets to be trained on, None where there are
        none. A program serves one kind: by it Keras chooses, once for a model, what
        "accuracy" and "crossentropy" are.
        """
        key = program_key(model)
        program = None
        if key is not None:
            program = self._take(key, targets) or _shared_program(model, key)
        if program is None:
            yield own_program_of(model)
            return
        with self._lent(program, key, targets):
            yield program

    @contextlib.contextmanager
    def lend_by(
        self,
        key: Hashable,
        build: Callable[[], keras.Model],
        targets: Hashable | None = None,
    ) -> Iterator[Program]:
        """Lend a program for models of a key; if there is none, `build` gives one."""
        program = self._take(key, targets) or program_over(build())
        with self._lent(program, key, targets):
            yield program

    def add(self, key: Hashable, model: keras.Model) -> None:
        """Take in a model that is nobody's, for the next program of its key."""
        self._give_back(key, program_over(model))

    def resize(self, max_size: int) -> None:
        """Keep at most so many idle programs from now on."""
        with self._lock:
            self.max_size = max_size
            self._forget_the_oldest()

    def clear(self) -> None:
        """Forget every idle program."""
        with self._lock:
            self._idle.clear()

    @property
    def programs(self) -> list[Program]:
        """The idle programs, the longest unused first."""
        with self._lock:
            return [program for _, program in self._idle.values()]

    @contextlib.contextmanager
    def _lent(
        self, program: Program, key: Hashable, targets: Hashable | None
    ) -> Iterator[None]:
        program.targets = program.targets or targets
        try:
            yield
        finally:
            self._give_back(key, program)

    def _take(self, key: Hashable, targets: Hashable | None) -> Program | None:
        with self._lock:
            for number in reversed(self._idle):
                other, program = self._idle[number]
                serves = targets is None or program.targets in (None, targets)
                if serves and other == key:
                    del self._idle[number]
                    return program
        return None

    def _give_back(self, key: Hashable, program: Program) -> None:
        with self._lock:
            self._idle[id(program)] = key, program
            self._forget_the_oldest()

    def _forget_the_oldest(self) -> None:
        while len(self._idle) > self.max_size:
            self._idle.popitem(last=False)


CACHE = ProgramCache(max_size=32)
# A template is small: a key, and an initializer for each layer.
TEMPLATES = Templates(max_size=256)


def clear_caches() -> None:
    """Forget the compiled training programs that this process keeps.

    Fits of one architecture share a compiled program. Clearing frees their memory;
    nothing else changes but that the next fit or prediction of each architecture
    compiles again.

    See Also
    --------
    set_cache_size : How many programs are kept.

    Examples
    --------
    >>> import skhpo
    >>> skhpo.clear_caches()
    """
    CACHE.clear()
    TEMPLATES.clear()


def get_cache_size() -> int:
    """Return how many compiled training programs this process keeps at most.

    Returns
    -------
    max_programs : int
        The largest number of programs, 32 unless `set_cache_size` changed it.

    See Also
    --------
    set_cache_size : Changes it.

    Examples
    --------
    >>> import skhpo
    >>> skhpo.get_cache_size()
    32
    """
    return CACHE.max_size


def set_cache_size(max_programs: int) -> None:
    """Set how many compiled training programs this process keeps at most.

    A program is kept for each architecture, optimizer, loss and metrics, at some 2 MiB
    for a small network; the longest unused go first. A search over more architectures
    than are kept compiles some of them again. Worker processes that joblib starts have
    caches of their own, each of 32 programs.

    Parameters
    ----------
    max_programs : int
        The largest number of programs kept. 0 keeps none, so that each fit and each
        prediction compiles.

    Raises
    ------
    ValueError
        If `max_programs` is no integer of at least 0.

    See Also
    --------
    clear_caches : Forgets all of them.

    Examples
    --------
    >>> import skhpo
    >>> skhpo.set_cache_size(100)
    >>> skhpo.get_cache_size()
    100
    >>> skhpo.set_cache_size(32)
    """
    is_number = isinstance(max_programs, Integral) and not isinstance(
        max_programs, bool
    )
    if not is_number or max_programs < 0:
        raise ValueError(
            f"max_programs must be an integer of at least 0, got {max_programs!r}"
        )
    CACHE.resize(int(max_programs))


def _shared_program(model: keras.Model, key: Hashable) -> Program | None:
    """Return a program for models of a key, None where Keras cannot copy this one.

    Keras copies by configurations. A class of the user's may have none, or one that
    leaves something out, so that the copy is another model.
    """
    try:
        # Initial weights that count for nothing draw from no global generator.
        with seeded_by(0), keras.saving.custom_object_scope(objects_in(key)):
            program = program_for(model)
        is_alike = program_key(program.model) == key
    except Exception:  # whatever the user's classes raise when made anew
        return None
    return program if is_alike else None
