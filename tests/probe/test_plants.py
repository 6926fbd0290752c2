"""One fault each, planted in unlike models: found at its site, and nothing else with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect

transformers = pytest.importorskip("transformers")

N, D, K = 256, 20, 5
X = torch.randn(N, D, generator=torch.Generator().manual_seed(1))
Y = X[:, :K].argmax(1)
IMAGES = torch.randn(48, 3, 12, 12, generator=torch.Generator().manual_seed(2))
HALF = (Y > 2).float()[:, None]
IDS = torch.randint(0, 100, (16, 32), generator=torch.Generator().manual_seed(3))


class Net(nn.Module):
    """Three hidden layers, linear or of convolutions, that call a function."""

    def __init__(self, act: Callable[..., Any] = F.relu, images: bool = False) -> None:
        super().__init__()
        sizes = [3, 32, 32, 32] if images else [D, 64, 64, 64]
        made = (lambda a, b: nn.Conv2d(a, b, 3, padding=1)) if images else nn.Linear
        self.layers = nn.ModuleList(made(*sizes[i : i + 2]) for i in range(3))
        self.out, self.act = nn.Linear(sizes[-1], K), act
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        for layer in self.layers:
            x = self.act(layer(x))
        return self.out(x.mean((2, 3)) if x.ndim == 4 else x)


class Modules(Net):
    """The same with an activation module a layer."""

    def __init__(self, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.acts = nn.ModuleList(act() for _ in self.layers)

    def forward(self, x):
        for layer, act in zip(self.layers, self.acts, strict=True):
            x = act(layer(x))
        return self.out(x)


def gpt2(act: str) -> nn.Module:
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            n_layer=2, n_head=4, n_embd=64, vocab_size=100, n_positions=32, activation_function=act
        )
    )


def second(model: nn.Module) -> Any:
    """The layer that faults are planted in."""
    return model.layers[1] if isinstance(model, Net) else model.transformer.h[1].mlp.c_fc


def dead(layer: Any) -> None:
    layer.bias[: layer.bias.numel() // 4] = -50.0


def saturated(layer: Any) -> None:
    part = layer.bias.numel() // 8
    layer.bias[:part], layer.bias[part : 2 * part] = -40.0, 40.0


def one_direction(layer: Any) -> None:
    rows = layer.weight.view(layer.weight.shape[0], -1)
    u, v = torch.randn(rows.shape[0], 1), torch.randn(1, rows.shape[1])
    rows.copy_(u @ v / rows.shape[1] ** 0.5)
    layer.bias.normal_()


def constant(layer: Any) -> None:
    layer.bias.fill_(100.0)


def copied(layer: Any) -> None:
    units = layer.bias.numel()
    rows = layer.weight if layer.weight.shape[0] == units else layer.weight.T
    rows[: units // 4] = rows[:1].clone()
    layer.bias[: units // 4] = layer.bias[0].clone()


FAULTS = {
    "dead_units": (dead, "relu"),
    "saturation": (saturated, "tanh"),
    "rank_collapse": (one_direction, "gelu"),
    "constant_part": (constant, "relu"),
    "duplicate_units": (copied, "gelu"),
}
MODULES = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
MODELS = {
    "modules": (lambda act: Modules(MODULES[act]), X, "acts.1"),
    "functions": (lambda act: Net(getattr(F, act)), X, ":{}#2"),
    "convolutions": (lambda act: Net(getattr(F, act), images=True), IMAGES, ":{}#2"),
    "gpt2": (gpt2, {"input_ids": IDS, "labels": IDS}, "transformer.h.1.mlp.act"),
}
# what goes with a fault: 100 on a spread of 1 is more than bfloat16's 8 bits hold
WITH = {"constant_part": {"lost_in_format"}}


@pytest.mark.parametrize("setting", ["eval", "train", "bfloat16", "no loss"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rule", FAULTS)
def test_a_planted_layer(rule: str, model: str, setting: str) -> None:
    torch.manual_seed(3)
    (plant, act), (make, data, site) = FAULTS[rule], MODELS[model]
    net = make(act).train(setting == "train")
    with torch.no_grad():
        plant(second(net))
    labels: Any = Y[: len(data)] if isinstance(data, torch.Tensor) else None
    if setting == "bfloat16":
        net = net.bfloat16()
        data = data.bfloat16() if labels is not None else data
    if setting == "no loss":
        data, labels = (data, None) if labels is not None else ({"input_ids": IDS}, None)
    report = inspect(net, data, labels, None if labels is None else "cross_entropy")
    found = {(f.rule, f.site) for f in report.findings}
    assert (rule, site.format(act)) in found
    assert found <= {(r, site.format(act)) for r in {rule, *WITH.get(rule, ())}}


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize(("factor", "word"), [(0.01, "vanishing"), (40.0, "exploding")])
def test_weights_of_another_size(images: bool, factor: float, word: str) -> None:
    net, data = Net(images=images), IMAGES if images else X
    with torch.no_grad():
        for layer in net.layers[1:]:
            layer.weight.mul_(factor)
    found = {(f.rule, f.site) for f in inspect(net, data).findings}
    assert found == {(f"{word}_signal", ":relu#3"), ("init_fit", ":relu#3")}
    with_loss = inspect(net, data, Y[: len(data)], "cross_entropy").findings
    assert found <= {(f.rule, f.site) for f in with_loss}


class Ends(nn.Module):
    """A network with something behind its last layer."""

    def __init__(self, end: Callable[..., Any], out: int) -> None:
        super().__init__()
        self.a, self.b, self.end = nn.Linear(D, 64), nn.Linear(64, out), end

    def forward(self, x):
        return self.end(self.b(F.relu(self.a(x))))


ENDS: dict[str, tuple[Callable[..., Any], Any, Any, str, str]] = {
    "sigmoid": (torch.sigmoid, HALF, "bce_with_logits", "sigmoid_before_bce_logits", ":sigmoid"),
    "sigmoid module": (
        nn.Sigmoid(), HALF, nn.BCEWithLogitsLoss(), "sigmoid_before_bce_logits", "end",
    ),
    "softmax": (
        lambda z: z.softmax(-1), Y, "cross_entropy", "softmax_before_cross_entropy", "loss",
    ),
    "softmax module": (
        nn.Softmax(-1), Y, nn.CrossEntropyLoss(), "softmax_before_cross_entropy", "loss",
    ),
    "log": (lambda z: z.softmax(-1).log(), Y, F.nll_loss, "softmax_before_log", "loss"),
    "log in the loss": (
        lambda z: z.softmax(-1), Y, lambda o, y: F.nll_loss(torch.log(o), y), "softmax_before_log",
        "loss",
    ),
    "by hand": (
        lambda z: z.exp() / z.exp().sum(-1, keepdim=True), Y, "cross_entropy",
        "softmax_before_cross_entropy", "loss",
    ),
    "by its norm": (
        lambda z: F.normalize(z.abs(), p=1, dim=-1), Y, "cross_entropy", "probabilities_as_logits",
        "loss",
    ),
    "relu": (F.relu, X[:, :1], "mse", "relu_at_output", ":relu#2"),
    "relu module": (nn.ReLU(), X[:, :1], nn.MSELoss(), "relu_at_output", "end"),
    "softplus": (F.softplus, X[:, :1], "mse", "relu_at_output", ":softplus"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ENDS)
def test_what_stands_before_a_loss(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    end, y, loss, rule, site = ENDS[name]
    y = y.to(dtype) if y.is_floating_point() else y
    net = Ends(end, K if y.ndim == 1 else 1).to(dtype)
    found = inspect(net, X.to(dtype), y, loss).findings
    assert [(f.rule, f.site) for f in found] == [(rule, site)]


class Trunk(nn.Module):
    """Convolutions with batch norms in front of a tanh head and a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.c = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)
        self.b, self.d = nn.BatchNorm2d(32), nn.BatchNorm2d(32)
        self.head, self.act, self.out = nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, K)

    def forward(self, x):
        x = F.silu(self.d(self.c(F.relu(self.b(self.a(x))))))
        return self.out(self.act(self.head(x.mean((2, 3))))).softmax(-1)


@pytest.mark.parametrize("training", [True, False])
def test_three_faults_in_one_network(training: bool) -> None:
    torch.manual_seed(3)
    model = Trunk().train(training)
    with torch.no_grad():
        model.b.bias[:8] = -20.0
        model.head.bias[:16], model.head.bias[16:24] = -20.0, 20.0
    found = inspect(model, IMAGES, Y[: len(IMAGES)], "cross_entropy").findings
    assert {(f.rule, f.site) for f in found} == {
        ("dead_units", ":relu"),
        ("saturation", "act"),
        ("softmax_before_cross_entropy", "loss"),
    }


def test_two_faults_in_a_transformer() -> None:
    torch.manual_seed(3)
    model = gpt2("relu").eval()
    with torch.no_grad():
        dead(model.transformer.h[0].mlp.c_fc)
        copied(model.transformer.h[1].mlp.c_fc)
    found = inspect(model, {"input_ids": IDS, "labels": IDS}).findings
    assert {(f.rule, f.site) for f in found} == {
        ("dead_units", "transformer.h.0.mlp.act"),
        ("duplicate_units", "transformer.h.1.mlp.act"),
    }
