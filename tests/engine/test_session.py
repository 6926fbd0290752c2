"""A session cut anywhere, stored and restored, is bit for bit one call of `train`."""

import copy
import dataclasses
import pickle
import threading

import numpy as np
import pytest

from actscope.engine import reference
from actscope.engine.api import train
from actscope.engine.orders import order
from actscope.engine.session import BUFFER, Session
from actscope.engine.spec import Net, Training
from actscope.errors import BadSpec, InputError

HYBRID = Net(2, (7, 7, 5), 1, ("gelu", "tanh", "silu"), norm=True, residual=True)
EPOCHS = 2 * BUFFER + 9
KINDS = {
    "sgd": (Net(2), Training()),
    "momentum, decay": (Net(2), Training(optimiser="momentum", weight_decay=0.01, dtype="float64")),
    "adam, hybrid": (HYBRID, Training(optimiser="adam", lr=0.01, batch=37)),
    "adamw, as it lies": (
        Net(2, (5,)),
        Training(optimiser="adamw", lr=0.01, weight_decay=0.1, shuffle=False, dtype="float64"),
    ),
}
change = dataclasses.replace


def same(a, b):
    for mine, its in zip(a.arrays(), b.arrays(), strict=True):
        assert mine.tobytes() == its.tobytes()


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def whole(kind, moons):
    """19 networks, which fill no block, trained in one go."""
    net, training = kind
    plan = {"loss_every": 40, "trace_every": 40, "snapshots": range(EPOCHS)}
    result = train(net, moons, change(training, epochs=EPOCHS), seeds=range(19), **plan)
    return net, training, result


def test_however_the_epochs_are_cut(whole, moons):
    net, training, expected = whole
    session = Session(net, moons, training, seeds=range(19))
    losses = [session.run(n) for n in (1, 2, BUFFER, BUFFER + 1)]
    losses.append(session.run(EPOCHS - session.epoch))
    np.testing.assert_array_equal(np.concatenate(losses, axis=1), expected.loss)
    same(session.weights, expected.groups[0].weights)


def test_a_stored_state_goes_on_in_another_session(whole, moons):
    """Through a file, after other epochs, on other lanes, on one thread."""
    net, training, expected = whole
    first = Session(net, moons, training, seeds=range(19))
    first.run(50)
    stored = pickle.dumps(first.state())
    first.run(3)
    other = Session(net, moons, training, seeds=range(19), lanes=4, threads=1)
    other.run(7)
    for session in (first, other):
        session.restore(pickle.loads(stored))
        assert session.epoch == 50
        np.testing.assert_array_equal(session.run(30), expected.loss[:, 50:80])
        for i in range(19):
            same(session.weights.network(i), expected.weights(i, 80))


def test_scores_and_gradients_are_those_of_a_training(whole, moons):
    net, training, expected = whole
    session = Session(net, moons, training, seeds=range(19))
    np.testing.assert_array_equal(session.gradient_norms(), expected.gradient_norm[:, 0])
    for at in (1, 2):
        session.run(40)
        np.testing.assert_array_equal(session.gradient_norms(), expected.gradient_norm[:, at])
        scores = session.scores()
        for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
            np.testing.assert_array_equal(getattr(scores, name), getattr(expected, name)[:, at - 1])
    np.testing.assert_array_equal(
        session.run(9), expected.loss[:, 80:89]
    )  # looking changes nothing


@pytest.mark.parametrize("lanes", [4, 8])
def test_predictions_are_the_oracles(random_case, lanes):
    """Points that fill no tile, several outputs, after training, many networks."""
    training = Training(loss="cross_entropy", dtype="float64")
    net = Net(3, (6, 6), 4, ("gelu", "tanh"), norm=True, residual=True)
    _, x, y = random_case(net, "cross_entropy", 50, 0)
    session = Session(net, (x, y), training, seeds=range(11), lanes=lanes)
    session.run(3)
    points = random_case(net, "cross_entropy", 37, 1)[1]
    found, weights = session.predict(points), session.weights
    assert found.shape == (11, 37, 4)
    for i in range(11):
        expected = reference.forward(net, weights.network(i), points)[1]
        np.testing.assert_allclose(found[i], expected, rtol=0, atol=1e-12)
    after = Session(net, (x, y), training, seeds=range(11), lanes=lanes)
    np.testing.assert_array_equal(after.run(5)[:, 3:], session.run(2))  # looking changes nothing
    with pytest.raises(BadSpec, match=r"x = 'shape \(37, 2\)': expected \(points, 3\)"):
        session.predict(points[:, :2])


def test_a_state_is_a_copy(moons):
    session = Session(Net(2), moons, Training(optimiser="adam"), seeds=range(3))
    session.run(2)
    state = session.state()
    kept = copy.deepcopy(state)
    session.run(2)
    for part in ("weights", "first", "second"):
        same(getattr(state, part), getattr(kept, part))


