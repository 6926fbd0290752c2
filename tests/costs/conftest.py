"""Searches that are run once for all tests."""

import numpy as np
import pytest

from actscope.costs import cost


@pytest.fixture(scope="session")
def found():
    """Real networks, small: two activations that reach the target, one that does not."""
    return cost(
        ["tanh", "0*x + 1"], target=0.8, lr=[0.5], init=["lecun", "critical"], epochs=40, most=4,
        runtimes=["onnx", "onnx-int8", "torch", "torch-bf16"], batches=[1, 64], rounds=3,
        points=200, tests=300,
    )  # fmt: skip


@pytest.fixture(scope="session")
def nobody():
    """A target that no network reaches."""
    return cost(
        ["relu"], target=0.95, runtimes=["onnx"], batches=[1], rounds=3, most=2, lr=[0.1],
        init=["he"], trials=lambda cells, seeds: np.full((len(cells), len(seeds)), 0.5),
    )  # fmt: skip
