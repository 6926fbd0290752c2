"""Lesson 3, units that die in training: the share of zeros monitored, and what helps.

Run: python examples/lesson_3_dying_relu.py [figure.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import actscope
from actscope.engine import Weights

UNITS, SEEDS, LOOKS = 128, range(16), (0, 1, 2, 3, 5, 10, 20, 50, 100, 200)
rng = np.random.default_rng(0)
x = rng.normal(size=(512, 16))
y = x[:, 0] * x[:, 1] > 0


def monitored(activation="relu", lr=20.0, bias=0.0, init="he"):
    """The share of inputs of units at or below 0, a look at a time; units firing at the end."""
    net = actscope.Net(16, (UNITS,), activations=activation)
    how = actscope.Training(lr=lr, batch=512, shuffle=False)
    start = actscope.Session(net, (x, y), how, seeds=SEEDS, init=init).weights
    layer = actscope.Session(
        net, (x, y), how, seeds=SEEDS, weights=Weights(start.W, (start.b[0] + bias, start.b[1]))
    )
    shares = []
    for step in LOOKS:
        if step > layer.epoch:
            layer.run(step - layer.epoch)  # one step an epoch: the batch is all of the data
        now = layer.weights
        z = x @ np.float64(now.W[0]) + np.float64(now.b[0])[:, None]  # (seeds, points, units)
        shares.append((z <= 0).mean(axis=(1, 2)))
    right = layer.run(1)[:, 0]
    return np.array(shares), (z > 0).any(axis=1).sum(axis=1), right


CASES = {
    "ReLU, rate 20": {},
    "leaky ReLU": {"activation": "leaky_relu"},
    "biases .1": {"bias": 0.1},
    "biases 1": {"bias": 1.0},
    "orthogonal weights": {"init": "orthogonal"},
    "critical weights": {"init": "critical"},
    "rate 5": {"lr": 5.0},
    "rate 1": {"lr": 1.0},
}
print("healthy at the start: 128 units, 512 inputs of spread 1, 200 steps of SGD, 16 seeds")
print("changed              switched off at step 0, 1, 10, 200    firing at the end   loss")
median = {}
for name, settings in CASES.items():
    shares, alive, loss = monitored(**settings)
    median[name] = np.median(shares, axis=1)
    cells = "  ".join(f"{median[name][LOOKS.index(at)]:6.1%}" for at in (0, 1, 10, 200))
    spread = f"{np.median(alive):.0f} ({alive.min()}-{alive.max()})"
    print(f"{name:<20} {cells}        {spread:<14}      {np.median(loss):.2f}")

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.0), layout="constrained")
    looks = {"ReLU, rate 20": "-", "leaky ReLU": "-", "biases 1": ":", "orthogonal weights": "--"}
    for name, dash in {**looks, "rate 5": (0, (7, 2, 1, 2)), "rate 1": "-."}.items():
        colour = "#CC79A7" if name.startswith("leaky") else "#D55E00"
        axes.plot(LOOKS, median[name], color=colour, ls=dash, label=name)
    axes.set(xlabel="step", ylabel="share of units' inputs at or below 0", xscale="symlog")
    axes.set(xlim=(0, LOOKS[-1]), title="One layer in training: what is switched off (median)")
    axes.legend(loc="lower right")
    figure.savefig(sys.argv[1], dpi=120)
