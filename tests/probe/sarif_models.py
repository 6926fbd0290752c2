"""Models whose faults stand at known lines of this file."""

import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inp = nn.Linear(6, 32)
        self.body = nn.Sequential(nn.Linear(32, 32), nn.ReLU())  # line: body
        self.act: nn.Module = nn.ReLU()  # line: act

    def forward(self, x):  # line: forward
        return self.act(self.body(F.relu(self.inp(x))))


class Whole(nn.Module):  # line: class
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block()])
        self.out = nn.Linear(32, 3)

    def forward(self, x):
        return self.out(self.blocks[0](x))


def plain():  # line: factory
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
