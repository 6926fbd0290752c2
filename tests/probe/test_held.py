"""What a forward does to its own model is undone: attributes, parameters, buffers, its inputs."""

from __future__ import annotations

import collections
import copy
import gc
import io
import random
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from actscope.probe import inspect, swap, watch
from actscope.probe.held import Held


class Fickle(nn.Module):
    """A model whose forward changes it, in the way that `change` says.

    Args:
        change: called with the model and the hidden layer, in the middle of the forward.
        prepare: called with the model once.
    """

    def __init__(self, change, prepare=None) -> None:
        super().__init__()
        self.fc, self.out = nn.Linear(4, 8), nn.Linear(8, 2)
        self.register_buffer("none", None)
        self.register_buffer("seen", torch.tensor([0.0, -0.0, float("nan")]))
        self.register_buffer("loose", torch.zeros(3), persistent=False)
        self.count, self.cache, self.kept, self.ring = 0, [1], {}, collections.deque([1], 2)
        self.nested, self.names = {"a": [{"b": []}]}, {"x"}
        self.plain = torch.zeros(3)
        self.hidden = [nn.BatchNorm1d(8)]  # no child of the model
        self.noise = torch.Generator().manual_seed(1)
        self.rng, self.old, self.python = (
            np.random.default_rng(0), np.random.RandomState(0), random.Random(0),
        )  # fmt: skip
        if prepare is not None:
            prepare(self)
        object.__setattr__(self, "change", change)

    def forward(self, x):
        h = torch.relu(self.fc(x))
        self.change(self, h)
        return self.out(h)


def _assign(name: str, value):
    return lambda m, h: setattr(m, name, value(m, h))


def _in_place(call):
    def change(m, h):
        with torch.no_grad():
            call(m, h)

    return change


CHANGES = {
    "counter": _assign("count", lambda m, h: m.count + 1),
    "new attribute": _assign("last", lambda m, h: h),
    "attribute removed": lambda m, h: m.__dict__.pop("count", None),
    "list": lambda m, h: m.cache.append(h),
    "dict": lambda m, h: m.kept.update(h=h),
    "dict in a list in a dict": lambda m, h: m.nested["a"][0]["b"].append(h),
    "set": lambda m, h: m.names.add("y"),
    "deque": lambda m, h: m.ring.append(h),
    "plain tensor": lambda m, h: m.plain.add_(1.0),
    "plain tensor by index": lambda m, h: m.plain.__setitem__(0, 5.0),
    "plain tensor through a view": lambda m, h: m.plain[1:].fill_(2.0),
    "out=": lambda m, h: torch.add(torch.ones(3), 1.0, out=m.plain),
    "a module that is no child": lambda m, h: m.hidden[0](h),
    "torch's generator": lambda m, h: torch.rand(3, generator=m.noise),
    "NumPy's generators": lambda m, h: (m.rng.random(), m.old.rand()),
    "Python's generator": lambda m, h: m.python.random(),
    "buffer to 0.0": lambda m, h: m.seen.mul_(1.0).add_(0.0),
    "buffer replaced": _assign("loose", lambda m, h: torch.ones(5)),
    "buffer that was None": _assign("none", lambda m, h: h.detach().mean(0)),
    "new buffer": lambda m, h: m.register_buffer("made", torch.ones(1), persistent=False),
    "buffer's memory replaced": lambda m, h: setattr(m.loose, "data", torch.ones(9)),
    "buffer resized": lambda m, h: m.loose.resize_(7),
    "weight in place": _in_place(lambda m, h: m.out.weight.mul_(0.5)),
    "weight through data": lambda m, h: m.fc.bias.data.add_(1.0),
    "weight's data replaced": lambda m, h: setattr(m.fc.weight, "data", m.fc.weight.data * 2.0),
    "weights in a list": _in_place(lambda m, h: torch._foreach_mul_([m.fc.bias, m.out.bias], 3.0)),
    "weight replaced": lambda m, h: setattr(m.fc, "bias", nn.Parameter(torch.ones(8))),
    "new weight": lambda m, h: m.register_parameter("made", nn.Parameter(torch.ones(1))),
    "frozen": lambda m, h: m.fc.bias.requires_grad_(False),
    "mode": lambda m, h: m.eval(),
    "gradient": lambda m, h: setattr(m.fc.bias, "grad", torch.ones(8)),
    "child replaced": lambda m, h: setattr(m, "out", nn.Linear(8, 2)),
    "module's hook": lambda m, h: m.out.register_forward_hook(lambda *_: None, always_call=True),
    "state dict's hook": lambda m, h: m.register_state_dict_post_hook(lambda *_: None),
    "weight's hook": lambda m, h: m.fc.weight.register_hook(lambda g: None),
    "weight's later hook": lambda m, h: m.fc.weight.register_post_accumulate_grad_hook(print),
    "grad mode": lambda m, h: torch._C._set_grad_enabled(False),
    "default type": lambda m, h: torch.set_default_dtype(torch.float64),
}  # fmt: skip


