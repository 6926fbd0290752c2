"""Lesson 6, sigmoid and ReLU with their slopes three ways: pure Python, NumPy, PyTorch.

Run: python examples/lesson_6_three_ways.py [figure.png]
"""

import sys
from math import exp

import matplotlib.pyplot as plt
import numpy as np
import torch

POINTS = [-1000.0, -2.0, -0.5, 0.0, 0.5, 2.0, 1000.0]

# (function, slope) of one number. e only to negative powers, so nothing overflows.
PYTHON = {
    "sigmoid": (
        lambda x: (1 if x >= 0 else exp(x)) / (1 + exp(-abs(x))),
        lambda x: exp(-abs(x)) / (1 + exp(-abs(x))) ** 2,
    ),
    "relu": (lambda x: max(x, 0.0), lambda x: 1.0 if x > 0 else 0.0),
}
# (function, slope) of a whole array: the same arithmetic without a branch.
NUMPY = {
    "sigmoid": (
        lambda x: np.where(x >= 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x))),
        lambda x: np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))) ** 2,
    ),
    "relu": (lambda x: np.maximum(x, 0), lambda x: np.heaviside(x, 0)),
}
TORCH = {"sigmoid": torch.sigmoid, "relu": torch.relu}  # autograd finds the slope

for name in PYTHON:
    x, t = np.array(POINTS), torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    value = TORCH[name](t)
    value.sum().backward()
    print(name, "Python ", *(f"{PYTHON[name][0](p):.6g}/{PYTHON[name][1](p):.6g}" for p in POINTS))
    print(name, "NumPy  ", *(f"{v:.6g}/{s:.6g}" for v, s in zip(*(g(x) for g in NUMPY[name]))))
    print(name, "PyTorch", *(f"{v:.6g}/{s:.6g}" for v, s in zip(value.tolist(), t.grad.tolist())))

if len(sys.argv) > 1:
    x = np.linspace(0, 40, 801, dtype=np.float32)
    s = 1 / (1 + np.exp(-x))
    true = NUMPY["sigmoid"][1](x.astype(float))
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.0), layout="constrained")
    axes.plot(x, true, color="#5A6472", lw=6, alpha=0.4, label="true")
    axes.plot(x, NUMPY["sigmoid"][1](x), color="#0072B2", label="exp(-|x|)/(1 + exp(-|x|))**2")
    axes.plot(x, np.where(s < 1, s * (1 - s), np.nan), "--", color="#D55E00", label="s*(1 - s)")
    axes.set(yscale="log", xlabel="x", ylabel="slope of the sigmoid")
    axes.set_title("The slope from the output ends where the output rounds to 1 (float32)")
    axes.legend(loc="upper right")
    figure.savefig(sys.argv[1], dpi=120)
