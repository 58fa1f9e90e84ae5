"""The programs of this process, lent to fit after fit."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator

import keras

from ._key import program_key
from ._program import Program, own_program_of, program_for


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
    def lend(self, model: keras.Model) -> Iterator[Program]:
        """Lend a program for models like this one, with nothing loaded."""
        key = program_key(model)
        if key is None:
            yield own_program_of(model)
            return
        program = self._take(key) or program_for(model)
        try:
            yield program
        finally:
            self._give_back(key, program)

    def clear(self) -> None:
        """Forget every idle program."""
        with self._lock:
            self._idle.clear()

    @property
    def programs(self) -> list[Program]:
        """The idle programs, the longest unused first."""
        with self._lock:
            return [program for _, program in self._idle.values()]

    def _take(self, key: Hashable) -> Program | None:
        with self._lock:
            for number in reversed(self._idle):
                if self._idle[number][0] == key:
                    return self._idle.pop(number)[1]
        return None

    def _give_back(self, key: Hashable, program: Program) -> None:
        with self._lock:
            self._idle[id(program)] = key, program
            while len(self._idle) > self.max_size:
                self._idle.popitem(last=False)


CACHE = ProgramCache(max_size=32)


def clear_caches() -> None:
    """Forget the compiled training programs that this process keeps.

    Fits of one architecture share a compiled program; at most 32 are kept, the longest
    unused go first. Clearing frees their memory; nothing else changes but that the
    next fit of each architecture compiles again.

    Examples
    --------
    >>> import skhpo
    >>> skhpo.clear_caches()
    """
    CACHE.clear()
