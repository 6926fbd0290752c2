"""Every form an activation can have is one site, named for where and what it is."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from probe_cases import One, sites
from torch import nn

from actscope.probe import inspect
from actscope.probe.collector import Collector, Measures
from actscope.probe.tracker import Tracker


def _inplace(y):
    y.relu_()
    return y


def _both(y):
    z = torch.sigmoid(y)
    return (1 - z).sum(-1, keepdim=True) + z.cumsum(-1)


BIAS, MASK = nn.Parameter(torch.linspace(-1.0, 1.0, 8)), torch.tensor([0.0, -3e38] * 4)
FUNCTIONS = {
    "F.relu": (F.relu, "function", "relu"),
    "F.relu in place": (lambda y: F.relu(y, True), "function", "relu"),
    "torch.relu": (torch.relu, "function", "relu"),
    "Tensor.relu": (lambda y: y.relu(), "function", "relu"),
    "Tensor.relu_": (_inplace, "function", "relu"),
    "torch.relu_": (torch.relu_, "function", "relu"),
    "aten": (lambda y: torch.ops.aten.relu.default(y), "function", "relu"),
    "clamp": (lambda y: y.clamp(min=0), "function", "relu"),
    "clamp_min_": (lambda y: y.clamp_min_(0), "function", "relu"),
    "maximum": (lambda y: torch.maximum(y, torch.zeros_like(y)), "function", "relu"),
    "max of two": (lambda y: torch.max(y, torch.tensor(0.0)), "function", "relu"),
    "where": (lambda y: torch.where(y > 0, y, 0.0), "composed", "relu"),
    "where leaky": (
        lambda y: torch.where(y > 0, y, 0.1 * y),
        "composed",
        "leaky_relu(slope=0.1)",
    ),
    "mask": (lambda y: y * (y > 0), "composed", "relu"),
    "F.leaky_relu": (lambda y: F.leaky_relu(y, 0.2), "function", "leaky_relu(slope=0.2)"),
    "F.elu": (F.elu, "function", "elu"),
    "elu by hand": (lambda y: torch.where(y > 0, y, y.exp() - 1), "composed", "elu"),
    "F.gelu": (F.gelu, "function", "gelu"),
    "F.gelu tanh": (lambda y: F.gelu(y, approximate="tanh"), "function", "gelu_tanh"),
    "gelu by hand": (
        lambda y: 0.5 * y * (1 + torch.tanh(0.7978845608028654 * (y + 0.044715 * y**3))),
        "composed",
        "gelu_tanh",
    ),
    "gelu by erf": (lambda y: y * 0.5 * (1.0 + torch.erf(y / 2.0**0.5)), "composed", "gelu"),
    "F.silu": (F.silu, "function", "silu"),
    "silu by hand": (lambda y: y * torch.sigmoid(y), "composed", "silu"),
    "silu by exp": (lambda y: y / (1 + torch.exp(-y)), "composed", "silu"),
    "silu in place": (lambda y: y.mul_(torch.sigmoid(y)), "composed", "silu"),
    "quick gelu": (lambda y: y * torch.sigmoid(1.702 * y), "composed", "quick_gelu"),
    "mish by hand": (lambda y: y * torch.tanh(F.softplus(y)), "composed", "mish"),
    "softplus by hand": (lambda y: torch.log(1 + torch.exp(y)), "composed", "softplus"),
    "squared relu": (lambda y: F.relu(y) ** 2, "composed", "squared_relu"),
    "hard swish by hand": (lambda y: y * F.relu6(y + 3) / 6, "composed", "hard_swish"),
    "F.hardswish": (F.hardswish, "function", "hard_swish"),
    "torch.sigmoid": (torch.sigmoid, "function", "sigmoid"),
    "special.expit": (torch.special.expit, "function", "sigmoid"),
    "sigmoid by exp": (lambda y: 1 / (1 + torch.exp(-y)), "composed", "sigmoid"),
    "F.tanh": (torch.tanh, "function", "tanh"),
    "torch.sin": (torch.sin, "function", "sin"),
    "F.logsigmoid": (F.logsigmoid, "function", "log_sigmoid"),
    "F.softmax": (lambda y: F.softmax(y, -1), "softmax", "softmax"),
    "torch.log_softmax": (lambda y: torch.log_softmax(y, -1), "softmax", "log_softmax"),
    "cast around": (lambda y: F.silu(y.double()).float(), "function", "silu"),
    "softplus by logaddexp": (
        lambda y: torch.logaddexp(y, torch.zeros_like(y)),
        "function",
        "softplus",
    ),
    "atan": (torch.atan, "function", "atan(x)"),
    "a bias by hand": (lambda y: F.softplus(y + BIAS), "function", "softplus"),
    "a mask behind": (lambda y: torch.tanh(y) + MASK.clone(), "function", "tanh"),
    "a mask made on the way": (
        lambda y: torch.tanh(y) * (torch.arange(8) > 3).float(),
        "function",
        "tanh",
    ),
    "used twice": (_both, "function", "sigmoid"),
    "a line behind": (lambda y: 50 * torch.tanh(y / 50), "function", "tanh"),
    "a line of a line": (lambda y: 1 - (2 * F.relu(y) + 3) / 7, "function", "relu"),
    "a line in front": (lambda y: torch.sin(30 * y), "function", "sin"),
    "a line with a name": (lambda y: F.relu6(y + 3) / 6, "composed", "hard_sigmoid"),
    "selu by hand": (
        lambda y: 1.0507009873554805 * F.elu(y, 1.6732632423543772),
        "composed",
        "selu",
    ),
    "tanh by sigmoid": (lambda y: 2 * torch.sigmoid(2 * y) - 1, "composed", "tanh"),
    "of its own": (
        lambda y: torch.sigmoid(3 * y) + 0.1 * y,
        "composed",
        "sigmoid(y * 3) + (y * 0.1)".replace("y", "x"),
    ),
}


@pytest.mark.parametrize("form", FUNCTIONS)
@pytest.mark.parametrize("grad", [True, False])
def test_form(form: str, grad: bool) -> None:
    function, kind, name = FUNCTIONS[form]
    with torch.set_grad_enabled(grad):
        found = sites(One(function), torch.randn(6, 4))
    assert found == {f":{name}": (kind, name)}


NONE = {
    "affine": lambda y: 2 * y + 1,
    "square for a norm": lambda y: y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6),
    "variance by hand": lambda y: (y - y.mean(-1, keepdim=True)) / (y.var(-1, keepdim=True) + 1e-5),
    "guard": lambda y: y / y.norm(dim=-1, keepdim=True).clamp(min=1e-8),
    "exp of a log-variance": lambda y: torch.exp(0.5 * y),
    "dropout": lambda y: F.dropout(y, 0.5),
    "masked": lambda y: y.masked_fill(torch.zeros_like(y, dtype=torch.bool), -1e9),
    "clamp of no effect": lambda y: y.clamp(-1e4, 1e4),
}


@pytest.mark.parametrize("form", NONE)
def test_what_is_no_activation(form: str) -> None:
    assert sites(One(NONE[form]), torch.randn(6, 4)) == {}


def test_gates_are_told() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.up, self.down = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 4)

        def forward(self, x):
            x = self.down(F.silu(self.gate(x)) * self.up(x))
            return self.down(self.up(x) * F.gelu(self.gate(x)))

    report = inspect(Gated(), torch.randn(16, 4))
    assert report.table["gated"].to_dict() == {":silu": True, ":gelu": True}
    report = inspect(nn.Sequential(nn.Linear(4, 8), nn.GLU()), torch.randn(16, 4))
    assert report.table.loc["1", ["kind", "activation", "gated"]].tolist() == [
        "module",
        "glu",
        True,
    ]


class Odd(nn.Module):
    """An activation that no list knows: with a number a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.linspace(0.5, 2.0, width))

    def forward(self, x):
        return x + torch.sin(self.a * x) ** 2 / self.a