def state_of(value, depth: int = 0):
    """Everything that a module holds: which objects, their numbers, what is in containers."""
    if isinstance(value, nn.Module):
        held = {k: state_of(v, depth + 1) for k, v in vars(value).items()}
        return type(value), id(value), list(held), held
    if isinstance(value, torch.Tensor):
        hooks = [list((getattr(value, n) or {}).items()) for n in
                 ("_backward_hooks", "_post_accumulate_grad_hooks")]  # fmt: skip
        numbers = value.detach().clone().numpy().tobytes()
        return (id(value), numbers, value.shape, value._version, hooks,
                value.requires_grad, id(value.grad), value.untyped_storage()._cdata)  # fmt: skip
    if isinstance(value, torch.Generator):
        return value.get_state().numpy().tobytes()
    if isinstance(value, dict):
        return id(value), [(k, state_of(v, depth + 1)) for k, v in value.items()]
    if isinstance(value, (list, tuple, set, collections.deque)):
        return id(value), [state_of(v, depth + 1) for v in value]
    states = {
        np.random.Generator: lambda v: str(v.bit_generator.state),
        np.random.RandomState: lambda v: str(v.get_state()),
        random.Random: lambda v: v.getstate(),
    }
    return next((get(value) for kind, get in states.items() if isinstance(value, kind)), value)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_what_a_forward_changes_is_undone(change: str, fails: bool) -> None:
    def change_and_fail(m, h):
        CHANGES[change](m, h)
        if fails:
            raise RuntimeError("the user's own")

    model, x, y = Fickle(change_and_fail), torch.randn(6, 4), torch.zeros(6).long()
    before = state_of(model)
    settings = torch.is_grad_enabled(), torch.get_default_dtype()
    try:
        loss = None if change == "grad mode" else "cross_entropy"
        inspect(model, [(x, y), (x, y)], loss=loss)
    except RuntimeError as error:
        assert fails, error
    assert (torch.is_grad_enabled(), torch.get_default_dtype()) == settings
    assert state_of(model) == before
    CHANGES[change](model, torch.zeros(6, 8))  # and the change is one that `state_of` sees
    seen = state_of(model), (torch.is_grad_enabled(), torch.get_default_dtype())
    torch._C._set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    assert seen != (before, settings)


def test_a_lazy_model_stays_lazy() -> None:
    make = lambda: nn.Sequential(
        nn.LazyLinear(8), nn.ReLU(), nn.LazyBatchNorm1d(), nn.LazyLinear(2)
    )
    model, twin, x = make(), make(), torch.randn(5, 4)
    assert inspect(model, x, torch.zeros(5).long(), "cross_entropy").table["units"].tolist() == [8]
    assert [type(m) for m in model] == [type(m) for m in twin]
    assert [type(p) for p in model.parameters()] == [type(p) for p in twin.parameters()]
    state = torch.get_rng_state()
    outputs = []
    for one in (model, twin):
        torch.set_rng_state(state)
        outputs.append(one(x))
    assert torch.equal(*outputs)
    assert [type(m) for m in model] == [nn.Linear, nn.ReLU, nn.BatchNorm1d, nn.Linear]


