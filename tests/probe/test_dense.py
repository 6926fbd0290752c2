"""Tensors of every kind: what can be read is measured, what cannot is said, nothing breaks."""

from __future__ import annotations

import collections
import dataclasses
import random

import numpy as np
import pytest
import torch
import torch.func
import torch.nn.functional as F
from torch import nn

from actscope.errors import InputError
from actscope.probe import inspect, watch
from actscope.probe.batches import batches_of
from actscope.probe.nested import leaves, mapped


class Wrapped(torch.Tensor):
    """A tensor around another, as distributed and quantised ones are."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, dtype=inner.dtype, requires_grad=inner.requires_grad
        )

    def __init__(self, inner) -> None:
        self.inner = inner

    def __repr__(self) -> str:
        return "Wrapped"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        tree = torch.utils._pytree.tree_map
        bare = lambda t: t.inner if isinstance(t, Wrapped) else t
        out = func(*tree(bare, args), **tree(bare, kwargs or {}))
        return tree(lambda t: Wrapped(t) if isinstance(t, torch.Tensor) else t, out)


class Eighth(torch.Tensor):
    """A weight of int8 that knows nothing but F.linear."""

    @staticmethod
    def __new__(cls, whole, step):
        return torch.Tensor._make_wrapper_subclass(cls, whole.shape, dtype=torch.float32)

    def __init__(self, whole, step) -> None:
        self.whole, self.step = whole, step

    def __repr__(self) -> str:
        return "Eighth"

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is F.linear:
            return F.linear(args[0], args[1].whole.float() * args[1].step, *args[2:])
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.detach.default:
            return Eighth(args[0].whole, args[0].step)
        raise NotImplementedError(f"{func} of an Eighth")


class Given(nn.Module):
    """A model with a forward given as a function of (model, x)."""

    def __init__(self, run) -> None:
        super().__init__()
        self.fc, self.out = nn.Linear(4, 8), nn.Linear(8, 2)
        object.__setattr__(self, "run", run)

    def forward(self, x):
        return self.run(self, x)


def _masked(m, x):
    h = torch.masked.masked_tensor(m.fc(x).detach(), torch.ones(len(x), 8).bool())
    return m.out(torch.relu(torch.sigmoid(h).to_tensor(0.0)))


# forward; the activations that are measured; the opaque places, each with a part of what is said
UNREADABLE = {
    "vmap": (
        lambda m, x: m.out(torch.vmap(lambda v: torch.relu(m.fc(v)))(x)), ["relu"], [],
    ),
    "grad": (
        lambda m, x: m.out(F.gelu(m.fc(torch.func.grad(lambda v: torch.tanh(m.fc(v)).sum())(x)))),
        ["tanh", "gelu"], [],
    ),
    "masked": (_masked, ["relu"], ["a MaskedTensor"]),
    "nested": (
        lambda m, x: m.out(torch.relu(m.fc(torch.nested.as_nested_tensor([x, x[:3]])))),
        ["relu"], [],
    ),
    "jagged": (
        lambda m, x: m.out(torch.relu(m.fc(
            torch.nested.as_nested_tensor([x, x[:3]], layout=torch.jagged)))), ["relu"], [],
    ),
    "sparse": (
        lambda m, x: m.out(F.gelu(torch.sparse.mm(torch.tanh(torch.relu(x).to_sparse()),
                                                  m.fc.weight.t()))),
        ["relu", "gelu"], ["layout sparse_coo"],
    ),
    "wrapped": (lambda m, x: torch.relu(Wrapped(m.fc(x).detach())), [], ["a Wrapped"]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch's prototypes
@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_can_be_read_is_measured_and_the_rest_is_said(kind: str) -> None:
    run, measured, hidden = UNREADABLE[kind]
    model, x = Given(run), torch.randn(6, 4)
    loss = None if kind in ("nested", "jagged", "wrapped") else "cross_entropy"
    report = inspect(model, x, torch.zeros(6).long(), loss)
    assert [row["activation"] for row in report.rows.values()] == measured
    said = [opaque.what for opaque in report.opaque]
    assert all(any(part in what for what in said) for part in hidden), said
    assert all(opaque.way_out for opaque in report.opaque)
    with watch(model, every=1, geometry=True) as w:
        model(x)
    assert w.table["activation"].tolist() == measured


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("layout", ["coo", "csr", "complex", "subclass", "wrapped", "nested"])
def test_inputs_of_every_kind(layout: str) -> None:
    x = torch.randn(6, 4)
    makes = {
        "coo": (x.to_sparse(), lambda m, x: torch.sparse.mm(x, m.fc.weight.t())),
        "csr": (x.to_sparse_csr(), lambda m, x: torch.sparse.mm(x, m.fc.weight.t())),
        "complex": (x + 1j, lambda m, x: m.fc(x.conj().imag)),
        "subclass": (x.as_subclass(type("Own", (torch.Tensor,), {})), lambda m, x: m.fc(x)),
        "wrapped": (Wrapped(x), lambda m, x: m.fc(x.inner)),
        "nested": (torch.nested.nested_tensor([x, x]), lambda m, x: m.fc(x[0])),
    }
    data, first = makes[layout]
    report = inspect(Given(lambda m, x: m.out(torch.relu(first(m, x)))), data)
    assert report.rows[":relu"]["rows"] == 6


def test_weights_of_a_class_of_their_own() -> None:
    model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.randn(6, 4)
    for layer in (model[0], model[2]):
        whole = (layer.weight.detach() * 100).to(torch.int8)
        layer.weight = nn.Parameter(Eighth(whole, 0.01), requires_grad=False)
    row = inspect(model, x, torch.zeros(6).long(), "cross_entropy").rows["1"]
    assert row["weight"] == "0.weight"
    assert row["gradient"] > 0
    assert np.isnan(row["sigma_w"])
    with watch(model, every=1) as w:
        model(x).sum().backward()
    assert w.table["update"].isna().all()


def test_a_model_without_numbers_is_refused() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    with pytest.raises(InputError, match="meta device"):
        inspect(model, torch.randn(6, 4))


def test_layouts_in_memory() -> None:
    """Views, expanded and transposed outputs, and the part of a complex number: as NumPy says."""

    def run(m, x):
        h = m.fc(x)
        z = torch.complex(h, 2.0 * h).conj()
        return [torch.relu(h[:1].expand(5, 8)), torch.relu(h.t()), torch.relu(h[::2, ::3]),
                torch.relu(z.imag), torch.relu(h[..., None, None])]  # fmt: skip

    model, x = Given(run), torch.randn(6, 4)
    rows = list(inspect(model, x).rows.values())
    h = model.fc(x).detach().double().numpy()
    expected = [np.tile(h[:1], (5, 1)), h, h[::2, ::3], -2.0 * h, h]  # units follow a transpose
    assert [(r["rows"], r["units"]) for r in rows] == [(5, 8), (6, 8), (3, 3), (6, 8), (6, 8)]
    for row, z in zip(rows, expected, strict=True):
        y = np.maximum(z, 0.0)
        assert row["mean"] == pytest.approx(y.mean(), rel=1e-5)
        assert row["std"] == pytest.approx(y.std(), rel=1e-5)
        assert row["zeros"] == pytest.approx((y == 0.0).mean())


Pair = collections.namedtuple("Pair", ["x", "other"])


@dataclasses.dataclass
class Boxed:
    x: torch.Tensor


class Bag:
    """Keys and values, and no Mapping: as a TensorDict is."""

    def __init__(self, x) -> None:
        self.held = {"x": x}

    def keys(self):
        return self.held.keys()

    def values(self):
        return self.held.values()


class Plain:
    def __init__(self, x) -> None:
        self.x = x


CONTAINERS = {
    "UserDict": (lambda x: collections.UserDict(x=x), lambda b: b["x"]),
    "named tuple": (lambda x: Pair(x, 3), lambda b: b.x),
    "dataclass": (Boxed, lambda b: b.x),
    "bag": (Bag, lambda b: b.held["x"]),
    "object": (Plain, lambda b: b.x),
    "deep": (lambda x: {"a": [(None, {"b": x})]}, lambda b: b["a"][0][1]["b"]),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers_in_and_out(container: str) -> None:
    put, get = CONTAINERS[container]
    model = Given(lambda m, b: put(m.out(torch.relu(m.fc(get(b))))))
    x, y = torch.randn(6, 4), torch.zeros(6).long()
    report = inspect(model, [([put(x)], y)], loss="cross_entropy")
    row = report.rows[":relu"]
    assert report.counts["examples"] == 6
    assert row["gradient"] > 0
    assert row["distance_input"] > 0
    assert [t is x for t in leaves(put(x))] == [True]


def test_arrays_in_containers_become_tensors() -> None:
    x = np.ones((2, 4))
    batch = next(batches_of(nn.Linear(4, 2), {"a": [x, Pair(x, 1)], "n": np.arange(2)}))
    a, n = batch.kwargs["a"], batch.kwargs["n"]
    assert [t.dtype for t in (a[0], a[1].x, n)] == [torch.float32, torch.float32, torch.int64]
    assert type(a[1]) is Pair
    kept = [(1, {"a": 2}), [3]]
    assert mapped(kept, lambda v: v) is kept


def test_looking_draws_no_random_numbers() -> None:
    """Modules are tried on copies, which may draw; a watched step is the step without."""

    class Noisy(nn.Module):
        def forward(self, x):
            random.random()
            np.random.rand()  # noqa: NPY002 - what a user's model may do
            return x.clamp(min=0) * (1 + torch.rand(()))

    model = nn.Sequential(nn.Linear(4, 8), nn.RReLU(), Noisy(), nn.Linear(8, 2))
    x, states, outputs = torch.randn(6, 4), [], []
    for look in (False, True):
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        with watch(model if look else nn.Identity(), every=1):
            outputs.append(model(x).detach().numpy().tobytes())
        numpy = repr(np.random.get_state())  # noqa: NPY002
        states.append((torch.get_rng_state().numpy().tobytes(), random.getstate(), numpy))
    assert outputs[0] == outputs[1]
    assert states[0] == states[1]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_torchs_defaults_do_not_matter(dtype: torch.dtype) -> None:
    class Soft(nn.Module):
        def forward(self, x):
            return x / (1 + x.abs())

    model = nn.Sequential(nn.Linear(4, 8), Soft(), nn.Linear(8, 8), nn.GELU()).float()
    x = torch.randn(6, 4)
    plain = inspect(model, x).table.drop(columns="share")
    torch.set_default_dtype(dtype)
    torch.set_default_device("meta")
    try:
        other = inspect(model, x).table.drop(columns="share")
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)
    assert other.equals(plain)


def test_the_users_own_modes_see_the_users_own_calls() -> None:
    class Counts(torch.overrides.TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.seen = collections.Counter()

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.seen[getattr(func, "__name__", "")] += 1
            return func(*args, **(kwargs or {}))

    model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.randn(6, 4)
    seen = []
    for look in (False, True):
        with Counts() as counts, watch(model if look else nn.Identity(), every=1, geometry=True):
            for _ in range(3):
                model(x)
        seen.append(counts.seen)
    assert all(count >= 3 for count in seen[0].values())
    work = {"sub", "sum", "movedim", "mean", "__matmul__", "square", "to", "stack", "numpy"}
    assert not work & set(seen[1])