class RMS(nn.Module):
    """Shape-preserving and curved, but not elementwise."""

    def forward(self, x):
        return x / x.square().mean(-1, keepdim=True).sqrt()


def test_modules_are_found_by_what_they_do() -> None:
    model = nn.Sequential(
        nn.Linear(4, 8), Odd(8), RMS(), nn.LayerNorm(8), nn.PReLU(8), nn.Dropout(), nn.Identity(),
        nn.Linear(8, 8), nn.Hardtanh(-100.0, 100.0), nn.Softmax(-1), nn.Linear(8, 8), nn.SELU(),
    )  # fmt: skip
    found = sites(model, torch.randn(6, 4))
    assert found == {
        "1": ("module", "Odd"),
        "4": ("module", "prelu"),
        "9": ("softmax", "softmax"),
        "11": ("module", "selu"),
    }


def test_the_outermost_module_is_the_site_and_calls_are_counted() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.act = nn.Linear(4, 4), nn.GELU()

        def forward(self, x):
            return torch.relu(self.fc(self.act(self.fc(self.act(self.fc(x))))))

    block = Block()
    model = nn.Sequential(block, nn.Linear(4, 4), block)
    names = ["0.act", "0.act#2", "0:relu", "0.act#3", "0.act#4", "0:relu#2"]
    first, again = (list(sites(model, torch.randn(3, 4))) for _ in range(2))
    assert first == again == names