@pytest.mark.parametrize("many", [False, True])
def test_given_orders(moons, many):
    rng = np.random.default_rng(0)
    shape = (3, EPOCHS, 300) if many else (EPOCHS, 300)
    orders = rng.permuted(np.broadcast_to(np.arange(300), shape), axis=-1)
    training = Training(epochs=EPOCHS, lr=0.1)
    expected = train(Net(2), moons, training, seeds=range(3), orders=orders)
    session = Session(
        Net(2), moons, training, seeds=range(3), orders=lambda a, b: orders[..., a:b, :]
    )
    session.run(100)
    state = session.state()
    session.run(5)
    session.restore(state)
    np.testing.assert_array_equal(session.run(EPOCHS - 100), expected.loss[:, 100:])


def stepwise(net, data, trainings, weights, seed):
    """The oracle with a training of its own for every epoch; memory stays with an optimiser."""
    state = copy.deepcopy(weights)
    losses, optimiser = [], None
    for epoch, t in enumerate(trainings):
        if optimiser is None or optimiser.training.optimiser != t.optimiser:
            optimiser = reference.Optimiser(t, t.lr, state.arrays())
        optimiser.training, optimiser.lr = t, t.lr
        places = order(seed, epoch, len(data.x))
        batch = []
        for at in range(0, len(places), t.batch):
            rows = places[at : at + t.batch]
            loss, slope = reference.gradients(net, t, state, data.x[rows], data.y[rows])
            optimiser.step(slope.arrays())
            batch.append(loss)
        losses.append(np.mean(batch))
    return np.array(losses), state


@pytest.mark.parametrize(
    "changes",
    [
        {"lr": 0.03},
        {"batch": 50, "weight_decay": 0.02},
        {"optimiser": "sgd", "lr": 0.2},
        {"optimiser": "momentum"},
    ],
    ids=str,
)
def test_settings_change_on_the_way(moons, changes):
    """There and back: what the optimiser remembers stays if the optimiser does."""
    net = Net(2, (6, 6), activations="tanh")
    one = Training(optimiser="adam", lr=0.01, dtype="float64")
    two = change(one, **changes)
    session = Session(net, moons, one, seeds=5)
    start = session.weights.network(0)
    found = []
    for training in (one, two, one):
        session.change(training)
        found.append(session.run(11)[0])
    expected, end = stepwise(net, moons, [one] * 11 + [two] * 11 + [one] * 11, start, 5)
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=0, atol=1e-11)
    for mine, its in zip(session.weights.network(0).arrays(), end.arrays(), strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-10)


def test_adam_and_adamw_remember_the_same(moons):
    adam = Training(optimiser="adam", lr=0.01)
    plain = Session(Net(2), moons, adam, seeds=0)
    turned = Session(Net(2), moons, adam, seeds=0)
    plain.run(9)
    turned.run(9)
    turned.change(change(adam, optimiser="adamw"))  # without decay they are one
    np.testing.assert_array_equal(plain.run(9), turned.run(9))
    turned.change(change(adam, betas=(0.8, 0.9)))  # averages of other lengths are others
    assert turned.state().powers == (1.0, 1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divergence_has_its_epoch_and_going_back_undoes_it(moons, dtype):
    training = Training(loss="mse", lr=1e6, dtype=dtype, epochs=60)
    expected = train(Net(2), moons, training, seeds=range(3))
    session = Session(Net(2), moons, training, seeds=range(3))
    before = session.state()
    session.run(60)
    np.testing.assert_array_equal(session.diverged_at, expected.diverged_at)
    assert (session.diverged_at > 0).all()
    session.restore(before)
    assert (session.diverged_at == -1).all()
    session.change(change(training, lr=0.05))
    assert np.isfinite(session.run(60)).all()


def test_a_stop_ends_it_after_a_whole_epoch(moons):
    net, training = Net(2, (64, 64)), Training(epochs=10)
    stop, session = threading.Event(), Session(net, moons, training)
    timer = threading.Timer(0.05, stop.set)
    timer.start()
    losses = session.run(1_000_000, stop)
    timer.join()
    assert 0 < losses.shape[1] == session.epoch < 1_000_000
    expected = train(net, moons, training)
    np.testing.assert_array_equal(losses[:, :10], expected.loss[:, : losses.shape[1]])


def test_what_cannot_be(moons):
    session = Session(Net(2), moons)
    with pytest.raises(BadSpec, match="epochs = 0"):
        session.run(0)
    with pytest.raises(BadSpec, match=r"Training\.loss = 'mse': expected 'bce', as before"):
        session.change(Training(loss="mse"))
    with pytest.raises(BadSpec, match="up to 384"):
        Session(Net(2, (400,)), moons)
    with pytest.raises(InputError, match="its weights are not those"):
        session.restore(Session(Net(2, (8, 9)), moons).state())
    with pytest.raises(BadSpec, match="orders"):
        Session(Net(2), moons, orders=lambda a, b: np.zeros((b - a, 5), dtype=int))

    def uneven(first, last):
        return np.zeros((1 if first else 2, last - first, 300), dtype=int)

    wrong = Session(Net(2), moons, seeds=range(2), orders=uneven)
    wrong.run(1)
    with pytest.raises(BadSpec, match="orders = 'for 1 networks': expected as many as at first: 2"):
        wrong.run(1)
