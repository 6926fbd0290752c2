"""Activations inside torch.func transforms are sites, measured on the tensors beneath."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, jvp, stack_module_state, vmap

from actscope.probe import inspect
from actscope.probe.collector import Collector, Measures
from actscope.probe.tracker import Tracker


class Layers(nn.Module):
    """Layers, and a function of them and the input."""

    def __init__(self, function) -> None:
        super().__init__()
        self.inner, self.conv, self.last = nn.Linear(4, 8), nn.Conv1d(4, 8, 1), nn.Linear(8, 1)
        self.parts = nn.ModuleList(nn.Sequential(nn.Linear(4, 8), nn.SiLU()) for _ in range(3))
        self.function = function

    def forward(self, x):
        return self.function(self, x)


def _energy(m, x):
    return m.last(torch.tanh(m.inner(x))).sum()


def _ensemble(m, x):
    parameters, buffers = stack_module_state(list(m.parts))
    one = lambda p, b: functional_call(m.parts[0], (p, b), (x,))
    return m.last(vmap(one)(parameters, buffers).mean(0))


PLAIN = torch.randn(6, 4)
# form -> function, input, {site: (activation, shape, dimension of the units)}
FORMS = {
    "vmap": (
        lambda m, x: m.last(vmap(lambda z: F.relu(m.inner(z)))(x)),
        PLAIN,
        {":relu": ("relu", (6, 8), 1)},
    ),
    "composed": (
        lambda m, x: m.last(vmap(lambda z: (y := m.inner(z)) * torch.sigmoid(y))(x)),
        PLAIN,
        {":silu": ("silu", (6, 8), 1)},
    ),
    "channels": (
        lambda m, x: vmap(lambda z: F.relu(m.conv(z)))(x),
        torch.randn(5, 4, 7),
        {":relu": ("relu", (5, 8, 7), 1)},
    ),
    "mapped from the back": (
        lambda m, x: vmap(lambda z: torch.sigmoid(m.inner(z)), in_dims=2)(x),
        torch.randn(5, 4, 7),
        {":sigmoid": ("sigmoid", (7, 5, 8), 2)},
    ),
    "ensemble": (_ensemble, PLAIN, {"parts.0.1": ("silu", (3, 6, 8), 2)}),
    "grad": (lambda m, x: grad(lambda z: _energy(m, z))(x), PLAIN, {":tanh": ("tanh", (6, 8), 1)}),
    "grad of each": (
        lambda m, x: vmap(grad(lambda z: _energy(m, z)))(x),
        PLAIN,
        {":tanh": ("tanh", (6, 8), 1)},
    ),
    "jvp": (
        lambda m, x: jvp(lambda z: F.softplus(m.inner(z)), (x,), (torch.ones_like(x),))[1],
        PLAIN,
        {":softplus": ("softplus", (6, 8), 1)},
    ),
    "in place": (
        lambda m, x: m.last(vmap(lambda z: m.inner(z).relu_())(x)),
        PLAIN,
        {":relu": ("relu", (6, 8), 1)},
    ),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own jvp
@pytest.mark.parametrize("form", FORMS)
def test_inside_a_transform(form: str) -> None:
    function, x, expected = FORMS[form]
    model = Layers(function)
    plain, state = model(x), torch.get_rng_state()
    listener = Collector(Measures(rows=16))
    tracker = Tracker(model, listener)
    tracker.attach()
    try:
        looked = [model(x) for _ in range(2)]  # checked from below, and not
    finally:
        tracker.detach()
    sites = {s.name: (s.identity.name, s.shape, s.dim) for s in listener.sites.values()}
    assert sites == expected
    assert not listener.opaques
    assert all(torch.equal(plain, y) for y in looked)
    assert torch.equal(torch.get_rng_state(), state)


def test_numbers_and_gradients_are_those_of_the_plain_form() -> None:
    mapped = Layers(lambda m, x: m.last(vmap(lambda z: F.relu(m.inner(z)))(x)))
    plain = Layers(lambda m, x: m.last(F.relu(m.inner(x))))
    plain.load_state_dict(mapped.state_dict())
    x, y = torch.randn(64, 4), torch.randn(64, 1)
    tables = [inspect(m, x, y, "mse").table.select_dtypes("number") for m in (mapped, plain)]
    for column in ("mean", "std", "zeros", "gradient", "rank", "second_expected"):
        np.testing.assert_allclose(*(t[column].to_numpy() for t in tables), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
def test_nested_tensors_are_measured_row_by_row(layout: torch.layout) -> None:
    def function(m, x):
        nested = torch.nested.nested_tensor([x[:2], x[2:]], layout=layout)
        return torch.cat(list(torch.relu(m.inner(nested)).unbind()))

    model, x = Layers(function), torch.randn(6, 4)
    nested, plain = (
        inspect(m, x, full=False).table.loc[":relu"]
        for m in (model, Layers(lambda m, x: torch.relu(model.inner(x))))
    )
    np.testing.assert_allclose(nested["mean"], plain["mean"], rtol=1e-6)
    assert nested["dead"] == plain["dead"]


def test_activations_of_complex_numbers_are_listed() -> None:
    model = Layers(lambda m, x: torch.tanh(torch.fft.fft(m.inner(x))).abs())
    report = inspect(model, torch.randn(6, 4), full=False)
    assert [o.what for o in report.opaque] == ["tanh of complex numbers"]
