"""A model is the same after inspection as before, to the bit, whatever happens in between."""

from __future__ import annotations

import copy
import dataclasses
import random
import traceback

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.errors import InputError
from actscope.probe import inspect


class Model(nn.Module):
    """Batch norm, dropout, composed and in-place activations, a tied weight, a frozen one."""

    def __init__(self, fail: bool = False) -> None:
        super().__init__()
        self.a, self.norm = nn.Linear(6, 12), nn.BatchNorm1d(12)
        self.act, self.drop = nn.ReLU(inplace=True), nn.Dropout(0.3)
        self.b, self.c = nn.Linear(12, 12), nn.Linear(12, 3)
        self.b2 = nn.Linear(12, 12)
        self.b2.weight = self.b.weight
        self.a.bias.requires_grad_(False)
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("bad", torch.tensor([float("nan"), 1.0]))
        self.fail = fail

    def forward(self, x):
        self.seen += 1
        random.random()
        np.random.rand()  # noqa: NPY002 - what a user's model may do
        x = self.drop(self.act(self.norm(self.a(x))))
        y = self.b(x)
        x = x + y * torch.sigmoid(y)
        x = F.gelu(self.b2(x)) + x
        x += y
        if self.fail:
            raise RuntimeError("the user's own")
        return self.c(x)


def snapshot(model: nn.Module) -> dict[str, object]:
    hooks = (
        "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
        "_forward_hooks_always_called", "_forward_hooks_with_kwargs",
        "_forward_pre_hooks_with_kwargs",
    )  # fmt: skip
    module = torch.nn.modules.module
    return {
        "state": {k: v.numpy().tobytes() for k, v in model.state_dict().items()},
        "buffers": [id(b) for b in model.buffers()],
        "parameters": [id(p) for p in model.parameters()],
        "grads": [
            None if p.grad is None else (id(p.grad), p.grad.numpy().tobytes())
            for p in model.parameters()
        ],
        "wanted": [p.requires_grad for p in model.parameters()],
        "modes": [m.training for m in model.modules()],
        "hooks": [{h: dict(getattr(m, h)) for h in hooks} for m in model.modules()],
        "global": (dict(module._global_forward_hooks), dict(module._global_forward_pre_hooks)),
        "names": [sorted(vars(m)) for m in model.modules()],
        "rng": torch.get_rng_state().numpy().tobytes(),
        "python": random.getstate(),
        "numpy": repr(np.random.get_state()),  # noqa: NPY002
        "modes of torch": len(torch.overrides._get_current_function_mode_stack()),
    }


def _trained(model: nn.Module) -> nn.Module:
    model(torch.randn(8, 6)).sum().backward()
    return model


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("loss", [None, "cross_entropy"])
def test_nothing_changes(training: bool, loss: str | None) -> None:
    model = _trained(Model()).train(training)
    x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
    before = snapshot(model)
    report = inspect(model, x, y, loss)
    assert list(report.rows) == ["act", ":silu", ":gelu"]
    assert snapshot(model) == before


def test_what_follows_is_bit_identical() -> None:
    """A training step after an inspection against one without."""
    model = _trained(Model())
    twin = copy.deepcopy(model)
    state = torch.get_rng_state()
    x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
    torch.set_rng_state(state)
    inspect(model, x, y, "cross_entropy")
    results = []
    for m in (model, twin):
        torch.set_rng_state(state)
        m.zero_grad()
        out = m(x)
        F.cross_entropy(out, y).backward()
        results.append([out, *(p.grad for p in m.parameters() if p.grad is not None), *m.buffers()])
    for a, b in zip(*results, strict=True):
        assert a.detach().numpy().tobytes() == b.detach().numpy().tobytes()


@pytest.mark.parametrize("where", ["forward", "loss", "hook", "data"])
def test_nothing_changes_when_something_raises(where: str) -> None:
    model = Model(fail=True) if where == "forward" else _trained(Model())
    x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
    loss = "cross_entropy"
    if where == "loss":

        def loss(out, labels):
            raise RuntimeError("the user's own")

    if where == "hook":

        def hook(module, args):
            raise RuntimeError("the user's own")

        model.b.register_forward_pre_hook(hook)

    def data():
        yield x, y
        if where == "data":
            raise RuntimeError("the user's own")

    before = snapshot(model)
    with pytest.raises(RuntimeError, match="the user's own"):
        inspect(model, data(), loss=loss)
    assert snapshot(model) == before


