"""The compiled passes over outputs and gradients against the sums that torch works out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from actscope.activations import activation
from actscope.probe.geometry import quantiles
from actscope.probe.gradients import Gradient
from actscope.probe.identity import GRID, Tail, _tail
from actscope.probe.moments import Moments, unit_dim

# shape of a batch without its first dimension, and the dimension of the units
LAYOUTS = {
    "tokens": ((3, 19), 2),
    "channels": ((19, 5, 7), 1),
    "small maps": ((300, 2, 2), 1),
    "large maps": ((3, 40, 30), 1),
    "one number": ((), 0),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["relu", "sigmoid", "relu6", "leaky_relu"])
def test_compiled_and_torch_meet(name: str, dtype: torch.dtype, layout: str) -> None:
    record, (shape, dim) = activation(name), LAYOUTS[layout]
    table, far = record(GRID), record(np.array([-1e3, 1e3]))
    tails = _tail(table, far[0], False), _tail(table, far[1], True)
    fast, slow = Moments(*tails), Moments(*tails, on_cpu=False)
    for n in (70, 1, 33) if shape else (19, 19):
        y = torch.as_tensor(record(6.0 * torch.randn(n, *shape, dtype=dtype).numpy()))
        fast.add(y, dim)
        slow.add(y, dim)
    a, b = fast.numbers(), slow.numbers()
    tolerance = 1e-12 if dtype == torch.float64 else 3e-5  # torch sums in float32
    for key in a:
        np.testing.assert_allclose(a[key], b[key], rtol=tolerance, atol=tolerance, err_msg=key)
    for key in ("low", "high"):  # counts are exact
        np.testing.assert_array_equal(a[key], b[key])
    assert fast.rows == slow.rows
    assert fast.zero_fraction == pytest.approx(slow.zero_fraction, abs=1e-12)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_in_its_unit(number: float) -> None:
    y = torch.randn(40, 6)
    y[3, 2] = number
    n = _filled(y, 1).numbers()
    expected = _filled(y[:, [0, 1, 3, 4, 5]], 1).numbers()
    assert not np.isfinite(n["mean"][2])
    for key in ("mean", "var", "least", "most"):
        np.testing.assert_allclose(np.delete(n[key], 2), expected[key], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e20, 1e30])
@pytest.mark.parametrize("shape", [(50, 7), (6, 7, 5, 5)])
def test_squares_beyond_float32_are_summed(scale: float, shape: tuple[int, ...]) -> None:
    y = torch.randn(shape) * scale
    wide = y.double().movedim(1, -1).reshape(-1, 7).numpy()
    numbers = _filled(y, 1).numbers()
    np.testing.assert_allclose(numbers["var"], wide.var(0), rtol=1e-6)
    np.testing.assert_allclose(numbers["mean"], wide.mean(0), rtol=1e-5)


def _filled(y: torch.Tensor, dim: int) -> Moments:
    moments = Moments()
    moments.add(y, dim)
    return moments


def test_memory_layout_does_not_matter() -> None:
    y = torch.randn(6, 9, 4, 5)
    plain = _filled(y, 1).numbers()
    last = _filled(y.contiguous(memory_format=torch.channels_last), 1).numbers()
    strided = _filled(y.transpose(2, 3), 1).numbers()
    for key in plain:
        np.testing.assert_allclose(last[key], plain[key], atol=1e-6)
        np.testing.assert_allclose(strided[key], plain[key], atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_gradients_compiled_and_torch_meet(dtype: torch.dtype) -> None:
    fast, slow = Gradient(), Gradient(on_cpu=False)
    for shape in ((700,), (3, 5, 7, 2), (1,)):
        g = (torch.randn(shape) * (torch.rand(shape) > 0.4)).to(dtype)
        for one in (g, g.contiguous(memory_format=torch.channels_last) if g.ndim == 4 else g):
            fast.add(one)
            slow.add(one)
    assert fast.norm == pytest.approx(slow.norm, rel=1e-6)
    assert fast.zero_fraction == slow.zero_fraction


def test_many_batches_are_folded() -> None:
    moments, parts = Moments(), [torch.randn(5, 4, 3, 3) for _ in range(40)]
    for part in parts:
        moments.add(part, 1)
    whole = torch.cat(parts).double().numpy()
    n = moments.numbers()
    np.testing.assert_allclose(n["mean"], whole.mean((0, 2, 3)), atol=1e-7)
    np.testing.assert_allclose(n["var"], whole.var((0, 2, 3)), rtol=1e-5)
    slow = Moments(on_cpu=False)
    for part in parts:
        slow.add(part, 1)
    assert all(len(parts) < 16 for _, parts, _ in slow._waiting.values())
    np.testing.assert_allclose(slow.numbers()["var"], n["var"], rtol=1e-5)


def test_tails_of_the_catalogue() -> None:
    def tails(name: str) -> tuple[Tail | None, Tail | None]:
        record = activation(name)
        far = record(np.array([-1e3, 1e3]))
        return _tail(record(GRID), far[0], False), _tail(record(GRID), far[1], True)

    low, high = tails("sigmoid")
    assert low is not None
    assert high is not None
    assert (low.limit, high.limit) == (0.0, 1.0)
    # slope s(1 − s) below 1 % of a quarter: s below .0025
    assert low.within == pytest.approx(0.0025, abs=2e-4)
    low, high = tails("relu")
    assert low is not None
    assert (low.limit, low.within, high) == (0.0, 0.0, None)
    assert tails("leaky_relu") == (None, None)
    low, high = tails("tanh")
    assert low is not None
    assert low.limit == -1.0
    assert tails("relu6")[1] is not None


def test_units_where_nothing_tells() -> None:
    assert [unit_dim((2,) * n, None) for n in (1, 2, 3, 4, 5)] == [0, 1, 2, 1, 1]
    assert unit_dim((2, 3, 4), -1) == 2
    assert unit_dim((2, 3), 7) == 1


def test_quantiles_meet_numpy() -> None:
    rows = torch.randn(300, 40).clamp(min=0).double().numpy()
    parts = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)
    np.testing.assert_allclose(quantiles(rows, parts), np.quantile(rows, parts), rtol=1e-6)
    quick = quantiles(rows, parts, full=False)
    np.testing.assert_allclose(quick, np.quantile(rows[::3], parts), rtol=1e-6)
    rows[0, 0] = np.inf
    assert np.isnan(quantiles(rows, parts)).all()
