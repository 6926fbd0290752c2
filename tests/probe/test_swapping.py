"""Swapping activations makes a new model and leaves the old one alone."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.errors import InputError, UnknownName
from actscope.probe import inspect, swap


def net() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 128),
        nn.ReLU(), nn.Linear(128, 3),
    )  # fmt: skip


def activations(model: nn.Module) -> list[str]:
    return inspect(model, torch.randn(16, 64), full=False).table["activation"].tolist()


def test_by_name_path_and_pattern() -> None:
    model = net()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    assert activations(swap(model, {"relu": "gelu"})) == ["gelu", "tanh", "gelu"]
    assert activations(swap(model, {"5": "silu"})) == ["relu", "tanh", "silu"]
    assert activations(swap(model, {"*": "elu", "3": "mish"})) == ["elu", "mish", "elu"]
    assert activations(swap(swap(model, {"relu": "gelu"}), {"gelu": "relu"})) == activations(model)
    assert activations(model) == ["relu", "tanh", "relu"]
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])


def test_the_new_model_computes_what_it_says() -> None:
    model = net()
    new = swap(model, {"relu": "silu"})
    x = torch.randn(5, 64)
    h = torch.tanh(model[2](F.silu(model[0](x))))
    torch.testing.assert_close(new(x), model[6](F.silu(model[4](h))))


def test_weights_are_copied_unless_shared() -> None:
    model = net()
    for share in (False, True):
        new = swap(model, {"relu": "gelu"}, share=share)
        for p, q in zip(model.parameters(), new.parameters(), strict=True):
            assert (p is q) == share
            assert torch.equal(p, q)
    copy.deepcopy(swap(model, {"relu": "gelu"}))(torch.randn(2, 64))


def test_critical_weights_keep_the_signal() -> None:
    state = torch.get_rng_state()
    new = swap(net(), {"relu": "gelu", "tanh": "gelu"}, reinit="critical")
    torch.set_rng_state(state)
    table = inspect(new, torch.randn(512, 64)).table
    assert table["sigma_w"].iloc[0] == pytest.approx(1.0, rel=0.05)
    assert table["sigma_w"].iloc[1:].between(1.4, 1.7).all()  # 1.5335 for GELU
    assert table["second_in"].between(0.7, 1.4).all()


def test_what_cannot_be_swapped_is_said() -> None:
    with pytest.raises(InputError, match=r"no activation matches 'elu'.*1 \(relu\)"):
        swap(net(), {"elu": "gelu"})
    with pytest.raises(UnknownName):
        swap(net(), {"relu": "gellu"})
    with pytest.raises(InputError, match="give one of them"):
        swap(net(), {"relu": "gelu"}, reinit="critical", share=True)
    with pytest.raises(InputError, match="expected 'critical'"):
        swap(net(), {"relu": "gelu"}, reinit="he")
