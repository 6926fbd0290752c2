"""Networks that the probe's tests share, built by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

torch.set_num_threads(1)  # small networks beside other processes: threads would wait

sys.path.insert(0, str(Path(__file__).parent))  # for probe_cases


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def he(model: nn.Module) -> nn.Module:
    """He-initialised weights and zero biases."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return model


@pytest.fixture
def healthy():
    """A function that makes an MLP with no fault: 64-4×256-10."""

    def make(act=nn.ReLU, depth: int = 4) -> nn.Module:
        layers: list[nn.Module] = []
        for i in range(depth):
            layers += [nn.Linear(64 if i == 0 else 256, 256), act()]
        return he(nn.Sequential(*layers, nn.Linear(256, 10)))

    return make
