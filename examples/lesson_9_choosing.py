"""Lesson 9, choosing an activation: what trains, by depth, init, normalisation and precision.

Run: python examples/lesson_9_choosing.py [figure.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import actscope
from actscope.datasets import dataset
from actscope.figures.colours import series_styles

ACTIVATIONS, RATES, SEEDS = ("sigmoid", "tanh", "relu", "gelu"), (0.02, 0.2), range(20)
SITUATIONS = {
    "2 layers, variance 1/n": (2, "lecun", False, False),
    "8 layers, variance 1/n": (8, "lecun", False, False),
    "8 layers, critical": (8, "critical", False, False),
    "16 layers, critical": (16, "critical", False, False),
    "16 layers, layer norm": (16, "lecun", True, False),
    "16 layers, norm and skips": (16, "lecun", True, True),
}
x, y = dataset("moons").draw(2300, np.random.default_rng(0))
points = (x[:300], y[:300], x[300:], y[300:])


def accuracies(activation, depth, init, norm, residual):
    """Test accuracy of 20 seeds at the rate that trains best: the test points have no say in it."""
    net = actscope.Net(2, (16,) * depth, activations=activation, norm=norm, residual=residual)
    settings = [actscope.Training(epochs=150, lr=lr) for lr in RATES]
    runs = [actscope.train(net, points, how, init=init, seeds=SEEDS) for how in settings]
    best = min(runs, key=lambda run: np.nan_to_num(run.loss[:, -1], nan=np.inf).mean())
    return 100 * best.test_accuracy[:, -1]


print("two moons, width 16, SGD at the better of two rates: mean accuracy in %, seeds that fail")
print(f"{'':<26}" + "".join(f"{name:<16}" for name in ACTIVATIONS).rstrip())
found = {name: [] for name in ACTIVATIONS}
for situation, setting in SITUATIONS.items():
    cells = []
    for name in ACTIVATIONS:
        right = np.nan_to_num(accuracies(name, *setting))
        failed = int((right < 90).sum())  # a straight line reaches about 88 %
        found[name].append(right)
        cells.append(f"{right.mean():.1f}" + (f", {failed}/20" if failed else ""))
    print(f"{situation:<26}" + "".join(f"{cell:<16}" for cell in cells).rstrip())

print(
    "\ndistance to the boundary that is left after 8 untrained layers (R²): exact, bfloat16, int8"
)
for name in ACTIVATIONS:
    net = actscope.Net(2, (16,) * 8, activations=name)
    cells = []
    for init in ("lecun", "critical"):
        formats = ("float64", "bfloat16", "int8")
        seen = actscope.trace(
            net, "moons", "distance_fidelity", init=init, seeds=SEEDS, formats=formats
        )
        left = [np.median(seen.values["distance_fidelity", kind][:, -1]) for kind in formats]
        cells.append(f"{init}: " + ", ".join(f"{value:.2f}" for value in left))
    print(f"{name:<10}" + "     ".join(cells))

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(9.0, 4.4), layout="constrained")
    for i, (name, style) in enumerate(zip(ACTIVATIONS, series_styles(ACTIVATIONS))):
        rows, right = np.arange(len(SITUATIONS)) + 0.16 * (i - 1.5), np.array(found[name])
        axes.plot(right, rows, style.marker, color=style.colour, ms=4, alpha=0.35, mew=0)
        middle = np.median(right, axis=1)
        axes.plot(middle, rows, style.marker, color=style.colour, ms=8, label=name)
    axes.set(xlabel="test accuracy, %", yticks=range(len(SITUATIONS)), yticklabels=SITUATIONS)
    axes.set_title("What trains: every seed, and the median")
    axes.invert_yaxis()
    axes.legend(loc="center", bbox_to_anchor=(0.35, 0.5))
    figure.savefig(sys.argv[1], dpi=120)
