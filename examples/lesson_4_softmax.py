"""Lesson 4, softmax and log-softmax: the overflow, and cross-entropy by three formulas.

Run: python examples/lesson_4_softmax.py [figure.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import torch

from actscope.activations import VECTORS

softmax, log_softmax = VECTORS.get("softmax"), VECTORS.get("log_softmax")
Z = np.array([2.0, 1.0, 0.5, 0.1])


def losses(z, target, kind):
    """−log p of the target: log of the formula, log of the stable softmax, log-sum-exp, PyTorch."""
    z = np.asarray(z, dtype=kind)
    with np.errstate(all="ignore"):
        formula, stable = (-np.log(p)[target] for p in (softmax.naive(z), softmax(z)))
    logits, wanted = torch.tensor(z)[None], torch.tensor([target])
    library = torch.nn.functional.cross_entropy(logits, wanted).item()
    return formula, stable, -log_softmax(z)[target], library


print("logits             ", Z)
print("softmax            ", softmax(Z).round(4), "sum", softmax(Z).sum().round(12))
print("softmax, all + 1000", softmax(Z + 1000).round(4), "the same: a shift changes nothing")
with np.errstate(all="ignore"):
    print("by the formula     ", softmax.naive(Z + 1000), "e^1000 is more than float64 can hold")

print("\ncross-entropy      log(formula)  log(softmax)   log-softmax       PyTorch")
CASES = [
    ("the logits above", Z, 0),
    ("1000 and 0", [1000.0, 0.0], 0),
    ("1000 and 0, wrong", [1000.0, 0.0], 1),
    ("90 and 0, wrong", [90.0, 0.0], 1),
    ("110 and 0, wrong", [110.0, 0.0], 1),
]
for kind in ("float64", "float32"):
    for name, z, target in CASES:
        print(f"{name:<17}", *(f"{v + 0.0:13.6g}" for v in losses(z, target, kind)), f"  {kind}")

p = softmax(Z)
jacobian = softmax.jacobian_at(Z)
print("\nslope of the loss in the logits, p − target:", (p - np.eye(4)[0]).round(4))
print("by the chain rule, through the matrix of slopes:", (-jacobian[0] / p[0]).round(4))

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.2), layout="constrained")
    gaps = np.linspace(0, 130, 521)
    values = np.array([losses([gap, 0.0], 1, "float32") for gap in gaps])
    axes.plot(gaps, values[:, 2], color="#0072B2", lw=5, alpha=0.4, label="log-softmax")
    axes.plot(gaps, values[:, 1], "--", color="#009E73", label="log(softmax), largest taken off")
    axes.plot(gaps, values[:, 0], color="#D55E00", label="log(softmax), by the formula")
    for column, colour in ((0, "#D55E00"), (1, "#009E73")):
        end = np.isfinite(values[:, column]).sum() - 1
        axes.plot(gaps[end], values[end, column], "x", color=colour, ms=10, mew=2.5)
        note = f"infinite beyond {gaps[end]:.1f}"
        axes.annotate(note, (gaps[end], gaps[end]), (8, -14), textcoords="offset points")
    axes.set(xlabel="how far the wrong class leads (logits)", ylabel="cross-entropy, nats")
    axes.set_title("A confident mistake in float32: only log-softmax can say how bad it is")
    axes.legend(loc="upper left")
    figure.savefig(sys.argv[1], dpi=120)
