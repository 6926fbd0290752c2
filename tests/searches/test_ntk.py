"""The tangent kernel against finite differences and against PyTorch's autograd Jacobian."""

import numpy as np
import pytest

from actscope.engine import reference
from actscope.engine.spec import Net, Weights
from actscope.engine.starts import draw
from actscope.inits import init
from actscope.searches.ntk import tangent_kernel

NETS = {
    "plain": Net(3, (5, 4), 1, ("tanh", "silu")),
    "norm": Net(3, (5, 5), 2, "gelu", norm=True),
    "residual": Net(4, (4, 4, 4), 1, ("tanh", "sin", "softplus"), residual=True),
    "both": Net(4, (4, 6, 6), 3, ("elu", "tanh", "sigmoid"), norm=True, residual=True),
    "typed": Net(2, (3,), 2, "x*sigmoid(1.7*x)"),
}


def _case(name, networks=2):
    net = NETS[name]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, net.inputs))
    w = draw(net, init("lecun"), np.arange(networks, dtype=np.uint64), x)
    moved = [tuple(a + 0.3 * rng.standard_normal(a.shape) for a in p)
             for p in (w.W, w.b, w.gamma, w.beta)]  # fmt: skip
    readout = rng.standard_normal(net.outputs)
    return net, Weights(*moved), x, readout


def _parts(w):
    return [w.W, w.b, w.gamma, w.beta]


@pytest.mark.parametrize("name", NETS)
def test_finite_differences_give_the_same_kernel(name):
    net, weights, x, readout = _case(name)
    kernel = tangent_kernel(net, weights, x, readout)
    assert kernel.shape == (2, 6, 6)
    step = 1e-5
    for k in range(2):
        one = weights.network(k)
        columns = []
        for part, arrays in enumerate(_parts(one)):
            for l, array in enumerate(arrays):
                for place in np.ndindex(*array.shape):
                    outs = []
                    for sign in (1.0, -1.0):
                        moved = [list(map(np.array, p)) for p in _parts(one)]
                        moved[part][l][place] += sign * step
                        shifted = Weights(*(tuple(p) for p in moved))
                        outs.append(reference.forward(net, shifted, x)[1] @ readout)
                    columns.append((outs[0] - outs[1]) / (2 * step))
        slopes = np.stack(columns, axis=1)  # (points, parameters)
        assert slopes.shape[1] == net.parameters
        np.testing.assert_allclose(kernel[k], slopes @ slopes.T, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("name", NETS)
def test_autograd_gives_the_same_kernel(name):
    torch = pytest.importorskip("torch")
    net, weights, x, readout = _case(name)
    twins = {"tanh": torch.tanh, "sin": torch.sin, "sigmoid": torch.sigmoid}
    twins |= {
        "silu": torch.nn.functional.silu, "gelu": torch.nn.functional.gelu,
        "softplus": torch.nn.functional.softplus, "elu": torch.nn.functional.elu,
        "x*sigmoid(1.7*x)": lambda z: z * torch.sigmoid(1.7 * z),
    }  # fmt: skip

    def forward(*tensors):
        count = net.depth + 1
        W, b, rest = tensors[:count], tensors[count : 2 * count], tensors[2 * count :]
        h = torch.tensor(x)
        for l, phi in enumerate(net.activations):
            z = h @ W[l] + b[l]
            if net.norm:
                mean, var = z.mean(1, keepdim=True), z.var(1, unbiased=False, keepdim=True)
                z = rest[l] * (z - mean) / torch.sqrt(var + 1e-5) + rest[net.depth + l]
            out = twins[phi.key](z)
            h = out + h if net.skips[l] else out
        return (h @ W[-1] + b[-1]) @ torch.tensor(readout)

    kernel = tangent_kernel(net, weights, x, readout)
    for k in range(2):
        tensors = tuple(torch.tensor(a) for a in weights.network(k).arrays())
        parts = torch.autograd.functional.jacobian(forward, tensors)
        slopes = np.concatenate([p.reshape(len(x), -1).numpy() for p in parts], axis=1)
        np.testing.assert_allclose(kernel[k], slopes @ slopes.T, rtol=1e-10, atol=1e-12)


def test_a_network_of_infinities_gives_no_numbers_and_no_warning():
    net, weights, x, readout = _case("plain")
    broken = Weights((weights.W[0] * np.inf, *weights.W[1:]), weights.b)
    assert not np.isfinite(tangent_kernel(net, broken, x, readout)).all()
