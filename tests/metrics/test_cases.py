"""Every metric on a case where its answer is known, and on one where it must say "lost"."""

import itertools

import numpy as np
import pytest

from actscope.metrics import SHELF, metric
from actscope.metrics._base import decomposed
from actscope.metrics._pieces import Layer, Pieces, count_in_box, crossed, piecewise_linear

N = 400


def rng(seed=0):
    return np.random.default_rng(seed)


X = rng(1).standard_normal((N, 3))
D = X @ np.array([0.6, 0.0, 0.8])
Y = (D > 0).astype(int)
NOISE = rng(2).standard_normal((N, 3))
ANGLE = np.linspace(0, 2 * np.pi, 257)
CIRCLE = np.stack([np.cos(ANGLE), np.sin(ANGLE)], axis=1)
TWICE = np.stack([np.cos(2 * ANGLE), np.sin(2 * ANGLE)], axis=1)
START = np.column_stack([np.zeros(9), np.linspace(-1, 1, 9)])
LADDER = np.concatenate([START + np.array([away, 0.0]) for away in (0.0, 5.0, 50.0)])
SQUASHED = 0.49 + 4e-6 * X  # what the eighth sigmoid layer looks like


def relu(z):
    return np.maximum(z, 0.0)


def net(W, b, low=-1.0, high=1.0, kinks=(0.0,), phi=relu):
    layer = Layer(np.array(W, float), np.array(b, float), phi, kinks)
    d = len(W)
    return Pieces((layer,), np.full(d, low), np.full(d, high), np.full(d, low), np.full(d, high))


# metric: (value where geometry is kept, value where it is lost, tolerance)
CASES = {
    "spread": lambda m: (m(X, 2 * X) / X.std(), 2.0, m(X, 0 * X), 0.0, 1e-12),
    "mean_magnitude": lambda m: (m(X, np.ones_like(X)), 1.0, m(X, 0 * X), 0.0, 1e-12),
    "distance_fidelity": lambda m: (
        m(X, SQUASHED, distances=D), 1.0, m(X, NOISE, distances=D), 0.0, 0.06),
    "probe_accuracy": lambda m: (
        m(X, SQUASHED, labels=Y), 1.0, m(X, NOISE, labels=Y), 0.5, 0.1),
    "knn_accuracy": lambda m: (
        m(X, np.eye(2)[Y] + 0.1 * NOISE[:, :2], labels=Y), 1.0, m(X, NOISE, labels=Y), 0.5, 0.1),
    "effective_rank": lambda m: (m(X, X @ np.eye(3)), 3.0, m(X, X[:, :1] * [1, 2, 3]), 1.0, 0.02),
    "participation_ratio": lambda m: (m(X, X), 3.0, m(X, X[:, :1] * [1, 2, 3]), 1.0, 0.05),
    "cka": lambda m: (m(X, 5 - 3 * X), 1.0, m(X, NOISE), 0.0, 0.03),
    "intrinsic_dimension": lambda m: (
        m(X, X), 3.0, m(X, X[:, :1] * np.arange(1.0, 11.0)), 1.0, 0.35),
    "distance_rank_correlation": lambda m: (m(X, 7 * X), 1.0, m(X, NOISE), 0.0, 0.05),
    "far_near_resolution": lambda m: (
        m(LADDER, LADDER), 1.0, m(LADDER, np.tanh(LADDER)), 0.0, 1e-3),
    "format_fidelity": lambda m: (
        m(X, X, distances=D), 1.0, m(X, SQUASHED, distances=D), 0.0, 0.06),
    "gradient_ratio": lambda m: (
        m(X, X, gradient=2.0, last_gradient=2.0), 1.0,
        m(X, X, gradient=1e-9, last_gradient=1.0), 0.0, 1e-8),
    "jacobian_log_mean": lambda m: (
        m(X, X, jacobian=np.eye(3)[None]), 0.0,
        m(X, X, jacobian=0.25**8 * np.eye(3)[None]), 8 * np.log(0.25), 1e-12),
    "jacobian_log_spread": lambda m: (
        m(X, X, jacobian=7 * np.eye(2)[None]), 0.0,
        m(X, X, jacobian=np.diag([1.0, 1e-6])[None]), 0.5 * np.log(1e6), 1e-12),
    "dead_fraction": lambda m: (
        m(X, X, slopes=(X > 0) * 1.0), 0.0, m(X, 0 * X, slopes=0 * X), 1.0, 1e-12),
    "saturated_fraction": lambda m: (
        m(X, X, slopes=1 / np.cosh(0.1 * X) ** 2, steepest=1.0), 0.0,
        m(X, X, slopes=1 / np.cosh(10 + 0 * X) ** 2, steepest=1.0), 1.0, 1e-12),
    "zero_fraction": lambda m: (m(X, X), 0.0, m(X, relu(-np.abs(X))), 1.0, 1e-12),
    "trajectory_stretch": lambda m: (m(CIRCLE, 3 * CIRCLE), 3.0, m(CIRCLE, 0 * CIRCLE), 0.0, 1e-9),
    "curvature": lambda m: (m(CIRCLE, 0.1 * CIRCLE), 1.0, m(CIRCLE, TWICE), 2.0, 1e-9),
    "linear_regions": lambda m: (
        m(X, X, network=net([[1.0]], [5.0])), 1.0,
        m(X, X, network=net([[1.0, 1.0, -2.0]], [0.5, 0.0, 1.0])), 4.0, 0.0),
    "linear_regions_box": lambda m: (
        m(X, X, network=net([[1.0], [1.0]], [9.0])), 1.0,
        m(X, X, network=net([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])), 4.0, 0.0),
    "separability": lambda m: (
        m(X, np.eye(2)[Y], labels=Y), 2.0,
        m(X, rng(3).standard_normal((N, 60)), labels=Y), 1 / 60, 0.02),
    "bits_needed": lambda m: (
        m(X, np.sign(D)[:, None] * 2.0 ** np.rint(np.log2(np.abs(D)))[:, None], distances=D), 0.0,
        m(X, SQUASHED, distances=D), 17.0, 1.5),
}  # fmt: skip