def test_a_module_inside_a_composed_activation() -> None:
    class Swish(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.sigmoid = nn.Linear(4, 4), nn.Sigmoid()

        def forward(self, x):
            y = self.fc(x)
            return self.fc(y * self.sigmoid(y))

    assert sites(Swish(), torch.randn(3, 4)) == {":silu": ("composed", "silu")}


class Handed(nn.Module):
    """A layer, a function of its output, and a child that applies another to what it is handed."""

    def __init__(self, before, inside) -> None:
        super().__init__()
        self.first, self.before, self.child = nn.Linear(4, 8), before, One(F.relu, 8)
        self.child.first, self.child.function = nn.Identity(), inside

    def forward(self, x):
        return self.child(self.before(self.first(x)))


@pytest.mark.parametrize(
    ("before", "inside", "found"),
    [
        (F.gelu, F.relu, {":gelu": ("function", "gelu"), "child:relu": ("function", "relu")}),
        (
            lambda y: F.gelu(y) - 0.1,
            F.relu,
            {":gelu": ("function", "gelu"), "child:relu": ("function", "relu")},
        ),
        (
            torch.tanh,
            lambda y: y * torch.sigmoid(y),
            {":tanh": ("function", "tanh"), "child:silu": ("composed", "silu")},
        ),
        (
            torch.tanh,
            lambda y: 1 / (1 + torch.exp(-y)),
            {":tanh": ("function", "tanh"), "child:sigmoid": ("composed", "sigmoid")},
        ),
    ],
)
def test_an_activation_of_what_another_module_activated(before, inside, found) -> None:
    assert sites(Handed(before, inside), torch.randn(16, 4)) == found


def test_an_activation_module_that_is_called_by_keyword() -> None:
    class Keyword(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(input=self.act(x) - 1.0)

    found = sites(Keyword(), torch.randn(16, 4))
    assert found == {"act": ("module", "relu"), "act:relu": ("function", "relu")}


def test_modules_made_in_a_forward_are_not_kept() -> None:
    class Fresh(nn.Module):
        def forward(self, x):
            return nn.Softmax(-1)(nn.ReLU()(x))

    tracker = Tracker(Fresh(), Collector(Measures(rows=0)))
    before = dict(tracker.known.seen)
    tracker.attach()
    tracker.root(torch.randn(4, 4))
    tracker.detach()
    assert list(tracker.listener.sites) == ["ReLU", "Softmax"]
    assert tracker.known.seen == before


def test_transformer_off_the_fast_path() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
    model = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False).eval()
    with torch.no_grad():
        report = inspect(model, torch.randn(2, 5, 8))
    assert list(report.rows) == [f"layers.{i}:gelu" for i in range(3)]
    assert [(o.path, "attention" in o.what) for o in report.opaque] == [
        (f"layers.{i}.self_attn", True) for i in range(3)
    ]


def test_softmax_inside_multihead_attention() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mha = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            return self.mha(x, x, x)[0]

    x = torch.randn(2, 5, 8)
    model = Attention()
    assert sites(model, x) == {"mha:softmax": ("softmax", "softmax")}
    plain = model(x)
    tracker = Tracker(model, Collector(Measures()))
    tracker.attach()
    followed = model(x)
    tracker.detach()
    assert torch.equal(plain, followed)


@pytest.mark.parametrize(
    ("module", "word"),
    [(nn.LSTM(4, 4), "lstm"), (nn.GRU(4, 4), "gru"), (nn.RNN(4, 4), "rnn_tanh")],
)
def test_fused_cells_are_opaque(module: nn.Module, word: str) -> None:
    report = inspect(nn.Sequential(module), torch.randn(3, 2, 4))
    (one,) = report.opaque
    assert word in one.what
    assert one.path == "0"
    assert "torch." in one.way_out


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_bodies_are_opaque() -> None:
    inner = torch.jit.trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.randn(2, 4))
    report = inspect(nn.Sequential(nn.Linear(4, 4), nn.GELU(), inner), torch.randn(3, 4))
    assert list(report.rows) == ["1"]
    assert [(o.path, o.what) for o in report.opaque] == [("2", "a scripted body")]


