"""The tables of samplers in docs/user_guide/performance.md.

    python examples/benchmarks/tables.py

prints them from `trials/regrets.json`, which `samplers.py --json` has written.
"""

import json

import numpy as np
from samplers import CHECKED, MOST_SEEDS, TRIALS, compared

TITLES = {
    "digits_mlp": "`KerasMLP` on digits, three folds",
    "fashion_cnn": "`KerasCNN` on 10,000 images of Fashion-MNIST",
    "other": "gradient boosting on diabetes",
    "kernel_ridge": "kernel ridge regression on diabetes",
}
# Of fewer seeds a mean says nothing.
LEAST_SEEDS = min(MOST_SEEDS.values())


def tables():
    """Return the text of all tables."""
    regrets = json.loads((TRIALS / "regrets.json").read_text())
    return "\n\n".join(
        f"{TITLES[name]}:\n\n{table(results)}" for name, results in regrets.items()
    )


def table(results):
    heads = [f"after {n} trials" for n in CHECKED]
    lines = [
        "| | " + " | ".join([*heads, "s a trial", "seeds"]) + " |",
        "| --- " * (len(heads) + 3) + "|",
    ]
    ours = results["skhpo"]
    for name, result in {"skhpo": ours, **results}.items():
        n_seeds = len(result["regrets"])
        if n_seeds < LEAST_SEEDS:
            continue
        cells = compared(np.array(result["regrets"]), None if result is ours else ours)
        cells += [f"{result['seconds']:.3f}", str(n_seeds)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables())