def test_an_interrupt_leaves_no_mode_behind() -> None:
    class Stopped(nn.Module):
        def forward(self, x):
            torch.relu(x)
            raise KeyboardInterrupt

    model, x = Stopped(), torch.randn(2, 2)
    before = snapshot(model)
    with pytest.raises(KeyboardInterrupt):
        inspect(model, x)
    assert snapshot(model) == before


def test_hooks_of_the_user_stay_and_run() -> None:
    model, calls, x = Model().eval(), [], torch.randn(4, 6)
    model.act.register_forward_hook(lambda *_: calls.append("hook"))
    before = snapshot(model)
    inspect(model, x)
    assert calls == ["hook"]
    assert snapshot(model) == before


def test_an_optimiser_inside_the_backward_pass_does_not_step() -> None:
    model = Model()
    for p in model.parameters():
        if p.requires_grad:
            p.register_post_accumulate_grad_hook(lambda p: p.data.add_(1.0))
    x, y = torch.randn(8, 6), torch.randint(0, 3, (8,))
    before = snapshot(model)
    report = inspect(model, x, y, "cross_entropy")
    assert report.table["gradient"].gt(0).all()
    assert snapshot(model) == before


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_number_types(dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 4), nn.Tanh()).to(dtype)
    x, y = torch.randn(32, 8).to(dtype), torch.randint(0, 4, (32,))
    report = inspect(model, x, y, "cross_entropy")
    assert {p.dtype for p in model.parameters()} == {dtype}
    assert report.table["dtype"].unique().tolist() == [str(dtype).removeprefix("torch.")]
    assert report.table["activation"].tolist() == ["gelu", "tanh"]
    assert np.isfinite(report.table[["mean", "std", "rank", "gradient"]].to_numpy(float)).all()


def test_under_autocast_no_grad_and_inference_mode() -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 4))
    x, y = torch.randn(32, 8), torch.randint(0, 4, (32,))
    with torch.autocast("cpu", torch.bfloat16):
        report = inspect(model, x, y, "cross_entropy")
    assert report.table.loc["1", "dtype"] == "bfloat16"
    assert report.table.loc["1", "gradient"] > 0
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            report = inspect(model, x, y, "cross_entropy")
        assert np.isnan(report.table.loc["1", "gradient"])
        assert report.table.loc["1", "second_expected"] > 0


@dataclasses.dataclass
class Out:
    logits: torch.Tensor
    hidden: dict[str, list[torch.Tensor]]


def test_containers_dataclasses_and_dynamic_shapes() -> None:
    class Boxed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.out = nn.Linear(5, 7), nn.Linear(7, 2)

        def forward(self, batch):
            h = F.silu(self.fc(batch["x"][0]))
            return Out(self.out(h.mean(1)), {"all": [h]})

    loader = [({"x": [torch.randn(n, t, 5)]}, torch.zeros(n).long()) for n, t in ((4, 3), (2, 9))]
    model = Boxed()
    batches = [((x,), y) for x, y in loader]
    report = inspect(_Positional(model), batches, loss="cross_entropy")
    assert report.table.loc["model:silu", ["rows", "units", "calls"]].tolist() == [30, 7, 2]
    assert report.table.loc["model:silu", "gradient"] > 0


class _Positional(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *args):
        return self.model(*args)


def test_empty_batches() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    report = inspect(model, [torch.randn(0, 4), torch.randn(5, 4), torch.randn(0, 4)])
    assert report.table.loc["1", ["rows", "calls"]].tolist() == [5, 3]
    report = inspect(model, torch.randn(0, 4))
    assert report.table.loc["1", "rows"] == 0
    report.to_json()
    str(report)


def test_what_cannot_be_used_is_said() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    with pytest.raises(InputError, match=r"expected a torch\.nn\.Module"):
        inspect(lambda x: x, torch.randn(2, 4))
    with pytest.raises(InputError, match="expected a tensor"):
        inspect(model, 3)
    with pytest.raises(InputError, match="without labels"):
        inspect(model, torch.randn(2, 4), loss="mse")
    with pytest.raises(InputError, match="expected one of cross_entropy"):
        inspect(model, torch.randn(2, 4), torch.zeros(2), loss="mes")
    with pytest.raises(InputError, match="no batch"):
        inspect(model, [])
    with pytest.raises(InputError, match="did you mean 'dead_units'"):
        inspect(model, torch.randn(2, 4), select=["dead_unit"])
    with pytest.raises(InputError, match="no threshold"):
        inspect(model, torch.randn(2, 4), thresholds={"dead_units.part": 0.1})
    with pytest.raises(InputError, match="expected a dimension"):
        inspect(model, torch.randn(2, 4), units=7)


