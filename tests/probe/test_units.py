"""The dimension of a site's units, read off the layers and views in front of it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe.collector import Collector, Measures
from actscope.probe.tracker import Tracker

IMAGE, WORDS = (2, 4, 9, 9), (2, 5, 4)
# the layers -> what is done with them, the shape of the input, the dimension of the units
CASES = {
    "conv1d": (lambda m, x: m.conv1(x), (2, 4, 9), 1),
    "conv1d without a batch": (lambda m, x: m.conv1(x), (4, 9), 0),
    "conv2d without a batch": (lambda m, x: m.conv(x), IMAGE[1:], 0),
    "conv3d": (lambda m, x: m.conv3(x), (2, 4, 5, 5, 5), 1),
    "transposed": (lambda m, x: m.up(x), IMAGE, 1),
    "group norm": (lambda m, x: m.group(m.conv(x)), IMAGE, 1),
    "linear": (lambda m, x: m.fc(x), WORDS, 2),
    "linear on images": (lambda m, x: m.fc(x), (2, 3, 5, 4), 3),
    "channels last": (lambda m, x: m.fc8(m.norm(m.conv(x).permute(0, 2, 3, 1))), IMAGE, 3),
    "convolution of words": (lambda m, x: m.conv1(m.fc4(x).transpose(1, 2)), WORDS, 1),
    "pooled": (lambda m, x: F.avg_pool2d(m.conv(x), 2), IMAGE, 1),
    "pooled to one": (lambda m, x: m.conv(F.adaptive_avg_pool2d(x, 3)), IMAGE, 1),
    "joined": (lambda m, x: torch.cat([m.conv(x), m.conv(x)], 1), IMAGE, 1),
    "channels last alone": (lambda m, x: m.conv(x).permute(0, 2, 3, 1), IMAGE, 3),
    "words turned": (lambda m, x: m.fc(x).mT, WORDS, 1),
    "pixels as words": (lambda m, x: m.conv(x).flatten(2).transpose(1, 2), IMAGE, 2),
    "pixels in a row": (lambda m, x: m.conv(x).flatten(2), IMAGE, 1),
    "heads": (lambda m, x: m.fc(x).view(2, 5, 2, 4).transpose(1, 2), WORDS, 3),
    "one word": (lambda m, x: m.fc(x)[:, 0], WORDS, 1),
    "instance norm without a batch": (lambda m, x: m.instance(m.conv(x)), IMAGE[1:], 0),
    "einsum": (lambda m, x: torch.einsum("btc, hc -> bth", x, m.fc.weight), WORDS, 2),
    "einsum on images": (lambda m, x: torch.einsum("bcxy,hc->bhxy", x, m.fc.weight), IMAGE, 1),
    "bigger": (lambda m, x: F.interpolate(m.conv(x), scale_factor=2), IMAGE, 1),
}  # fmt: skip


class Layers(nn.Module):
    """Layers of 8 units, and an activation of what a function makes of them."""

    def __init__(self, function) -> None:
        super().__init__()
        self.conv1, self.conv, self.conv3 = (
            nn.Conv1d(4, 8, 3),
            nn.Conv2d(4, 8, 3),
            nn.Conv3d(4, 8, 3),
        )
        self.up, self.group, self.norm = (
            nn.ConvTranspose2d(4, 8, 3),
            nn.GroupNorm(2, 8),
            nn.LayerNorm(8),
        )
        self.fc, self.fc4, self.fc8 = nn.Linear(4, 8), nn.Linear(4, 4), nn.Linear(8, 12)
        self.instance, self.function = nn.InstanceNorm2d(8), function

    def forward(self, x):
        return torch.relu(self.function(self, x))


@pytest.mark.parametrize("form", CASES)
def test_units(form: str) -> None:
    function, shape, dim = CASES[form]
    model, listener = Layers(function), Collector(Measures(rows=16))
    tracker = Tracker(model, listener)
    tracker.attach()
    model(torch.randn(shape))
    tracker.detach()
    (site,) = listener.sites.values()
    assert site.dim == dim
