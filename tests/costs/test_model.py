"""What a model's activations cost: shares, bytes by hand, swaps that keep the model as it was."""

import pytest
import torch
from torch import nn

from actscope.costs import swaps
from actscope.errors import BadSpec, InputError
from actscope.probe.traffic import traffic


class Two(nn.Module):
    """A module and a call inside the forward."""

    def __init__(self):
        super().__init__()
        self.first, self.act = nn.Linear(4, 8), nn.GELU()
        self.second, self.out = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.act(self.first(x))
        return self.out(torch.nn.functional.silu(self.second(x)))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Two()


@pytest.fixture(scope="module")
def found(model):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    result = swaps(model, torch.randn(16, 4), to=["relu", "gelu", "x*sigmoid(2*x)"], rounds=3)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert isinstance(model.act, nn.GELU)
    return result


def test_shares_and_bytes(found):
    assert {h.name: h.sites for h in found.held} == {"gelu": 1, "silu": 1}
    assert 0.0 < found.share < 1.0
    linear = lambda i, o: 4 * (16 * i + i * o + o + 16 * o)
    active = 2 * (4 * 16 * 8 * 2)  # both read and write 16 × 8 numbers
    assert found.activation_bytes == active
    assert found.total_bytes == linear(4, 8) + linear(8, 8) + linear(8, 3) + active
    assert found.traffic_share == active / found.total_bytes


def test_every_swap_is_measured_beside_the_original(found):
    pairs = [(s.old, s.new) for s in found.swaps]
    by_old = {"gelu": ["relu", "x*sigmoid(2*x)"], "silu": ["relu", "gelu", "x*sigmoid(2*x)"]}
    for old, news in by_old.items():
        assert [n for o, n in pairs if o == old] == news
    assert (found.table.low <= found.table.time).all() and (found.table.time > 0).all()
    assert not found.notes
    assert "ModelCost(Two: 2 activations" in repr(found) and "silu" in found.to_json()


def test_page(found):
    from actscope.report.cost import model_files

    files = model_files(found, "actscope cost m:f")
    assert {"index.html", "changes.png", "table.csv", "cost.json"} <= set(files)


def test_views_move_nothing_and_in_place_counts():
    x = torch.zeros(4, 6)
    assert traffic(lambda: x.view(6, 4).t()).total == 0
    assert traffic(lambda: torch.relu_(x)).activations == 2 * 4 * 24
    assert traffic(lambda: torch.softmax(x, dim=1)).activations == 2 * 4 * 24
    assert traffic(lambda: x + x).activations == 0


def test_what_cannot_be():
    with pytest.raises(InputError, match="no activation that can be seen"):
        swaps(nn.Linear(2, 2), torch.zeros(3, 2))
    with pytest.raises(BadSpec, match="rounds = 1"):
        swaps(Two(), torch.zeros(3, 4), rounds=1)
