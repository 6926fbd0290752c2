"""What every data set of the shelf promises."""

import itertools
import pickle

import numpy as np
import pytest
from scipy.spatial import KDTree

from actscope.datasets import SHELF, dataset
from actscope.errors import BadParameter, InputError

FROM_FILES = {"cifar10", "table"}  # these need a file; their own tests give them one
DRAWN = sorted(set(SHELF.names()) - FROM_FILES)
KNOWN = [name for name in DRAWN if SHELF.get(name).boundary is not None]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", SHELF.names())
def test_record_is_complete(name):
    record = SHELF.get(name)
    assert record.name == name
    assert record.label and record.summary and record.source
    assert not record.summary.endswith(".")
    for param in record.params:
        param.check(name, param.default)
    assert (record.boundary is None) == (record.bayes_accuracy is None)


@pytest.mark.parametrize("name", DRAWN)
def test_draw_gives_the_declared_shapes_and_repeats_with_the_seed(name):
    record = SHELF.get(name)
    x, y = record.draw(40, rng())
    assert x.shape == (40, record.dim) and x.dtype == np.float64
    assert y.shape == (40,)
    if record.classes:
        assert np.issubdtype(y.dtype, np.integer)
        assert set(y.tolist()) <= set(range(record.classes))
    else:
        assert y.dtype == np.float64
    again = record.draw(40, rng())
    np.testing.assert_array_equal(again[0], x)
    np.testing.assert_array_equal(again[1], y)
    assert not np.array_equal(record.draw(40, rng(1))[0], x)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("n", [0, -1, 2.5, True, "ten"])
def test_a_bad_count_is_refused(name, n):
    with pytest.raises(InputError, match="n = "):
        SHELF.get(name).draw(n, rng())


@pytest.mark.parametrize("name", KNOWN)
def test_the_boundary_classifier_has_the_bayes_accuracy(name):
    record = SHELF.get(name)
    x, y = record.draw(40_000, rng(1))
    right = (record.boundary(x) > 0) == (y == 1)
    bayes = record.bayes_accuracy()
    assert 0.5 < bayes.accuracy <= 1.0
    assert 0.0 <= bayes.error < 1e-4
    spread = np.sqrt(bayes.accuracy * (1 - bayes.accuracy) / 40_000)
    assert abs(right.mean() - bayes.accuracy) < 4.5 * spread + bayes.error


@pytest.mark.parametrize("name", KNOWN)
def test_moving_by_the_distance_along_the_gradient_lands_on_the_boundary(name):
    record = SHELF.get(name)
    x = rng(2).uniform(-4, 4, (300, record.dim))
    h = 1e-5
    steps = h * np.eye(record.dim)
    gradient = np.stack(
        [(record.boundary(x + s) - record.boundary(x - s)) / (2 * h) for s in steps], axis=1
    )
    length = np.linalg.norm(gradient, axis=1)
    smooth = abs(length - 1.0) < 1e-6  # off the ridges, where two feet are equally near
    assert smooth.mean() > 0.95
    landed = x - record.boundary(x)[:, None] * gradient
    np.testing.assert_allclose(record.boundary(landed)[smooth], 0.0, atol=1e-3)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("scale", [1.0, (2.0, 0.5)])
def test_distance_against_a_dense_sample_of_the_contour(name, scale):
    std = np.broadcast_to(scale, 2).astype(float)
    mean = np.array([0.3, -0.2])
    record = SHELF.get(name).scaled(mean, std)
    line = SHELF.get(name).contour()
    dense = []
    for a, b in itertools.pairwise(line):
        length = np.linalg.norm(b - a)
        far = min(np.abs(a).max(), np.abs(b).max()) > 120
        if not length < 1e7 or (far and length < 1e6):
            continue  # a break between two lines, or a piece too far out to matter
        reach = min(length, 300.0)  # the middle of the lines that are drawn with two vertices
        along = 0.5 * (length - reach) + np.arange(0.0, reach, 5e-3)
        dense.append(a + along[:, None] * (b - a) / length)
    dense = (np.concatenate(dense) - mean) / std
    x = np.concatenate([rng(3).uniform(-3, 3, (60, 2)), rng(4).uniform(-20, 20, (20, 2))])
    brute, _ = KDTree(dense).query(x)
    np.testing.assert_allclose(np.abs(record.boundary(x)), brute, atol=0.5 * 5e-3 / min(std) + 1e-3)
    clear = brute > 0.1  # there half a step of the sample is 3e-5 of distance
    np.testing.assert_allclose(np.abs(record.boundary(x))[clear], brute[clear], atol=1e-3)


@pytest.mark.parametrize("name", KNOWN)
def test_scaling_commutes_with_drawing_and_keeps_the_side(name):
    record = SHELF.get(name)
    scaled = record.scaled([1.0, -2.0], [3.0, 0.4])
    x, y = record.draw(500, rng(5))
    u, v = scaled.draw(500, rng(5))
    np.testing.assert_allclose(u, (x - [1.0, -2.0]) / [3.0, 0.4], atol=1e-14)
    np.testing.assert_array_equal(v, y)
    near = np.abs(record.boundary(x)) < 1e-3
    np.testing.assert_array_equal((scaled.boundary(u) > 0)[~near], (record.boundary(x) > 0)[~near])


