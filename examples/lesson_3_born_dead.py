"""Lesson 3, units that are born dead, and whether they come back.

Run: python examples/lesson_3_born_dead.py [figure.png]
"""

import sys

import matplotlib.pyplot as plt

import actscope

SEEDS, AT = {"relu": (0,), "leaky_relu": (0, 1)}, (0, 200, 2000)  # a dead ReLU stays as it is
RATES = {"sgd": (0.01, 0.1, 1.0), "adam": (0.001, 0.01, 0.1)}


def span(values):
    """The smallest and the largest of some counts, or the one that they all are."""
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low}-{high}"


print("128 units, bias -3, inputs of spread .1, batch of 64: alive after 0, 200 and 2,000 steps")
print("activation  optimiser  rate     firing               passing")
recovery = {}
for activation in ("relu", "leaky_relu"):
    for optimiser, rates in RATES.items():
        for lr in rates:
            how = {"bias": -3.0, "spread": 0.1, "points": 64, "optimiser": optimiser, "lr": lr}
            runs = [
                actscope.dead_units(activation, steps=AT[-1], seed=s, **how)
                for s in SEEDS[activation]
            ]
            recovery[activation, optimiser, lr] = runs[0].firing
            firing = ", ".join(span([int(r.firing[at]) for r in runs]) for at in AT)
            passing = ", ".join(span([int(r.passing[at]) for r in runs]) for at in AT)
            print(f"{activation:<10}  {optimiser:<9}  {lr:<6g}  {firing:<20} {passing}")

print("\nborn dead by depth: share of units that are silent on all of two moons, 8 units a layer")
for activation, init in (("relu", "he"), ("relu", "orthogonal"), ("leaky_relu", "he")):
    net = actscope.Net(2, (8,) * 20, activations=activation)
    trace = actscope.trace(net, "moons", "dead_fraction", init=init, seeds=range(100))
    mean = trace.values["dead_fraction", "float64"].mean(axis=0)
    print(
        f"{activation:<10}  {init:<10}  layer 1, 5, 10, 20: ",
        *(f"{mean[l]:.0%}" for l in (1, 5, 10, 20)),
    )

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.0), layout="constrained")
    for (_, optimiser, lr), firing in recovery.items():
        if firing[-1]:
            dash = {0.001: ":", 0.01: "--", 0.1: "-"}[lr]
            axes.plot(firing, dash, color="#CC79A7", label=f"leaky ReLU, {optimiser} at {lr:g}")
        else:
            axes.plot(firing, color="#D55E00")
    axes.plot([], color="#D55E00", label="ReLU with either; leaky ReLU with SGD")
    axes.set(xlabel="step", ylabel="units firing, of 128", xlim=(0, AT[-1]), ylim=(-2, 128))
    axes.set_title("Born dead: only leaky ReLU with Adam comes back")
    axes.legend(loc="upper right")
    figure.savefig(sys.argv[1], dpi=120)
