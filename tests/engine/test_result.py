"""`train` and its Result: order, broadcasting, tables; what it computes is tested elsewhere."""

import dataclasses
import threading

import numpy as np
import pytest

from actscope.activations import activation
from actscope.engine import api
from actscope.engine.api import train
from actscope.engine.spec import Net, Training, Weights
from actscope.errors import BadSpec, InputError, UnknownName

QUICK = Training(epochs=6, batch=50)
SMALL = Net(2, (4,))


@pytest.fixture(scope="module")
def data(moons):
    return moons.x, moons.y[:, 0], moons.x_test, moons.y_test[:, 0]


def same(a, b):
    for one, other in zip(a.arrays(), b.arrays(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_networks_come_back_in_the_order_given(data):
    """Shapes, settings and rates mixed: each network is what it is when trained alone."""
    wide = Net(2, (5, 3), activations=("relu", "sigmoid"), norm=True)
    nets = [SMALL, wide, SMALL, wide, SMALL]
    slow = dataclasses.replace(QUICK, lr=0.01)
    longer = dataclasses.replace(QUICK, epochs=9, optimiser="adam")
    trainings = [QUICK, longer, slow, QUICK, longer]
    plan = {"loss_every": 4, "trace_every": 3, "snapshots": [0, 5]}
    seen = []
    mixed = train(
        nets, data, trainings, seeds=[3, 1, 4, 1, 5], progress=lambda *n: seen.append(n), **plan
    )
    assert seen[-1] == (5, 5)
    assert [n for n, _ in seen] == sorted(n for n, _ in seen)
    assert mixed.loss.shape == (5, 9)
    assert mixed.epochs_at == (4, 6, 8, 9)
    assert mixed.gradient_norm.shape == (5, 4, 3)
    for i, (net, training, seed) in enumerate(zip(nets, trainings, [3, 1, 4, 1, 5], strict=True)):
        alone = train(net, data, training, seeds=seed, **plan)
        same(alone.weights(0), mixed.weights(i))
        same(alone.weights(0, 5), mixed.weights(i, 5))
        np.testing.assert_array_equal(alone.loss[0], mixed.loss[i, : training.epochs])
        assert np.isnan(mixed.loss[i, training.epochs :]).all()
        columns = [mixed.epochs_at.index(e) for e in alone.epochs_at]
        np.testing.assert_array_equal(alone.test_loss[0], mixed.test_loss[i, columns])
        assert np.isfinite(mixed.test_loss[i]).sum() == len(columns)
        traces = [mixed.traces_at.index(e) for e in alone.traces_at]
        depth = net.depth + 1
        np.testing.assert_array_equal(
            alone.gradient_norm[0], mixed.gradient_norm[i, traces, :depth]
        )
        assert np.isnan(mixed.gradient_norm[i, :, depth:]).all()


def test_chunks_change_nothing(data, monkeypatch):
    whole = train(SMALL, data, QUICK, seeds=range(150), snapshots=[2])
    monkeypatch.setattr(api, "CHUNK_NETWORKS", 64)
    seen = []
    parts = train(
        SMALL, data, QUICK, seeds=range(150), snapshots=[2], progress=lambda *n: seen.append(n)
    )
    assert seen == [(64, 150), (128, 150), (150, 150)]
    np.testing.assert_array_equal(whole.loss, parts.loss)
    for i in (0, 63, 64, 149):
        same(whole.weights(i), parts.weights(i))
        same(whole.weights(i, 2), parts.weights(i, 2))


def test_several_tasks_are_cut_for_the_threads_and_put_together_again(data):
    nets = [SMALL if i % 3 else Net(2, (3,)) for i in range(100)]
    one = train(nets, data, QUICK, seeds=range(100), snapshots=[1], threads=1)
    seen = []
    three = train(
        nets, data, QUICK, seeds=range(100), snapshots=[1], threads=3,
        progress=lambda *n: seen.append(n),
    )  # fmt: skip
    assert len(seen) > 3
    np.testing.assert_array_equal(one.loss, three.loss)
    for i in range(100):
        same(one.weights(i), three.weights(i))
        same(one.weights(i, 1), three.weights(i, 1))


def test_an_error_stops_what_has_not_begun(data):
    """Here an error of the caller's own; Ctrl-C takes the same way."""
    nets = [Net(2, (3 + i % 2,)) for i in range(640)]
    seen, before = [], threading.active_count()

    def stop(done, _count):
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(nets, data, QUICK, seeds=range(640), progress=stop, threads=2)
    assert len(seen) == 1
    assert threading.active_count() == before


def test_a_seed_decides_weights_and_order_alone(data):
    result = train(SMALL, data, QUICK, seeds=[7, 8, 7])
    same(result.weights(0), result.weights(2))
    assert not np.array_equal(result.weights(0).W[0], result.weights(1).W[0])
    start = train(SMALL, data, QUICK, seeds=7, snapshots=[0]).weights(0, 0)
    given = train(SMALL, data, QUICK, weights=start, seeds=7)
    assert given.init == "given"
    np.testing.assert_allclose(given.loss, result.loss[:1])
    other_order = train(SMALL, data, QUICK, weights=start, seeds=8)
    assert not np.array_equal(other_order.loss, given.loss)


def test_without_shuffling_every_seed_sees_the_data_in_order(data):
    straight = dataclasses.replace(QUICK, shuffle=False)
    start = train(SMALL, data, QUICK, seeds=7, snapshots=[0]).weights(0, 0)
    result = train(SMALL, data, straight, weights=start, seeds=[1, 2])
    np.testing.assert_array_equal(result.loss[0], result.loss[1])
    in_order = np.tile(np.arange(300), (6, 1))
    given = train(SMALL, data, QUICK, weights=start, orders=in_order)
    np.testing.assert_array_equal(result.loss[:1], given.loss)


def test_weights_and_orders_for_each_network(data):
    starts = train(SMALL, data, QUICK, seeds=range(3), snapshots=[0])
    ones = [starts.weights(i, 0) for i in range(3)]
    many = Weights(*(tuple(np.stack(a) for a in zip(*k, strict=True)) for k in zip(
        *((w.W, w.b, w.gamma, w.beta) for w in ones), strict=True)))  # fmt: skip
    orders = np.random.default_rng(0).permuted(np.tile(np.arange(300), (3, 6, 1)), axis=-1)
    a = train(SMALL, data, QUICK, weights=ones, orders=orders)
    b = train(SMALL, data, QUICK, weights=many, orders=orders)
    np.testing.assert_array_equal(a.loss, b.loss)
    c = train(SMALL, data, QUICK, weights=ones[1], orders=orders[1])
    np.testing.assert_array_equal(c.loss[0], a.loss[1])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"nets": [SMALL, SMALL], "seeds": range(3)}, "nets"),
        ({"training": [QUICK, QUICK], "seeds": range(3)}, "training"),
        ({"nets": []}, "nets"),
        ({"training": []}, "training"),
        ({"nets": None}, "nets"),
        ({"nets": "2-8-1"}, "nets"),
        ({"training": 5}, "training"),
        ({"nets": [SMALL, "2-8-1"]}, "nets[1]"),
        ({"weights": 5}, "weights"),
        ({"weights": [np.ones(3)]}, "weights[0]"),
        ({"init": None}, "init"),
        ({"data": None}, "data"),
        ({"training": [QUICK, None]}, "training[1]"),
        ({"weights": []}, "weights"),
        ({"threads": 0}, "threads"),
        ({"lanes": 5}, "lanes"),
        ({"lanes": "8"}, "lanes"),
        ({"loss_every": -1}, "loss_every"),
        ({"snapshots": [7]}, "snapshots[0]"),
        ({"orders": np.zeros((6, 299), int)}, "orders"),
        ({"seeds": [1, -1]}, "seeds[1]"),
        ({"nets": Net(3)}, "data.x"),
    ],
)
def test_what_cannot_be_names_its_field(data, wrong, field):
    with pytest.raises(BadSpec) as caught:
        train(**{"nets": SMALL, "data": data, "training": QUICK, **wrong})
    assert caught.value.field == field


