"""Small networks as people write them by hand."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class UNet(nn.Module):
    """Down, up and across, with functions."""

    def __init__(self, deep: int = 2) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(3 if i == 0 else 8, 8, 3, padding=1) for i in range(deep)
        )
        self.middle = nn.Conv2d(8, 8, 3, padding=1)
        self.up = nn.ModuleList(nn.Conv2d(16, 8, 3, padding=1) for _ in range(deep))

    def forward(self, x):
        across = []
        for conv in self.down:
            x = F.silu(conv(x))
            across.append(x)
            x = F.max_pool2d(x, 2)
        x = F.silu(self.middle(x))
        for conv in self.up:
            x = F.interpolate(x, scale_factor=2)
            x = F.silu(conv(torch.cat([x, across.pop()], 1)))
        return x


class Snake(nn.Module):
    """A user's own activation, with a number a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x + torch.sin(self.a * x).square() / self.a


class Maxout(nn.Module):
    """Two lines and the larger of them: no function of one input."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return torch.maximum(self.a(x), self.b(x))


class GatedCell(nn.Module):
    """A GRU cell by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.x, self.h = nn.Linear(5, 24), nn.Linear(8, 24)

    def forward(self, x):
        h = x.new_zeros(x.shape[0], 8)
        for t in range(x.shape[1]):
            r, z, n = self.x(x[:, t]).chunk(3, -1)
            hr, hz, hn = self.h(h).chunk(3, -1)
            r, z = torch.sigmoid(r + hr), torch.sigmoid(z + hz)
            h = (1 - z) * torch.tanh(n + r * hn) + z * h
        return h
