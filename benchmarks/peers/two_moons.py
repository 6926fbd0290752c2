"""The article's experiment as its script does it: training and five figures, written anew.

The same work with the same libraries and the same drawing calls: pyplot, filled contours of 50
levels on a grid of step 0.025, tight layout, 140 dots per inch, tight bounding boxes. It is what
`actscope reproduce` is timed against, and it prints the losses that both must reach.
"""

# ruff: noqa: D101, D102, D103, NPY002
# A script as its readers write it, with the generator that it was published with.

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

EPOCHS, RATE, BATCH = 800, 0.05, 64
POINTS = ("#f4a261", "#2a9d8f")
LINES = {"sigmoid": "#e05c5c", "relu": "#3a7bd5"}
PANEL, DARK, GREY = "#f7f7f7", "#1a1a1a", "#666666"


def squash(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


class Net:
    def __init__(self, kind, seed):
        np.random.seed(seed)
        self.kind = kind
        power = 2 if kind == "relu" else 1
        shapes = ((2, 8), (8, 8), (8, 1))
        self.W = [np.random.randn(*s) * np.sqrt(power / s[0]) for s in shapes]
        self.b = [np.zeros((1, s[1])) for s in shapes]
        self.losses = []

    def phi(self, z):
        return np.maximum(0, z) if self.kind == "relu" else squash(z)

    def slope(self, z, a):
        return (z > 0).astype(float) if self.kind == "relu" else a * (1 - a)

    def stages(self, x):
        z1 = x @ self.W[0] + self.b[0]
        a1 = self.phi(z1)
        z2 = a1 @ self.W[1] + self.b[1]
        a2 = self.phi(z2)
        return z1, a1, z2, a2, a2 @ self.W[2] + self.b[2]

    def predict(self, x):
        return squash(self.stages(x)[-1])

    def step(self, x, y):
        y = y.reshape(-1, 1)
        z1, a1, z2, a2, z3 = self.stages(x)
        p = squash(z3)
        loss = -np.mean(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9))
        d3 = (p - y) / len(x)
        d2 = d3 @ self.W[2].T * self.slope(z2, a2)
        d1 = d2 @ self.W[1].T * self.slope(z1, a1)
        for i, (a, d) in enumerate(((x, d1), (a1, d2), (a2, d3))):
            self.W[i] -= RATE * (a.T @ d)
            self.b[i] -= RATE * d.sum(axis=0, keepdims=True)
        return loss


def save(name):
    plt.tight_layout()
    plt.savefig(Path(sys.argv[1]) / f"{name}.png", dpi=140, bbox_inches="tight")
    plt.close()


def scatter(ax, x, y, size, labels=("Class 0", "Class 1")):
    for kind in (0, 1):
        chosen = x[y == kind]
        ax.scatter(
            chosen[:, 0], chosen[:, 1], c=POINTS[kind], s=size, alpha=0.9,
            edgecolors="white", linewidths=0.4, label=labels[kind],
        )  # fmt: skip
    ax.set_facecolor(PANEL)
    ax.tick_params(colors=GREY)


def boundary(ax, net, x, y):
    low, high = x.min(axis=0) - 0.5, x.max(axis=0) + 0.5
    xx, yy = np.meshgrid(*(np.arange(a, b, 0.025) for a, b in zip(low, high, strict=True)))
    p = net.predict(np.c_[xx.ravel(), yy.ravel()]).reshape(xx.shape)
    soft = ListedColormap(["#fde8c8", "#c8ece9"])
    ax.contourf(xx, yy, p, levels=50, cmap=soft, alpha=0.85)
    ax.contour(xx, yy, p, levels=[0.5], colors=[LINES[net.kind]], linewidths=2)
    scatter(ax, x, y, 35)
    right = ((net.predict(x) >= 0.5).ravel() == y).mean()
    ax.set_title(f"{net.kind}\ntest accuracy {right:.1%}", color=LINES[net.kind], fontsize=12)
    ax.set_xlabel("x₁", color=GREY)
    ax.set_ylabel("x₂", color=GREY)


