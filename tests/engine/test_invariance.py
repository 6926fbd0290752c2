"""The same seed gives the same network, bit for bit, however the work is cut."""

import dataclasses

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from actscope.engine.api import train
from actscope.engine.spec import Net, Training

NETS = {
    "article": (Net(2), Training(epochs=12)),
    "adam, norm, residual, hybrid": (
        Net(2, (7, 7, 5), 1, ("gelu", "tanh", "silu"), norm=True, residual=True),
        Training(optimiser="adamw", lr=0.01, weight_decay=0.01, epochs=8, batch=37),
    ),
}
RECORDED = (
    "loss", "train_loss", "test_loss", "test_accuracy", "gradient_norm", "activation_mean",
    "activation_std", "diverged_at",
)  # fmt: skip
PLAN = {"loss_every": 3, "trace_every": 4}


def identical(a, b, rows_a=None, rows_b=None):
    """Every number of networks rows_a of a is that of networks rows_b of b, bit for bit."""
    rows_a = range(len(a)) if rows_a is None else rows_a
    rows_b = range(len(b)) if rows_b is None else rows_b
    for i, j in zip(rows_a, rows_b, strict=True):
        for name in RECORDED:
            mine, its = getattr(a, name)[i], getattr(b, name)[j]
            np.testing.assert_array_equal(mine, its, err_msg=name)
        for one, other in zip(a.weights(i).arrays(), b.weights(j).arrays(), strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.fixture(scope="module", params=NETS)
def kind(request):
    return NETS[request.param]


@pytest.fixture(scope="module", params=["float32", "float64"])
def many(request, kind, moons):
    """38 networks, which fill no block of 4, 8 or 16."""
    net, training = kind
    training = dataclasses.replace(training, dtype=request.param)
    return net, training, train(net, moons, training, seeds=range(38), threads=1, **PLAN)


def test_two_threads_change_nothing(many, moons):
    net, training, expected = many
    identical(train(net, moons, training, seeds=range(38), threads=2, **PLAN), expected)


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_the_number_of_lanes_changes_nothing(many, moons, lanes):
    net, training, expected = many
    identical(train(net, moons, training, seeds=range(38), lanes=lanes, **PLAN), expected)


def test_neighbours_change_nothing(many, moons):
    """Alone, or at another place of a block among others."""
    net, training, expected = many
    for seed in (0, 15, 37):
        identical(train(net, moons, training, seeds=seed, **PLAN), expected, [0], [seed])
    turned = train(net, moons, training, seeds=range(37, -1, -1), **PLAN)
    identical(turned, expected, range(38), range(37, -1, -1))


def test_the_rate_of_a_neighbour_changes_nothing(many, moons):
    net, training, expected = many
    rates = [dataclasses.replace(training, lr=training.lr * (1 + i % 3)) for i in range(38)]
    mixed = train(net, moons, rates, seeds=range(38), **PLAN)
    same = [i for i in range(38) if i % 3 == 0]
    identical(mixed, expected, same, same)
    assert not np.array_equal(mixed.loss[1], expected.loss[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divergence_is_recorded_and_stays_in_its_lane(moons, dtype):
    """A rate of 1e6 in the middle of a block; the loss grows until a number overflows."""
    calm = Training(loss="mse", epochs=60, dtype=dtype)
    wild = dataclasses.replace(calm, lr=1e6)
    net = Net(2, (8, 8))
    result = train(net, moons, [wild if i == 5 else calm for i in range(20)], seeds=range(20))
    alone = train(net, moons, calm, seeds=range(20))
    rest = [i for i in range(20) if i != 5]
    for i in rest:
        np.testing.assert_array_equal(result.loss[i], alone.loss[i])
        for one, other in zip(result.weights(i).arrays(), alone.weights(i).arrays(), strict=True):
            assert one.tobytes() == other.tobytes()
    first = int(result.diverged_at[5])
    assert 1 <= first <= 60
    assert (result.diverged_at[rest] == -1).all()
    assert np.isfinite(result.loss[5, : first - 1]).all()
    assert result.table["diverged_at"].count() == 1
    assert result.table["diverged_at"][5] == first
    short = [dataclasses.replace(wild, epochs=max(first - 1, 1))]
    before = train(net, moons, short, seeds=5)
    if first > 1:
        assert before.diverged_at[0] == -1


def test_wide_nets_side_by_side_change_nothing_and_leave_blas_as_it_was(moons):
    """Two groups of them at once, each wide enough for BLAS."""
    nets = [Net(2, (400 + 8 * (i % 2),)) for i in range(6)]
    training = Training(epochs=2)
    before = [lib["num_threads"] for lib in threadpool_info()]
    together = train(nets, moons, training, seeds=range(6), threads=3)
    assert [lib["num_threads"] for lib in threadpool_info()] == before
    for i, net in enumerate(nets):
        alone = train(net, moons, training, seeds=i, threads=1)
        np.testing.assert_array_equal(alone.loss[0], together.loss[i])
        for a, b in zip(alone.weights(0).arrays(), together.weights(i).arrays(), strict=True):
            assert a.tobytes() == b.tobytes()
