"""Activations are seen behind buffers, masks and properties; masks and memory are no secret."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from probe_cases import One, sites
from torch import nn

from actscope.probe import inspect

ROWS, CAUSAL = torch.arange(6), torch.ones(8, 8).tril().bool()[:6]
SLOPE = nn.Parameter(torch.ones(8))


def _put(write):
    """A softplus of a buffer of zeros after something was written to it."""

    def function(y):
        out = torch.zeros(6, 8)
        write(out, y)
        return F.softplus(out)

    return function


def _slice(out, y):
    out[:, :4] = y[:, :4]


def _steps(out, y):
    for t in range(6):
        out[t] = y[t]


def _masked(y):
    z = y.clone()
    z[z < 0] = 0
    return z


def _data(y):
    z = y.clone()
    z.data.clamp_(min=0)
    return z


def _by_hand(y):
    e = torch.exp(y - y.max(-1, keepdim=True).values)
    return e / (e.sum(-1, keepdim=True) + 1e-9)


def _neighbours(y):
    e, at = torch.exp(y - y.detach().max()), torch.tensor([0, 0, 1, 1, 2, 2])
    total = y.new_zeros(3, 8).scatter_add_(0, at[:, None].expand(6, 8), e)
    return e / total.index_select(0, at)


# form -> function, {activation: kind}
FORMS = {
    "slices": (_put(_slice), {"softplus": "function"}),
    "steps": (_put(_steps), {"softplus": "function"}),
    "a view": (_put(lambda o, y: o.narrow(1, 0, 4).copy_(y[:, :4])), {"softplus": "function"}),
    "experts": (_put(lambda o, y: o.index_add_(0, ROWS, y)), {"softplus": "function"}),
    "index_add": (
        lambda y: torch.tanh(torch.zeros(6, 8).index_add(0, ROWS, y)),
        {"tanh": "function"},
    ),
    "padding in front": (
        lambda y: torch.tanh(torch.cat([torch.zeros(6, 4), y[:, :4]], 1)),
        {"tanh": "function"},
    ),
    "stack": (lambda y: F.gelu(torch.stack([torch.zeros(6, 8), y])).sum(0), {"gelu": "function"}),
    "masked_fill": (lambda y: y.masked_fill(y < 0, 0.0), {"relu": "composed"}),
    "masked_fill_": (lambda y: y.clone().masked_fill_(y < 0, 0.0), {"relu": "composed"}),
    "x[x < 0] = 0": (_masked, {"relu": "composed"}),
    "data": (_data, {"relu": "function"}),
    "transposed": (lambda y: y.T.clamp(min=0).T, {"relu": "function"}),
    "where by a mask of numbers": (lambda y: torch.where(CAUSAL.clone(), y, -1e9), {}),
    "where by a mask made on the way": (
        lambda y: torch.softmax(torch.where(torch.ones(6, 8).tril().bool(), y, -1e9), -1),
        {"softmax": "softmax"},
    ),
    "masked_fill by a mask of numbers": (
        lambda y: torch.tanh(y.masked_fill(torch.ones(6, 8).tril().bool(), 0.0)),
        {"tanh": "function"},
    ),
    "out": (lambda y: torch.sigmoid(y.detach(), out=torch.empty(6, 8)), {"sigmoid": "function"}),
    "none": (lambda y: y, {}),
    # polynomials in front of a layer, and what is more than an exponential or a polynomial
    "square": (lambda y: y**2, {"square": "function"}),
    "product": (lambda y: (y * y).flatten(1), {"square": "function"}),
    "gaussian": (lambda y: torch.exp(-y.square()), {"exp(-square(x))": "composed"}),
    "squareplus": (
        lambda y: (y + torch.sqrt(y**2 + 4)) / 2,
        {"(x + sqrt((x ** 2) + 4)) / 2": "composed"},
    ),
    "root unit": (
        lambda y: y / torch.sqrt(1 + y * y),
        {"x / sqrt((x * x) + 1)": "composed"},
    ),
    "exponential": (lambda y: torch.exp(y / 2) / 3, {}),
    "decay": (lambda y: y + torch.sqrt(1 - torch.exp(2 * y.detach())), {}),
    "norm by hand": (lambda y: y / (y.pow(2).mean(-1, keepdim=True) + 1).sqrt(), {}),
    "distance": (lambda y: -((y[:, None] - y[None]) ** 2).sum(-1) @ y, {}),
    "guard": (lambda y: torch.log(y.clamp(min=1e-6)), {}),
    "only its type is used": (lambda y: y.to(y.abs().dtype), {}),
    "made, and left alone": (lambda y: (y.abs(), y)[1], {}),
    "softmax by hand": (_by_hand, {"softmax": "softmax"}),
    "softmax over neighbours": (_neighbours, {"softmax": "softmax"}),
    "log-softmax by hand": (
        lambda y: y - torch.logsumexp(y, -1, keepdim=True),
        {"log_softmax": "softmax"},
    ),
    "exp over another sum": (lambda y: y.exp() / (9 + y.sum(-1, keepdim=True)), {}),
    "share of a sum": (
        lambda y: (r := F.relu(y)) / (r.sum(-1, keepdim=True) + 1),
        {"relu": "function"},
    ),
    "reciprocal": (lambda y: 1 / (y + 10), {}),
    # learnt and drawn slopes have one name, whatever their values are
    "prelu": (lambda y: F.prelu(y, SLOPE), {"prelu": "function"}),
    "prelu by hand": (
        lambda y: torch.where(y >= 0, y, SLOPE * y),
        {"where(x >= 0, x, p * x)": "composed"},
    ),
    "swish": (lambda y: y * torch.sigmoid(SLOPE * y), {"x * sigmoid(p * x)": "composed"}),
    "rrelu": (lambda y: F.rrelu(y, training=True), {"rrelu": "function"}),
    "scaled by a parameter": (lambda y: SLOPE * F.gelu(y), {"gelu": "function"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_form(form: str) -> None:
    function, expected = FORMS[form]
    model, x = One(function), torch.randn(6, 4)
    with torch.set_grad_enabled(form != "out"):
        found = sites(model, x)
    assert {name: kind for kind, name in found.values()} == expected


def _scaled(y):
    z = y.clone()
    z[z < 0] *= 0.1
    return z


def _shared(y):
    z = y.clone()
    array = z.detach().numpy()
    np.maximum(array, 0, out=array)
    return z


@pytest.mark.parametrize(
    ("function", "said"),
    [(_scaled, "values written through a mask"), (_shared, "values worked out by NumPy")],
)
def test_what_is_done_to_memory_is_listed(function, said: str) -> None:
    report = inspect(One(function), torch.randn(6, 4), full=False)
    assert not report.rows
    assert [o.what.startswith(said) for o in report.opaque] == [True]


def test_memory_that_numpy_only_reads_is_not() -> None:
    report = inspect(
        One(lambda y: F.relu(y) + 0 * float(y.detach().numpy().mean())),
        torch.randn(6, 4),
        full=False,
    )
    assert list(report.rows) == [":relu"]
    assert not report.opaque


def test_a_norm_over_one_unit_is_no_activation() -> None:
    class Norm(nn.Module):
        def forward(self, x):
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)

    model = nn.Sequential(nn.Linear(4, 1), Norm(), nn.Linear(1, 1), nn.Sigmoid())
    assert list(sites(model, torch.randn(6, 4))) == ["3"]


def test_identifying_draws_no_number() -> None:
    model = One(lambda y: F.rrelu(y, training=True))
    x = torch.randn(6, 4)
    states = []
    for look in (model, lambda x: sites(model, x)):
        torch.manual_seed(3)
        look(x)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)
