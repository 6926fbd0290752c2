"""Lesson 7, the article, and what 1,000 seeds say about it.

Run: python examples/lesson_7_the_article.py [figure.png]
"""

import sys
from pathlib import Path

import numpy as np

import actscope
from actscope.article.seeds import seed_studies
from actscope.datasets import dataset
from actscope.figures.seeds import seed_distributions
from actscope.figures.sheet import render
from actscope.maths.statistics import bootstrap

result = actscope.reproduce()
studies = seed_studies(result, 1000)
print("the published run, and the same from 1,000 other seeds: median (5 % to 95 %)")
for outcome, study in zip(result.outcomes, studies, strict=True):
    loss, right = (np.quantile(v, (0.5, 0.05, 0.95)) for v in (study.losses, study.accuracies))
    print(
        f"{outcome.key:<8} loss {outcome.losses[-1]:.3f}: {loss[0]:.3f} ({loss[1]:.3f} to "
        f"{loss[2]:.3f})   accuracy {outcome.test_accuracy:.2f}: {right[0]:.2f} "
        f"({right[1]:.2f} to {right[2]:.2f})"
    )

x, y = dataset("moons", noise=0.18).draw(4300, np.random.default_rng(1))
points = (x[:150], y[:150], x[300:], y[300:])  # to learn from, and to judge by
choice = (x[:150], y[:150], x[150:300], y[150:300])  # the same, and to choose the rate by
RATES = {"sgd": (0.05, 0.2, 0.8, 3.2), "adam": (0.003, 0.01, 0.03, 0.1)}


def accuracy(activation, data, **how):
    """Test accuracy after 800 epochs of the article's network, one number for each of 64 seeds."""
    net = actscope.Net(2, (8, 8), activations=activation)
    training = actscope.Training(epochs=800, batch=64, **how)
    return 100 * actscope.train(net, data, training, seeds=range(64)).test_accuracy[:, -1]


print("\nis the plateau the sigmoid's own? 64 seeds, new points, accuracy in % (95 %)")
for optimiser, rates in RATES.items():
    for activation in ("sigmoid", "4*sigmoid(x)-2", "relu"):
        tried = {r: accuracy(activation, choice, optimiser=optimiser, lr=r).mean() for r in rates}
        best = max(tried, key=tried.get)
        for lr in dict.fromkeys((0.05, best) if optimiser == "sgd" else (best,)):
            mean = bootstrap(accuracy(activation, points, optimiser=optimiser, lr=lr), rng=0)
            why = "the article's rate" if lr == 0.05 else "its best rate"
            told = f"{mean.value:.1f} ({mean.low:.1f} to {mean.high:.1f})"
            print(f"{activation:<15} {optimiser:<5} {lr:<6g} {told:<22} {why}")

if len(sys.argv) > 1:
    Path(sys.argv[1]).write_bytes(render(seed_distributions(studies), "png"))
