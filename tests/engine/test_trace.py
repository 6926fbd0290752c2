"""The layer trace against the oracle, PyTorch's gradients, finite differences, and the article."""

import time

import numpy as np
import pytest

from actscope.datasets import dataset
from actscope.engine import reference, walk
from actscope.engine.spec import Net, Training, Weights
from actscope.engine.trace import trace
from actscope.errors import BadSpec, InputError, UnknownName
from actscope.metrics import SHELF, metric

X, Y = dataset("moons").draw(60, np.random.default_rng(3))
SHAPES = [
    Net(2, (5, 4, 4), 1, ("relu", "tanh", "gelu")),
    Net(2, (4, 4, 4), 1, "sigmoid", norm=True),
    Net(2, (4, 4, 3), 1, "silu", residual=True),
    Net(2, (4, 4, 4), 3, "tanh", norm=True, residual=True),
]


def weights(net, networks=3, seed=0):
    r = np.random.default_rng(seed)
    pairs = list(zip(net.sizes[:-1], net.sizes[1:], strict=True))
    hidden = net.hidden if net.norm else ()
    return Weights(
        tuple(r.standard_normal((networks, i, o)) for i, o in pairs),
        tuple(r.standard_normal((networks, o)) for _, o in pairs),
        tuple(1 + 0.2 * r.standard_normal((networks, h)) for h in hidden),
        tuple(0.2 * r.standard_normal((networks, h)) for h in hidden),
    )


