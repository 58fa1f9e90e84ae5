"""Draw the rooms of the package on their floors, with the imports between them.

To look at it alone: `python docs/house_drawing.py house.svg`.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

# What the tests hold the package to is what is drawn.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "house"))

from package_sources import FLOORS, imports_of, sources

SPACING = [1.45, 1.8, 2.6, 5.4]  # of the rooms of each floor; in inches, as all here
WIDTH, HEIGHT, STOREY = 1.3, 0.36, 0.95


def draw(path):
    """Write the drawing to a file of any format that matplotlib knows."""
    figure = Figure((9, 3.7))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-4.5, 4.5), ylim=(-0.4, 3.3))
    axes.set_axis_off()
    places = {
        room: (spacing * (i - (len(rooms) - 1) / 2), STOREY * level)
        for level, (rooms, spacing) in enumerate(zip(FLOORS, SPACING, strict=True))
        for i, room in enumerate(rooms)
    }
    for level in range(len(FLOORS)):
        box(axes, (0, STOREY * level), 8.8, 0.62, facecolor="0.95", edgecolor="none")
    for room, place in places.items():
        box(axes, place, WIDTH, HEIGHT, facecolor="white", edgecolor="C0", zorder=2)
        axes.annotate(room, place, ha="center", va="center", family="monospace", size=9)
    for room, below in sorted(imports()):
        colour = "0.65" if below in FLOORS[0] else "C0"
        if places[room][1] > places[below][1]:
            stairs(axes, places[room], places[below], colour)
    figure.savefig(path)


def box(axes, centre, width, height, **style):
    corner = (centre[0] - width / 2, centre[1] - height / 2)
    shape = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, **style))


def stairs(axes, start, end, colour):
    ends = (start[0], start[1] - HEIGHT / 2), (end[0], end[1] + HEIGHT / 2)
    axes.add_patch(
        FancyArrowPatch(
            *ends,
            arrowstyle="-|>",
            mutation_scale=8,
            color=colour,
            shrinkA=0,
            shrinkB=0,
        )
    )


def imports():
    """Return the pairs of rooms of which one imports from the other."""
    return {
        (name.split(".")[0], module.split(".")[1])
        for name in set(sources()) - {"__init__"}
        for module, _ in imports_of(name)
        if module.startswith("skhpo.")
    }


if __name__ == "__main__":
    draw(sys.argv[1])
