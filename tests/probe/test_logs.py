"""The logarithm of probabilities is found however they are kept from 0, and no other logarithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect

X = torch.randn(48, 12, generator=torch.Generator().manual_seed(1))
Y = X[:, :4].argmax(1)
HALF = (Y > 1).float()[:, None]
TINY = torch.finfo(torch.float32).eps


class Ends(nn.Module):
    """A network that ends in an activation, module or function, and something behind it."""

    def __init__(self, squash: Callable[..., Any], end: Callable[..., Any], out: int) -> None:
        super().__init__()
        self.a, self.b, self.squash, self.end = nn.Linear(12, 32), nn.Linear(32, out), squash, end

    def forward(self, x):
        return self.end(self.squash(self.b(F.relu(self.a(x)))))


def found(squash: Callable[..., Any], end: Callable[..., Any], loss: Any) -> list[str]:
    torch.manual_seed(0)
    binary = squash is torch.sigmoid or isinstance(squash, nn.Sigmoid)
    net = Ends(squash, end, 1 if binary else 4)
    return [f.rule for f in inspect(net, X, HALF if binary else Y, loss).findings]


def entropy(p, y):
    """What a network gives, averaged: for those that take logarithms themselves."""
    return -(p[torch.arange(len(y)), y.long().flatten()] if p.shape[1] > 1 else p).mean()


GUARDED = {
    "plain": lambda p: p.log(),
    "log2": torch.log2,
    "log10": lambda p: torch.log10(p + 1e-12),
    "plus": lambda p: torch.log(p + 1e-8),
    "number first": lambda p: torch.log(1e-8 + p),
    "add": lambda p: p.add(1e-9).log(),
    "a tensor": lambda p: torch.log(p + torch.tensor(1e-6)),
    "finfo": lambda p: (p + TINY).log(),
    "clamp": lambda p: torch.log(p.clamp(min=1e-8)),
    "clamp on both sides": lambda p: torch.clamp(p, 1e-7, 1 - 1e-7).log(),
    "clip": lambda p: p.clip(1e-7, 1.0).log(),
    "clamp_min": lambda p: p.clamp_min(1e-7).log(),
    "maximum": lambda p: torch.maximum(p, torch.tensor(1e-7)).log(),
    "maximum, turned": lambda p: torch.maximum(torch.tensor(1e-7), p).log(),
    "a cast": lambda p: (p.double() + 1e-12).log().float(),
    "two guards": lambda p: (p.clamp(min=1e-9) + 1e-9).log(),
    "a view": lambda p: (p + 1e-9).view(-1).log().view(p.shape),
}
SQUASHES = {
    "softmax": lambda z: torch.softmax(z, -1),
    "softmax module": nn.Softmax(-1),
    "softmax by hand": lambda z: z.exp() / z.exp().sum(-1, keepdim=True),
    "sigmoid": torch.sigmoid,
    "sigmoid module": nn.Sigmoid(),
}


@pytest.mark.parametrize("squash", SQUASHES)
@pytest.mark.parametrize("guard", GUARDED)
def test_a_log_of_probabilities(squash: str, guard: str) -> None:
    assert found(SQUASHES[squash], GUARDED[guard], entropy) == ["softmax_before_log"]


def test_the_logits_chosen_first() -> None:
    chosen = lambda p, y: -torch.log((p + 1e-8).gather(1, y[:, None])).mean()
    assert found(SQUASHES["softmax"], lambda p: p, chosen) == ["softmax_before_log"]


def test_all_of_it_in_the_loss() -> None:
    def loss(z, y):
        return F.nll_loss(torch.log(z.softmax(-1) + 1e-8), y)

    def bce(z, y):
        p = torch.sigmoid(z)
        return -(y * torch.log(p + 1e-8) + (1 - y) * torch.log(1 - p + 1e-8)).mean()

    assert found(lambda z: z, lambda z: z, loss) == ["softmax_before_log"]
    net = Ends(lambda z: z, lambda z: z, 1)
    assert [f.rule for f in inspect(net, X, HALF, bce).findings] == ["softmax_before_log"]


NOT = {
    "log1p": torch.log1p,
    "a mean over rows": lambda p: (p.mean(0, keepdim=True) + 1e-8).log().expand_as(p),
    "another number": lambda p: torch.log(p + 1.0),
    "mixed with the uniform": lambda p: torch.log(0.9 * p + 0.1 / 4),
    "of both": lambda p: torch.log(p + p.flip(0)),
    "powers": lambda p: torch.log(p**2 + 1e-8),
    "a high floor": lambda p: torch.log(p.clamp(min=0.1)),
}


@pytest.mark.parametrize("form", NOT)
def test_what_is_no_log_of_probabilities(form: str) -> None:
    assert found(SQUASHES["softmax"], NOT[form], entropy) == []


@pytest.mark.parametrize("before", [F.softplus, torch.exp, lambda z: z.abs(), lambda z: z * z])
@pytest.mark.parametrize("guard", [lambda p: torch.log(p + 1e-8), lambda p: p.clamp(1e-8).log()])
def test_a_log_of_what_is_not_squashed(before: Any, guard: Any) -> None:
    assert "softmax_before_log" not in found(before, guard, entropy)


def test_log_softmax_is_as_it_should_be() -> None:
    assert found(lambda z: z.log_softmax(-1), lambda p: p + 1e-8, F.nll_loss) == []
    assert found(F.logsigmoid, lambda p: p, entropy) == []


def test_probabilities_for_nll() -> None:
    """It expects their logarithms."""
    for squash in ("softmax", "softmax module", "softmax by hand"):
        assert found(SQUASHES[squash], lambda p: p, F.nll_loss) == ["probabilities_as_logits"]


def test_in_half_precision() -> None:
    net = Ends(SQUASHES["softmax"], lambda p: torch.log(p + torch.finfo(p.dtype).eps), 4)
    found = inspect(net.bfloat16(), X.bfloat16(), Y, F.nll_loss).findings
    assert [f.rule for f in found] == ["softmax_before_log"]
