"""What cannot be looked into is listed, with where and the way out; what is a site is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect
from actscope.probe.collector import Collector, Measures
from actscope.probe.coverage import Checked
from actscope.probe.forward import Pass
from actscope.probe.tracker import Tracker

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def _silu(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(x)


@torch.library.custom_op("actscope_test::bend", mutates_args=())
def bend(x: torch.Tensor) -> torch.Tensor:
    """An operator of a user's own."""
    return torch.tanh(x)


bend.register_autograd(lambda ctx, g: g)


class _Exact(torch.autograd.Function):
    """A function with a gradient of its own, written with torch."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return g * (s + x * s * (1 - s))


class _Kernel(torch.autograd.Function):
    """A function whose values a kernel outside torch writes, as Triton's do."""

    @staticmethod
    def forward(ctx, x):
        out = torch.empty_like(x)
        np.maximum(x.detach().numpy(), 0.0, out=out.numpy())
        return out

    @staticmethod
    def backward(ctx, g):
        return g


def _buffer(y):
    """A buffer that torch fills is not foreign."""
    out = torch.empty_like(y)
    out[:, :4], out[:, 4:] = y[:, 4:], y[:, :4]
    return out


class One(nn.Module):
    """A layer, a function of its output, another layer, in a block."""

    def __init__(self, function) -> None:
        super().__init__()
        self.first, self.last, self.function = nn.Linear(4, 8), nn.Linear(8, 2), function

    def forward(self, x):
        return self.last(self.function(self.first(x)))


@pytest.fixture(scope="module")
def scripted():
    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        return torch.jit.script(_silu)


def model_of(function) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), One(function))


def opaque(function, grad: bool = True) -> list[tuple[str, str]]:
    with torch.set_grad_enabled(grad):
        report = inspect(model_of(function), torch.randn(5, 4), full=False)
    assert "1" in report.rows
    assert all(o.way_out for o in report.opaque)
    return [(o.path, o.what) for o in report.opaque]


@pytest.mark.parametrize("grad", [True, False])
def test_scripted_functions(scripted, grad: bool) -> None:
    ((path, what),) = opaque(lambda y: scripted(y), grad)
    assert path == "2"
    assert what.startswith("sigmoid in code that Python does not run (called at test_coverage.py:")
    # twice at two places, and once more in the same place: two entries
    twice = lambda y: scripted(scripted(y)) + (lambda z: scripted(z))(y)
    assert len(opaque(twice)) == 1  # one line
    two = lambda y: (
        scripted(y),
        scripted(y),
    )[0]
    assert len(opaque(two)) == 2


FOREIGN = {
    "custom operator": (lambda y: bend(y), "the operator actscope_test::bend"),
    "kernel": (_Kernel.apply, "a tensor filled outside torch"),
    "numpy": (
        lambda y: torch.from_numpy(np.maximum(y.detach().numpy(), 0)),
        "values worked out by NumPy",
    ),
    "numpy, copied": (
        lambda y: torch.tensor(np.tanh(y.detach().numpy())),
        "values worked out by NumPy",
    ),
    "cond": (
        lambda y: torch.cond(torch.tensor(True), torch.sin, torch.cos, (y.detach(),)),
        "the branches of cond",
    ),
    "attention": (
        lambda y: F.scaled_dot_product_attention(y[None], y[None], y[None])[0],
        "the softmax inside fused attention (scaled_dot_product_attention)",
    ),
}


@pytest.mark.parametrize("form", FOREIGN)
def test_work_of_others(form: str) -> None:
    function, said = FOREIGN[form]
    found = opaque(function)
    assert [path for path, _ in found] == ["2"]
    assert found[0][1].startswith(said)


FOREACH = {
    "tanh": (lambda y: torch._foreach_tanh([y])[0], "torch._foreach_tanh of a list of tensors"),
    "in place": (
        lambda y: (torch._foreach_sigmoid_([y]), y)[1],
        "torch._foreach_sigmoid of a list of tensors",
    ),
    "a clamp behind a layer": (
        lambda y: torch._foreach_clamp_min([y], 0.0)[0],
        "torch._foreach_clamp_min of a list of tensors",
    ),
    "the input": (lambda y: (torch._foreach_abs([torch.randn(3)]), y)[1], None),
    "parts of an activation": (
        lambda y: torch._foreach_sqrt(torch._foreach_exp(torch._foreach_mul([y], 2.0)))[0],
        None,
    ),
}


@pytest.mark.parametrize("form", FOREACH)
def test_lists_of_tensors(form: str) -> None:
    function, said = FOREACH[form]
    assert opaque(function) == ([("2", said)] if said else [])
    assert opaque(function, grad=False) == ([("2", said)] if said else [])


