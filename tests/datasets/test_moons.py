"""The two moons: scikit-learn's law, and a boundary that meets brute force."""

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.preprocessing import StandardScaler

from actscope.datasets import dataset, moons, spirals
from actscope.datasets._curves import log_density, log_odds


def test_a_whole_number_as_the_seed_gives_the_article_s_data_bit_for_bit():
    x, y = dataset("moons").draw(400, 42, noise=0.18)
    expected, labels = make_moons(400, noise=0.18, random_state=42)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(y, labels)


def test_standardised_is_scikit_learn_s_scaler():
    record = dataset("moons")
    x, _ = record.draw(400, 42)
    u, law = record.standardised(x)
    np.testing.assert_allclose(u, StandardScaler().fit_transform(x), atol=1e-14)
    assert abs(law.boundary(u)).max() < 4


@pytest.mark.parametrize("noise", [0.1, 0.18, 0.6])
@pytest.mark.parametrize("curve", [moons.CURVE, spirals._curve(1.5)], ids=["moons", "spirals"])
def test_the_density_meets_a_plain_sum_over_the_curve(curve, noise):
    """The slow twin: 400,000 equal steps along the curve."""
    x = np.random.default_rng(0).uniform(-3, 3, (12, 2))
    t = np.linspace(curve.low, curve.high, 400_001)
    t = 0.5 * (t[1:] + t[:-1])
    gap = ((x[:, None] - curve.at(t)) ** 2).sum(axis=2)
    power = -gap / (2 * noise**2)
    top = power.max(axis=1)
    mass = curve.weight(t) * (curve.high - curve.low) / len(t)
    slow = np.log((np.exp(power - top[:, None]) * mass).sum(axis=1)) + top
    fast, slope = log_density(curve, noise, x)
    np.testing.assert_allclose(fast, slow, atol=5e-5)  # the twin errs at the ends
    h = 1e-6
    for i in (0, 1):
        step = h * np.eye(2)[i]
        up, down = log_density(curve, noise, x + step)[0], log_density(curve, noise, x - step)[0]
        np.testing.assert_allclose(slope[:, i], (up - down) / (2 * h), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("distance", [50.0, 1e3])
def test_the_density_far_away_meets_its_asymptote(distance):
    """Straight above: ∫ e^(−(r−1)²/2σ²) e^(−r·s²/2σ²) ds/π, a Gaussian integral."""
    noise = 0.18
    value, _ = log_density(moons.CURVE, noise, np.array([[0.0, distance]]))
    width = np.sqrt(2 * np.pi * noise**2 / distance)
    expected = -((distance - 1) ** 2) / (2 * noise**2) + np.log(width / np.pi)
    assert value[0] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("noise", [0.05, 0.18, 0.5])
def test_the_side_of_the_line_is_the_sign_of_the_log_odds(noise):
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-3, 3, (1500, 2)), rng.uniform(-100, 100, (300, 2))])
    distance = moons.boundary(x, noise)
    odds, _ = log_odds(moons.CURVE, noise, x)
    clear = np.abs(distance) > 1e-4
    np.testing.assert_array_equal(distance[clear] > 0, odds[clear] > 0)


def test_points_moved_along_the_normal_are_as_far_as_they_were_moved():
    """On the straight arm of the boundary, 5 and 50 away."""
    line = moons.contour(0.18)
    far = line[np.abs(np.linalg.norm(line, axis=1) - 200).argmin()]
    after = line[np.abs(np.linalg.norm(line, axis=1) - 200).argmin() + 1]
    along = (after - far) / np.linalg.norm(after - far)
    normal = np.array([-along[1], along[0]])
    for reach in (5.0, 50.0, -5.0, -50.0):
        distance = moons.boundary((far + reach * normal)[None])[0]
        assert distance == pytest.approx(reach, abs=1e-3)


@pytest.mark.parametrize("noise", [0.5])
def test_the_bayes_accuracy_meets_a_plain_sum_over_the_plane(noise):
    axis = np.linspace(-3, 4, 141)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    mirrored = 2 * np.asarray(moons.CURVE.middle) - x
    p = np.exp(log_density(moons.CURVE, noise, x)[0]) / (2 * np.pi * noise**2)
    q = np.exp(log_density(moons.CURVE, noise, mirrored)[0]) / (2 * np.pi * noise**2)
    slow = 0.5 * np.maximum(p, q).sum() * (axis[1] - axis[0]) ** 2
    assert moons.accuracy(noise).accuracy == pytest.approx(slow, abs=2e-3)


def test_without_noise_the_boundary_lies_halfway_between_the_curves():
    t = np.linspace(0, np.pi, 20_001)
    upper = moons.CURVE.at(t)
    lower = 2 * np.asarray(moons.CURVE.middle) - upper
    line = moons.contour(0.0)
    line = line[np.linalg.norm(line, axis=1) < 3][::20]
    to = [np.linalg.norm(c - line[:, None], axis=2).min(axis=1) for c in (upper, lower)]
    np.testing.assert_allclose(to[0], to[1], atol=2e-3)


def circle(centre, radius, count):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.mark.parametrize("std", [(1.0, 1.0), (2.0, 0.5)])
@pytest.mark.parametrize(
    ("law", "curve", "reach"),
    [(moons, moons.CURVE, 2.0), (moons, moons.CURVE, 40.0), (spirals, spirals._curve(1.5), 3.0)],
    ids=["moons near", "moons far", "spirals"],
)
def test_a_disc_of_the_distance_touches_the_boundary_and_does_not_cross_it(law, curve, reach, std):
    """From the density alone: one sign 1e-3 inside the disc's edge, both signs 1e-3 outside."""
    noise, mean, std = 0.1, np.array([0.2, -0.1]), np.array(std)

    def side(points):
        return np.sign(log_odds(curve, noise, mean + std * points)[0])

    for x in np.random.default_rng(6).uniform(-reach, reach, (10, 2)):
        distance = law.boundary(x[None], noise, mean=mean, std=std)[0]
        radius = abs(distance)
        # the part of the circle beyond the boundary is about 2·sqrt(4e-3/radius) of an arc
        count = int(20 + 2 * np.pi * 2 * np.sqrt(radius / 4e-3))
        inside = [circle(x, r * (radius - 1e-3), 40) for r in (0.3, 0.6, 0.8, 0.9, 0.97)]
        inside.append(circle(x, max(radius - 1e-3, 0.0), 2 * count))
        assert set(side(np.concatenate(inside))) == {np.sign(distance)}
        assert set(side(circle(x, radius + 1e-3, 4 * count))) == {-1.0, 1.0}
