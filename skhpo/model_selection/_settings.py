"""Where a search looks: what decides a setting, and which of it matters."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from ._dimensions import Dimension

# How often a function is asked for a setting before the search, to learn what it asks.
N_REHEARSALS = 200

Cell = float | int
Choose = Callable[[str, Dimension], Cell]


class Setting(NamedTuple):
    """One candidate, as the estimator gets it and as an oracle and a journal know it.

    `cells` has only the dimensions that mattered.
    """

    params: dict[str, Any]
    cells: dict[str, Cell]


class Space(Protocol):
    """Where a search looks for candidates.

    `dimensions` are those known so far, by name; `is_conditional` tells that not each
    matters in each candidate; `example` has a value for each parameter that it sets.
    `names` tells what the user calls each dimension: two may have one name.
    """

    dimensions: Mapping[str, Dimension]
    names: Mapping[str, str]
    is_conditional: bool
    example: Mapping[str, Any]

    def setting(self, choose: Choose) -> Setting:
        """Return the setting that has a cell of one's choice in each dimension."""

    def asked(self, choose: Choose) -> Collection[str]:
        """Return the names of the dimensions that matter in that setting."""


class FlatSpace:
    """A space all of whose dimensions matter in each candidate."""

    is_conditional = False

    def __init__(self, dimensions: Mapping[str, Dimension]):
        self.dimensions = dict(dimensions)
        self.names = {name: name for name in dimensions}
        self.example = self.setting(lambda _, dimension: dimension.cell(0.5)).params

    def setting(self, choose: Choose) -> Setting:
        """Return the setting that has a cell of one's choice in each dimension."""
        cells = {name: choose(name, dim) for name, dim in self.dimensions.items()}
        params = {name: dim.value(cells[name]) for name, dim in self.dimensions.items()}
        return Setting(params, cells)

    def asked(self, choose: Choose) -> Collection[str]:  # noqa: ARG002
        """Return the names of the dimensions that matter: all."""
        return self.dimensions


class ConditionalSpace:
    """A space in which it depends on some dimensions whether others matter.

    Parameters
    ----------
    run : callable
        Called with a function that answers: given the name of a hyperparameter, what
        defines it (hashable), and a function that makes its dimension, it returns the
        value. `run` returns the parameters of the estimator.
    """

    is_conditional = True

    def __init__(self, run: Callable[[Callable], Mapping[str, Any]]):
        self.dimensions: dict[str, Dimension] = {}
        self.names: dict[str, str] = {}
        self._run = run
        self._own_names: dict[tuple, str] = {}
        self.example: dict[str, Any] = {}
        self._rehearse()

    def setting(self, choose: Choose) -> Setting:
        """Return the setting that has a cell of one's choice in each dimension."""
        return self._setting(choose, learns=True)

    def asked(self, choose: Choose) -> Collection[str]:
        """Return the names of the dimensions that matter, and learn no new ones.

        What is known then depends on the settings that were made, and on nothing else.
        """
        return self._setting(choose, learns=False).cells

    def _setting(self, choose: Choose, learns: bool) -> Setting:
        cells: dict[str, Cell] = {}

        def answer(
            name: str, definition: tuple, dimension: Callable[[], Dimension]
        ) -> Any:
            own_name = self._own_names.get((name, definition))
            if own_name is None:
                if not learns:
                    unknown = dimension()
                    return unknown.value(unknown.cell(0.5))
                own_name = self._learn(name, definition, dimension())
            found = self.dimensions[own_name]
            if own_name not in cells:
                cells[own_name] = choose(own_name, found)
            return found.value(cells[own_name])

        params = self._run(answer)
        if callable(params):
            raise ValueError(
                "a function in search_spaces must return a dict, got another function: "
                "is it to be called, as in mlp_space()?"
            )
        if not isinstance(params, Mapping) or not params:
            raise ValueError(
                "a function in search_spaces must return a dict that names at least "
                f"one parameter, got {params!r}."
            )
        return Setting(dict(params), cells)

    def _learn(self, name: str, definition: tuple, dimension: Dimension) -> str:
        # Two branches may mean different things by one name.
        n_namesakes = list(self.names.values()).count(name)
        own_name = f"{name} ({n_namesakes + 1})" if n_namesakes else name
        self.dimensions[own_name] = dimension
        self.names[own_name] = name
        self._own_names[name, definition] = own_name
        return own_name

    def _rehearse(self) -> None:
        """Learn what the function asks for and returns, before an oracle is made."""
        random = np.random.default_rng(0)
        for _ in range(N_REHEARSALS):
            setting = self.setting(lambda _, dim: dim.cell(random.random()))
            self.example |= setting.params
