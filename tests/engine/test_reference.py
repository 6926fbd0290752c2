import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.activations import SHELF
from actscope.engine import reference
from actscope.engine.spec import Data, Net, Schedule, Training

GAIN = {"sigmoid": 1.0, "relu": 2.0}  # the article's: N(0, gain/fan_in)
ARTICLE = Training(loss_epsilon=1e-9, dtype="float64")
FLAT = tuple(a.name for a in SHELF)


@pytest.mark.parametrize("name", ["sigmoid", "relu"])
def test_it_is_the_articles_training(name, facts, moons, article_start):
    weights, orders = article_start(GAIN[name])
    plan = Schedule(losses_at=(800,))
    raw = reference.run(Net(2, activations=name), ARTICLE, moons, weights, orders, plan)
    for epoch, loss in facts[name]["loss_at_epoch"].items():
        np.testing.assert_allclose(raw.loss[0, int(epoch) - 1], loss, atol=1e-12)
    assert raw.test_accuracy == facts[name]["test_accuracy"]
    assert raw.train_accuracy == facts[name]["train_accuracy"]
    layers, _ = reference.forward(Net(2, activations=name), raw.weights.network(0), moons.x_test)
    np.testing.assert_allclose([a.h.std() for a in layers], facts[name]["hidden_std_test"])


def numerical_slope(net, training, weights, x, y, array, place, step=1e-6):
    """The slope of the loss in one number, by central differences."""
    kept = array[place]
    losses = []
    for sign in (1, -1):
        array[place] = kept + sign * step
        losses.append(reference.gradients(net, training, weights, x, y)[0])
    array[place] = kept
    return (losses[0] - losses[1]) / (2 * step)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["bce", "cross_entropy", "mse"]),
    st.integers(0, 2**32 - 1),
)
def test_gradients_are_the_slopes_of_the_loss(
    random_case, hidden, inputs, norm, residual, loss, seed
):
    outputs = 3 if loss == "cross_entropy" else 2
    net = Net(inputs, hidden, outputs, "tanh" if "tanh" in FLAT else "sigmoid", norm, residual)
    training = Training(loss=loss)
    weights, x, y = random_case(net, loss, 5, seed)
    slope = reference.gradients(net, training, weights, x, y)[1]
    rng = np.random.default_rng(seed)
    for array, found in zip(weights.arrays(), slope.arrays(), strict=True):
        place = tuple(rng.integers(0, array.shape))
        expected = numerical_slope(net, training, weights, x, y, array, place)
        np.testing.assert_allclose(found[place], expected, rtol=1e-5, atol=1e-7)


def test_losses_are_stable_where_the_naive_forms_overflow():
    far = np.array([[1e4], [-1e4]])
    with np.errstate(all="raise", under="ignore"):
        assert reference.bce(far, np.array([[1.0], [0.0]])) == 0.0
        assert reference.bce(far, np.array([[0.0], [1.0]])) == 1e4
        assert reference.cross_entropy(np.array([[1e4, -1e4]]), np.array([1])) == 2e4