@pytest.mark.parametrize("name", SHELF.names())
def test_kept_and_lost(name):
    kept, expected, lost, gone, tol = CASES[name](metric(name))
    assert kept == pytest.approx(expected, abs=tol)
    assert lost == pytest.approx(gone, abs=tol)
    assert abs(kept - lost) > 0.4


def test_the_accounts_disagree_about_a_squashed_layer_and_each_is_right():
    """The finding of SCIENCE: exact fidelity is whole, the spread gone, bfloat16 empty."""
    assert metric("distance_fidelity")(X, SQUASHED, distances=D) > 0.999
    assert metric("spread")(X, SQUASHED) < 1e-5
    assert metric("format_fidelity")(X, SQUASHED, distances=D) < 0.05
    assert metric("cka")(X, SQUASHED) > 0.999999


def test_the_probe_meets_scikit_learn():
    """The slow twin: whiten, then a ridge fitted anew in each fold."""
    from sklearn.linear_model import Ridge

    from actscope.metrics._probe import STRENGTH, fidelity, folds, held_out

    h = np.concatenate([np.tanh(X @ rng(4).standard_normal((3, 7))), X[:, :1] ** 2], axis=1)
    u = decomposed(h)[1]
    said = np.empty(N)
    for test in folds(N):
        train = np.setdiff1d(np.arange(N), test)
        # the probe's intercept is the coefficient of a constant, unpunished
        ridge = Ridge(alpha=STRENGTH, fit_intercept=True, solver="svd").fit(u[train], D[train])
        said[test] = ridge.predict(u[test])
    np.testing.assert_allclose(held_out(u, D[:, None])[:, 0], said, atol=1e-9)
    slow = 1 - ((D - said) ** 2).sum() / ((D - D.mean()) ** 2).sum()
    assert fidelity(u, D) == pytest.approx(slow, abs=1e-12)


def test_the_folds_are_a_partition_and_the_probe_never_saw_the_point():
    from actscope.metrics._probe import folds, held_out

    parts = folds(103)
    assert sorted(np.concatenate(parts).tolist()) == list(range(103))
    assert {len(p) for p in parts} <= {20, 21}
    target = D.copy()
    u = decomposed(X)[1]
    before = held_out(u, target[:, None])[7, 0]
    target[7] += 1000.0
    assert held_out(u, target[:, None])[7, 0] == pytest.approx(before, abs=1e-9)


