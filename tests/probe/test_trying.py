"""Swaps that are tried: the numbers are those of inspections by hand, and the model stays."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.errors import InputError, UnknownName
from actscope.probe import inspect, swap, try_swaps


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.out = nn.Linear(8, 32), nn.Linear(32, 32), nn.Linear(32, 3)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.out(F.relu(self.b(self.act(self.a(x)))))


def train(model: nn.Module, batches: list, steps: int) -> None:
    optimiser = torch.optim.SGD(model.parameters(), 0.2)
    for i in range(steps):
        x, y = batches[i % len(batches)]
        noise = 0.1 * torch.randn(x.shape)  # shows the seed
        optimiser.zero_grad()
        F.cross_entropy(model(x + noise), y).backward()
        optimiser.step()


@pytest.fixture
def data() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(90, 8, generator=torch.Generator().manual_seed(1))
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


def test_the_rows_are_those_of_work_by_hand(data) -> None:
    x, y = data
    model = Net()
    before = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    found = try_swaps(model, x, ["gelu"], y, "cross_entropy", train=train, steps=7, seeds=[5])
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(p, before[n]) for n, p in model.state_dict().items())
    assert list(found.rows) == ["as it is (relu)", "gelu"]
    for name, made in (
        ("as it is (relu)", copy.deepcopy(model)),
        ("gelu", swap(model, {"relu": "gelu"}, reinit="critical", seed=5)),
    ):
        for suffix in ("", "_after"):
            if suffix:
                torch.manual_seed(5)
                train(made, [(x, y)], 7)
            report = inspect(made, x, y, "cross_entropy")
            row, table = found.rows[name], report.table
            assert row[f"findings{suffix}"] == len(report.findings)
            assert row[f"dead{suffix}"] == table["dead"].sum()
            assert row[f"saturated{suffix}"] == pytest.approx(table["saturated"].mean())
            assert row[f"rank{suffix}"] == pytest.approx(table["rank"].iloc[-1])
            assert row[f"distance{suffix}"] == pytest.approx(table["distance_input"].iloc[-1])
            assert row[f"gradient_ratio{suffix}"] == pytest.approx(table["gradient_ratio"].iloc[0])
            with torch.no_grad():
                output = made(x)
            assert row[f"loss{suffix}"] == pytest.approx(F.cross_entropy(output, y).item())
            right = (output.argmax(1) == y).float().mean().item()
            assert row[f"accuracy{suffix}"] == pytest.approx(right)
    assert found.reports["gelu"].rows[":gelu"]["activation"] == "gelu"


def test_several_seeds_give_means_and_intervals(data) -> None:
    found = try_swaps(Net(), data[0], "tanh", data[1], "cross_entropy", train=train, steps=3,
                      seeds=3)  # fmt: skip
    losses = [run["loss_after"] for run in found.runs["tanh"]]
    assert len(set(losses)) == 3
    row = found.rows["tanh"]
    assert row["loss_after"] == pytest.approx(np.mean(losses))
    assert min(losses) <= row["loss_after_low"] <= row["loss_after"] <= row["loss_after_high"]
    assert row["loss_after_high"] <= max(losses)
    text = found.summary(200)
    assert "after 3 steps" in text
    assert "95 % interval" in text
    assert f"{row['loss_low']:.3g}–{row['loss_high']:.3g}" in text


def test_loaders_words_and_losses_of_the_model() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.out = nn.Embedding(11, 8), nn.Linear(8, 2)

        def forward(self, ids, labels=None):
            logits = self.out(self.table(ids).mean(1).tanh())
            loss = F.cross_entropy(logits, labels) if labels is not None else None
            return {"logits": logits, "loss": loss}

    def steps_of(model, batches, steps):
        assert len(batches) == 2
        for batch in batches[:steps]:
            model(**batch)["loss"].backward()

    batches = [
        {"ids": torch.randint(0, 11, (6, 4)), "labels": torch.randint(0, 2, (6,))} for _ in range(3)
    ]
    found = try_swaps(Words(), iter(batches), ["relu"], train=steps_of, steps=2, batches=2)
    assert found.at == "tanh"
    assert 0.0 <= found.rows["relu"]["accuracy"] <= 1.0
    assert found.rows["relu"]["loss"] > 0.0
    plain = try_swaps(Net(), [torch.randn(4, 8), torch.randn(4, 8)], ["tanh"])
    assert math.isnan(plain.rows["tanh"]["loss"])
    assert "loss" not in plain.summary(120)


def test_only_what_at_names_is_swapped(data) -> None:
    found = try_swaps(Net(), data[0], ["gelu"], at=":relu", reinit=None)
    assert found.reports["gelu"].table["activation"].tolist() == ["relu", "gelu"]
    with pytest.raises(InputError, match="did you mean ':relu'"):
        try_swaps(Net(), data[0], ["gelu"], at=":relo")


def test_a_seed_that_diverges_is_counted(data) -> None:
    def wild(model, batches, steps):
        if torch.rand(()) < 0.7:  # seeds 0 (0.50), not 1 (0.76), …
            model.out.weight.data.fill_(math.inf)

    torch.manual_seed(0)
    drawn = []
    for seed in range(4):
        torch.manual_seed(seed)
        drawn.append(bool(torch.rand(()) < 0.7))
    assert any(drawn)
    assert not all(drawn)
    found = try_swaps(Net(), data[0], "elu", data[1], "cross_entropy", train=wild, steps=1, seeds=4)
    row = found.rows["elu"]
    assert row["diverged"] == sum(drawn)
    assert math.isfinite(row["loss_after"])
    assert f"{sum(drawn)} diverged" in found.summary(100)
    json.loads(found.to_json())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_the_terminal(data, width) -> None:
    found = try_swaps(
        Net(), data[0], ["leaky_relu(slope=0.1)"], data[1], "cross_entropy", train=train, steps=2,
        seeds=2,
    )  # fmt: skip
    lines = found.summary(width).splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    assert "<table>" in found._repr_html_()


def boom(model, batches, steps):
    raise RuntimeError("no such batch\nand more")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train": boom, "steps": 1}, r"'boom' raised RuntimeError: no such batch \(test_trying"),
        ({"train": lambda m, b: None, "steps": 1}, r"raised TypeError: .*positional argument"),
        ({"train": lambda m, b, s: 3, "steps": 1}, "gave a int: expected None"),
        ({"train": train}, "without steps"),
        ({"steps": 3}, "give train="),
        ({"train": 3, "steps": 3}, "expected a function"),
        ({"train": train, "steps": -1}, "at least 1"),
        ({"seeds": 0}, "seeds = 0"),
        ({"seeds": [1.5]}, "whole numbers"),
        ({"at": "swish"}, "no activation matches 'swish'"),
    ],
)
def test_what_cannot_be_tried_is_said(data, given, words) -> None:
    with pytest.raises(InputError, match=words):
        try_swaps(Net(), data[0], ["gelu"], data[1], "cross_entropy", **given)


def test_names_and_data_that_are_wrong_are_said(data) -> None:
    with pytest.raises(UnknownName, match="did you mean 'gelu'"):
        try_swaps(Net(), data[0], ["gellu"])
    with pytest.raises(InputError, match="activations is empty"):
        try_swaps(Net(), data[0], [])
    with pytest.raises(InputError, match="holds no batch"):
        try_swaps(Net(), [], ["gelu"])
    with pytest.raises(InputError, match="no activation that could be swapped"):
        try_swaps(nn.Linear(8, 3), data[0], ["gelu"])
