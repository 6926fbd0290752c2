"""The kernel flow against its closed form, against many small steps, against real training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.engine.api import train
from actscope.engine.spec import Net, Training
from actscope.engine.starts import draw
from actscope.engine.walk import forward, logits
from actscope.inits import init
from actscope.searches.flow import kernel_flow
from actscope.searches.ntk import tangent_kernel
from actscope.searches.signals import slope, targets


def _problem(outputs, n=8, m=5, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n + m, 12))
    whole = a @ a.T
    start = rng.standard_normal((n + m, outputs))
    y = rng.integers(0, max(outputs, 2), n)
    return whole[:n, :n], whole[n:, :n], start[:n], start[n:], y


def _steps(kernel, cross, f, others, y, time, loss, count=20_000):
    """Plain gradient descent in function space, in very small steps."""
    for _ in range(count):
        g = slope(f[None], y, loss)[0] / len(f)
        f, others = f - time / count * kernel @ g, others - time / count * cross @ g
    return f, others


@pytest.mark.parametrize(("loss", "outputs"), [("mse", 1), ("bce", 1), ("cross_entropy", 3)])
@pytest.mark.parametrize("time", [0.3, 5.0])
def test_many_small_steps_end_in_the_same_place(loss, outputs, time):
    kernel, cross, start, others, y = _problem(outputs)
    end = kernel_flow(kernel, cross, start, others, targets(y, loss, outputs), time, loss)
    f, o = _steps(kernel, cross, start, others, y, time, loss)
    # mse is exact; the others take 48 steps of first order
    limit = 2e-3 if loss == "mse" else 0.08
    np.testing.assert_allclose(end.trained, f, atol=limit * np.abs(f).max())
    np.testing.assert_allclose(end.others, o, atol=limit * np.abs(o).max())


def test_no_time_changes_nothing_and_endless_time_fits_every_target():
    kernel, cross, start, others, _ = _problem(1)
    y = np.random.default_rng(1).standard_normal((8, 1))
    still = kernel_flow(kernel, cross, start, others, y, 0.0, "mse")
    np.testing.assert_array_equal(still.trained, start)
    np.testing.assert_array_equal(still.others, others)
    end = kernel_flow(kernel, cross, start, others, y, np.inf, "mse")
    np.testing.assert_allclose(end.trained, y, atol=1e-9)
    np.testing.assert_allclose(
        end.others, others + cross @ np.linalg.solve(kernel, y - start), atol=1e-7
    )


def test_networks_side_by_side_flow_as_each_alone():
    problems = [_problem(1, seed=s) for s in range(3)]
    stacked = [np.stack(parts) for parts in zip(*(p[:4] for p in problems), strict=True)]
    y = targets(problems[0][4], "bce", 1)
    together = kernel_flow(*stacked, y, np.array([0.1, 1.0, 10.0]), "bce")
    for i, time in enumerate((0.1, 1.0, 10.0)):
        alone = kernel_flow(*problems[i][:4], y, time, "bce")
        np.testing.assert_allclose(together.others[i], alone.others, rtol=1e-9)


@given(time=st.floats(0.0, 1e9), scale=st.floats(1e-12, 1e12), loss=st.sampled_from(["mse", "bce"]))
@settings(max_examples=60, deadline=None)
def test_the_flow_never_ends_in_no_number_and_never_raises_the_loss(time, scale, loss):
    kernel, cross, start, others, y = _problem(1)
    aims = targets(y, loss, 1)
    end = kernel_flow(kernel * scale, cross * scale, start, others, aims, time, loss)
    assert np.isfinite(end.trained).all()

    def lost(f):
        return ((f - aims) ** 2).mean() if loss == "mse" else np.mean(np.logaddexp(0, f) - aims * f)

    assert lost(end.trained) <= lost(start) * (1 + 1e-9)


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_a_wide_network_with_small_steps_is_trained_as_the_flow_says(loss):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((24, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(float)
    net, seeds = Net(2, (512,), 1, "tanh"), np.arange(1, dtype=np.uint64)
    weights = draw(net, init("lecun"), seeds, x)
    n, epochs, lr = 16, 1500, 2e-4
    kernel = tangent_kernel(net, weights, x, np.ones(1))[0]
    start = logits(weights, forward(net, weights, x)[-1].h)[0]
    flow = kernel_flow(
        kernel[:n, :n], kernel[n:, :n], start[:n], start[n:], y[:n, None], epochs * lr, loss
    )
    training = Training(loss=loss, lr=lr, epochs=epochs, batch=n, shuffle=False, dtype="float64")
    trained = train(net, (x[:n], y[:n]), training, weights=weights).weights(0)
    led = type(trained)(*(tuple(a[None] for a in p) for p in
                          (trained.W, trained.b, trained.gamma, trained.beta)))  # fmt: skip
    end = logits(led, forward(net, led, x)[-1].h)[0]
    moved = np.abs(end - start).max()
    assert moved > 0.3  # something was learnt
    np.testing.assert_allclose(flow.trained, end[:n], atol=0.1 * moved)
    np.testing.assert_allclose(flow.others, end[n:], atol=0.1 * moved)