def test_an_unknown_init_is_answered_with_the_nearest(data):
    with pytest.raises(UnknownName, match="'article'"):
        train(SMALL, data, QUICK, init="artikle")


@pytest.fixture(scope="module")
def some(data):
    nets = [SMALL] * 3 + [Net(2, (4, 4), activations="sigmoid")] * 3
    return train(nets, data, QUICK, seeds=[0, 1, 2] * 2, loss_every=2, snapshots=[3])


def test_the_table_has_a_row_for_each_network(some):
    table = some.table
    assert len(table) == len(some) == 6
    assert table["activation"].tolist() == ["relu"] * 3 + ["sigmoid"] * 3
    assert table["net"].tolist() == ["2-4-1"] * 3 + ["2-4-4-1"] * 3
    np.testing.assert_array_equal(table["loss"], some.loss[:, -1])
    np.testing.assert_array_equal(table["test_accuracy"], some.test_accuracy[:, -1])
    assert table["diverged_at"].isna().all()
    assert some.summary["networks"].tolist() == [3, 3]
    assert some.summary["loss"][0] == np.median(some.loss[:3, -1])


def test_weights_of_networks_and_epochs_that_are_not_there(some):
    same(some.weights(-1), some.weights(5))
    with pytest.raises(InputError, match="expected one of 0 to 5"):
        some.weights(6)
    with pytest.raises(InputError, match=r"kept: 3.*snapshots=\[2\]"):
        some.weights(0, 2)


def test_a_notebook_and_a_figure_show_it(some):
    import matplotlib.pyplot as plt

    assert "6 networks" in repr(some)
    page = some._repr_html_()
    assert page.count("<tr") == 3
    assert "sigmoid" in page
    axes = some.plot()
    assert [line.get_label() for line in axes.lines] == [
        "relu, net 2-4-1 (3)",
        "sigmoid, net 2-4-4-1 (3)",
    ]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), np.median(some.loss[:3], axis=0))
    _, own = plt.subplots()
    assert some.plot(own) is own
    plt.close("all")


def test_a_result_is_frozen(some):
    with pytest.raises(dataclasses.FrozenInstanceError):
        some.loss = None


@pytest.mark.parametrize(
    "f",
    [np.arctan, np.sinh, lambda x: x**2.5, lambda x: x if x > 0.0 else 0.0 * x,
     lambda x: np.array([1.0, 2.0]) * x],
    ids=["arctan", "sinh", "power", "if", "array"],
)  # fmt: skip
def test_a_formula_that_lanes_cannot_run_is_refused_by_name(data, f):
    odd = dataclasses.replace(activation("relu"), name="odd", f=f)
    with pytest.raises(InputError, match=r"activation 'odd' cannot run on SIMD lanes.*maximum"):
        train(Net(2, activations=odd), data, QUICK)
