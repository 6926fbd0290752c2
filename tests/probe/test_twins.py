"""Activations as PyTorch computes them: value and gradient of NumPy's twin, in every float type."""

from __future__ import annotations

import copy
import itertools
import pickle
import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import actscope
from actscope.activations import SHELF, Activation, Interval, activation, shape
from actscope.errors import BadExpression, InputError, UnknownName
from actscope.probe import inspect, swap, try_swaps
from actscope.probe.twins import Composed, Elementwise

TYPED = "x*sigmoid(1.7*x)"
KINKED = {
    "abs(x)": (0.0, 0.0),
    "max(0, x)": (0.0, 0.0),
    "min(max(x, 0), 6)": (6.0, 0.0),
    "where(x > 0, x, 0.1*x)": (0.0, 0.1),
    "where(x >= 0, x, 0.1*x)": (0.0, 1.0),
    "where(x > 1, log(x), x - 1)": (1.0, 1.0),
}


def typed(seed: int) -> str:
    """A random expression that is a number everywhere."""
    rng = random.Random(seed)

    def grow(depth: int) -> str:
        if depth == 0:
            return rng.choice(["x", "x", "0.7*x", "(x - 0.3)"])
        a, b = grow(depth - 1), grow(rng.randrange(depth))
        return rng.choice([
            f"({a} + {b})", f"({a} - 0.5*{b})", f"{a}*sigmoid({b})", f"tanh({a})*{b}",
            f"max({a}, 0.1*{b})", f"where({a} > 0.2, {b}, 0.3*{a})", f"softplus({a})",
            f"{a}*exp(-square({b}))", f"{a}*ndtr({b})", f"log1p(abs({a}))", f"sin({a}) + {b}",
        ])  # fmt: skip

    return grow(2 + seed % 2)


EVERY = [*SHELF, shape("tanh", depth=20), activation("silu", beta=1.7), activation(TYPED)]
EVERY += [activation(typed(seed)) for seed in range(24)]


def value_and_slope(record: Activation, x: np.ndarray, dtype: torch.dtype):
    at = torch.as_tensor(x).to(dtype).requires_grad_()
    y = Elementwise(record).eval()(at)
    assert y.dtype == dtype
    (slope,) = torch.autograd.grad(y.sum(), at)
    return at.detach().double().numpy(), y.detach().double().numpy(), slope.double().numpy()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("record", EVERY, ids=lambda a: a.key[:50])
def test_value_and_gradient_are_numpys(record, dtype) -> None:
    """To the rounding of the type: the twin works at the point that the type has."""
    x, value, slope = value_and_slope(record, np.linspace(-6.0, 6.0, 97) + 0.0123, dtype)
    unit = torch.finfo(dtype).eps
    wanted, gradient = record(x), record.slope_at(x)
    np.testing.assert_allclose(value, wanted, rtol=4 * unit, atol=4 * unit * np.abs(wanted).max())
    composed = isinstance(Elementwise(record).record.torch, Composed)
    rough = (
        16 * unit if composed else max(16 * unit, 1e-7)
    )  # PyTorch's hard sigmoid: 1/6 in float32
    np.testing.assert_allclose(gradient, slope, rtol=rough, atol=rough * np.abs(gradient).max())


@pytest.mark.parametrize("text", KINKED)
def test_the_slope_at_a_kink_is_the_records(text) -> None:
    at, wanted = KINKED[text]
    _, _, slope = value_and_slope(activation(text), np.array([at]), torch.float64)
    assert slope[0] == activation(text).slope_at(at) == wanted


def test_far_out_nothing_overflows_and_halves_are_worked_out_wide() -> None:
    far = torch.tensor([-6e4, -300.0, -0.0, 300.0, 6e4], dtype=torch.float16, requires_grad=True)
    for text in (TYPED, "x/(1 + exp(-x))", "log(1 + exp(x))", "x*x/(1 + square(x))"):
        y = Elementwise(activation(text))(far)
        (slope,) = torch.autograd.grad(y.sum(), far)
        wanted = activation(text)(far.detach().double().numpy())
        np.testing.assert_allclose(y.detach().double().numpy(), wanted, rtol=1e-3, atol=1e-7)
        assert torch.isfinite(slope).all()
    nan = Elementwise(activation(TYPED))(torch.tensor([float("nan"), 1.0]))
    assert nan.isnan().tolist() == [True, False]