def test_cka_from_features_meets_the_gram_matrices():
    from actscope.metrics.cka import biased, f, hsic

    h = np.tanh(X @ rng(5).standard_normal((3, 6)))
    K, L = X @ X.T, h @ h.T
    n = N
    zeroed = [a - np.diag(np.diag(a)) for a in (K, L)]
    ones = np.ones(n)
    slow = (
        np.trace(zeroed[0] @ zeroed[1])
        + (ones @ zeroed[0] @ ones) * (ones @ zeroed[1] @ ones) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * (ones @ zeroed[0] @ zeroed[1] @ ones)
    ) / (n * (n - 3))
    assert hsic(X, h) == pytest.approx(slow, rel=1e-9)
    H = np.eye(n) - 1 / n
    centred = [H @ a @ H for a in (K, L)]
    norm = np.linalg.norm(centred[0]) * np.linalg.norm(centred[1])
    assert biased(X, h) == pytest.approx((centred[0] * centred[1]).sum() / norm, rel=1e-9)
    assert f(X, h) == pytest.approx(slow / np.sqrt(hsic(X, X) * hsic(h, h)), rel=1e-9)


def test_cka_of_noise_is_debiased():
    from actscope.metrics.cka import biased

    values = [
        (metric("cka")(a, b), biased(a, b))
        for a, b in (
            (rng(s).standard_normal((50, 20)), rng(s + 99).standard_normal((50, 20)))
            for s in range(40)
        )
    ]
    debiased, plain = np.mean(values, axis=0)
    assert abs(debiased) < 0.05 < 0.2 < plain


def random_net(r, widths, kinks=(0.0,), phi=relu, skip=False):
    layers = []
    for l, (i, o) in enumerate(itertools.pairwise(widths)):
        W, b = r.standard_normal((i, o)) * np.sqrt(2 / i), 0.3 * r.standard_normal(o)
        layers.append(Layer(W, b, phi, kinks, skip and i == o and l > 0))
    d = widths[0]
    ends = r.uniform(-2, 2, (2, d))
    return Pieces(tuple(layers), ends[0], ends[1], np.full(d, -2.0), np.full(d, 2.0))


def patterns(pieces, x):
    """The pieces in use at each input, one row an input."""
    h, rows = x, []
    for layer in pieces.layers:
        z = h @ layer.W + layer.b
        rows.append(np.searchsorted(np.array(layer.kinks), z))
        h = layer.phi(z) + (h if layer.skip else 0.0)
    return np.concatenate(rows, axis=1)


HARD = ((-1.0, 1.0), lambda z: np.clip(z, -1, 1))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("kinks", "phi"), [((0.0,), relu), HARD], ids=["relu", "hard_tanh"])
@pytest.mark.parametrize("skip", [False, True])
def test_regions_on_a_segment_meet_a_dense_walk(seed, kinks, phi, skip):
    pieces = random_net(rng(seed), (3, 6, 6, 6), kinks, phi, skip)
    t = np.linspace(0, 1, 200_001)[:, None]
    seen = patterns(pieces, pieces.start * (1 - t) + pieces.end * t)
    walked = 1 + (seen[1:] != seen[:-1]).any(axis=1).sum()
    exact = crossed(pieces)
    assert walked <= exact <= walked + 1  # a region narrower than a step may be stepped over


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("kinks", "phi"), [((0.0,), relu), HARD], ids=["relu", "hard_tanh"])
def test_regions_in_a_box_meet_a_dense_grid(seed, kinks, phi):
    pieces = random_net(rng(seed), (2, 4, 4), kinks, phi)
    axis = np.linspace(-2, 2, 401)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    seen = patterns(pieces, x)
    found = len({row.tobytes() for row in seen.astype(np.uint8)})
    exact = count_in_box(pieces)
    # a pattern's region is convex, so patterns are regions; slivers may fall between grid points
    assert found <= exact <= 1.15 * found + 2


def test_a_deeper_network_bends_more():
    counts = [crossed(random_net(rng(s), (3,) + (8,) * 4)) for s in range(40)]
    fewer = [crossed(random_net(rng(s), (3, 8))) for s in range(40)]
    assert np.mean(counts) > np.mean(fewer) + 2 > 4


def test_smooth_networks_and_other_dimensions_have_no_count():
    smooth = Pieces((), np.zeros(2), np.ones(2), np.zeros(2), np.ones(2), smooth=True)
    assert np.isnan(metric("linear_regions")(X, X, network=smooth))
    three = net([[1.0], [1.0], [1.0]], [0.0])
    assert np.isnan(metric("linear_regions_box")(X, X, network=three))


def test_piecewise_linear_activations_are_told_from_smooth_ones():
    from actscope.activations import activation

    for name in ("relu", "leaky_relu", "hard_tanh", "relu6", "hard_sigmoid", "abs", "identity"):
        phi = activation(name)
        assert piecewise_linear(phi.slope_at, phi.kinks), name
    for name in ("tanh", "sigmoid", "elu", "gelu", "hard_swish", "squared_relu", "softsign"):
        phi = activation(name)
        assert not piecewise_linear(phi.slope_at, phi.kinks), name


