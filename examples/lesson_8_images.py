"""Lesson 8, ReLU, GELU and Swish on images: one small convolutional network, tuned for each.

Run: python examples/lesson_8_images.py [figure.png] [folder of CIFAR-10's binary files]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from actscope.datasets import dataset
from actscope.maths.statistics import bootstrap

ACTIVATIONS = {"ReLU": nn.ReLU, "GELU": nn.GELU, "Swish": nn.SiLU}
FOLDER = sys.argv[2] if len(sys.argv) > 2 else None
SIDE, PLANES, SEEDS = (32, 3, range(5)) if FOLDER else (8, 1, range(8))
EPOCHS, RATES, TUNING = 10, (0.004, 0.012, 0.036), (100, 101, 102)


def images():
    """Training, validation and test images with their labels."""
    if FOLDER:
        parts = [dataset("cifar10", folder=FOLDER, split=s, check=False) for s in ("train", "test")]
        (x, y), test = (part.draw(None, np.random.default_rng(0)) for part in parts)
    else:
        x, y = dataset("digits").draw(1797, np.random.default_rng(0))  # in a random order
        test, x, y = (x[-500:], y[-500:]), x[:-500], y[:-500]
    cut, shape = len(x) * 4 // 5, (-1, PLANES, SIDE, SIDE)
    parts = (x[:cut], y[:cut]), (x[cut:], y[cut:]), test
    return [(torch.tensor(a.reshape(shape) / x.max()).float(), torch.tensor(b)) for a, b in parts]


def curve(name, rate, seed, train, held_back):
    """Accuracy in % on the held-back images after every epoch."""
    act, _ = ACTIVATIONS[name], torch.manual_seed(seed)
    layers = [nn.Conv2d(PLANES, 16, 3, padding=1), act(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(16, 32, 3, padding=1), act(), nn.MaxPool2d(2), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(2 * SIDE**2, 64), act(), nn.Linear(64, 10))
    model.to(memory_format=torch.channels_last)  # channels side by side: the pooling is faster
    optimiser, accuracies = torch.optim.Adam(model.parameters(), rate, fused=True), []
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(train[0])).split(128):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(train[0][batch]), train[1][batch]).backward()
            optimiser.step()
        with torch.inference_mode():
            right = torch.cat([model(x).argmax(1) for x in held_back[0].split(1000)])
            accuracies.append(100 * (right == held_back[1]).float().mean().item())
    return accuracies


sys.tracebacklimit = 0  # a folder that is not right is told in one line
train, validation, test = images()
torch.set_num_threads(torch.get_num_threads() if FOLDER else 1)  # small networks need but one
curves = {}
print(f"{len(train[0])} images to learn from, {len(test[0])} to test, {len(SEEDS)} seeds")
print("activation  rate   accuracy, % (95 %)   lowest  over ReLU's, points (95 %)  epochs to 90 %")
for name in ACTIVATIONS:
    score = {r: np.mean([curve(name, r, s, train, validation)[-3:] for s in TUNING]) for r in RATES}
    rate = max(score, key=score.get)
    runs = curves[name] = np.array([curve(name, rate, seed, train, test) for seed in SEEDS])
    last, epochs = runs[:, -1], 1 + np.argmax(runs >= 0.9 * runs[:, -1:], axis=1)
    means = [bootstrap(values, rng=0) for values in (last, last - curves["ReLU"][:, -1])]
    told = [f"{mean.value:.1f} ({mean.low:.1f} to {mean.high:.1f})" for mean in means]
    cells = f"{name:<10}  {rate:<5g}  {told[0]:<20} {last.min():.1f}"
    print(f"{cells}    {told[1]:<27} {np.median(epochs):g} ({epochs.min()} to {epochs.max()})")

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, panels = plt.subplots(1, 3, figsize=(9.0, 3.2), sharey=True, layout="constrained")
    for axes, (name, runs) in zip(panels, curves.items()):
        at, colour = 1 + np.arange(EPOCHS), "#D55E00" if name == "ReLU" else "#4D4D4D"
        axes.fill_between(at, runs.min(0), runs.max(0), color=colour, alpha=0.2, lw=0)
        axes.plot(at, runs.mean(0), color=colour)
        axes.set(title=name, xlabel="epochs")
    panels[0].set_ylabel("test accuracy, %: mean, range")
    figure.savefig(sys.argv[1], dpi=120)
