"""Networks as PyTorch modules: the engine's outputs, gradients and training."""

import copy
import pickle

import numpy as np
import pytest
import torch

import actscope
from actscope.errors import InputError
from actscope.exports.torch_module import with_torch

X = np.random.default_rng(1).standard_normal((50, 3))


def run(module, x, dtype="float32"):
    with torch.no_grad():
        return module(torch.as_tensor(np.asarray(x, dtype=dtype))).numpy()


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-12)])
@pytest.mark.parametrize("hidden", [(1,), (3, 3), (5, 5, 4)])
def test_outputs_are_the_engines(
    norm, residual, dtype, tolerance, hidden, close, logits, random_weights
):
    phis = ["gelu", "x*sigmoid(1.7*x)", "softplus(beta=2.0)"][: len(hidden)]
    net = actscope.Net(3, hidden, 2, phis, norm=norm, residual=residual)
    weights = random_weights(net)
    module = actscope.to_torch(net, weights=weights, dtype=dtype)
    close(run(module, X, dtype), logits(net, weights, X), tolerance)
    assert sum(p.numel() for p in module.parameters()) == net.parameters


def test_every_activation_and_its_gradient(phi):
    """Both twins: PyTorch's own where there is one, and the steps of the formula."""
    x = np.linspace(-8.0, 8.0, 321) + 0.0037
    value, slope = phi(x), phi.slope_at(x)
    for kind in (phi, actscope.activation(phi.formula, **used(phi))):
        twin = with_torch(kind)
        at = torch.tensor(x, requires_grad=True)
        y = twin.torch(torch, at, *twin.values)
        y.sum().backward()
        known = np.isfinite(value) & (np.abs(value) < 1e6)
        np.testing.assert_allclose(y.detach().numpy()[known], value[known], rtol=1e-12, atol=1e-12)
        known &= np.isfinite(slope)
        gradient = at.grad.numpy()[known]
        # PyTorch's own hard sigmoid has 1/6 in float32
        accuracy = 1e-7 if kind is phi and phi.torch is not None else 1e-10
        np.testing.assert_allclose(gradient, slope[known], rtol=accuracy, atol=1e-11)


def used(phi):
    """The parameters that stand in the formula."""
    from actscope.activations import SHELF
    from actscope.activations._parser import names_in, read

    names = names_in(read(phi.formula, phi.settings, SHELF.names()))
    return {k: v for k, v in phi.settings.items() if k in names}


def test_a_branch_not_taken_spoils_no_gradient():
    twin = with_torch(actscope.activation("where(x > 0, sqrt(x), x)"))
    x = torch.tensor([-1.0, 0.0, 4.0], dtype=torch.float64, requires_grad=True)
    twin.torch(torch, x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.25]


def test_second_derivatives_and_vmap():
    twin = with_torch(actscope.activation("x**3*sigmoid(x)"))
    f = lambda v: twin.torch(torch, v)
    x = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(f, (x,)) and torch.autograd.gradgradcheck(f, (x,))
    per_point = torch.func.vmap(torch.func.grad(lambda v: f(v).sum()))(x.detach())
    np.testing.assert_allclose(per_point.numpy(), twin.slope_at(x.detach().numpy()), rtol=1e-12)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "x*sigmoid(1.7*x)"])
def test_training_it_is_training_with_the_engine(norm, activation, close, logits):
    """Full batches of gradient descent, from the same seed: the same network comes out."""
    y = (X[:, 0] * X[:, 1] > 0).astype(float)
    net = actscope.Net(3, (6, 6), 1, activation, norm=norm, residual=True)
    training = actscope.Training(lr=0.3, epochs=60, batch=50, shuffle=False, dtype="float64")
    result = actscope.train(net, (X, y), training, seeds=[7], init="he")
    module = actscope.to_torch(net, seed=7, init="he", dtype="float64")
    optimiser = torch.optim.SGD(module.parameters(), lr=0.3)
    x, target = torch.as_tensor(X), torch.as_tensor(y)[:, None]
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(module(x), target).backward()
        optimiser.step()
    close(run(module, X, "float64"), logits(net, result.weights(0), X), 1e-9)
    trained = actscope.to_torch(result)
    close(run(trained, X, "float64"), run(module, X, "float64"), 1e-9)


def test_a_study_gives_its_untrained_network():
    spec = {"activation": "silu", "width": 6, "init": "he", "epochs": 30, "data": "blobs"}
    module = actscope.to_torch(spec, seed=3)
    cell = actscope.Study(**spec).plan().cells[0]
    net = cell.net()
    same = actscope.to_torch(net, seed=3, init="he")
    for a, b in zip(module.parameters(), same.parameters(), strict=True):
        assert torch.equal(a, b)


def test_making_a_module_draws_no_random_numbers():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    actscope.to_torch(actscope.Net(3, norm=True))
    assert torch.equal(before, torch.get_rng_state())


def test_it_can_be_swapped_copied_and_pickled():
    module = actscope.to_torch(actscope.Net(3, (6, 6), 1, ("relu", "x*sigmoid(2*x)")))
    other = actscope.swap(module, {"relu": "gelu"})
    assert "gelu" in repr(other) and "gelu" not in repr(module)
    assert other(torch.zeros(4, 3)).shape == (4, 1)
    again = pickle.loads(pickle.dumps(copy.deepcopy(module)))
    np.testing.assert_array_equal(run(again, X), run(module, X))


def test_steps_belong_to_their_parameters():
    twin = with_torch(actscope.shape("x*sigmoid(2*x)", depth=8))
    other = twin.with_params(output_scale=1.0)
    with pytest.raises(InputError, match="made for the parameters"):
        other.torch(torch, torch.zeros(1), *other.values)
