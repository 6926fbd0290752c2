"""Checkpoints, compiled and replicated models, threads: measured once, and with gradients."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from actscope.errors import InputError
from actscope.probe import inspect, watch
from actscope.probe.collector import Collector, Measures
from actscope.probe.tracker import Tracker


class Block(nn.Module):
    """A composed activation, a module, a softmax, and one that overwrites its input."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.act = nn.Linear(6, 6), nn.Linear(6, 6), nn.GELU()
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        y = self.a(x)
        y = self.drop(y * torch.sigmoid(y))
        y = self.b(F.softmax(y, -1))
        return F.relu(self.a(self.act(y)), inplace=True)


class Checkpointed(nn.Module):
    """Blocks one after the other, then two side by side, each a checkpoint or none."""

    def __init__(self, reentrant: bool | None, nested: bool = False) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(4))
        self.head = nn.Linear(6, 3)
        self.reentrant, self.nested = reentrant, nested

    def run(self, function, x):
        if self.reentrant is None:
            return function(x)
        return checkpoint(function, x, use_reentrant=self.reentrant)

    def forward(self, x):
        first = lambda y: self.run(self.blocks[1], self.blocks[0](y))
        if self.nested:
            x = self.run(first, x)
        else:
            x = self.run(self.blocks[1], self.run(self.blocks[0], x))
        left, right = self.run(self.blocks[2], x), self.run(self.blocks[3], x)
        return self.head(left - 2 * right)


@pytest.mark.filterwarnings("ignore:None of the inputs")  # torch's, of a nested checkpoint
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("reentrant", [True, False])
def test_gradients_inside_checkpoints(reentrant: bool, nested: bool) -> None:
    x, y = torch.randn(9, 6, requires_grad=True), torch.randint(0, 3, (9,))
    tables = []
    for mode in (None, reentrant):
        torch.manual_seed(0)
        model = Checkpointed(mode, nested)
        report = inspect(model, x, y, "cross_entropy")
        assert all(p.grad is None for p in model.parameters())
        tables.append(report.table)
    plain, again = tables
    assert list(again.index) == list(plain.index)
    assert len(plain) == 16
    assert (again["calls"] == 1).all()
    for column in ("gradient", "gradient_zeros", "mean", "dead", "rank"):
        np.testing.assert_allclose(again[column].astype(float), plain[column].astype(float))
    assert plain["gradient"].gt(0).all()


def test_hooks_that_step_do_not_run_inside_a_reentrant_checkpoint() -> None:
    model, x = Checkpointed(True), torch.randn(4, 6, requires_grad=True)
    called: list[int] = []
    model.head.weight.register_post_accumulate_grad_hook(lambda _: called.append(1))
    with pytest.raises(InputError, match="use_reentrant=False"):
        inspect(model, x, torch.zeros(4).long(), "cross_entropy")
    assert called == []


def test_watch_sees_the_gradients_of_checkpoints_and_changes_none() -> None:
    results = []
    for look in (False, True):
        torch.manual_seed(0)
        model = Checkpointed(True)
        step = torch.optim.SGD(model.parameters(), 0.1)
        x = torch.randn(9, 6, requires_grad=True)
        watched = watch(model, every=2) if look else watch(nn.Identity())
        with watched as w:
            for _ in range(4):
                step.zero_grad()
                model(x).square().mean().backward()
                step.step()
        results.append([p.detach().numpy().tobytes() for p in model.parameters()])
    assert results[0] == results[1]
    assert w.table["gradient"].gt(0).all()
    assert (w.table["calls"] == 1).all()
    assert torch.overrides._get_current_function_mode_stack() == []


def test_a_second_run_that_raises_leaves_nothing_behind() -> None:
    model, x = Checkpointed(True), torch.randn(4, 6, requires_grad=True)
    tracker = Tracker(model, Collector(Measures(rows=0)))
    tracker.attach()
    out, calls = model(x), []

    def fail(*_):
        calls.append(1)
        raise RuntimeError("the user's own")

    model.blocks[1].b.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="the user's own"):
        out.sum().backward()
    assert calls == [1]
    assert torch.overrides._get_current_function_mode_stack() == []
    model.blocks[1].b._forward_pre_hooks.clear()
    model(x).sum().backward()
    tracker.detach()
    assert {s.calls for s in tracker.listener.sites.values()} == {2}
    module = torch.nn.modules.module
    assert not module._global_forward_hooks
    assert not module._global_forward_pre_hooks