def trace(ax, nets, point, title):
    for net in nets:
        values = [np.abs(s).mean() for s in net.stages(point.reshape(1, -1))]
        colour = LINES[net.kind]
        ax.plot(values, "o-", color=colour, lw=2.5, markersize=8, label=net.kind)
        for i, value in enumerate(values):
            ax.text(i, value + 0.04, f"{value:.3f}", ha="center", fontsize=8, color=colour)
    ax.set_facecolor(PANEL)
    ax.set_xticks(range(5), ["z₁ (pre)", "a₁ (post)", "z₂ (pre)", "a₂ (post)", "z₃ (out)"])
    ax.set_ylabel("mean magnitude", color=GREY)
    ax.set_title(title, color=DARK, fontsize=11)
    ax.legend(fontsize=10)


def hidden(ax, net, layer, x, y):
    h = net.stages(x)[2 * layer - 1]
    scatter(ax, h, y, 40)
    box = {"boxstyle": "round,pad=0.3", "fc": "white", "ec": LINES[net.kind], "alpha": 0.85}
    ax.text(0.04, 0.96, f"std {h.std():.4f}", transform=ax.transAxes, va="top", bbox=box)
    ax.set_title(f"{net.kind}, layer {layer}", color=LINES[net.kind], fontsize=11)
    ax.set_xlabel("unit 1", color=GREY)
    ax.set_ylabel("unit 2", color=GREY)


def main():
    plt.rcParams.update({
        "font.family": "monospace", "axes.spines.top": False, "axes.spines.right": False,
        "axes.facecolor": PANEL, "axes.grid": True, "grid.color": "#e0e0e0", "grid.linewidth": 0.6,
    })  # fmt: skip
    x, y = make_moons(n_samples=400, noise=0.18, random_state=42)
    x = StandardScaler().fit_transform(x)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=42)

    _, ax = plt.subplots(figsize=(7, 5))
    scatter(ax, x, y, 40)
    ax.set_title("two moons", fontsize=13)
    ax.legend(fontsize=10)
    save("moons")

    nets = [Net("sigmoid", 42), Net("relu", 42)]
    for _ in range(EPOCHS):
        order = np.random.permutation(len(x_train))
        for net in nets:
            cuts = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
            net.losses.append(np.mean([net.step(x_train[c], y_train[c]) for c in cuts]))
    print(*(f"{net.losses[-1]:.12f}" for net in nets))

    _, ax = plt.subplots(figsize=(10, 5))
    for net in nets:
        colour = LINES[net.kind]
        ax.plot(net.losses, color=colour, lw=2.5, label=net.kind)
        last = (EPOCHS - 1, net.losses[-1])
        ax.annotate(f"  final {net.losses[-1]:.4f}", xy=last, color=colour, fontsize=9)
    ax.set_xlabel("epoch", color=GREY)
    ax.set_ylabel("binary cross-entropy", color=GREY)
    ax.set_title("training loss\nonly the activation differs", fontsize=12)
    ax.legend(fontsize=11)
    save("loss")

    figure, axes = plt.subplots(1, 2, figsize=(13, 5.5))
    figure.suptitle("decision boundaries", fontsize=13)
    for ax, net in zip(axes, nets, strict=True):
        boundary(ax, net, x_test, y_test)
    save("boundaries")

    figure, axes = plt.subplots(1, 2, figsize=(13, 5.5))
    figure.suptitle("signal by layer, a point far from the boundary", fontsize=12)
    for kind, place in enumerate(((-1.2, -0.3), (1.2, 0.3))):
        points = x_train[y_train == kind]
        far = points[np.argmax(np.linalg.norm(points - place, axis=1))]
        trace(axes[kind], nets, far, f"class {kind}")
    save("trace")

    figure, axes = plt.subplots(2, 2, figsize=(13, 10))
    figure.suptitle("hidden space, test points", fontsize=13)
    for column, net in enumerate(nets):
        for row in (0, 1):
            hidden(axes[row][column], net, row + 1, x_test, y_test)
    axes[0][0].legend(fontsize=9)
    save("hidden")


if __name__ == "__main__":
    main()
