"""Watching a training: which steps, what is measured, where it goes, and that nothing changes."""

from __future__ import annotations

import copy
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.errors import InputError, OutputError
from actscope.probe import inspect, watch


def train(model: nn.Module, steps: int = 7, lr: float = 0.1) -> list[float]:
    data = torch.Generator().manual_seed(1)
    optimiser = torch.optim.SGD(model.parameters(), lr)
    losses = []
    for _ in range(steps):
        x, y = torch.randn(32, 6, generator=data), torch.randint(0, 3, (32,), generator=data)
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def net() -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3)
    )


@pytest.mark.parametrize("geometry", [False, True])
def test_training_is_bit_identical(geometry: bool) -> None:
    model = net()
    twin = copy.deepcopy(model)
    state = torch.get_rng_state()
    with watch(model, every=3, geometry=geometry) as w:
        losses = train(model)
    after = torch.get_rng_state()
    torch.set_rng_state(state)
    assert train(twin) == losses
    assert torch.equal(torch.get_rng_state(), after)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(p, q)
        assert torch.equal(p.grad, q.grad)
    assert w.table["step"].tolist() == [0, 0, 3, 3, 6, 6]
    assert not model._forward_hooks
    assert not model._forward_pre_hooks
    module = torch.nn.modules.module
    assert not module._global_forward_hooks


def test_the_numbers_are_those_of_an_inspection() -> None:
    model = net().eval()
    data = torch.Generator().manual_seed(1)
    x, y = torch.randn(32, 6, generator=data), torch.randint(0, 3, (32,), generator=data)
    report = inspect(model, x, y, "cross_entropy")
    with watch(model, every=1, geometry=True, only_training=False) as w:
        F.cross_entropy(model(x), y).backward()
    table = w.table.set_index("site")
    for column in ("mean", "std", "zeros", "dead", "gradient", "gradient_ratio", "rank"):
        np.testing.assert_allclose(
            table[column].astype(float), report.table[column].astype(float), rtol=1e-6
        )


def test_updates_are_the_optimisers() -> None:
    model = net()
    before = model[3].weight.detach().clone()
    with watch(model, every=1) as w:
        train(model, 1, lr=0.3)
        moved = (model[3].weight.detach() - before).norm() / before.norm()
    row = w.table.set_index("site").loc["4"]
    assert row["weight"] == "3.weight"
    assert row["update"] == pytest.approx(float(moved), rel=1e-5)


def test_evaluation_between_steps_is_not_counted() -> None:
    model = net()
    with watch(model, every=2) as w:
        for _ in range(4):
            train(model, 1)
            model.eval()
            model(torch.randn(2, 6))
            model.train()
    assert sorted(set(w.table["step"])) == [0, 2]
    assert w.table["rows"].unique().tolist() == [32]


def test_an_error_in_the_loop_leaves_nothing_behind() -> None:
    model = net()
    with pytest.raises(RuntimeError, match="shapes"), watch(model, every=1):
        model(torch.randn(2, 7))
    assert torch.overrides._get_current_function_mode_stack() == []
    assert not model._forward_hooks
    assert not torch.nn.modules.module._global_forward_hooks
    train(model, 1)


def test_no_growth_per_step() -> None:
    """What a look leaves behind is rows of numbers, not tensors."""
    import gc

    model = net()
    tensors = lambda: sum(type(o) is torch.Tensor for o in gc.get_objects())
    with watch(model, every=1):
        train(model, 3)
        gc.collect()
        early = tensors()
        train(model, 30)
        gc.collect()
        assert tensors() <= early + 2


def test_sinks(tmp_path: Path) -> None:
    model, seen = net(), []
    path = tmp_path / "run.parquet"
    with watch(
        model, every=2, to=[str(path), lambda step, rows: seen.append((step, len(rows)))]
    ) as w:
        train(model, 5)
    assert seen == [(0, 2), (2, 2), (4, 2)]
    table = pd.read_parquet(path)
    np.testing.assert_allclose(table["mean"], w.table["mean"])
    assert table["site"].tolist() == w.table["site"].tolist()
    assert list(tmp_path.iterdir()) == [path]


