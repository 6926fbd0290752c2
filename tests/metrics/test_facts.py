"""The 23 closed-form cases of facts/geometry_checks.json, through our own functions."""

import json
from pathlib import Path

import numpy as np
import pytest

from actscope.activations import activation
from actscope.datasets import dataset
from actscope.engine import walk
from actscope.engine.spec import Net, Weights
from actscope.inits import init
from actscope.maths import spectra
from actscope.maths.clouds import squared_distances
from actscope.maths.depth import predict
from actscope.metrics import metric
from actscope.metrics._pieces import (
    Layer,
    Pieces,
    count_in_box,
    least_most_regions,
    most_regions,
)
from actscope.metrics.cka import biased
from actscope.metrics.curvature import mean_curvature, turning
from actscope.metrics.separability import capacity, point_capacity
from actscope.metrics.trajectory_stretch import length

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "geometry_checks.json").read_text())


def rng(seed=0):
    return np.random.default_rng(seed)


def circle(n=10_000):
    angle = np.linspace(0, 2 * np.pi, n + 1)
    curve = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    curve[-1] = curve[0]
    return curve


def relu(z):
    return np.maximum(z, 0.0)


def jacobian_of(net, name, seeds, scale=1.0):
    """The last hidden layer's Jacobian at one random point, one network a seed."""
    draws = [init(name).draw(net.sizes, net.activations, rng(s)) for s in seeds]
    W = tuple(scale * np.stack(layer) for layer in zip(*(d[0] for d in draws), strict=True))
    b = tuple(np.stack(layer) for layer in zip(*(d[1] for d in draws), strict=True))
    weights = Weights(W, b)
    steps = walk.forward(net, weights, rng(12345).standard_normal((1, net.inputs)))
    return walk.jacobians(net, weights, steps, 1)[-1][:, 0]  # (networks, width, inputs)


def trajectory_identity():
    curve = circle()
    assert metric("trajectory_stretch")(curve, curve) == pytest.approx(1.0, abs=1e-12)
    return length(curve)


def trajectory_embedding():
    into = np.linalg.qr(rng(1).standard_normal((10, 2)))[0].T
    return metric("trajectory_stretch")(circle(), circle() @ into)


def curvature_circle():
    into = np.linalg.qr(rng(2).standard_normal((10, 2)))[0].T
    assert mean_curvature(4.0 * circle()) == pytest.approx(0.25, abs=1e-4)
    return mean_curvature(circle() @ into)


def local_stretch(power):
    net = Net(20, (20,) * 6, 1, "relu")
    J = jacobian_of(net, "he", range(6000))
    u = rng(3).standard_normal((20, 1))
    u /= np.linalg.norm(u)
    return (np.linalg.norm(J @ u, axis=(-2, -1)) ** power).mean()


def giryes():
    # |x| = 1, |y| = 2, 1 radian apart, through one layer of N(0, 1/m)
    x = np.array([[1.0, 0.0], [2 * np.cos(1.0), 2 * np.sin(1.0)]])
    W, _ = init("lecun").draw((2, 400_000, 1), (activation("relu"),), rng(4))
    h = relu(x @ W[0] * np.sqrt(2 / 400_000))
    return squared_distances(h)[0, 1]


def angle_map():
    # two unit inputs at angle 1 through one He layer: cosine of the outputs, by mean-field theory
    at = predict(
        relu, lambda z: np.heaviside(z, 0.0), (0.0,), depth=1, sigma_w=2**0.5, c=np.cos(1.0)
    )
    x = np.array([[1.0, 0.0], [np.cos(1.0), np.sin(1.0)]])
    W, b = init("he").draw((2, 400_000, 1), (activation("relu"),), rng(5))
    h = relu(x @ W[0] + b[0])
    measured = h[0] @ h[1] / np.linalg.norm(h[0]) / np.linalg.norm(h[1])
    assert measured == pytest.approx(at.c[1], abs=0.003)
    return at.c[1]


def depth_asymptote():
    p = predict(relu, lambda z: np.heaviside(z, 0.0), (0.0,), depth=2000, sigma_w=2**0.5, c=0.0)
    return 2000**2 * p.apart[-1]