class Everything(nn.Module):
    """Dropout, a tied layer, a loop over time, a checkpoint, containers in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.inp, self.rec, self.out = nn.Linear(5, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.tied = nn.Linear(8, 8)
        self.tied.weight = self.rec.weight
        self.act, self.drop = nn.GELU(), nn.Dropout(0.4)
        self.kinds = nn.ModuleDict({"list": nn.ModuleList([nn.Sequential(nn.Linear(8, 8))])})

    def forward(self, batch):
        from torch.utils.checkpoint import checkpoint

        x = batch["x"][0]
        h = torch.zeros(x.shape[0], 8, dtype=x.dtype, device=x.device)
        for t in range(x.shape[1]):
            h = torch.tanh(self.inp(x[:, t]) + self.rec(h))
        step = lambda y: F.silu(self.tied(self.act(y)))
        h = checkpoint(step, self.drop(h), use_reentrant=False)
        h = F.relu(self.kinds["list"][0](self.act(h)), inplace=True)
        return Out(self.out(h), {"all": [h]})


DEVICES = ["cpu"]
if torch.cuda.is_available():
    DEVICES.append("cuda")
if torch.backends.mps.is_available():
    DEVICES.append("mps")
SETTINGS = {
    "float32": (torch.float32, None),
    "float64": (torch.float64, None),
    "bfloat16": (torch.bfloat16, None),
    "float16": (torch.float16, None),
    "autocast": (torch.float32, torch.bfloat16),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_inspected_run_is_the_plain_run(setting: str, wrapped: bool, device: str) -> None:
    """Outputs and gradients, over batches of several lengths, one empty and one with NaN."""
    dtype, cast = SETTINGS[setting]
    if device == "mps" and dtype == torch.float64:
        pytest.skip("MPS has no float64")
    model = Everything().to(device, dtype)
    data = [torch.randn(n, t, 5).to(device, dtype) for n, t in ((6, 3), (2, 5), (0, 2), (4, 1))]
    data[1][0, 0, 0] = float("nan")
    labels = [torch.zeros(len(x)).long().to(device) for x in data]
    seen: list[bytes] = []

    def loss(out, target):
        seen.append(out.logits.detach().float().cpu().numpy().tobytes())
        return F.cross_entropy(out.logits.float(), target, reduction="sum")

    def keep(gradient):
        seen.append(gradient.float().cpu().numpy().tobytes())

    for parameter in model.parameters():
        parameter.register_hook(keep)
    whole = nn.DataParallel(model) if wrapped and device == "cpu" else model
    runs = []
    state = torch.get_rng_state()
    with torch.autocast(device, cast or torch.bfloat16, enabled=cast is not None):
        for look in (False, True):
            torch.set_rng_state(state)
            seen.clear()
            if look:
                batches = [(({"x": [x]},), y) for x, y in zip(data, labels, strict=True)]
                report = inspect(whole, batches, loss=loss, rows=16)
            else:
                for x, y in zip(data, labels, strict=True):
                    wanted = list(model.parameters())
                    torch.autograd.grad(loss(model({"x": [x]}), y), wanted, allow_unused=True)
            runs.append(list(seen))
    assert runs[0] == runs[1]
    assert len(runs[0]) > len(data)
    # 3 + 5 + 2 + 1 steps: the longest loop names five
    assert sum(":tanh" in site for site in report.rows) == 5
    assert [report.rows[s]["activation"] for s in ("act", "act#2", ":silu", ":relu")] == [
        "gelu",
        "gelu",
        "silu",
        "relu",
    ]
    assert report.rows["act"]["calls"] == 4


def test_inspections_in_threads_leave_nothing_behind() -> None:
    """Several at once, of one model and of others: no hooks, no modes, the compiler's stance."""
    import threading

    shared, errors = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2)), []

    def run() -> None:
        try:
            for model, count in ((shared, 1), (Model().eval(), 3)):
                assert len(inspect(model, torch.randn(4, 6), full=False).rows) == count
        except BaseException as error:
            errors.append(error)

    before = snapshot(shared)
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [], "".join(traceback.format_exception(errors[0])) if errors else ""
    after = snapshot(shared)
    for name in ("hooks", "global", "modes of torch", "modes", "wanted"):
        assert after[name] == before[name]
    assert torch._C._len_torch_dispatch_stack() == 0
    assert torch._dynamo.eval_frame._stance.stance == "default"