def test_lists_of_tensors_in_scripted_code() -> None:
    def scripted(y: torch.Tensor) -> torch.Tensor:
        return torch._foreach_tanh([y])[0]

    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        function = torch.jit.script(scripted)
    ((path, what),) = opaque(lambda y: function(y))
    assert path == "2"
    assert what.startswith("foreach_tanh in code that Python does not run")


SEEN = {
    "autograd function of torch's parts": _Exact.apply,
    "composed": _silu,
    "cross entropy inside": lambda y: y * F.cross_entropy(y, torch.zeros(5).long()),
    "guard inside normalize": lambda y: F.normalize(y),
    "buffer": _buffer,
    "gumbel": lambda y: F.gumbel_softmax(y),
    "values logged": lambda y: y + 0 * float(y.detach().numpy().mean()),
    "softmax": lambda y: torch.softmax(y, -1),
    "table from numpy": lambda y: F.gelu(y) + torch.from_numpy(np.ones(8, np.float32)),
}


@pytest.mark.parametrize("form", SEEN)
def test_what_is_a_site_or_none_is_not_opaque(form: str) -> None:
    assert opaque(SEEN[form]) == []


def test_an_activation_with_a_gradient_of_its_own_is_a_site() -> None:
    x, y = torch.randn(6, 4), torch.randint(0, 2, (6,))
    report = inspect(model_of(_Exact.apply), x, y, "cross_entropy", full=False)
    assert report.table.loc["2:silu", "gradient"] > 0


def test_a_scripted_module_is_listed_once() -> None:
    inner = torch.jit.trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.randn(2, 4))
    report = inspect(nn.Sequential(nn.Linear(4, 4), inner), [torch.randn(3, 4)] * 3, full=False)
    assert [(o.path, o.what) for o in report.opaque] == [("1", "a scripted body")]


def test_recurrent_kernels_are_listed_once() -> None:
    report = inspect(nn.Sequential(nn.LSTM(4, 4, num_layers=2)), torch.randn(3, 2, 4), full=False)
    assert [(o.path, o.what) for o in report.opaque] == [("0", "the gates of an LSTM (lstm)")]


def test_only_the_first_pass_is_checked(scripted) -> None:
    """From the second on, a pass is an ordinary one, and no dispatch mode is on."""
    passes, modes = [], []

    class Watching(Collector):
        def end(self, seconds: float) -> None:
            passes.append(type(tracker.local.current or last()))

    model = model_of(lambda y: (modes.append(torch._C._len_torch_dispatch_stack()), y)[1])
    tracker = Tracker(model, Collector(Measures(rows=0)))
    last = lambda: None
    tracker.attach()
    kinds = []
    for _ in range(3):
        model(torch.randn(3, 4))
        kinds.append(type(tracker.local.last))
    tracker.detach()
    assert kinds == [Checked, Pass, Pass]
    assert modes == [1, 0, 0]


def test_a_branch_that_is_taken_later_is_checked_when_it_comes_again(scripted) -> None:
    """A pass of another number of calls than those checked has the next one checked."""
    passes = []

    def function(y):
        passes.append(torch._C._len_torch_dispatch_stack())
        return F.relu(y) if len(passes) < 3 else scripted(y)

    model, listener = model_of(function), Collector(Measures(rows=0))
    tracker = Tracker(model, listener)
    tracker.attach()
    for _ in range(6):
        model(torch.randn(3, 4))
    tracker.detach()
    assert passes == [1, 0, 0, 1, 0, 0]
    ((_, what),) = listener.opaques
    assert what.startswith("sigmoid in code that Python does not run")


def test_a_first_pass_that_raises_is_checked_again(scripted) -> None:
    fails = [True]

    def function(y):
        if fails.pop() if fails else False:
            raise ValueError
        return scripted(y)

    model, listener = model_of(function), Collector(Measures(rows=0))
    tracker = Tracker(model, listener)
    tracker.attach()
    with pytest.raises(ValueError):
        model(torch.randn(3, 4))
    assert torch._C._len_torch_dispatch_stack() == 0
    model(torch.randn(3, 4))
    tracker.detach()
    assert len(listener.opaques) == 1


@pytest.mark.parametrize("form", [*FOREIGN, *SEEN])
def test_the_check_changes_no_bit(form: str) -> None:
    function = FOREIGN[form][0] if form in FOREIGN else SEEN[form]
    model, x = model_of(function), torch.randn(5, 4)
    results = []
    for checked in (False, True):
        torch.manual_seed(1)
        tracker = Tracker(model, Collector(Measures()))
        if checked:
            tracker.attach()
        model.zero_grad()
        out = model(x)
        out.sum().backward()
        tracker.detach()
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        results.append([t.detach().clone() for t in (out, *grads, torch.get_rng_state())])
    for plain, looked in zip(*results, strict=True):
        assert plain.numpy().tobytes() == looked.numpy().tobytes()