def test_a_parquet_file_in_a_new_folder_and_in_none(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "1.parquet"
    with watch(net(), to=str(path)) as w:
        train(w.root, 1)
    assert pd.read_parquet(path)["step"].dtype == int
    before = path.read_bytes()
    watch(net(), to=str(path))  # one that was never entered
    assert path.read_bytes() == before
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):  # before the training
        watch(net(), to=str(tmp_path / "file" / "2.parquet"))


def test_rows_that_wait_are_written_when_python_ends(tmp_path: Path) -> None:
    """A trainer that raises leaves its callbacks open."""
    code = f"""
from pathlib import Path
from actscope.probe.sinks import Parquet
sink = Parquet(Path({str(tmp_path / "run.parquet")!r}))
for step in range(50):
    sink.write(step, [{{"step": step, "site": "a", "mean": 0.5}}])
assert sink.unwritten
raise RuntimeError
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 1
    assert pd.read_parquet(tmp_path / "run.parquet")["step"].tolist() == list(range(50))


@pytest.mark.parametrize(
    ("steps", "every", "looks"),
    [
        (range(5, 13), 3, [6, 9, 12]),
        (range(5, 21, 2), 4, [9, 13, 17]),
        (range(0, 21, 2), 5, [0, 6, 10, 16, 20]),
    ],
)
def test_a_clock_that_starts_late_or_jumps(steps: range, every: int, looks: list[int]) -> None:
    """Looks are at the multiples of `every`, or at the next step there is behind one."""
    model, clock = net(), {}
    with watch(model, every=every, clock=lambda: clock["step"]) as w:
        for clock["step"] in steps:
            model(torch.randn(3, 6))
    assert sorted(set(w.table["step"])) == looks


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    with watch(net(), every=2, to=f"tensorboard:{tmp_path}") as w:
        train(w.root, 3)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path)).Reload()
    values = [(e.step, e.value) for e in events.Scalars("1/mean")]
    expected = w.table[w.table["site"] == "1"]
    assert [s for s, _ in values] == expected["step"].tolist()
    np.testing.assert_allclose([v for _, v in values], expected["mean"], rtol=1e-6)


def test_what_cannot_be_used_is_said() -> None:
    with pytest.raises(InputError, match="at least 1"):
        watch(net(), every=0)
    with pytest.raises(InputError, match=r"expected file\.parquet"):
        watch(net(), to="somewhere")
    with pytest.raises(InputError, match=r"torch\.nn\.Module"):
        watch(3)


def test_a_kill_leaves_a_parquet_file_that_can_be_read(tmp_path: Path) -> None:
    code = f"""
import os, signal, torch
from torch import nn
from actscope.probe import watch
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
with watch(model, every=1, to={str(tmp_path / "run.parquet")!r}):
    for step in range(40):
        model(torch.ones(3, 4)).sum().backward()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    steps = pd.read_parquet(tmp_path / "run.parquet")["step"].tolist()
    assert steps == list(range(len(steps)))
    assert steps


def test_a_run_of_weights_and_biases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the training's steps: the run's own counts every call of `log`, the user's too."""
    logged, defined = [], []
    fake = types.ModuleType("wandb")
    fake.run = types.SimpleNamespace(
        log=logged.append, define_metric=lambda name, step_metric: defined.append(step_metric)
    )
    monkeypatch.setitem(sys.modules, "wandb", fake)
    model = net()
    with watch(model, every=2, to="wandb") as w:
        train(model, 3)
    assert defined == ["actscope/step"]
    assert [entry["actscope/step"] for entry in logged] == [0, 2]
    assert all(name.startswith("actscope/") for name in logged[1])
    assert logged[1]["actscope/1/mean"] == w.table.set_index(["step", "site"]).loc[(2, "1"), "mean"]
    fake.run = None
    with pytest.raises(InputError, match=r"call wandb\.init"):
        watch(model, to="wandb")
