"""The compiled pass over outputs against the sums that torch works out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from actscope.activations import activation
from actscope.probe.identity import GRID, Tail, _tail
from actscope.probe.moments import Moments, unit_dim


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["relu", "sigmoid", "gelu", "relu6", "tanh", "leaky_relu"])
def test_fast_and_slow_meet(name: str, dtype: torch.dtype) -> None:
    record = activation(name)
    table, far = record(GRID), record(np.array([-1e3, 1e3]))
    tails = _tail(table, far[0], False), _tail(table, far[1], True)
    fast, slow = Moments(*tails), Moments(*tails)
    for n in (70, 1, 33):
        y = torch.as_tensor(record(6.0 * torch.randn(n, 3, 19, dtype=dtype).numpy()))
        fast.add(y, 2)
        slow.add(y.transpose(0, 2).contiguous().transpose(0, 2), 2)  # not row by row in memory
    a, b = fast.numbers(), slow.numbers()
    tolerance = 1e-12 if dtype == torch.float64 else 2e-6
    for key in a:
        np.testing.assert_allclose(a[key], b[key], rtol=tolerance, atol=tolerance, err_msg=key)
    assert fast.rows == slow.rows == 312
    assert fast.zero_fraction == pytest.approx(slow.zero_fraction, abs=1e-12)


def test_many_batches_are_folded() -> None:
    moments, parts = Moments(), [torch.randn(5, 4, 3, 3) for _ in range(40)]
    for part in parts:
        moments.add(part, 1)
    whole = torch.cat(parts).double().numpy()
    n = moments.numbers()
    np.testing.assert_allclose(n["mean"], whole.mean((0, 2, 3)), atol=1e-7)
    np.testing.assert_allclose(n["var"], whole.var((0, 2, 3)), rtol=1e-5)
    assert len(moments._parts) < 16


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
