"""What several tests of the probe share: the sites of a model, and a model around a function."""

from __future__ import annotations

import torch
from torch import nn

from actscope.probe.collector import Collector, Measures
from actscope.probe.tracker import Tracker


def sites(model: nn.Module, *args: object, **kwargs: object) -> dict[str, tuple[str, str]]:
    """name -> (kind, activation), and nothing but the sites."""
    listener = Collector(Measures(rows=16, pairs=False))
    tracker = Tracker(model, listener)
    tracker.attach()
    try:
        model(*args, **kwargs)
    finally:
        tracker.detach()
    return {s.name: (s.kind, s.identity.name) for s in listener.sites.values()}


class One(nn.Module):
    """A layer, a function of its output, another layer."""

    def __init__(self, function, width: int = 8) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, width), nn.Linear(width, 2)
        self.function = function
        self.beta = nn.Parameter(torch.tensor(1.5))

    def forward(self, x):
        return self.last(self.function(self.first(x)))
