"""The engine's peers: other ways to train the same small networks."""

from __future__ import annotations

import functools
import importlib.metadata
import itertools
import multiprocessing
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from sklearn.datasets import make_moons
from sklearn.preprocessing import StandardScaler

LR, BATCH, POINTS = 0.05, 64, 300
Sizes = tuple[int, ...]


@functools.cache
def points() -> tuple[NDArray[Any], NDArray[Any]]:
    """The article's kind of data: 300 noisy points of two moons."""
    x, y = make_moons(POINTS, noise=0.18, random_state=42)
    return StandardScaler().fit_transform(x), y.astype(float)


@functools.cache
def orders(epochs: int) -> NDArray[np.int64]:
    """An order for every epoch."""
    rng = np.random.default_rng(0)
    return np.array([rng.permutation(POINTS) for _ in range(epochs)])


def start(sizes: Sizes, networks: int) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """First weights (networks, fan_in, fan_out) and biases (networks, 1, fan_out)."""
    rng = np.random.default_rng(1)
    return [
        (rng.normal(size=(networks, i, o)) * np.sqrt(2 / i), np.zeros((networks, 1, o)))
        for i, o in itertools.pairwise(sizes)
    ]


# --- one network at a time, one process a core ---------------------------------------------------


def _numpy_phi(phi: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The activation, and its slope from z and h, as the article writes them."""
    if phi == "relu":
        return lambda z: np.maximum(0, z), lambda z, h: (z > 0).astype(float)
    if phi == "sigmoid":
        return lambda z: 1 / (1 + np.exp(-np.clip(z, -500, 500))), lambda z, h: h * (1 - h)
    slope = lambda z, h: ndtr(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return lambda z: z * ndtr(z), slope


def numpy_loop(sizes: Sizes, phi: str, epochs: int) -> None:
    """The article's loop: float64, a step for each batch, the loss of every batch."""
    x, y = points()
    f, df = _numpy_phi(phi)
    layers = [[w[0].copy(), b[0].copy()] for w, b in start(sizes, 1)]
    for order in orders(epochs):
        losses = []
        for at in range(0, POINTS, BATCH):
            rows = order[at : at + BATCH]
            target, hs, zs = y[rows].reshape(-1, 1), [x[rows]], []
            for w, b in layers[:-1]:
                zs.append(hs[-1] @ w + b)
                hs.append(f(zs[-1]))
            out = 1 / (1 + np.exp(-np.clip(hs[-1] @ layers[-1][0] + layers[-1][1], -500, 500)))
            losses.append(
                -np.mean(target * np.log(out + 1e-9) + (1 - target) * np.log(1 - out + 1e-9))
            )
            d, slopes = (out - target) / len(rows), []
            for l in reversed(range(len(layers))):
                slopes.append((hs[l].T @ d, d.sum(axis=0, keepdims=True)))
                if l:
                    d = (d @ layers[l][0].T) * df(zs[l - 1], hs[l])
            for layer, (dw, db) in zip(layers, slopes[::-1], strict=True):
                layer[0] -= LR * dw
                layer[1] -= LR * db
        np.mean(losses)


def torch_eager(sizes: Sizes, phi: str, epochs: int) -> None:
    """A PyTorch module and optimiser, as one writes them."""
    import torch

    torch.set_num_threads(1)
    x, y = (torch.tensor(a, dtype=torch.float32) for a in points())
    made = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "gelu": torch.nn.GELU}[phi]
    parts: list[Any] = []
    for i, o in itertools.pairwise(sizes):
        parts += [torch.nn.Linear(i, o), made()]
    model = torch.nn.Sequential(*parts[:-1])
    optimiser = torch.optim.SGD(model.parameters(), lr=LR)
    loss_of = torch.nn.BCEWithLogitsLoss()
    for order in torch.tensor(orders(epochs)):
        for rows in order.split(BATCH):
            optimiser.zero_grad()
            loss = loss_of(model(x[rows])[:, 0], y[rows])
            loss.backward()
            optimiser.step()
            loss.item()


