"""Lesson 3, units that die in training: the share of zeros monitored, and what helps.

Run: python examples/lesson_3_dying_relu.py [figure.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from actscope.assessment.dead_units import UnitLayer


def monitored(steps=200, **settings):
    """The share of outputs at or below 0 before and after each step; units firing at the end."""
    layer, shares = UnitLayer(**settings), []
    for step in range(steps + 1):
        if step:
            layer.step()
        census = layer.census()
        shares.append(1.0 - census.firing.mean() / census.points)
    return np.array(shares), census.alive_firing


CASES = {
    "ReLU, rate 20": {"activation": "relu", "lr": 20.0},
    "leaky ReLU, rate 20": {"activation": "leaky_relu", "lr": 20.0},
    "ReLU, rate 20, biases .1": {"activation": "relu", "lr": 20.0, "bias": 0.1},
    "ReLU, rate 20, biases 1": {"activation": "relu", "lr": 20.0, "bias": 1.0},
    "ReLU, rate 1": {"activation": "relu", "lr": 1.0},
}
print(
    "\nhealthy at the start: biases 0, inputs of spread 1, batch of 512, 200 steps of SGD, 5 seeds"
)
print("case                      outputs ≤ 0 at step 0, 1, 10, 200    units firing at the end")
shares = {}
for name, settings in CASES.items():
    found = [monitored(seed=seed, **settings) for seed in range(5)]
    shares[name], alive = np.median([share for share, _ in found], axis=0), [a for _, a in found]
    cells = "  ".join(f"{shares[name][at]:6.1%}" for at in (0, 1, 10, 200))
    print(f"{name:<26}{cells}       {min(alive)}-{max(alive)} of 128")

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.0), layout="constrained")
    for (name, share), dash in zip(shares.items(), ("-", "-", "--", ":", "-.")):
        colour = "#CC79A7" if name.startswith("leaky") else "#D55E00"
        axes.plot(share, color=colour, ls=dash, label=name)
    axes.set(xlabel="step", ylabel="share of outputs at or below 0", xscale="symlog", xlim=(0, 200))
    axes.set_title("One layer in training: how many outputs are switched off")
    axes.legend(loc="lower right")
    figure.savefig(sys.argv[1], dpi=120)