def test_bits_needed_is_the_edge():
    from actscope.maths.formats import round_mantissa

    fidelity = metric("distance_fidelity")
    h = 1.0 + 0.01 * X
    bits = int(metric("bits_needed")(X, h, distances=D))
    whole = fidelity(X, h, distances=D)
    assert fidelity(X, round_mantissa(h, bits), distances=D) >= 0.95 * whole
    assert fidelity(X, round_mantissa(h, bits - 1), distances=D) < 0.95 * whole
    assert np.isnan(metric("bits_needed")(X, NOISE, distances=D))


def test_probes_decline_when_there_are_too_few_points_to_tell():
    wide = rng(6).standard_normal((40, 40))
    needs = {"distance_fidelity": {"distances": D[:40]}, "probe_accuracy": {"labels": Y[:40]}}
    for name, need in needs.items():
        assert np.isnan(metric(name)(X[:40], wide, **need))
        assert np.isfinite(metric(name)(X[:40], wide[:, :9], **need))


def test_knn_meets_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    h = np.tanh(X @ rng(7).standard_normal((3, 4)))
    y = rng(8).integers(0, 3, N) * (D > 0)
    near = NearestNeighbors(n_neighbors=6).fit(h).kneighbors(h, return_distance=False)[:, 1:]
    votes = np.stack([(y[near] == c).sum(axis=1) for c in range(3)], axis=1)
    assert metric("knn_accuracy")(X, h, labels=y) == (votes.argmax(axis=1) == y).mean()


def test_distance_rank_correlation_meets_scipy():
    from scipy.spatial.distance import pdist
    from scipy.stats import spearmanr

    h = np.maximum(X @ rng(9).standard_normal((3, 5)), 0.0)
    slow = spearmanr(pdist(X), pdist(h)).statistic
    assert metric("distance_rank_correlation")(X, h) == pytest.approx(slow, rel=1e-12)


def test_two_nn_meets_its_recipe_step_by_step():
    h = rng(10).uniform(size=(300, 4))
    gaps = np.sort(np.linalg.norm(h[:, None] - h[None], axis=2), axis=1)
    ratios = np.sort(gaps[:, 2] / gaps[:, 1])
    kept = 270  # nine tenths
    share = np.arange(kept) / 300
    slope = np.linalg.lstsq(np.log(ratios[:kept, None]), -np.log(1 - share), rcond=None)[0][0]
    assert metric("intrinsic_dimension")(h, h) == pytest.approx(slope, rel=1e-9)
    doubled = np.concatenate([h, h[:150]])  # points that coincide count once
    assert metric("intrinsic_dimension")(doubled, doubled) == pytest.approx(slope, rel=1e-9)


def test_a_falling_activation_is_not_saturated():
    falling = -np.ones_like(X)
    assert metric("saturated_fraction")(X, X, slopes=falling, steepest=1.0) == 0.0
    edge = np.where(X > 0, 0.0101, 0.0099)
    share = metric("saturated_fraction")(X, X, slopes=edge, steepest=1.0)
    assert share == (X <= 0).mean()


def test_a_dead_unit_is_dead_at_every_point_and_not_at_some():
    slopes = np.ones((N, 4))
    slopes[:, 0] = 0.0
    slopes[: N // 2, 1] = 0.0
    assert metric("dead_fraction")(X, np.ones((N, 4)), slopes=slopes) == 0.25


def test_an_outlier_alone_in_its_direction_does_not_decide_the_fidelity():
    """A unit that a single point wakes: its held-out prediction is kept within reach."""
    h = np.column_stack([X, np.zeros(N)])
    h[3, 3] = 1.0
    alone = metric("distance_fidelity")(X, h, distances=D)
    assert 0.9 < alone <= 1.0


def test_a_layer_near_the_largest_number_there_is_warns_of_nothing():
    huge = 2.0**1020 * X / np.abs(X).max()
    s, u = decomposed(huge)
    plain = decomposed(X / np.abs(X).max())
    np.testing.assert_allclose(s * 2.0**-500, plain[0] * 2.0**520, rtol=1e-12)
    np.testing.assert_allclose(np.abs(u), np.abs(plain[1]), rtol=0, atol=1e-12)
    assert metric("distance_fidelity")(X, huge, distances=D) == pytest.approx(1.0)
    assert metric("spread")(X, huge) == np.inf
