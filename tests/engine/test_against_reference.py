"""The SIMD engine against its plain NumPy twin, number by number."""

import dataclasses
import itertools

import numpy as np
import pytest

from actscope.activations import SHELF, activation
from actscope.engine import reference
from actscope.engine.api import train
from actscope.engine.orders import orders
from actscope.engine.spec import Data, Net, Training

DOUBLE = Training(epochs=4, batch=7, dtype="float64")  # 23 points: 7, 7, 7 and 2
ARTICLE = Training(loss_epsilon=1e-9, dtype="float64")
GAIN = {"sigmoid": 1.0, "relu": 2.0}


change = dataclasses.replace


@pytest.mark.parametrize("name", ["sigmoid", "relu"])
def test_the_articles_loss_curves_come_back_with_its_own_order(name, facts, moons, article_start):
    weights, orders = article_start(GAIN[name])
    result = train(Net(2, activations=name), moons, ARTICLE, weights=weights, orders=orders)
    for epoch, loss in facts[name]["loss_at_epoch"].items():
        np.testing.assert_allclose(result.loss[0, int(epoch) - 1], loss, rtol=0, atol=1e-9)
    assert result.test_accuracy == facts[name]["test_accuracy"]
    assert result.train_accuracy == facts[name]["train_accuracy"]


@pytest.mark.parametrize("phi", list(SHELF), ids=lambda a: a.name)
def test_every_activation_keeps_every_weight_over_the_article_run(phi, moons, article_start):
    weights, orders = article_start(1.0)
    net = Net(2, activations=phi)
    found = train(net, moons, ARTICLE, weights=weights, orders=orders)
    expected = reference.run(net, ARTICLE, moons, weights, orders)
    for mine, its in zip(found.weights(0).arrays(), expected.weights.arrays(), strict=True):
        np.testing.assert_allclose(mine, its[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("width", "loss"),
    list(zip([1, 2, 3, 5, 7, 13, 17, 33], itertools.cycle(["bce", "cross_entropy", "mse"]))),
)
def test_widths_that_fill_no_register_block(meets, width, loss):
    outputs = max(2, width // 2) if loss == "cross_entropy" else width
    net = Net(width, (width, width + 1), outputs, "tanh", residual=True)
    meets(net, change(DOUBLE, loss=loss))


@pytest.mark.parametrize("points", [1, 2, 7, 8, 16, 17, 50])
@pytest.mark.parametrize("batch", [1, 3, 16, 64])
def test_batches_that_do_not_divide_the_points(meets, points, batch):
    meets(Net(2, (5,)), change(DOUBLE, batch=batch), points=points)


@pytest.mark.parametrize(("decay", "norm"), [(0.0, False), (0.02, True)])
@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam", "adamw"])
def test_optimisers(meets, optimiser, decay, norm):
    training = change(DOUBLE, optimiser=optimiser, weight_decay=decay, momentum=0.7, eps=1e-4)
    meets(Net(3, (6, 6), 2, "sigmoid", norm, residual=True), change(training, betas=(0.8, 0.9)))


@pytest.mark.parametrize(("norm", "residual"), [(False, False), (True, True)])
def test_depth_64(meets, norm, residual):
    net = Net(3, (5,) * 64, 1, "tanh", norm, residual)
    meets(net, change(DOUBLE, lr=0.001), rtol=1e-8)


def test_hybrids_parameters_and_typed_expressions(meets):
    leaky = activation("leaky_relu", slope=0.3)
    mixed = ("x*sigmoid(1.7*x)", leaky, "sigmoid", "where(x > 0.1, x, 0.2*sin(3*x))", "gelu")
    meets(Net(3, (4, 4, 5, 3, 4), 2, mixed, residual=True), DOUBLE)


def test_the_widest_layers(meets):
    meets(Net(512, (512,), 512, "relu"), change(DOUBLE, epochs=2, batch=4, lr=1e-3), points=9)


def test_nothing_is_shuffled_unless_asked(meets, random_case):
    net, straight = Net(2, (4,)), change(DOUBLE, shuffle=False)
    weights, x, y = random_case(net, "bce", 23, 0)
    found = train(net, (x, y), straight, weights=weights)
    in_order = np.tile(np.arange(23), (4, 1))
    expected = reference.run(net, straight, Data(x, y), weights, in_order)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-12)


@pytest.mark.parametrize("loss", ["bce", "cross_entropy", "mse"])
def test_float32_stays_close_over_a_short_training(meets, loss):
    training = change(DOUBLE, loss=loss, dtype="float32", optimiser="adam")
    meets(Net(5, (9, 9), 3, "gelu", norm=True, residual=True), training, rtol=2e-4, atol=2e-5)


def test_the_order_that_a_seed_gives_is_that_of_its_numpy_twin(moons):
    net, training = Net(2, (4,)), Training(epochs=5)
    by_seed = train(net, moons, training, seeds=[3, 2**40])
    drawn = np.stack([orders(seed, 5, 300) for seed in (3, 2**40)])
    given = train(net, moons, training, seeds=[3, 2**40], orders=drawn)
    np.testing.assert_array_equal(by_seed.loss, given.loss)