def test_renormed_embeddings_and_inputs_that_are_overwritten() -> None:
    model = nn.Sequential(nn.Embedding(9, 4, max_norm=0.1), nn.ReLU(inplace=True), nn.Linear(4, 2))
    before = state_of(model)
    inspect(model, torch.arange(9))
    assert state_of(model) == before
    x = torch.randn(5, 4)
    kept = x.clone()
    overwriting = nn.Sequential(nn.GELU(), nn.ReLU(inplace=True))
    overwriting[0].forward = lambda x: x.mul_(2.0)
    report = inspect(overwriting, [x, x])
    assert torch.equal(x, kept)
    np.testing.assert_allclose(report.rows["1"]["most"], 2.0 * float(x.max()), rtol=1e-6)
    swap(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)), {"relu": "gelu"}, data=x)
    assert torch.equal(x, kept)


def test_gradients_of_the_users_own_backward_pass() -> None:
    """A loss that calls backward, a reentrant checkpoint, a graph that waits for its backward."""
    from torch.utils.checkpoint import checkpoint

    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    x, y = torch.randn(6, 4, requires_grad=True), torch.zeros(6).long()
    F.cross_entropy(model(x), y).backward()
    before, kept = state_of(model), x.grad.clone()

    def loss(out, labels):
        F.cross_entropy(out, labels).backward(retain_graph=True)
        return F.cross_entropy(out, labels)

    inspect(model, x, y, loss)
    assert state_of(model) == before
    whole = Fickle(lambda m, h: None)
    whole.forward = lambda x: checkpoint(model, x, use_reentrant=True)
    whole.inner = model
    before = state_of(model)
    inspect(whole, x, y, "cross_entropy")
    assert state_of(model) == before
    assert torch.equal(x.grad, kept)
    waiting = model.eval()(x).sum()
    inspect(model.train(), x)
    waiting.backward()  # the running statistics that it saved are as they were


@pytest.mark.filterwarnings("ignore:.*(sparse|Sparse|quantiz).*")
def test_buffers_of_all_kinds() -> None:
    model = Fickle(lambda m, h: m.bits.logical_not_())
    model.register_buffer("bits", torch.tensor([True, False]))
    for name, tensor in {
        "float8": torch.randn(4).to(torch.float8_e4m3fn),
        "complex": torch.randn(3, dtype=torch.complex64),
        "sparse": torch.eye(3).to_sparse(),
        "rows": torch.eye(3).to_sparse_csr(),
        "meta": torch.zeros(3, device="meta"),
        "shared": model.seen[1:],
    }.items():
        model.register_buffer(name, tensor)
    inspect(model, torch.randn(5, 4))
    assert model.bits.tolist() == [True, False]


def test_a_model_made_in_inference_mode() -> None:
    with torch.inference_mode():
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
    assert inspect(model.eval(), torch.randn(8, 4)).rows["2"]["rows"] == 8
    with torch.inference_mode():
        inspect(model.train(), torch.randn(8, 4))
    assert model[1].num_batches_tracked == 0


