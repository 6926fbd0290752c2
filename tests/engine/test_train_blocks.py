"""Blocks over threads: stopping, and memory that does not grow with the networks."""

import importlib
import tracemalloc

import numpy as np
import pytest

from actscope.engine.api import train
from actscope.engine.spec import Net, Training, Weights
from actscope.engine.workspace import Workspace

blocks = importlib.import_module("actscope.engine.train")
RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(50, 2)), RNG.integers(0, 2, 50)


def test_cutting_a_training_into_calls_changes_no_bit(monkeypatch):
    whole = train(Net(2), (X, Y), Training(epochs=7, optimiser="adam"), seeds=range(5))
    monkeypatch.setattr(blocks, "CALL", 1)
    calls, call = [], Workspace.call
    monkeypatch.setattr(
        Workspace, "call", lambda self, *a: calls.append(a) or call(self, *a), raising=True
    )
    cut = train(Net(2), (X, Y), Training(epochs=7, optimiser="adam"), seeds=range(5))
    assert [a for a in calls if a[0] == "train"] == [("train", i, i + 1) for i in range(7)]
    np.testing.assert_array_equal(whole.loss, cut.loss)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_ends_the_run_soon(threads, monkeypatch):
    done, run = [], Workspace.run

    def interrupted(self, first):
        if first >= 32:
            raise KeyboardInterrupt
        run(self, first)
        done.append(first)

    monkeypatch.setattr(Workspace, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(Net(2), (X, Y), Training(epochs=2), seeds=range(3000), threads=threads, lanes=4)
    assert len(done) <= 32 // 4 + threads


def test_a_stopped_job_calls_nothing_more(monkeypatch):
    called, call = [], Workspace.call

    def stop(self, *arguments):
        called.append(arguments)
        self.job.stopped.set()
        call(self, *arguments)

    monkeypatch.setattr(blocks, "CALL", 1)
    monkeypatch.setattr(Workspace, "call", stop)
    train(Net(2), (X, Y), Training(epochs=50), seeds=[0])
    assert [a for a in called if a[0] == "train"] == [("train", 0, 1)]


def test_working_memory_does_not_grow_with_the_networks():
    """Beside the weights that go in and the results that come out."""

    def extra(networks):
        net, training = Net(2, hidden=(64, 64)), Training(epochs=1)
        shapes = [(2, 64), (64, 64), (64, 1)]
        weights = Weights(
            tuple(np.zeros((networks, *s), np.float32) for s in shapes),
            tuple(np.zeros((networks, s[1]), np.float32) for s in shapes),
        )
        plan = importlib.import_module("actscope.engine.prepare").schedule(1)
        given = (net, training, X, Y[:, None].astype(float), None, None, weights, None)
        tracemalloc.start()
        raw = blocks.run_blocks(*given, np.full(networks, 0.1), plan, 2, 4)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - sum(a.nbytes for a in raw.weights.arrays())

    extra(8)  # compiles
    assert extra(400) < 1.5 * extra(40)  # with all weights twice it would be 8 times


def test_lanes_suit_the_width():
    full = blocks.host_lanes("float32")
    assert blocks.lanes_for(Net(2), "float32") == full
    assert blocks.lanes_for(Net(2, hidden=(8, 100)), "float32") == (full // 2 if full > 4 else 4)
