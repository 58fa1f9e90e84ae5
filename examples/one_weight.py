"""One weight by hand: why scaling and the learning rate matter
=============================================================

What happens to a single weight where a pixel is not scaled, and where steps are too
short or too long? Both are small enough to calculate; there is no network here. It
takes seconds, with and without ``--quick``.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit as sigmoid
from study import Study

study = Study(seed=None)

# %%
# Why scaling matters: where w x is large the sigmoid is flat, and w hardly moves.
rows, w = [{"w": 0.01}] + [{"w": 0.1 * 2**i} for i in range(7)], np.geomspace(0.01, 6.4)
curves = {"sigmoid(w x)": lambda w, x: sigmoid(w * x)}
curves["slope in w"] = lambda w, x: x * sigmoid(w * x) * sigmoid(-w * x)
figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for panel, (name, curve) in zip(panels, curves.items(), strict=True):
    for x in (1, 255):
        panel.semilogx(w, curve(w, x), label=f"x = {x}")
        for row in rows:
            row[f"{name}, x = {x}"] = curve(row["w"], x)
    panel.set(xlabel="w", title=name)
panels[0].legend()
panels[1].set(yscale="log", ylim=(1e-9, 1e2))
study.table(rows, "A sigmoid of one pixel, scaled and unscaled")
study.picture(figure, "The sigmoid of an unscaled pixel is saturated at once.")

# %%
# How the learning rate moves w in y = 2 x. The mean of x is 0, so that b stays at 0,
# and that of its square 2, so that a step multiplies the error of w by 1 - 4 rate.
x, rows = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), []
figure, panel = plt.subplots(layout="constrained")
for rate in (0.01, 0.1, 0.5):
    w, b, path = 1.477, 0.0, [1.477]
    for _ in range(20):
        error = w * x + b - 2 * x
        w, b = w - rate * 2 * np.mean(error * x), b - rate * 2 * np.mean(error)
        path.append(w)
    rows.append({"rate": rate} | {f"w after {n}": path[n] for n in (0, 1, 2, 5, 20)})
    panel.plot(path, ".-", label=f"{rate}")
panel.set(xlabel="step", ylabel="w", xticks=range(0, 21, 5))
figure.legend(loc="outside right upper", title="learning rate")
points = ", ".join(f"{value:g}" for value in x)
study.say(f"y = 2 x, known at {points}, is fitted by its mean squared error.")
study.table(rows, "The weight of y = 2 x by gradient descent")
study.picture(figure, "The weight creeps, arrives, or jumps to and fro for ever.")
study.write()