@pytest.mark.parametrize("net", SHAPES, ids=repr)
def test_the_walk_is_the_oracle_for_every_network(net):
    many = weights(net)
    labels = np.arange(60) % 3
    loss = "cross_entropy" if net.outputs == 3 else "bce"
    y = labels if net.outputs == 3 else Y[:, None]
    steps = walk.forward(net, many, X)
    out = walk.logits(many, steps[-1].h)
    norms = walk.gradient_norms(net, many, X, steps, walk.loss_slope(loss, out, y))
    for i in range(3):
        layers, logits = reference.forward(net, many.network(i), X)
        for step, layer in zip(steps, layers, strict=True):
            np.testing.assert_allclose(step.h[i], layer.h, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(out[i], logits, rtol=1e-12, atol=1e-12)
        _, slope = reference.gradients(net, Training(loss=loss), many.network(i), X, y)
        expected = [np.linalg.norm(w) for w in slope.W]
        np.testing.assert_allclose(norms[i], expected, rtol=1e-9)


@pytest.mark.parametrize("loss", ["bce", "mse", "cross_entropy"])
def test_the_slope_of_each_loss_is_the_oracle_s(loss):
    out = 3 * np.random.default_rng(0).standard_normal((2, 20, 3))
    y = np.arange(20) % 3 if loss == "cross_entropy" else np.ones((20, 3))
    slope = walk.loss_slope(loss, out, y)
    for i in range(2):
        np.testing.assert_allclose(slope[i], reference.SLOPE[loss](out[i], y), atol=1e-15)


@pytest.mark.parametrize("net", SHAPES, ids=repr)
def test_jacobians_meet_finite_differences(net):
    many, h = weights(net), 1e-6
    x = X[:4] + 0.01  # off the kinks
    found = walk.jacobians(net, many, walk.forward(net, many, x), 4)
    for axis in range(2):
        step = h * np.eye(2)[axis]
        up, down = walk.forward(net, many, x + step), walk.forward(net, many, x - step)
        for l, jacobian in enumerate(found):
            slow = (up[l].h - down[l].h) / (2 * h)
            np.testing.assert_allclose(jacobian[..., axis], slow, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SHELF.names())
def test_a_trace_is_the_metric_of_every_layer(name):
    """Every metric, one network by hand: what the trace hands it is what it says it hands it."""
    net = Net(2, (5, 4), 1, "relu")
    t = trace(net, "moons", name, seeds=[4, 5], points=50)
    m, values = metric(name), t.values[name, "float64"]
    assert values.shape == (2, 3)
    law = dataset("moons")
    raw, y = law.draw(50, np.random.default_rng(0))
    x, law = law.standardised(raw)
    from actscope.engine.starts import draw
    from actscope.inits import init

    w = draw(net, init("article"), np.array([4, 5], dtype=np.uint64), x).network(1)
    layers, _ = reference.forward(net, w, x)
    _, slope = reference.gradients(net, Training(), w, x, y[:, None])
    context = {
        "labels": y,
        "distances": law.boundary(x),
        "slopes": net.activations[1].slope_at(layers[1].z),
        "steepest": 1.0,
        "gradient": np.linalg.norm(slope.W[1]),
        "last_gradient": np.linalg.norm(slope.W[2]),
    }
    if m.needs <= context.keys() | {"spectrum", "coordinates"}:
        expected = m(x, layers[1].h, **{k: v for k, v in context.items() if k in m.needs})
        assert values[1, 2] == pytest.approx(expected, rel=1e-9, nan_ok=True)
    assert m.bounds.hold(values).all()
    identity = values[:, 0]
    if m.perfect is not None and "distances" not in m.needs and "gradient" not in m.needs:
        np.testing.assert_allclose(identity, m.perfect, atol=1e-9)


def test_one_row_for_each_network_layer_format_and_metric():
    t = trace(
        Net(2, (4, 3, 3), 1, ("relu", "tanh", "tanh")),
        "xor",
        ("spread", "cka"),
        seeds=(7, 8),
        points=40,
        formats=("float64", "int8"),
    )
    table = t.table
    assert len(table) == 2 * 4 * 2 * 2
    assert not table.duplicated(["network", "layer", "metric", "format"]).any()
    assert set(table["seed"]) == {7, 8}
    row = table[(table.network == 1) & (table.layer == 2) & (table.metric == "cka")]
    assert row["activation"].tolist() == ["tanh", "tanh"]
    assert row["value"].tolist() == [t.values["cka", f][1, 2] for f in ("float64", "int8")]
    assert list(t.summary.columns) == ["spread", "cka", "spread, int8", "cka, int8"]
    assert t.summary.shape == (4, 4) and "<table" in t._repr_html_()
    assert "2 networks" in repr(t)


def test_a_network_is_the_same_alone_and_among_others_and_however_it_is_cut(monkeypatch):
    from actscope.engine import trace as module

    net = Net(2, (8, 8), 1, "tanh")
    whole = trace(net, "moons", seeds=range(9), points=60)
    alone = trace(net, "moons", seeds=6, points=60)
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    cut = trace(net, "moons", seeds=range(9), points=60)
    for key, values in whole.values.items():
        np.testing.assert_allclose(cut.values[key], values, rtol=1e-12, err_msg=str(key))
        np.testing.assert_allclose(alone.values[key][0], values[6], rtol=1e-12, err_msg=str(key))


def test_given_weights_of_one_network_and_of_many():
    net = SHAPES[1]
    many = weights(net)
    t = trace(many, (X, Y), ("spread", "gradient_ratio"), net=net)
    assert t.seeds is None and t.init == "given" and "seed" not in t.table
    one = trace(many.network(2), (X, Y), ("spread", "gradient_ratio"), net=net)
    for key in t.values:
        np.testing.assert_allclose(one.values[key][0], t.values[key][2], rtol=1e-12)
    single = Weights(*(tuple(a.astype(np.float32) for a in p) for p in (
        many.W, many.b, many.gamma, many.beta)))  # fmt: skip
    assert np.isfinite(trace(single, (X, Y), "spread", net=net).values["spread", "float64"]).all()


def test_a_diverged_network_is_nan_and_harms_no_neighbour():
    net = SHAPES[0]
    many = weights(net)
    broken = Weights(tuple(w.copy() for w in many.W), many.b)
    broken.W[1][1, 0, 0] = np.nan
    good, bad = (trace(w, (X, Y), "cheap", net=net) for w in (many, broken))
    for key, values in bad.values.items():
        np.testing.assert_array_equal(values[[0, 2]], good.values[key][[0, 2]])
        if key[0] not in ("gradient_ratio",):
            np.testing.assert_array_equal(values[1, :2], good.values[key][1, :2])
            assert np.isnan(values[1, 2:]).all()


def test_a_group_leaves_out_what_the_data_cannot_answer_and_says_so():
    net = Net(2, (4,), 1)
    t = trace(net, X, "cheap")
    assert {"distance_fidelity", "probe_accuracy", "gradient_ratio"} <= set(t.skipped)
    assert "boundary is known" in t.skipped["distance_fidelity"]
    assert ("spread", "float64") in t.values
    with pytest.raises(InputError, match="metric 'distance_fidelity' needs distances"):
        trace(net, (X, Y), "distance_fidelity")
    digits = trace(Net(64, (20,), 10), "digits", "cheap", points=120)
    assert ("probe_accuracy", "float64") in digits.values
    assert "distance_fidelity" in digits.skipped
    sine = trace(Net(1, (8,), 1), "sine", "cheap", points=50)
    assert np.isfinite(sine.values["gradient_ratio", "float64"][:, 1:]).all()


@pytest.mark.parametrize("y", [Y.astype(float), Y[:, None], Y == 1, Y.astype(np.uint8)])
def test_two_classes_may_come_as_floats_as_a_column_or_as_truth_values(y):
    net, names = Net(2, (4, 4), 1), ("probe_accuracy", "gradient_ratio")
    plain, other = trace(net, (X, Y), names), trace(net, (X, y), names)
    for key in plain.values:
        np.testing.assert_array_equal(other.values[key], plain.values[key])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trace(Net(3), "moons"), r"expected \(n, 3\)"),
        (lambda: trace(Net(2), (X, Y[:-1])), "y of shape"),
        (lambda: trace(Net(2), (X, Y, X)), "distances of shape"),
        (lambda: trace(Net(2), (X, Y, Y, Y)), "expected x, "),
        (lambda: trace("moons", "moons"), "expected a Net, or Weights"),
        (lambda: trace(weights(SHAPES[0]), (X, Y)), "expected a Net, or Weights"),
        (lambda: trace(weights(SHAPES[0]), (X, Y), net=SHAPES[1]), "do not fit"),
        (lambda: trace(Net(2), "moons", seeds=[]), "seeds"),
        (lambda: trace(Net(2), "moons", seeds=[-1]), "seeds"),
        (lambda: trace(Net(2), "moons", "gradient_ratio", loss="hinge"), "a loss out of"),
        (lambda: trace(Net(64, (4,), 3), "digits", "gradient_ratio"), "outputs that fit"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_unknown_names_are_refused_before_any_work():
    for bad in ({"metrics": "ckaa"}, {"init": "hee"}, {"formats": ("float63",)}):
        with pytest.raises(UnknownName, match="did you mean"):
            trace(Net(2), "moons", **bad)
    with pytest.raises((UnknownName, BadSpec)):
        trace(Net(2), "moonss")


def test_the_ladder_starts_on_the_boundary_and_goes_straight_away():
    from actscope.engine.points import look

    given = look("moons", Net(2), 200, 0)
    start, near, far = np.split(given.ladder, 3)
    law = dataset("moons")
    _, law = law.standardised(law.draw(200, np.random.default_rng(0))[0])
    assert len(start) > 25
    np.testing.assert_allclose(law.boundary(start), 0.0, atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(near - start, axis=1), 5.0, rtol=1e-12)
    np.testing.assert_allclose(far - start, 10.0 * (near - start), rtol=1e-9)
    step = start + 1e-3 * (near - start) / 5.0  # the first step is along the normal
    np.testing.assert_allclose(np.abs(law.boundary(step) - law.boundary(start)), 1e-3, rtol=2e-2)
    sides = np.sign(law.boundary(step) - law.boundary(start))
    assert {-1.0, 1.0} == set(sides.tolist())


def test_rounding_hands_on_what_inference_in_the_format_hands_on():
    from actscope.maths.formats import round_to

    net = Net(2, (6, 6), 1, "tanh")
    many = weights(net, networks=2)
    rounded = walk.forward(net, many, X, lambda h: round_to(h, "bfloat16"))
    by_hand = round_to(np.tanh(X @ many.W[0] + many.b[0][:, None]), "bfloat16")
    np.testing.assert_array_equal(rounded[0].h, by_hand)
    by_hand = round_to(np.tanh(by_hand @ many.W[1] + many.b[1][:, None]), "bfloat16")
    np.testing.assert_array_equal(rounded[1].h, by_hand)
    only, carried = (
        trace(many, (X, Y), "spread", net=net, formats=("bfloat16",), hand_on=on)
        for on in (False, True)
    )
    key = ("spread", "bfloat16")
    np.testing.assert_array_equal(only.values[key][:, 1], carried.values[key][:, 1])
    assert (only.values[key][:, 2] != carried.values[key][:, 2]).all()


def test_the_pattern_of_the_three_accounts_at_depth_eight():
    """SCIENCE: untrained, moons, width 16; probe accuracy at the eighth layer."""
    found = {}
    for name in ("sigmoid", "tanh", "relu"):
        t = trace(
            Net(2, (16,) * 8, 1, name),
            "moons",
            ("probe_accuracy", "spread", "distance_fidelity"),
            seeds=range(30),
            formats=("float64", "float32", "bfloat16"),
        )
        found[name] = [t.values["probe_accuracy", f][:, 8].mean() for f in (
            "float64", "float32", "bfloat16")]  # fmt: skip
    assert found["sigmoid"][0] > 0.9 and found["tanh"][0] > 0.9  # nothing is lost exactly
    assert 0.8 < found["relu"][0] < 0.88
    assert found["sigmoid"][0] - 0.05 < found["sigmoid"][1] < found["sigmoid"][0] - 0.003
    assert found["sigmoid"][2] < 0.56  # bfloat16 has nothing left but chance
    for name in ("tanh", "relu"):
        np.testing.assert_allclose(found[name], found[name][0], atol=0.02)


def test_sigmoid_features_are_a_speck_around_one_half():
    net = Net(2, (16,) * 8, 1, "sigmoid")
    from actscope.engine.starts import draw
    from actscope.inits import init

    x, _ = dataset("moons").standardised(dataset("moons").draw(400, np.random.default_rng(0))[0])
    w = draw(net, init("article"), np.arange(30, dtype=np.uint64), x)
    h = walk.forward(net, w, x)[-1].h
    assert 1e-6 < np.median(h.std(axis=1)) < 1.5e-5
    assert h.mean() == pytest.approx(0.5, abs=0.05)


def test_the_article_s_hidden_spread_and_signal_can_be_asked_of_a_trained_network():
    """The spread of a trace is what the engine records as activation_std."""
    from actscope.engine.api import train

    net = Net(2, (8, 8), 1, "relu")
    result = train(net, (X, Y), Training(epochs=3, dtype="float64"), seeds=range(2), trace_every=3)
    t = trace(result.groups[0].weights, (X, Y), ("spread", "mean_magnitude"), net=net)
    np.testing.assert_allclose(
        t.values["spread", "float64"][:, 1:], result.activation_std[:, -1], rtol=1e-9
    )
    np.testing.assert_allclose(
        t.values["mean_magnitude", "float64"][:, 1:], result.activation_mean[:, -1], rtol=1e-9
    )


def test_cheap_metrics_are_cheap():
    """A thousand networks of depth 8 take under 10 s of one core; a tenth of them here."""
    net = Net(2, (16,) * 8, 1, "relu")
    trace(net, "moons", seeds=range(2))  # the boundary is traced once
    start = time.process_time()
    trace(net, "moons", seeds=range(100))
    assert time.process_time() - start < 2.0


def test_layers_that_are_not_wanted_are_not_measured():
    net = Net(2, (6, 6), 1, "tanh")
    whole = trace(net, "moons", ("spread", "cka"), points=50)
    some = trace(net, "moons", ("spread", "cka"), points=50, layers=(0, 2))
    for key, values in some.values.items():
        assert np.isnan(values[:, 1]).all()
        np.testing.assert_array_equal(values[:, [0, 2]], whole.values[key][:, [0, 2]])
    with pytest.raises(InputError, match="expected numbers from 0 to 2"):
        trace(net, "moons", layers=(3,))
