"""A device that has no float64 and whose numbers are dear to read, played on the CPU."""

from __future__ import annotations

import collections
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from actscope.activations import activation
from actscope.probe import identity, inspect, samples, watch
from actscope.probe.expressions import Expression, Source
from actscope.probe.gradients import Gradient
from actscope.probe.identity import GRID, _tail, identify
from actscope.probe.moments import Moments
from actscope.probe.updates import Updates

READS = {"cpu", "item", "tolist", "numpy", "__float__", "__bool__", "__array__", "__int__"}


class Device(torch.overrides.TorchFunctionMode):
    """Refuses float64 where it would lie on the device, and counts what is read from there."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: collections.Counter[str] = collections.Counter()
        self.home: dict[int, weakref.ref] = {}  # what lies on the host

    def _on_host(self, values) -> bool:
        tensors = [v for v in values if isinstance(v, torch.Tensor)]
        return bool(tensors) and all(
            (held := self.home.get(id(t))) is not None and held() is t for t in tensors
        )

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        flat = [v for a in (*args, *(kwargs or {}).values())
                for v in (a if isinstance(a, (list, tuple)) else [a])]  # fmt: skip
        moved = name == "cpu" or (name == "to" and "cpu" in flat)
        host = self._on_host(flat) or moved or name == "from_numpy"
        result = func(*args, **(kwargs or {}))
        if not self._on_host(flat) and (name in READS or moved):
            self.reads[name] += 1
        if isinstance(result, torch.Tensor):
            if moved and result is args[0]:
                result = result.clone()
            if host:
                self.home[id(result)] = weakref.ref(result)
            assert host or result.dtype != torch.float64, f"{name} makes float64 on the device"
        return result


def _tails(name: str):
    record = activation(name)
    far = record(np.array([-1e3, 1e3]))
    return _tail(record(GRID), far[0], False), _tail(record(GRID), far[1], True)


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(identity, "_wide", lambda _: torch.float32)
    return Device()


@pytest.mark.parametrize("name", ["relu", "sigmoid", "gelu"])
def test_a_step_reads_nothing_and_needs_no_float64(name: str, device: Device) -> None:
    moments, gradient = Moments(*_tails(name), on_cpu=False), Gradient(on_cpu=False)
    twin = Moments(*_tails(name))
    batches = [torch.as_tensor(activation(name)(torch.randn(9, 4, 3).numpy())) for _ in range(5)]
    with device:
        for y in batches:
            moments.add(y, 1)
            gradient._on_device(y)
    assert not device.reads
    with device:
        a = moments.numbers()
        norm = gradient.norm
    for y in batches:
        twin.add(y, 1)
    b = twin.numbers()
    for key in b:
        np.testing.assert_allclose(a[key], b[key], rtol=1e-5, atol=1e-6, err_msg=key)
    size = np.mean([float(y.double().square().sum()) for y in batches]) ** 0.5
    assert norm == pytest.approx(size, rel=1e-5)


def test_a_look_at_the_weights_is_read_once(device: Device) -> None:
    model = nn.Sequential(*(nn.Linear(8, 8) for _ in range(6)))
    with device:
        updates = Updates(model)
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(1.01)
        ratios = updates.ratios()
    assert sum(device.reads.values()) == 1 + (device.reads["tolist"])
    np.testing.assert_allclose(list(ratios.values()), 0.01, rtol=1e-4)


@pytest.mark.parametrize("name", ["relu", "gelu", "sigmoid", "leaky_relu"])
def test_functions_are_told_in_float32(name: str, device: Device) -> None:
    source = Expression(Source(None, False, None, 0))
    call = Expression(source.source, name, getattr(torch.nn.functional, name), (source,))
    with device:
        found = identify(call, (2, 3), "cpu")
    assert found is not None
    assert found.record is not None
    assert found.record.name == name
    assert (found.low is None) == (name == "leaky_relu")


def test_samples_without_float64(device: Device, monkeypatch) -> None:
    y = torch.randn(20, 5, 6)
    with device:
        rows = samples.take_rows(y, 1, 16)
    assert rows.shape == (16, 5)
    assert sum(device.reads.values()) <= 2


def test_device_and_compiled_paths_give_one_report(monkeypatch) -> None:
    """The whole inspection by calls of torch against the compiled one."""
    from actscope.probe import collector

    model = nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.ReLU(), nn.BatchNorm2d(6), nn.Tanh(), nn.Flatten(), nn.Linear(54, 3)
    )
    x, y = torch.randn(12, 2, 5, 5), torch.randint(0, 3, (12,))
    fast = inspect(model, [(x[:8], y[:8]), (x[8:], y[8:])], loss="cross_entropy")
    monkeypatch.setattr(collector, "Moments", lambda *a: Moments(*a, on_cpu=False))
    monkeypatch.setattr(collector.Site.__dataclass_fields__["gradient"], "default_factory",
                        lambda: Gradient(on_cpu=False))  # fmt: skip
    slow = inspect(model, [(x[:8], y[:8]), (x[8:], y[8:])], loss="cross_entropy")
    for column in slow.table.select_dtypes("number").columns.difference(["share"]):
        np.testing.assert_allclose(
            slow.table[column].astype(float), fast.table[column].astype(float),
            rtol=1e-4, atol=1e-6, err_msg=column,
        )  # fmt: skip
    with watch(model, every=1) as w:
        model(x).sum().backward()
    assert w.table["gradient"].gt(0).all()