def test_an_inspection_in_another_thread_keeps_its_hooks() -> None:
    """What is put back are the user's hooks, not those of trackers that came or went meanwhile."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    with watch(model, every=1) as first:
        held = Held(model.modules())
    second = watch(model, every=1)
    with second:
        held.restore()
        assert len(model._forward_hooks) == len(model._forward_pre_hooks) == 1
        assert len(model._forward_hooks_always_called) == 1
        model(torch.randn(3, 4))
    assert (len(first.history), len(second.history)) == (0, 1)
    assert state_of(model) == state_of(model)
    assert "__getstate__" not in vars(model)
    assert not model._forward_hooks
    assert not model._forward_hooks_always_called
    assert not model._forward_pre_hooks_with_kwargs


class Stateful(nn.Linear):
    """A class with a state of its own."""

    def __getstate__(self):
        return {**self.__dict__, "saved": True}


@pytest.mark.parametrize("make", [lambda: Stateful(4, 8), lambda: nn.Linear(4, 8)])
def test_the_hooks_of_a_watch_do_not_travel(make) -> None:
    inner = make()
    outer = nn.Sequential(inner, nn.ReLU())
    calls = []
    inner.register_forward_hook(_note)
    with watch(inner, every=1) as w, watch(inner, every=2):
        inner(torch.randn(3, 4))
        file = io.BytesIO()
        torch.save(outer, file)
        file.seek(0)
        copies = [copy.copy(inner), copy.deepcopy(outer)[0],
                  torch.load(file, weights_only=False)[0]]  # fmt: skip
        for one in copies:
            assert list(one._forward_hooks.values()) == [_note]
            assert not one._forward_pre_hooks
            assert not one._forward_hooks_always_called
            assert "__getstate__" not in vars(one)
            assert vars(one).get("saved") == (True if isinstance(one, Stateful) else None)
            one(torch.randn(2, 4))
        inner(torch.randn(3, 4))
    assert sorted(w.table["step"].unique()) == [] or calls == []
    assert w.step == 1
    assert "__getstate__" not in vars(inner)


def _note(*_):
    """A hook of the user's."""


def test_an_exported_model_is_copied_without_its_watch() -> None:
    model = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 8), nn.ReLU()))
    with watch(model, every=1) as w:
        twin = copy.deepcopy(model)
        twin(torch.randn(3, 4))
    assert w.step == -1


def test_a_pickle_from_inside_a_watch_needs_no_actscope(tmp_path: Path) -> None:
    model = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 8), nn.ReLU()))
    with watch(model, every=1):
        torch.save(nn.Sequential(model, nn.Linear(8, 2)), tmp_path / "model.pt")
        torch.save(nn.Sequential(nn.Linear(4, 8)), tmp_path / "plain.pt")
    for name in ("model.pt", "plain.pt"):
        code = (
            "import sys, torch; sys.modules['actscope'] = None; "
            f"m = torch.load({str(tmp_path / name)!r}, weights_only=False); m(torch.ones(2, 4))"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_kept_alive() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    x = torch.randn(6, 4)
    refs = [weakref.ref(o) for o in (model, x, model[0].weight)]
    report = inspect(model, x, torch.zeros(6).long(), "cross_entropy")
    with watch(model, every=1) as w:
        for _ in range(2):
            model(x).sum().backward()
        del x
        assert refs[1]() is None
    rows = w.history
    del model, w
    gc.collect()
    assert [r() for r in refs] == [None] * 3
    assert (report.rows["1"]["rows"], len(rows)) == (6, 2)


def test_an_inspection_inside_a_watch_is_no_step() -> None:
    model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU()), torch.randn(6, 4)
    with watch(model, every=1) as w:
        for _ in range(3):
            model(x).sum().backward()
            inspect(model, x)
            other = threading.Thread(target=lambda: model(x))  # another thread's pass is one
        other.start()
        other.join()
    assert w.table["step"].tolist() == [0, 1, 2, 3]


def test_two_watches_of_one_model_see_the_same() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.act = nn.Linear(4, 8), nn.GELU()

        def forward(self, x):
            h = self.fc(x)
            return self.act(h * torch.sigmoid(h))

    model = Gated()
    with watch(model, every=1, geometry=True) as a, watch(model, every=1, geometry=True) as b:
        for _ in range(2):
            model(torch.randn(8, 4)).sum().backward()
    columns = [c for c in a.table.columns if c not in ("share",)]
    assert a.table["site"].tolist() == [":silu", "act"] * 2
    assert a.table[columns].equals(b.table[columns])
