"""Lesson 3, units that are born dead, and whether they come back.

Run: python examples/lesson_3_born_dead.py [figure.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import actscope
from actscope.engine import Weights

UNITS, SEEDS, EVERY, STEPS = 128, range(16), 20, 2000
RATES = {"sgd": (0.01, 0.1, 1.0), "adam": (0.001, 0.01, 0.1)}
rng = np.random.default_rng(0)
x = 0.1 * rng.normal(size=(64, 16))  # a batch of 64 inputs of spread .1
y = x[:, 0] * x[:, 1] > 0


def alive(activation, bias, optimiser, lr):
    """Units that fire, give a number that is not 0, pass a gradient: one look every 20 steps."""
    net = actscope.Net(16, (UNITS,), activations=activation)
    how = actscope.Training(optimiser=optimiser, lr=lr, batch=64, shuffle=False)
    W = actscope.Session(net, (x, y), how, seeds=SEEDS, init="he").weights.W
    cold = (np.full((len(SEEDS), UNITS), bias), np.zeros((len(SEEDS), 1)))
    layer = actscope.Session(net, (x, y), how, seeds=SEEDS, weights=Weights(W, cold))
    f, seen = actscope.activation(activation), []
    for step in range(0, STEPS + 1, EVERY):
        if step:
            layer.run(EVERY)
        now = layer.weights
        z = x @ np.float64(now.W[0]) + np.float64(now.b[0])[:, None]  # (seeds, points, units)
        signs = (z > 0, f(z) != 0, f.slope_at(z) != 0)
        seen.append([sign.any(axis=1).sum(axis=1) for sign in signs])  # (3, seeds)
    return np.array(seen).transpose(1, 2, 0)


def span(values):
    """The smallest and the largest of some counts, or the one that they all are."""
    return "-".join(str(v) for v in sorted({min(values), max(values)}))


print("128 units on 64 inputs of spread .1: alive after 0, 200 and 2,000 steps, 16 seeds")
print(
    "activation             bias  optimiser  rate   firing             output not 0       passing"
)
settings = [("relu", 0.0, "sgd", 0.1), ("relu", 0.0, "adam", 0.01)]
KINDS = ("relu", "leaky_relu", "leaky_relu(slope=0.1)")
settings += [(kind, -3.0, o, r) for kind in KINDS for o in RATES for r in RATES[o]]
found = {one: alive(*one) for one in settings}
for (activation, bias, optimiser, lr), counts in found.items():
    cells = [", ".join(span(kind[:, at]) for at in (0, 200 // EVERY, -1)) for kind in counts]
    head = f"{activation:<21} {bias:5g}  {optimiser:<9}  {lr:<5g}"
    print(f"{head}  {cells[0]:<18} {cells[1]:<18} {cells[2]}")

print("\nborn dead by depth: share of units that are silent on all of two moons, 100 seeds")
print("activation  weights     width   layer 1, 5, 10, 20")
NARROW = [("relu", "he", 8), ("relu", "orthogonal", 8), ("relu", "critical", 8)]
for activation, init, width in [*NARROW, ("relu", "he", 32), ("leaky_relu", "he", 8)]:
    net = actscope.Net(2, (width,) * 20, activations=activation)
    trace = actscope.trace(net, "moons", "dead_fraction", init=init, seeds=range(100))
    mean = trace.values["dead_fraction", "float64"].mean(axis=0)
    cells = "".join(f"{mean[layer]:5.0%}" for layer in (1, 5, 10, 20))
    print(f"{activation:<10}  {init:<10} {width:6d}   {cells}")

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.0), layout="constrained")
    steps = np.arange(0, STEPS + 1, EVERY)
    for lr, dash in zip(RATES["adam"], (":", "--", "-")):
        low, middle, high = np.quantile(found["leaky_relu", -3, "adam", lr][0], (0, 0.5, 1), axis=0)
        axes.plot(steps, middle, dash, color="#CC79A7", label=f"leaky ReLU, Adam at {lr:g}")
        axes.fill_between(steps, low, high, color="#CC79A7", alpha=0.15, lw=0)
    axes.plot(steps, 0 * steps, color="#D55E00", label="ReLU with either; leaky ReLU with SGD")
    axes.set(xlabel="step", ylabel="units firing, of 128", xlim=(0, STEPS), ylim=(-2, 170))
    axes.set_title("Born dead: only leaky ReLU with Adam comes back (median, range of 16 seeds)")
    axes.legend(loc="upper right")
    figure.savefig(sys.argv[1], dpi=120)
