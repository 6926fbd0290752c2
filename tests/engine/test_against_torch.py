"""The oracle, and below the SIMD engine, against PyTorch's autograd and optimisers."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actscope.activations import SHELF
from actscope.engine import reference
from actscope.engine.api import train
from actscope.engine.spec import NORM_EPSILON, Net, Training

LOSSES = ["bce", "cross_entropy", "mse"]
TWINNED = [a.name for a in SHELF if a.torch is not None]
# PyTorch's backward of hardsigmoid multiplies by 1/6 rounded to float32, in float64 too
ROUNDED = {"hard_sigmoid": 1e-7}


def closeness(net):
    rounded = max(ROUNDED.get(a.name, 0.0) for a in net.activations)
    return {"rtol": max(1e-9, rounded), "atol": max(1e-12, rounded)}


def torch_weights(weights):
    """The same numbers as leaves of autograd, in the order of Weights.arrays()."""
    return [torch.tensor(np.array(a), requires_grad=True) for a in weights.arrays()]


def torch_loss(net, loss, leaves, x, y):
    """The whole network in PyTorch's own functions."""
    layers = net.depth + 1
    W, b, rest = leaves[:layers], leaves[layers : 2 * layers], leaves[2 * layers :]
    gamma, beta = rest[: net.depth], rest[net.depth :]
    h = torch.tensor(x)
    for l, phi in enumerate(net.activations):
        z = h @ W[l] + b[l]
        if net.norm:
            z = torch.nn.functional.layer_norm(z, z.shape[1:], gamma[l], beta[l], NORM_EPSILON)
        new = phi.torch(torch, z, *phi.values)
        h = new + h if net.residual and new.shape == h.shape else new
    logits = h @ W[-1] + b[-1]
    if loss == "bce":
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(y))
    if loss == "cross_entropy":
        return torch.nn.functional.cross_entropy(logits, torch.tensor(y))
    return torch.nn.functional.mse_loss(logits, torch.tensor(y))


def torch_optimiser(training, leaves):
    t = training
    settings = {"lr": t.lr, "weight_decay": t.weight_decay}
    if t.optimiser in ("sgd", "momentum"):
        rate = t.momentum if t.optimiser == "momentum" else 0.0
        return torch.optim.SGD(leaves, momentum=rate, **settings)
    kind = torch.optim.Adam if t.optimiser == "adam" else torch.optim.AdamW
    return kind(leaves, betas=t.betas, eps=t.eps, **settings)


@st.composite
def nets(draw, widest=9, deepest=4):
    """A net of any shape and activations, and a loss that suits it."""
    loss = draw(st.sampled_from(LOSSES))
    hidden = draw(st.lists(st.integers(1, widest), min_size=1, max_size=deepest))
    outputs = draw(st.integers(2 if loss == "cross_entropy" else 1, 5))
    size = len(hidden)
    phis = draw(st.lists(st.sampled_from(TWINNED), min_size=size, max_size=size))
    flags = draw(st.tuples(st.booleans(), st.booleans()))
    return Net(draw(st.integers(1, widest)), hidden, outputs, phis, *flags), loss


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nets(), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_oracles_gradients_are_autograds(random_case, case, points, seed):
    net, loss = case
    weights, x, y = random_case(net, loss, points, seed)
    found, slope = reference.gradients(net, Training(loss=loss), weights, x, y)
    leaves = torch_weights(weights)
    expected = torch_loss(net, loss, leaves, x, y)
    expected.backward()
    np.testing.assert_allclose(found, expected.item(), rtol=1e-12)
    for mine, leaf in zip(slope.arrays(), leaves, strict=True):
        np.testing.assert_allclose(mine, leaf.grad.numpy(), **closeness(net))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam", "adamw"])
def test_the_oracles_optimisers_are_pytorchs(random_case, optimiser, decay):
    net = Net(3, (5, 5), 2, "sigmoid", norm=True, residual=True)
    training = Training(
        optimiser=optimiser, lr=0.03, momentum=0.8, betas=(0.8, 0.95), eps=1e-3, weight_decay=decay
    )
    weights, x, y = random_case(net, "bce", 11, 7)
    leaves = torch_weights(weights)
    steps = torch_optimiser(training, leaves)
    mine = reference.Optimiser(training, training.lr, weights.arrays())
    for _ in range(7):
        steps.zero_grad()
        torch_loss(net, "bce", leaves, x, y).backward()
        steps.step()
        mine.step(reference.gradients(net, training, weights, x, y)[1].arrays())
    for array, leaf in zip(weights.arrays(), leaves, strict=True):
        np.testing.assert_allclose(array, leaf.detach().numpy(), rtol=1e-10, atol=1e-13)


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(nets(), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_engines_gradients_are_autograds(random_case, case, points, seed):
    """One step of SGD with rate 1 on all points: what the weights lost is the gradient."""
    net, loss = case
    weights, x, y = random_case(net, loss, points, seed)
    training = Training(loss=loss, lr=1.0, epochs=1, batch=points, shuffle=False, dtype="float64")
    result = train(net, (x, y), training, weights=weights)
    leaves = torch_weights(weights)
    expected = torch_loss(net, loss, leaves, x, y)
    expected.backward()
    np.testing.assert_allclose(result.loss[0, 0], expected.item(), rtol=1e-12)
    for before, after, leaf in zip(
        weights.arrays(), result.weights(0).arrays(), leaves, strict=True
    ):
        np.testing.assert_allclose(before - after, leaf.grad.numpy(), **closeness(net))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam", "adamw"])
def test_the_engines_optimisers_are_pytorchs(random_case, optimiser, decay):
    net = Net(3, (5, 5), 2, "sigmoid", norm=True, residual=True)
    training = Training(
        optimiser=optimiser, lr=0.03, momentum=0.8, betas=(0.8, 0.95), eps=1e-3, weight_decay=decay,
        epochs=7, batch=11, shuffle=False, dtype="float64",
    )  # fmt: skip
    weights, x, y = random_case(net, "bce", 11, 7)
    leaves = torch_weights(weights)
    steps = torch_optimiser(training, leaves)
    losses = []
    for _ in range(7):
        steps.zero_grad()
        loss = torch_loss(net, "bce", leaves, x, y)
        losses.append(loss.item())
        loss.backward()
        steps.step()
    result = train(net, (x, y), training, weights=weights)
    np.testing.assert_allclose(result.loss[0], losses, rtol=1e-10)
    for array, leaf in zip(result.weights(0).arrays(), leaves, strict=True):
        np.testing.assert_allclose(array, leaf.detach().numpy(), rtol=1e-10, atol=1e-13)
