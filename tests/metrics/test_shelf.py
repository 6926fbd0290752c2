"""What every metric of the shelf declares: bounds, the identity, what it is blind to."""

import numpy as np
import pytest

from actscope.errors import InputError, UnknownName
from actscope.metrics import SHELF, metric
from actscope.metrics._base import CHANGES, NEEDS
from actscope.metrics._pieces import Layer, Pieces

RECORDS = list(SHELF)
IDS = SHELF.names()
every = pytest.mark.parametrize("m", RECORDS, ids=IDS)


def rng(seed=0):
    return np.random.default_rng(seed)


def circle(n=64):
    angle = np.linspace(0, 2 * np.pi, n + 1)
    curve = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    curve[-1] = curve[0]
    return curve


def inputs(m, seed=0):
    """Points of three numbers of the kind that the metric looks at."""
    if "curve" in m.needs:
        return circle()
    if "ladder" in m.needs:
        start = np.column_stack([np.zeros(20), rng(seed).standard_normal((20, 2))])
        away = np.array([1.0, 0.0, 0.0])
        return np.concatenate([start, start + 5 * away, start + 50 * away])
    return rng(seed).standard_normal((60, 3))


def bent(m, seed=0, k=4):
    """The points and the output of a ReLU layer of them, with a dead unit and a large one."""
    x = inputs(m, seed)
    z = x @ rng(seed + 1).standard_normal((3, k)) + 0.3
    z[:, 1] = -1.0 - np.abs(z[:, 1])
    h = np.maximum(z, 0.0)
    h[:, 2] = 300.0 + z[:, 2]  # an offset, so that few bits are not enough
    return x, h


def context(m, x, h, seed=0):
    """All that the metric needs beside the clouds, of a layer of these outputs."""
    r = rng(seed + 2)
    k = h.shape[-1]
    slopes = np.where(r.uniform(size=h.shape) < 0.5, 1.0, 0.02)
    slopes[..., 1] = 0.0
    layer = Layer(r.standard_normal((2, k)), np.zeros(k), lambda z: np.maximum(z, 0.0), (0.0,))
    has = {
        "labels": (x[:, 0] > 0).astype(int),
        "distances": x @ [0.6, 0.8, 0.0],
        "slopes": slopes,
        "steepest": 3.0,
        "gradient": np.full(h.shape[:-2], 0.3),
        "last_gradient": np.full(h.shape[:-2], 2.0),
        "jacobian": r.standard_normal((*h.shape[:-2], 7, k, 3)),
        "network": Pieces((layer,), x[0, :2], x[-1, 1:], np.full(2, -1.0), np.full(2, 1.5)),
    }
    return {name: has[name] for name in m.needs if name in has}


def identity_context(m, x):
    n, d = x.shape
    has = {
        "labels": (x[:, 0] > 0).astype(int),
        "distances": x @ [0.6, 0.8, 0.0],
        "slopes": np.ones((n, d)),
        "steepest": 1.0,
        "jacobian": np.broadcast_to(np.eye(d), (7, d, d)),
        "network": Pieces((), x[0, :2], x[1, :2], np.full(2, -1.0), np.full(2, 1.0)),
    }
    return {name: has[name] for name in m.needs if name in has}


def change(kind, h, given, r):
    """The layer after a change of its outputs, and what follows for the rest."""
    k = h.shape[-1]
    A, shift, c = np.eye(k), np.zeros(k), 1.0
    if kind == "rotation":
        A = np.linalg.qr(r.standard_normal((k, k)))[0]
    elif kind == "scaling":
        c = float(r.uniform(0.05, 20.0))
        A = c * A
    elif kind == "shift":
        shift = 40.0 * r.standard_normal(k)
    elif kind == "permutation":
        A = A[r.permutation(k)]
    else:
        A = np.linalg.qr(r.standard_normal((k, k)))[0] * r.uniform(0.2, 5.0, k)
        A, shift = A @ np.linalg.qr(r.standard_normal((k, k)))[0], 3.0 * r.standard_normal(k)
    given = dict(given)
    if "slopes" in given:
        given["slopes"] = given["slopes"] @ A
    if "steepest" in given:
        given["steepest"] = given["steepest"] * c
    if "jacobian" in given:
        given["jacobian"] = A.T @ given["jacobian"]
    if "gradient" in given:  # the loss is a function of the layer: c scales both
        given["gradient"] = given["gradient"] * (2.0 if kind == "affine" else c)
        given["last_gradient"] = given["last_gradient"] * c
    return h @ A + shift, given