def test_checkpointing_counts_once() -> None:
    from torch.utils.checkpoint import checkpoint

    class Model(nn.Module):
        def __init__(self, reentrant: bool) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
            self.reentrant = reentrant

        def forward(self, x):
            for layer in self.layers:
                step = lambda y, layer=layer: F.relu(layer(y))
                x = checkpoint(step, x, use_reentrant=self.reentrant)
            return x.sum(-1)

    for reentrant in (False, True):
        x = torch.randn(5, 4, requires_grad=True)
        report = inspect(Model(reentrant), x, torch.randn(5), "mse")
        assert list(report.rows) == [":relu", ":relu#2", ":relu#3"]
        assert report.table["calls"].tolist() == [1, 1, 1]
        if not reentrant:
            assert report.table["gradient"].gt(0).all()


def test_compiled_models_are_looked_at_inside() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    report = inspect(torch.compile(model, backend="eager"), torch.randn(8, 4))
    assert list(report.rows) == ["1"]
    inner = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    part = nn.Sequential(nn.Linear(4, 4), torch.compile(inner, backend="eager"))
    assert [k.endswith("1") for k in inspect(part, torch.randn(8, 4)).rows] == [True]


def test_recurrent_cells_by_hand_and_shared_modules() -> None:
    class Cell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inp, self.rec = nn.Linear(3, 6), nn.Linear(6, 6)

        def forward(self, x):
            h = torch.zeros(x.shape[0], 6)
            for t in range(x.shape[1]):
                h = torch.tanh(self.inp(x[:, t]) + self.rec(h))
            return h

    names = list(sites(Cell(), torch.randn(2, 4, 3)))
    assert names == [":tanh", ":tanh#2", ":tanh#3", ":tanh#4"]
    tied = nn.ReLU()
    model = nn.Sequential(nn.Linear(4, 4), tied, nn.Linear(4, 4), tied)
    assert list(sites(model, torch.randn(2, 4))) == ["1", "1#2"]


def test_threads_that_call_the_model() -> None:
    import threading

    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.GELU())
    listener = Collector(Measures(rows=0, pairs=False))
    tracker = Tracker(model, listener)
    tracker.attach()
    threads = [
        threading.Thread(target=lambda: [model(torch.randn(4, 8)) for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tracker.detach()
    assert {s.name: s.calls for s in listener.sites.values()} == {"1": 40, "3": 40}
    assert listener.sites["1"].moments.rows == 160


def test_outputs_and_gradients_are_the_same_while_watched() -> None:
    """The mode itself changes no number, also for the composed and the in-place forms."""
    for function, _, _ in FUNCTIONS.values():
        model = One(function)
        twin = copy.deepcopy(model)
        x = torch.randn(6, 4)
        expected = twin(x)
        expected.sum().backward()
        tracker = Tracker(model, Collector(Measures(rows=16)))
        tracker.attach()
        got = model(x)
        tracker.detach()
        got.sum().backward()
        assert torch.equal(got, expected)
        for p, q in zip(model.parameters(), twin.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None)
            assert p.grad is None or torch.equal(p.grad, q.grad)


def test_the_input_in_front_of_an_in_place_activation_is_kept() -> None:
    model = One(_inplace)
    x = torch.randn(64, 4)
    listener = Collector(Measures(rows=64))
    tracker = Tracker(model, listener)
    tracker.attach()
    with torch.no_grad():
        model(x)
        z = model.first(x).numpy()
    tracker.detach()
    site = listener.sites[":relu"]
    np.testing.assert_allclose(site.rows_in.array(), z)
    np.testing.assert_allclose(site.rows_out.array(), np.maximum(z, 0))


def test_an_activation_of_a_line_is_measured_alone() -> None:
    """A module scaled behind it keeps its path; input and output are its own, gradients too."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.act, self.last = nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2)

        def forward(self, x):
            return self.last(0.5 + 0.25 * self.act(3 * self.fc(x)))

    model, x = Scaled(), torch.randn(64, 4)
    listener = Collector(Measures(rows=64))
    tracker = Tracker(model, listener)
    tracker.attach()
    model(x).sum().backward()
    tracker.detach()
    (site,) = listener.sites.values()
    z = 3 * model.fc(x)
    y = F.gelu(z)
    y.retain_grad()
    model.last(0.5 + 0.25 * y).sum().backward()
    assert (site.name, site.kind, site.identity.name) == ("act", "module", "gelu")
    np.testing.assert_allclose(site.rows_in.array(), z.detach(), rtol=1e-6)
    np.testing.assert_allclose(site.rows_out.array(), y.detach(), rtol=1e-6)
    assert y.grad is not None
    norm = float(y.grad.norm())
    np.testing.assert_allclose(site.gradient.norm, norm, rtol=1e-5)
