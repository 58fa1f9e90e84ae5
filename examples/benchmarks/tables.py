"""The figures of the documentation, from what the benchmarks have written.

    python examples/benchmarks/tables.py

prints the tables of docs/user_guide/performance.md, and draws the picture of README.md.
`training.py --json examples/benchmarks/results/training.json` and
`samplers.py --json examples/benchmarks/trials/regrets.json` write what they are of.
"""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from samplers import CHECKED, compared

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parents[1] / "docs" / "benchmarks.png"
GRID = "digits grid, first in a process"
TABLES = {
    "digits_mlp": "`KerasMLP` on digits, three folds",
    "fashion_cnn": "`KerasCNN` on 10,000 images of Fashion-MNIST",
    "other": "gradient boosting on another set of data",
}


def training_table(rows):
    lines = ["| | ours, s | how many times longer others took |", "| --- | --- | --- |"]
    for row in rows:
        ours, *_ = row["seconds"].values()
        others = ", ".join(f"{who} {ratio:.1f}" for who, ratio in row["ratios"].items())
        lines.append(f"| {row['row']} | {ours:.2f} | {others} |")
    return "\n".join(lines)


def samplers_table(results):
    heads = [f"after {n} trials" for n in CHECKED]
    lines = [
        "| | " + " | ".join([*heads, "s a trial", "seeds"]) + " |",
        "| --- " * (len(heads) + 3) + "|",
    ]
    for name, result in results.items():
        baseline = None if name == "skhpo" else results["skhpo"]
        cells = compared(np.array(result["regrets"]), baseline)
        cells += [f"{result['seconds']:.3f}", str(len(result["regrets"]))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(training, regrets):
    """Draw the seconds of a grid, and the regrets by trials."""
    figure = Figure((9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 4))
    (grid,) = (row for row in training if row["row"] == GRID)
    names = list(grid["seconds"])
    bars = left.barh(names, list(grid["seconds"].values()), color="0.7")
    bars[0].set_color("C0")
    left.bar_label(bars, fmt="%.1f", padding=3)
    left.margins(x=0.2)
    left.invert_yaxis()
    left.set(title="GridSearchCV of 19 small fits", xlabel="seconds", yticks=names)
    for name in regrets["digits_mlp"]:
        found = np.mean(
            [
                np.mean(regrets[table][name]["regrets"], axis=0)
                for table in ("digits_mlp", "fashion_cnn")
            ],
            axis=0,
        )
        style = {"lw": 3, "color": "C0"} if name == "skhpo" else {"lw": 1}
        right.plot(CHECKED, found, ".-", label=name, **style)
    right.set(xlabel="trials", xticks=CHECKED, title="Regret of the best found")
    right.legend(fontsize="small", ncols=2)
    figure.savefig(PICTURE, dpi=150)


def main():
    training = json.loads((HERE / "results" / "training.json").read_text())["rows"]
    regrets = json.loads((HERE / "trials" / "regrets.json").read_text())
    print(training_table(training))
    for table, results in regrets.items():
        print(f"\n{TABLES[table]}:\n\n{samplers_table(results)}")
    draw(training, regrets)


if __name__ == "__main__":
    main()
