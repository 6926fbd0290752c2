"""Lesson 2, vanishing gradients: the arithmetic, and the gradients of real networks.

Run: python examples/lesson_2_vanishing_gradients.py [figure.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import actscope
from actscope.figures.colours import series_styles

WIDTH, SEEDS, DEPTHS = 64, range(20), (1, 2, 5, 10, 15, 20, 25)
sigmoid = actscope.activation("sigmoid")
usual = float(np.median(sigmoid.slope_at(np.random.default_rng(0).normal(size=100_000))))


def measured(activation, init, depth):
    """Gradient of the first layer's weights over that of the last layer's: one ratio a seed."""
    net = actscope.Net(2, (WIDTH,) * depth, activations=activation)
    trace = actscope.trace(net, "moons", "gradient_ratio", init=init, seeds=SEEDS)
    return trace.values["gradient_ratio", "float64"][:, 1]


print("product of the slopes, by arithmetic")
print("layers   all at their best, 1/4   all at the usual slope,", f"{usual:.3f}")
for depth in (1, 5, 15, 20, 25):
    print(f"{depth:6d}   {0.25**depth:22.2e}   {usual**depth:28.2e}")

SHOWN = [
    ("sigmoid", "xavier"),
    ("4*sigmoid(x)-2", "xavier"),
    ("sigmoid", "critical"),
    ("tanh", "xavier"),
    ("relu", "he"),
]
ratios = {pair: [measured(*pair, depth) for depth in DEPTHS] for pair in SHOWN}
print("\ngradient of the first layer over the last, untrained networks of 64 units on two moons")
print("activation      init       after 5 layers               after 20 layers")
for (activation, init), by_depth in ratios.items():
    cells = []
    for depth in (5, 20):
        low, middle, high = np.quantile(by_depth[DEPTHS.index(depth)], (0.1, 0.5, 0.9))
        cells.append(f"{middle:.2g} ({low:.2g} to {high:.2g})".ljust(27))
    print(f"{activation:<15} {init:<10} " + "  ".join(cells).rstrip())

moved = np.float32(1.0) + np.float32(0.1 * 0.25**25)
print("\n0.25^25 in float32:", np.float32(0.25**25), "· a weight of 1 after such a step:", moved)

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
    styles = series_styles([activation for activation, _ in SHOWN])
    for (pair, by_depth), style in zip(ratios.items(), styles, strict=True):
        low, middle, high = np.quantile(np.array(by_depth), (0.1, 0.5, 0.9), axis=1)
        axes.plot(DEPTHS, middle, color=style.colour, ls=style.linestyle, label=", ".join(pair))
        axes.fill_between(DEPTHS, low, high, color=style.colour, alpha=0.15, lw=0)
    axes.plot(DEPTHS, [0.25**d for d in DEPTHS], color="#5A6472", ls=":", label="1/4 a layer")
    axes.set(yscale="log", xlabel="hidden layers", xlim=(1, DEPTHS[-1]))
    axes.set_title("Gradient of the first layer over the last (median, 10 to 90 % of 20 seeds)")
    axes.legend(loc="lower left")
    figure.savefig(sys.argv[1], dpi=120)