def test_epsilon_changes_the_loss_reported_and_not_the_gradient(random_case, moons):
    net = Net(2)
    weights, x, y = random_case(net, "bce", 20, 0)
    plain, slope = reference.gradients(net, Training(), weights, x, y)
    other, same = reference.gradients(net, Training(loss_epsilon=1e-4), weights, x, y)
    assert plain != other
    np.testing.assert_allclose(plain, other, atol=1e-3)
    for a, b in zip(slope.arrays(), same.arrays(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_remainder_of_an_epoch_is_a_batch_of_its_own(random_case):
    """5 points in batches of 2: the running loss is the mean of 3 batches, the last of 1."""
    net = Net(2, (3,))
    weights, x, y = random_case(net, "mse", 5, 1)
    training = Training(loss="mse", lr=0.0, epochs=1, batch=2)
    raw = reference.run(net, training, Data(x, y), weights, np.array([[4, 3, 2, 1, 0]]))
    batches = [[4, 3], [2, 1], [0]]
    losses = [reference.gradients(net, training, weights, x[b], y[b])[0] for b in batches]
    np.testing.assert_allclose(raw.loss[0, 0], np.mean(losses))


def test_what_is_recorded_is_of_the_weights_at_the_end_of_the_epoch(random_case):
    net = Net(2, (4, 4), norm=True)
    weights, x, y = random_case(net, "bce", 12, 2)
    training = Training(epochs=6, batch=5)
    orders = np.stack([np.random.default_rng(i).permutation(12) for i in range(6)])
    data = Data(x, y, x[:7], y[:7])
    plan = Schedule(losses_at=(3, 6), traces_at=(0, 3), snapshots_at=(0, 3, 6))
    raw = reference.run(net, training, data, weights, orders, plan)
    half = reference.run(
        net, dataclasses.replace(training, epochs=3), data, weights, orders, Schedule((3,))
    )
    for kept, expected in zip(raw.snapshots, (weights, half.weights, raw.weights), strict=True):
        for a, b in zip(kept.arrays(), expected.arrays(), strict=True):
            np.testing.assert_array_equal(a.reshape(b.shape), b)
    assert raw.train_loss[0, 0] == half.train_loss[0, 0]
    at_three = half.weights.network(0)
    loss, slope = reference.gradients(net, training, at_three, x, y)
    layers, _ = reference.forward(net, at_three, x)
    np.testing.assert_allclose(raw.train_loss[0, 0], loss)
    norms = [np.linalg.norm(w) for w in slope.W]
    np.testing.assert_allclose(raw.gradient_norm[0, 1], norms)
    np.testing.assert_allclose(raw.activation_mean[0, 1], [np.abs(a.h).mean() for a in layers])
    np.testing.assert_allclose(raw.activation_std[0, 1], [a.h.std() for a in layers])
    assert raw.loss.shape == (1, 6)
    assert raw.test_loss.shape == (1, 2)


def test_without_a_test_set_its_scores_are_nan_and_mse_has_no_accuracy(random_case):
    net = Net(2, (4,))
    weights, x, y = random_case(net, "mse", 6, 3)
    order = np.arange(6)[None]
    training = Training(loss="mse", epochs=1)
    raw = reference.run(net, training, Data(x, y), weights, order, Schedule((1,)))
    assert np.isnan(raw.test_loss).all()
    assert np.isnan(raw.train_accuracy).all()
    assert np.isfinite(raw.train_loss).all()


def test_divergence_is_recorded_with_its_first_epoch_and_raises_nothing(random_case):
    net = Net(2, (4,), activations="relu")
    weights, x, y = random_case(net, "mse", 6, 4)
    training = Training(loss="mse", lr=1e6, epochs=60)
    orders = np.tile(np.arange(6), (60, 1))
    raw = reference.run(net, training, Data(x, y), weights, orders)
    first = int(raw.diverged_at[0])
    assert 1 < first <= 60
    assert np.isfinite(raw.loss[0, : first - 1]).all()
    assert not np.isfinite(raw.loss[0, first - 1 :]).any()
    short = dataclasses.replace(training, epochs=first - 1)
    before = reference.run(net, short, Data(x, y), weights, orders)
    assert before.diverged_at[0] == -1
    assert all(np.isfinite(a).all() for a in before.weights.arrays())


def test_accuracy_counts_a_nan_logit_as_wrong():
    nan = np.array([[np.nan], [np.nan]])
    assert reference.accuracy("bce", nan, np.array([[0.0], [1.0]])) == 0.0
    logits = np.array([[np.nan, 0.0], [1.0, 1.0], [0.0, 1.0]])
    np.testing.assert_allclose(
        reference.accuracy("cross_entropy", logits, np.array([0, 0, 1])), 2 / 3
    )


def test_bce_of_several_outputs_is_right_where_all_are():
    logits = np.array([[1.0, -1.0], [1.0, 1.0]])
    assert reference.accuracy("bce", logits, np.array([[1.0, 0.0], [1.0, 0.0]])) == 0.5