@pytest.mark.parametrize("name", KNOWN)
def test_equal_scaling_divides_the_distance_and_scalings_compose(name):
    record = SHELF.get(name)
    x = rng(6).uniform(-3, 3, (100, 2))
    np.testing.assert_allclose(
        record.scaled(0.5, 4.0).boundary((x - 0.5) / 4.0), record.boundary(x) / 4.0, atol=1e-9
    )
    once = record.scaled([0.5, 1.0], [2.0, 3.0])
    twice = record.scaled([0.5, 0.0], [1.0, 0.5]).scaled([0.0, 2.0], [2.0, 6.0])
    np.testing.assert_allclose(twice.scale[0], [0.5, 1.0])
    np.testing.assert_allclose(twice.boundary(x), once.boundary(x), atol=1e-9)


@pytest.mark.parametrize("name", KNOWN)
def test_parameters_reach_draw_boundary_and_accuracy(name):
    quiet, loud = dataset(name, noise=0.1), dataset(name, noise=1.5)
    assert quiet.bayes_accuracy().accuracy > loud.bayes_accuracy().accuracy + 0.02
    assert quiet.settings["noise"] == 0.1
    assert loud.key == f"{name}(noise=1.5)"
    x, y = quiet.draw(2000, rng(7))
    assert ((quiet.boundary(x) > 0) == y).mean() > 0.98
    assert quiet.scaled(0.0, 2.0).with_params(noise=1.5).scale is not None


@pytest.mark.parametrize("name", KNOWN)
def test_points_that_are_not_finite_have_no_distance(name):
    distance = SHELF.get(name).boundary([[np.nan, 0.0], [0.3, 0.1]])
    assert np.isnan(distance[0]) and np.isfinite(distance[1])


@pytest.mark.parametrize("name", KNOWN)
def test_points_of_the_wrong_shape_are_refused(name):
    with pytest.raises(InputError, match="expected \\(n, 2\\)"):
        SHELF.get(name).boundary(np.zeros((4, 3)))


@pytest.mark.parametrize("name", KNOWN)
def test_a_law_travels_to_another_process(name):
    law = dataset(name, noise=0.3).scaled(0.1, 2.0)
    copy = pickle.loads(pickle.dumps(law))
    x, _ = copy.draw(50, rng(8))
    np.testing.assert_array_equal(x, law.draw(50, rng(8))[0])
    np.testing.assert_array_equal(copy.boundary(x), law.boundary(x))
    assert copy.settings == law.settings


def test_unknown_and_bad_parameters_name_what_is_taken():
    with pytest.raises(BadParameter, match="no parameter 'nose': it takes noise"):
        dataset("moons", nose=1)
    for bad in (-0.1, np.nan, "loud", True, None):
        with pytest.raises(BadParameter, match="noise"):
            dataset("moons", noise=bad)
    with pytest.raises(BadParameter, match="whole number"):
        dataset("blobs", classes=2.0)


@pytest.mark.parametrize("std", [0.0, -1.0, np.nan, [1.0, 2.0, 3.0]])
def test_a_bad_scale_is_refused(std):
    with pytest.raises(InputError, match="std"):
        dataset("moons").scaled(0.0, std)


@pytest.mark.parametrize(("name", "total"), [("digits", 1797), ("breast_cancer", 569)])
def test_fixed_sets_hold_what_they_say_and_draw_without_replacement(name, total):
    record = SHELF.get(name)
    x, y = record.draw(None, rng())
    assert x.shape == (total, record.dim)
    assert len(set(y.tolist())) == record.classes
    shuffled, _ = record.draw(total, rng())
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(x, axis=0))
    with pytest.raises(InputError, match=f"holds {total}"):
        record.draw(total + 1, rng())


def test_sine_follows_its_curve():
    x, y = dataset("sine", noise=0.2, frequency=3.0).draw(20_000, rng())
    rest = y - np.sin(3.0 * x[:, 0])
    assert abs(rest.mean()) < 4 * 0.2 / np.sqrt(20_000)
    assert rest.std() == pytest.approx(0.2, rel=0.03)
    assert np.abs(x).max() <= np.pi


def test_blobs_of_many_classes_have_no_one_boundary_but_a_bayes_accuracy():
    from actscope.datasets.blobs import centres

    many = dataset("blobs", classes=5, dim=7)
    assert (many.dim, many.classes, many.boundary) == (7, 5, None)
    x, y = many.draw(40_000, rng())
    nearest = np.argmin(((x[:, None] - centres(5, 3.0, 7)) ** 2).sum(axis=2), axis=1)
    bayes = many.bayes_accuracy()
    assert abs((nearest == y).mean() - bayes.accuracy) < 4 * np.sqrt(0.25 / 40_000)
    assert many.with_params(classes=2).boundary is not None
