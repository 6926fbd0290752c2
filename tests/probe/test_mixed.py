"""Several faults in one network, each found where it is; healthy networks, with none."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect

BAD = ("warning", "error")


class Mixed(nn.Module):
    """Branches side by side, so that one's fault is not the next one's."""

    def __init__(self) -> None:
        super().__init__()
        self.sound, self.dead = _branch(nn.ReLU()), _branch(nn.ReLU())
        self.saturated, self.flat = _branch(nn.Tanh()), _branch(nn.GELU())
        self.cut = _branch(nn.SiLU())
        self.head = nn.Linear(4 * 128, 10)

    def forward(self, x):
        parts = [self.sound(x), self.dead(x), self.saturated(x), self.flat(x)]
        return self.head(torch.cat(parts, -1)) + 0.0 * self.cut(x).mean()


def _branch(act: nn.Module) -> nn.Sequential:
    first = nn.Linear(64, 128)
    nn.init.normal_(first.weight, std=64**-0.5)
    nn.init.zeros_(first.bias)
    return nn.Sequential(first, act)


def test_a_mixed_plant() -> None:
    """Each fault at its site, with its numbers, and nothing else."""
    torch.manual_seed(3)
    model = Mixed()
    with torch.no_grad():
        model.dead[0].bias[:40] = -100.0
        model.saturated[0].bias[:24], model.saturated[0].bias[24:64] = -40.0, 40.0
        model.flat[0].weight.copy_(torch.outer(torch.randn(128), torch.randn(64)) / 8)
        model.flat[0].bias.normal_()
    x, y = torch.randn(512, 64), torch.randint(0, 10, (512,))
    report = inspect(model, x, y, "cross_entropy")
    found = {(f.rule, f.site) for f in report.findings if f.severity in BAD}
    assert found == {
        ("dead_units", "dead.1"),
        ("saturation", "saturated.1"),
        ("rank_collapse", "flat.1"),
        ("zero_gradient", "cut.1"),
    }
    rows = report.rows
    assert rows["dead.1"]["deeply_dead"] == 40
    assert (rows["saturated.1"]["units_low"], rows["saturated.1"]["units_high"]) == (24, 40)
    assert rows["flat.1"]["rank_in"] == pytest.approx(1.0, abs=1e-3)
    assert rows["cut.1"]["gradient"] == 0.0
    assert report.opaque == ()


def _mlp(act, depth: int, init) -> nn.Module:
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(32 if i == 0 else 96, 96), act()]
    model = nn.Sequential(*layers, nn.Linear(96, 4))
    for module in model:
        if isinstance(module, nn.Linear):
            init(module.weight)
            nn.init.zeros_(module.bias)
    return model


def _he(weight):
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _orthogonal(weight):
    nn.init.orthogonal_(weight, 2**0.5)


class Residual(nn.Module):
    """Blocks with a norm in front and the input added behind."""

    def __init__(self) -> None:
        super().__init__()
        self.inp, self.out = nn.Linear(32, 64), nn.Linear(64, 4)
        self.norms = nn.ModuleList(nn.LayerNorm(64) for _ in range(4))
        self.up = nn.ModuleList(nn.Linear(64, 128) for _ in range(4))
        self.down = nn.ModuleList(nn.Linear(128, 64) for _ in range(4))

    def forward(self, x):
        x = self.inp(x)
        for norm, up, down in zip(self.norms, self.up, self.down, strict=True):
            x = x + down(F.gelu(up(norm(x))))
        return self.out(x)


def _gated() -> nn.Module:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(32)
            self.gate, self.up, self.down = nn.Linear(32, 96), nn.Linear(32, 96), nn.Linear(96, 4)

        def forward(self, x):
            x = self.norm(x)
            return self.down(F.silu(self.gate(x)) * self.up(x))

    return Gated()


def _convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (2, 4, 4)),
        nn.Conv2d(2, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.Hardswish(),
        nn.Flatten(), nn.Linear(512, 4),
    )  # fmt: skip


HEALTHY = {
    "relu, He": lambda: _mlp(nn.ReLU, 4, _he),
    "relu, orthogonal": lambda: _mlp(nn.ReLU, 3, _orthogonal),
    "relu, PyTorch's own, shallow": lambda: _mlp(nn.ReLU, 1, lambda w: None),
    "gelu, He": lambda: _mlp(nn.GELU, 4, _he),
    "leaky relu, He": lambda: _mlp(nn.LeakyReLU, 6, _he),
    "silu, He": lambda: _mlp(nn.SiLU, 3, _he),
    "elu, He": lambda: _mlp(nn.ELU, 3, _he),
    "mish, He": lambda: _mlp(nn.Mish, 3, _he),
    "tanh, Glorot": lambda: _mlp(nn.Tanh, 2, nn.init.xavier_normal_),
    "residual": Residual,
    "gated": _gated,
    "convolutions": _convolutions,
}


@pytest.fixture(scope="module")
def task():
    """Points of four noisy clusters in 32 dimensions."""
    rng = torch.Generator().manual_seed(5)
    y = torch.randint(0, 4, (512,), generator=rng)
    centres = torch.randn(4, 32, generator=rng)
    return centres[y] + torch.randn(512, 32, generator=rng), y


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_networks(name: str, trained: bool, task) -> None:
    """No finding of warning or worse, at init and after training."""
    torch.manual_seed(7)
    (x, y), model = task, HEALTHY[name]()
    if trained:
        step = torch.optim.Adam(model.parameters(), 1e-3)
        for i in range(40):
            part = slice(i % 4 * 128, i % 4 * 128 + 128)
            step.zero_grad()
            F.cross_entropy(model(x[part]), y[part]).backward()
            step.step()
    report = inspect(copy.deepcopy(model), x, y, "cross_entropy")
    assert [str(f) for f in report.findings if f.severity in BAD] == []