def jacobian_spectrum(name):
    net = Net(250, (250,) * 4, 1, "relu")
    values = []
    for seed in range(3):
        J = jacobian_of(net, name, [seed])[0]
        eigen = np.linalg.svd(J, compute_uv=False) ** 2
        values.append(eigen.var() / eigen.mean() ** 2)
    return np.mean(values)


def isometry():
    net = Net(30, (30,) * 5, 1, "identity")
    J = jacobian_of(net, "orthogonal", [0], scale=1.3)
    points = np.zeros((1, 30))
    assert metric("jacobian_log_mean")(points, points, jacobian=J) == pytest.approx(
        5 * np.log(1.3), abs=1e-12
    )
    return metric("jacobian_log_spread")(points, points, jacobian=J)


def eight_lines():
    r = rng(6)
    angle = np.sort(r.uniform(0, np.pi, 8))
    W = np.stack([np.cos(angle), np.sin(angle)])
    layer = Layer(W, r.uniform(-1, 1, 8), relu, (0.0,))
    big = np.full(2, 1e4)
    assert most_regions(2, 8) == 37
    return count_in_box(Pieces((layer,), -big, big, -big, big))


def participation():
    cloud = rng(7).standard_normal((3000, 100))
    return metric("participation_ratio")(cloud[:, :2], cloud)


def equal_singular_values():
    q = np.linalg.qr(np.column_stack([np.ones(50), rng(8).standard_normal((50, 7))]))[0][:, 1:]
    return metric("effective_rank")(q, 3.0 * q)


def cka_rotated():
    a = rng(9).standard_normal((200, 10))
    q = np.linalg.qr(rng(10).standard_normal((10, 10)))[0]
    assert biased(a, 3 * a @ q) == pytest.approx(1.0, abs=1e-12)
    return metric("cka")(a, 3 * a @ q)


def cka_noise():
    values = [
        biased(rng(s).standard_normal((500, 20)), rng(s + 50).standard_normal((500, 20)))
        for s in range(10)
    ]
    return np.mean(values)


def two_nn():
    cube = rng(11).uniform(size=(4000, 3))
    into = np.linalg.qr(rng(12).standard_normal((10, 3)))[0].T
    return metric("intrinsic_dimension")(cube, cube @ into)


def boundary_distance():
    # two blobs whose bisector is 3x + 4y + 5 = 0 after a move: the point (1, 1) is 12/5 away
    law = dataset("blobs", separation=2.0)  # bisector x + y = 0, class 1 below it
    turn = np.array([3.0, 4.0]) / 5.0
    move = np.array([[turn[0], -turn[1]], [turn[1], turn[0]]])  # its columns: the new axes
    local = (np.array([1.0, 1.0]) + np.array([0.6, 0.8])) @ move  # w·x + 5 = 0 passes −w/5
    old = np.array([[1.0, 1.0], [-1.0, 1.0]]) / 2**0.5  # the bisector's normal first
    return abs(law.boundary((local @ old)[None])[0])


RUNS = [
    trajectory_identity,
    trajectory_embedding,
    curvature_circle,
    lambda: turning(circle()),
    lambda: local_stretch(1),
    lambda: local_stretch(2),
    giryes,
    angle_map,
    depth_asymptote,
    lambda: jacobian_spectrum("orthogonal"),
    lambda: jacobian_spectrum("he"),
    isometry,
    eight_lines,
    lambda: least_most_regions(2, (4, 4)),
    participation,
    equal_singular_values,
    lambda: spectra.effective_rank(0.5 ** np.arange(60)),
    cka_rotated,
    cka_noise,
    two_nn,
    boundary_distance,
    lambda: point_capacity(0.0),
    lambda: capacity(1.47, 36.17),
]


def test_every_fact_has_its_run():
    assert len(RUNS) == len(FACTS) == 23


@pytest.mark.parametrize(
    ("fact", "run"),
    list(zip(FACTS, RUNS, strict=True)),
    ids=[f"{i}-{f['measure']}" for i, f in enumerate(FACTS)],
)
def test_fact(fact, run):
    value = run()
    assert abs(value - fact["expected"]) <= fact["tol"], (value, fact)