def test_a_root_inside_a_checkpoint_is_measured_once() -> None:
    inner = nn.Sequential(nn.Linear(6, 6), nn.ReLU())
    outer = lambda x: checkpoint(inner, x, use_reentrant=False).sum()
    with watch(inner, every=1) as w:
        outer(torch.randn(4, 6, requires_grad=True)).backward()
    assert w.table["step"].tolist() == [0]


@pytest.mark.filterwarnings("ignore:The .grad attribute")
def test_compiled_models_and_parts_while_watched() -> None:
    """The compiled code stays as it was; at a due step the parts run eagerly."""
    compiles = []

    def backend(graph, inputs):
        compiles.append(len(graph.graph.nodes))
        return graph.forward

    torch._dynamo.reset()
    inner = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    compiled = torch.compile(inner, backend=backend)
    x = torch.randn(8, 4)
    before = compiled(x)
    made = len(compiles)
    tracker = Tracker(compiled, Collector(Measures(rows=16)))
    due = iter([False, True, False, True])
    tracker.due = lambda: next(due)
    tracker.attach()
    for _ in range(4):
        assert torch.equal(compiled(x), before)
    tracker.detach()
    assert {s.name: s.calls for s in tracker.listener.sites.values()} == {"1": 2}
    compiled(x)
    assert len(compiles) == made
    whole = nn.Sequential(nn.Linear(4, 4), torch.compile(nn.Sequential(nn.GELU()), backend=backend))
    whole(x)
    with watch(whole.train(), every=1) as w:
        whole(x)
    assert w.table["activation"].tolist() == ["gelu"]


def test_data_parallel_and_its_replicas() -> None:
    """DataParallel runs shallow copies of the model in threads."""
    model = nn.Sequential(nn.Linear(6, 6), nn.Sequential(nn.ReLU(), nn.Linear(6, 6)), nn.Tanh())
    report = inspect(nn.DataParallel(model), torch.randn(8, 6))
    assert list(report.rows) == ["1.0", "2"]

    def replica(module):
        copy = module._replicate_for_data_parallel()
        for name, child in module._modules.items():
            copy._modules[name] = replica(child)
        copy._parameters = dict(module._parameters)
        return copy

    listener = Collector(Measures(rows=32))
    tracker = Tracker(model, listener)
    tracker.attach()
    parts = [torch.randn(5, 6), torch.randn(3, 6)]
    threads = [threading.Thread(target=replica(model), args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tracker.detach()
    assert {s.name: (s.calls, s.moments.rows) for s in listener.sites.values()} == {
        "1.0": (2, 8),
        "2": (2, 8),
    }


def test_threads_that_call_the_root_with_gradients() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.GELU())
    listener = Collector(Measures(rows=0, pairs=False))
    tracker = Tracker(model, listener)
    tracker.attach()
    threads = [
        threading.Thread(
            target=lambda: [model(torch.randn(4, 8)).sum().backward() for _ in range(5)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tracker.detach()
    assert {s.name: s.calls for s in listener.sites.values()} == {"1": 20, "3": 20}
    assert [s.gradient.state()["batches"] for s in listener.sites.values()] == [20, 20]


class Normed(nn.Module):
    """Weights that stand behind a norm, a sum, a view, a matrix product by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.again, self.norm2 = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 4, 2)
        self.weight, self.bias = nn.Parameter(torch.randn(4, 20)), nn.Parameter(torch.zeros(20))
        self.fc, self.ln = nn.Linear(20, 5), nn.LayerNorm(5)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        x = F.relu(x + self.norm2(self.again(x)))
        x = F.relu(self.up(x)).mean((2, 3))
        x = torch.addmm(self.bias, x.view(-1, 4), self.weight).view(-1, 2, 20)
        return F.gelu(self.ln(self.fc(F.gelu(x))))


def test_the_weight_before_a_site_is_found_behind_norms_and_views() -> None:
    model = Normed().train()
    step = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, every=1) as w:
        for _ in range(2):
            step.zero_grad()
            model(torch.randn(4, 3, 6, 6)).square().mean().backward()
            step.step()
    rows = w.table[w.table["step"] == 0]
    names = ["conv.weight", "again.weight", "up.weight", "weight", "fc.weight"]
    assert rows["weight"].tolist() == names
    assert rows["update"].gt(0).all()
    table = inspect(model, torch.randn(4, 3, 6, 6)).table
    sizes = table["sigma_w"].tolist()
    assert np.isnan([sizes[0], sizes[1], sizes[4]]).all()  # a norm or a sum stands between
    fan = {"up.weight": (model.up.weight, 32), "weight": (model.weight, 4)}
    for size, (weight, fan_in) in zip(sizes[2:4], fan.values(), strict=True):
        assert size == pytest.approx(float(weight.detach().square().mean()) ** 0.5 * fan_in**0.5)