@every
def test_record_is_complete(m):
    assert m.name and m.label and m.summary and m.source
    assert m.account in ("exact", "format", "optimiser")
    assert m.needs <= set(NEEDS) and m.blind_to <= set(CHANGES)
    assert m.bounds.low < m.bounds.high
    if m.perfect is not None:
        assert m.bounds.hold(m.perfect)


@every
def test_the_value_on_the_identity_map(m):
    x = inputs(m)
    value = m(x, x, **identity_context(m, x)) if "gradient" not in m.needs else np.nan
    if m.perfect is not None:
        assert value == pytest.approx(m.perfect, abs=1e-9)
    else:  # then it depends on the points: other points, another value (or none at all)
        y = 100.0 + inputs(m, seed=5) * [1.0, 0.3, 0.1]
        other = m(y, y, **identity_context(m, y)) if "gradient" not in m.needs else np.nan
        assert value != other


@every
@pytest.mark.parametrize("kind", CHANGES)
def test_blind_to_exactly_what_it_says(m, kind):
    x, h = bent(m)
    given = context(m, x, h)
    before = m(x, h, **given)
    after = [m(x, *[c := change(kind, h, given, rng(s))][0][:1], **c[1]) for s in range(20)]
    assert np.isfinite(before)
    if kind in m.blind_to:
        np.testing.assert_allclose(after, np.full(20, before), rtol=1e-7, atol=1e-7)
    else:
        assert np.abs(np.array(after) - before).max() > 1e-6 * (1 + abs(before))


@every
def test_values_lie_in_the_bounds_for_any_clouds(m):
    for seed in range(6):
        x, h = bent(m, seed)
        for wild in (
            h,
            rng(seed).standard_cauchy(h.shape),
            1e-9 * h,
            1e9 * h,
            np.repeat(h[:1], len(h), axis=0),
            np.rint(h),
        ):
            value = m(x, wild, **context(m, x, wild, seed))
            assert m.bounds.hold(value), (seed, value)


@every
def test_many_networks_at_once_are_the_networks_one_by_one(m):
    x, _ = bent(m)
    clouds = np.stack([[bent(m, s)[1], 0.5 + 2.0 * bent(m, s + 9)[1]] for s in range(3)])
    given = context(m, x, clouds)
    nets = np.empty((3, 2), dtype=object)
    for place in np.ndindex(3, 2):
        nets[place] = context(m, x, clouds[place], seed=sum(place)).get("network")
    if "network" in given:
        given["network"] = nets
    many = m(x, clouds, **given)
    assert many.shape == (3, 2)
    for place in np.ndindex(3, 2):
        one = {
            name: v[place] if name in ("slopes", "gradient", "last_gradient", "jacobian", "network")
            else v
            for name, v in given.items()
        }  # fmt: skip
        np.testing.assert_allclose(m(x, clouds[place], **one), many[place], rtol=1e-9, atol=1e-12)


@every
def test_degenerate_layers_are_data_and_nobody_else_s_problem(m):
    """A constant layer, a NaN, an infinity and a healthy one side by side."""
    x, h = bent(m)
    healthy = m(x, h, **context(m, x, h))
    clouds = np.stack([np.full_like(h, 0.49), h, h, h])
    clouds[1, 3, 0], clouds[2, 5, 1] = np.nan, np.inf
    given = context(m, x, clouds)
    if "network" in given:
        given["network"] = [context(m, x, h)["network"]] * 4
    for name in ("slopes", "jacobian"):
        if name in given:
            given[name] = np.stack([context(m, x, h)[name]] * 4)
    values = m(x, clouds, **given)
    assert m.bounds.hold(values[0])
    assert np.isnan(values[1:3]).all()
    assert values[3] == pytest.approx(healthy, rel=1e-9)


@every
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_few_points_give_a_number_in_bounds_or_nan(m, n):
    x, h = bent(m)
    x, h = x[:n], np.tile(h[:n], 3)  # and more units than points
    given = context(m, x, h)
    value = m(x, h, **given)
    assert value.shape == () and m.bounds.hold(value)
    if n < m.least:
        assert np.isnan(value)


@every
def test_what_is_missing_is_named(m):
    x, h = bent(m)
    wanted = sorted(context(m, x, h))
    if wanted:
        with pytest.raises(InputError, match=f"metric '{m.name}' needs {wanted[0]}="):
            m(x, h)
    with pytest.raises(InputError, match=r"expected \(n, d\)"):
        m(x, h[:-1], **context(m, x, h))


def test_labels_and_distances_are_checked():
    x = rng().standard_normal((20, 2))
    for bad in (np.zeros(19), np.full(20, np.nan), ["a"] * 20, np.zeros((20, 1))):
        with pytest.raises(InputError, match="distances"):
            metric("distance_fidelity")(x, x, distances=bad)


def test_unknown_metric_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'cka'"):
        metric("ckaa")