class Net(nn.Module):
    """An activation as a module, as a call and as several calls."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 32), nn.Linear(32, 32), nn.Linear(32, 3)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.c(F.relu(self.b(self.act(self.a(x)))))


TARGETS = [
    TYPED, "where(x > 0, sqrt(x), 0.1*x)", "silu(beta=1.7)", activation("silu", beta=1.7),
    activation("x*sigmoid(b*x)", b=1.7), shape("tanh", depth=20),
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: getattr(t, "key", t)[:50])
def test_a_swapped_model_computes_trains_and_travels(target) -> None:
    model, x = Net(), torch.randn(9, 8)
    record = activation(target)
    new = swap(model, {"relu": target})
    phi = lambda z: torch.as_tensor(record(z.detach().double().numpy())).float()
    wanted = model.c(phi(model.b(phi(model.a(x)))))
    torch.testing.assert_close(new(x), wanted, rtol=1e-4, atol=1e-5)
    for other in (copy.deepcopy(new), pickle.loads(pickle.dumps(new))):
        assert torch.equal(other(x), new(x))
        other(x).square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in other.parameters())
    exported = torch.export.export(new, (x,)).module()
    torch.testing.assert_close(exported(x), new(x))
    shown = inspect(new, x).table["activation"]
    assert len(shown) == 2
    assert shown["act"] == record.key


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, as it traces a Function
@pytest.mark.parametrize("target", [TYPED, "silu(beta=1.7)"])
def test_a_swapped_model_compiles_whole(target) -> None:
    new, x = swap(Net(), {"relu": target}), torch.randn(9, 8)
    compiled = torch.compile(new, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), new(x))
    gradients = [
        torch.autograd.grad(f(x).square().mean(), list(new.parameters())) for f in (compiled, new)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, on its own way to jvp
def test_forward_mode_and_second_derivatives() -> None:
    phi, x = Elementwise(activation(TYPED)), torch.linspace(-3.0, 3.0, 7, dtype=torch.float64)
    slope = activation(TYPED).slope_at(x.numpy())
    _, tangent = torch.func.jvp(phi, (x,), (torch.ones_like(x),))
    np.testing.assert_allclose(tangent.numpy(), slope, rtol=1e-12)
    assert torch.autograd.gradgradcheck(phi, (x.requires_grad_(),))


def test_typed_swaps_are_tried() -> None:
    x = torch.randn(64, 8)
    found = try_swaps(Net(), x, [TYPED, activation("silu", beta=1.7)])
    key = activation(TYPED).key
    assert list(found.rows) == ["as it is (relu)", key, "silu(beta=1.7)"]
    assert found.rows[key]["distance"] == pytest.approx(found.rows["silu(beta=1.7)"]["distance"])
    assert f"{key} " in found.summary(120)


def test_critical_weights_of_a_typed_activation_are_its_records() -> None:
    widths = itertools.pairwise([64, 256, 256, 3])
    model = nn.Sequential(*(m for a, b in widths for m in (nn.Linear(a, b), nn.ReLU())))
    both = [swap(model, {"relu": t}, reinit="critical", seed=3) for t in (TYPED, "silu(beta=1.7)")]
    for p, q in zip(both[0].parameters(), both[1].parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)


def test_what_is_no_activation_is_refused() -> None:
    for target, kind, words in (
        ("x*foo(x)", BadExpression, "unknown function 'foo'"),
        ("gellu", UnknownName, "did you mean 'gelu'"),
        ("softmax", InputError, "acts on whole vectors"),
        (3, InputError, "expected a name, an expression or an Activation"),
    ):
        with pytest.raises(kind, match=words):
            swap(Net(), {"relu": target})
    strange = Activation(
        name="strange", label="", formula="see the paper", derivative="?", f=np.tanh, df=np.cos,
        range=Interval(-1.0, 1.0), zero_centred=True, monotonic=True, use_case="", source="",
    )  # fmt: skip
    with pytest.raises(InputError, match=r"strange has no PyTorch twin.*give it one"):
        swap(Net(), {"relu": strange})
    assert actscope.swap(Net(), {"relu": "abs"}).act.record.name == "abs"
