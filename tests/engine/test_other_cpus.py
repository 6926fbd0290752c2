"""CPUs with less than this one: compiled for them, here, the engine gives the same bits."""

import importlib
import platform

import numpy as np
import pytest

from actscope.engine import compile as machine
from actscope.engine import vectormath
from actscope.engine.api import train
from actscope.engine.spec import Net, Training

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="the CPUs are x86"
)

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(37, 2)), RNG.integers(0, 2, 37)
NET = Net(2, hidden=(9, 5, 5), activations=("gelu", "tanh", "relu"), norm=True, residual=True)


def trained(dtype, lanes=None):
    training = Training(epochs=6, batch=10, optimiser="adamw", weight_decay=0.01, dtype=dtype)
    return train(NET, (X, Y), training, seeds=range(11), lanes=lanes, trace_every=3)


@pytest.fixture
def compiled_for(monkeypatch):
    """compiled_for(cpu): from now on code is compiled for that CPU."""

    def become(cpu):
        monkeypatch.setattr(machine, "host", lambda: (cpu, FEATURES[cpu]))
        blocks = importlib.import_module("actscope.engine.train")
        monkeypatch.setattr(blocks, "PROGRAMS", blocks.Programs())
        for cached in (machine._machine, machine.has_vectors_of):
            cached.cache_clear()

    yield become
    monkeypatch.undo()
    for cached in (machine._machine, machine.has_vectors_of):
        cached.cache_clear()


# AVX2 with fma; and neither (fma is then a function of the C library)
FEATURES = {"haswell": "+avx2,+fma", "nehalem": "-avx2,-fma"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("cpu", "lanes"), [("haswell", 8), ("haswell", 4), ("nehalem", 4)])
def test_lesser_cpus_give_the_same_bits(cpu, lanes, dtype, compiled_for):
    here = trained(dtype)
    compiled_for(cpu)
    there = trained(dtype, lanes)
    for name in ("loss", "gradient_norm", "activation_std"):
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name))
    for i in (0, 10):
        for a, b in zip(there.weights(i).arrays(), here.weights(i).arrays(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("cpu", "full"), [("haswell", 8), ("nehalem", 4)])
def test_a_lesser_cpu_gets_blocks_that_fill_its_registers(cpu, full, compiled_for):
    compiled_for(cpu)
    blocks = importlib.import_module("actscope.engine.train")
    assert blocks.host_lanes("float32") == full
    assert blocks.host_lanes("float64") == full // 2
    assert not machine.has_vectors_of(512)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling_by_instruction_and_by_products_is_the_same(dtype, on_lanes, monkeypatch):
    bits = np.int32 if dtype == np.float32 else np.int64
    info = np.iinfo(bits)
    x = RNG.integers(info.min, info.max, 20000, dtype=bits).view(dtype)
    x = np.concatenate([x, RNG.uniform(-800, 800, 20000).astype(dtype)])
    first = on_lanes(np.exp, x)
    monkeypatch.setattr(vectormath, "has_vectors_of", lambda size: False)
    np.testing.assert_array_equal(on_lanes(np.exp, x), first)
