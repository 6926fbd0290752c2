"""Lesson 8, ReLU, GELU and Swish on images: one small convolutional network, tuned for each.

Run: python examples/lesson_8_images.py [figure.png] [folder of CIFAR-10's binary files]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from actscope.datasets import dataset
from actscope.figures.colours import series_styles
from actscope.maths.statistics import bootstrap

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}
FOLDER = sys.argv[2] if len(sys.argv) > 2 else None
SIDE, COLOURS, EPOCHS = (32, 3, 20) if FOLDER else (8, 1, 12)
RATES, SEEDS, TUNING = (0.004, 0.012, 0.036), range(8), (100, 101)


def images():
    """Training, validation and test images with their labels."""
    if FOLDER:
        parts = [dataset("cifar10", folder=FOLDER, split=s) for s in ("train", "test")]
        (x, y), test = (p.draw(None, np.random.default_rng(0)) for p in parts)
    else:
        x, y = dataset("digits").draw(None, np.random.default_rng(0))
        order = np.random.default_rng(0).permutation(len(x))
        x, y = x[order] / x.max(), y[order]
        test, x, y = (x[-500:], y[-500:]), x[:-500], y[:-500]
    cut, shape = len(x) * 4 // 5, (-1, COLOURS, SIDE, SIDE)
    parts = (x[:cut], y[:cut]), (x[cut:], y[cut:]), test
    return [(torch.tensor(a.reshape(shape)).float(), torch.tensor(b).long()) for a, b in parts]


def curve(name, rate, seed, train, held_back):
    """Accuracy on the held-back images after every epoch."""
    act, _ = ACTIVATIONS[name], torch.manual_seed(seed)
    layers = [nn.Conv2d(COLOURS, 16, 3, padding=1), act(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(16, 32, 3, padding=1), act(), nn.MaxPool2d(2), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(2 * SIDE**2, 64), act(), nn.Linear(64, 10))
    optimiser, accuracies = torch.optim.Adam(model.parameters(), rate), []
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(train[0])).split(128):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(train[0][batch]), train[1][batch]).backward()
            optimiser.step()
        with torch.inference_mode():
            accuracies.append((model(held_back[0]).argmax(1) == held_back[1]).float().mean().item())
    return accuracies


train, validation, test = images()
torch.set_num_threads(1)  # the networks are small: threads cost more than they give
curves = {}
print("activation  rate   test accuracy (95 %)      over ReLU's, points (95 %)   epochs to 90 %")
for name in ACTIVATIONS:
    score = {r: np.mean([curve(name, r, s, train, validation)[-3:] for s in TUNING]) for r in RATES}
    rate = max(score, key=score.get)
    runs = curves[name] = np.array([curve(name, rate, seed, train, test) for seed in SEEDS])
    last = runs[:, -1]
    mean, more = (bootstrap(v, rng=0) for v in (last, 100 * (last - curves["relu"][:, -1])))
    epochs = 1 + np.argmax(runs >= 0.9 * runs[:, -1:], axis=1)
    line = f"{name:<10}  {rate:<5g}  {mean.value:.4f} ({mean.low:.4f} to {mean.high:.4f})  "
    line += f"{more.value:+6.2f} ({more.low:+.2f} to {more.high:+.2f})".ljust(28)
    print(line + f" {np.median(epochs):.0f} ({epochs.min()} to {epochs.max()})")

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.0), layout="constrained")
    at = 1 + np.arange(EPOCHS)
    for (name, runs), style in zip(curves.items(), series_styles(list(curves)), strict=True):
        axes.plot(at, runs.mean(0), color=style.colour, ls=style.linestyle, label=name)
        axes.fill_between(at, runs.min(0), runs.max(0), color=style.colour, alpha=0.15, lw=0)
    axes.set(xlabel="epochs", ylabel="test accuracy", title=f"Mean and range of {len(SEEDS)} seeds")
    axes.legend(loc="lower right")
    figure.savefig(sys.argv[1], dpi=120)
