"""Branches that are closed by design when training begins are no fault; others still are."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect
from actscope.probe.gates import closed, waits_for

X = torch.randn(128, 16, generator=torch.Generator().manual_seed(1))
Y = X[:, :4].argmax(1)


class Block(nn.Module):
    """x + end(act(first(x))), whose end begins at 0."""

    def __init__(self, end: str, cut: bool = False) -> None:
        super().__init__()
        self.first, self.act, self.second = nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32)
        self.end, self.cut = end, cut
        if end == "norm":
            self.norm = nn.BatchNorm1d(32)
            nn.init.zeros_(self.norm.weight)
        elif end == "matrix":
            nn.init.zeros_(self.second.weight)
        elif end == "scalar":
            self.resweight = nn.Parameter(torch.zeros(1))
        elif end == "small":
            self.layer_scale_1 = nn.Parameter(torch.full((32,), 1e-6))

    def forward(self, x):
        y = self.act(self.first(x))
        y = self.second(0.0 * y if self.cut else y)
        if self.end == "norm":
            y = self.norm(y)
        if self.end == "scalar":
            y = y * self.resweight
        return x + (y * self.layer_scale_1 if self.end == "small" else y)


class Net(nn.Module):
    def __init__(self, *blocks: Block) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = (
            nn.Linear(16, 32),
            nn.ModuleList(blocks),
            nn.Linear(32, 4),
        )

    def forward(self, x):
        x = F.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def found(net: nn.Module, train: bool = True) -> list[tuple[str, str]]:
    findings = inspect(net.train(train), X, Y, "cross_entropy").findings
    return [(f.rule, f.site) for f in findings]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("end", ["norm", "matrix", "scalar", "small", "none"])
def test_branches_that_open_in_training(end: str, train: bool) -> None:
    torch.manual_seed(0)
    net = Net(Block(end), Block(end))
    assert found(net, train) == []
    assert bool(closed(net)) == (end != "none")


@pytest.mark.parametrize("end", ["norm", "scalar", "none"])
def test_a_branch_that_is_cut_off(end: str) -> None:
    """Also beside a block that opens."""
    torch.manual_seed(0)
    net = Net(Block(end), Block("none", cut=True))
    assert found(net) == [("zero_gradient", "blocks.1.act")]


def test_a_factor_that_gets_no_gradient_opens_nothing() -> None:
    torch.manual_seed(0)
    net = Net(Block("scalar"), Block("none"))
    net.blocks[0].resweight.requires_grad_(False)
    assert found(net) == [("zero_gradient", "blocks.0.act")]


def test_a_matrix_of_zeros_that_stands_alone_is_a_fault() -> None:
    """One block's, or the head: what is meant is so in every block."""
    torch.manual_seed(0)
    assert found(Net(Block("matrix"), Block("none"))) == [("zero_gradient", "blocks.0.act")]
    net = Net(Block("none"))
    nn.init.zeros_(net.head.weight)
    assert found(net) == [("zero_gradient", ":relu"), ("zero_gradient", "blocks.0.act")]


def test_biases_and_positions_of_zero_are_no_gates() -> None:
    net = Net(Block("none"))
    net.pos_embed, net.shift = nn.Parameter(torch.zeros(1, 4, 8)), nn.Parameter(torch.zeros(3))
    for layer in (net.stem, net.head):
        nn.init.zeros_(layer.bias)
    assert closed(net) == {}


def test_blocks() -> None:
    assert waits_for("layer1.0.act#2", ["layer1.0.bn2.weight"])
    assert waits_for("enc.layers.3:gelu", ["enc.layers.3.ls.gamma"])
    assert not waits_for("layer1.1.act", ["layer1.0.bn2.weight"])
    assert waits_for("s1.b1.act", ["s1.b1.conv3.bn.weight"])
    assert not waits_for("s2.b1.act", ["s1.b1.conv3.bn.weight"])
