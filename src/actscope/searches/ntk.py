"""The empirical neural tangent kernel of finite networks, without their Jacobians.

For a weight matrix the gradient of an output at one point is an outer product: what goes in,
times what comes back. The kernel of a layer is therefore a product of two Gram matrices,
(A Aᵀ + 1) ∘ (D Dᵀ), A the layer's inputs and D the output's derivative in z; the 1 is the bias.
It costs points² × widths instead of points² × parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actscope.engine import walk
from actscope.engine.spec import Net, Weights

Floats = NDArray[np.float64]


def tangent_kernel(
    net: Net, weights: Weights, x: Floats, readout: Floats, steps: list[walk.Step] | None = None
) -> Floats:
    """Θ(x, x') = Σ_p ∂g(x)/∂p · ∂g(x')/∂p over all parameters p, for g = readout · logits.

    Args:
        net: the shape.
        weights: leading axis networks, float64.
        x: (points, inputs).
        readout: (outputs,), which combination of the logits is meant. At the start of training
            the outputs are exchangeable, so any unit vector gives the kernel of one output of a
            network of this law.
        steps: of `walk.forward` at x, if they are known already.

    Returns:
        (networks, points, points), symmetric, without negative eigenvalues but for rounding.

    Example:
        >>> net = Net(1, (1,), 1, "identity")
        >>> one = np.array([[[2.0]]]), np.array([[[3.0]]])
        >>> weights = Weights(one, (np.zeros((1, 1)), np.zeros((1, 1))))
        >>> tangent_kernel(net, weights, np.array([[1.0]]), np.ones(1))  # 3², 3², (2·1)², 1
        array([[[23.]]])

    Source: Jacot, Gabriel & Hongler 2018, Neural tangent kernel: convergence and generalization
    in neural networks.
    """
    steps = walk.forward(net, weights, x) if steps is None else steps
    networks, points = len(weights.W[0]), len(x)
    d = (weights.W[-1] @ readout)[:, None, :]  # what comes back to the last h, any point
    with np.errstate(over="ignore", invalid="ignore"):
        kernel = (readout @ readout) * (gram(steps[-1].h) + 1.0)
        d = np.broadcast_to(d, (networks, points, d.shape[-1]))
        for l in reversed(range(net.depth)):
            step, skip = steps[l], d if net.skips[l] else 0.0
            dz = d * step.slopes
            if step.centred is not None and step.inverse is not None:
                kernel += gram(dz * step.centred) + gram(dz)  # of gamma and of beta
                scaled = dz * weights.gamma[l][:, None, :]
                dz = walk.norm_slope(scaled, step.centred, step.inverse)
            below = steps[l - 1].h if l else np.broadcast_to(x, (1, *x.shape))
            kernel += (gram(below) + 1.0) * gram(dz)
            d = dz @ weights.W[l].swapaxes(-1, -2) + skip
    return np.asarray(kernel)


def gram(a: Floats) -> Floats:
    """All rows times one another, a aᵀ over the last two axes: (..., points, points)."""
    return np.asarray(a @ a.swapaxes(-1, -2))