def sklearn_mlp(sizes: Sizes, phi: str, epochs: int) -> None:
    """scikit-learn's MLPClassifier with plain SGD."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        sizes[1:-1],
        activation={"relu": "relu", "sigmoid": "logistic"}[phi],
        solver="sgd",
        alpha=0.0,
        momentum=0.0,
        learning_rate_init=LR,
        batch_size=BATCH,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs + 1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged is not the question
        model.fit(*points())


SINGLE = {"numpy": numpy_loop, "torch eager": torch_eager, "scikit-learn": sklearn_mlp}
_POOL: list[Any] = []


def has(name: str, phi: str) -> bool:
    """Whether a peer has an activation."""
    return not (name == "scikit-learn" and phi == "gelu")


def _one(job: tuple[Any, Sizes, str, int]) -> None:
    train, sizes, phi, epochs = job
    train(sizes, phi, epochs)


def in_processes(train: Any, sizes: Sizes, phi: str, cores: int) -> Callable[[int], None]:
    """run(epochs): one network on each of `cores` processes, each with one thread."""
    if not _POOL:
        os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        _POOL.append(multiprocessing.get_context("spawn").Pool(cores))
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            del os.environ[name]
    return lambda epochs: _POOL[0].map(_one, [(train, sizes, phi, epochs)] * cores, chunksize=1)


def close() -> None:
    """End the processes."""
    while _POOL:
        pool = _POOL.pop()
        pool.close()
        pool.join()


# --- all networks at once ------------------------------------------------------------------------


def torch_bmm(sizes: Sizes, phi: str, networks: int) -> Callable[[int], None]:
    """Batched products and a backward pass written by hand, without autograd."""
    import torch

    x, y = (torch.tensor(a, dtype=torch.float32) for a in points())
    root = float(np.sqrt(0.5))

    def slope(z: Any, h: Any) -> Any:
        if phi == "relu":
            return (z > 0).to(z.dtype)
        if phi == "sigmoid":
            return h * (1 - h)
        density = torch.exp(-z * z / 2) * float(1 / np.sqrt(2 * np.pi))
        return 0.5 * (1 + torch.erf(z * root)) + z * density

    f = {"relu": torch.relu, "sigmoid": torch.sigmoid, "gelu": torch.nn.functional.gelu}[phi]

    def run(epochs: int) -> None:
        layers = [
            [torch.tensor(a, dtype=torch.float32) for a in pair] for pair in start(sizes, networks)
        ]
        with torch.no_grad():
            for order in torch.tensor(orders(epochs)):
                losses = []
                for rows in order.split(BATCH):
                    hs, zs = [x[rows].expand(networks, -1, -1)], []
                    for w, b in layers[:-1]:
                        zs.append(torch.baddbmm(b, hs[-1], w))
                        hs.append(f(zs[-1]))
                    logits = torch.baddbmm(layers[-1][1], hs[-1], layers[-1][0])[..., 0]
                    target = y[rows].expand(networks, -1)
                    losses.append(
                        torch.nn.functional.binary_cross_entropy_with_logits(
                            logits, target, reduction="none"
                        ).mean(dim=1)
                    )
                    d = ((torch.sigmoid(logits) - target) / len(rows))[..., None]
                    for l in reversed(range(len(layers))):
                        w, b = layers[l]
                        below = torch.bmm(d, w.transpose(1, 2)) if l else d
                        w.baddbmm_(hs[l].transpose(1, 2), d, alpha=-LR)
                        b.sub_(d.sum(dim=1, keepdim=True), alpha=LR)
                        d = below * slope(zs[l - 1], hs[l]) if l else d
                torch.stack(losses).mean(dim=0)

    return run


def torch_vmap(sizes: Sizes, phi: str, networks: int) -> Callable[[int], None]:
    """torch.func: vmap of grad of one network's loss."""
    import torch

    x, y = (torch.tensor(a, dtype=torch.float32) for a in points())
    f = {"relu": torch.relu, "sigmoid": torch.sigmoid, "gelu": torch.nn.functional.gelu}[phi]

    def loss_of(layers: Any, batch: Any, target: Any) -> Any:
        h = batch
        for w, b in layers[:-1]:
            h = f(h @ w + b)
        logits = (h @ layers[-1][0] + layers[-1][1])[:, 0]
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, target)

    step = torch.func.vmap(torch.func.grad_and_value(loss_of), in_dims=(0, None, None))

    def run(epochs: int) -> None:
        layers = [
            tuple(torch.tensor(a, dtype=torch.float32) for a in pair)
            for pair in start(sizes, networks)
        ]
        for order in torch.tensor(orders(epochs)):
            losses = []
            for rows in order.split(BATCH):
                slopes, loss = step(layers, x[rows], y[rows])
                losses.append(loss)
                with torch.no_grad():
                    for pair, slope in zip(layers, slopes, strict=True):
                        for a, g in zip(pair, slope, strict=True):
                            a.sub_(g, alpha=LR)
            torch.stack(losses).mean(dim=0)

    return run


def jax_scan(sizes: Sizes, phi: str, networks: int) -> Callable[[int], None] | None:
    """JAX: vmap over networks, scan over batches and epochs, one jitted function."""
    try:
        import jax
    except ImportError:
        return None
    import jax.numpy as jnp

    x, y = (jnp.asarray(a, dtype=jnp.float32) for a in points())
    f = {
        "relu": jax.nn.relu,
        "sigmoid": jax.nn.sigmoid,
        "gelu": functools.partial(jax.nn.gelu, approximate=False),
    }[phi]
    full = POINTS // BATCH * BATCH

    def loss_of(layers: Any, batch: Any, target: Any) -> Any:
        h = batch
        for w, b in layers[:-1]:
            h = f(h @ w + b)
        z = (h @ layers[-1][0] + layers[-1][1])[:, 0]
        return jnp.mean(jnp.maximum(z, 0) - z * target + jnp.log1p(jnp.exp(-jnp.abs(z))))

    def step(layers: Any, rows: Any) -> Any:
        loss, slopes = jax.value_and_grad(loss_of)(layers, x[rows], y[rows])
        return jax.tree.map(lambda a, g: a - LR * g, layers, slopes), loss

    def epoch(layers: Any, order: Any) -> Any:
        layers, losses = jax.lax.scan(step, layers, order[:full].reshape(-1, BATCH))
        layers, last = step(layers, order[full:])
        return layers, (losses.sum() + last) / (len(losses) + 1)

    train = jax.jit(jax.vmap(lambda layers, order: jax.lax.scan(epoch, layers, order), (0, None)))
    layers = [tuple(jnp.asarray(a, jnp.float32) for a in pair) for pair in start(sizes, networks)]

    def run(epochs: int) -> None:
        jax.block_until_ready(train(layers, jnp.asarray(orders(epochs))))

    return run


BATCHED = {"torch bmm": torch_bmm, "torch vmap+grad": torch_vmap, "jax": jax_scan}


def versions() -> dict[str, str]:
    """The peers' versions."""
    found = {}
    for name in ("numpy", "torch", "jax", "scikit-learn", "llvmlite"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
