"""Lesson 5, GELU by hand: an autograd function of our own, checked, timed; exact and tanh form.

Run: python examples/lesson_5_gelu_by_hand.py [figure.png]
"""

import math
import sys

import matplotlib.pyplot as plt
import numpy as np
import torch

import actscope
from actscope.maths.timing import interleaved


class GELU(torch.autograd.Function):
    """x Φ(x), and its slope Φ(x) + x φ(x)."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.special.ndtr(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        density = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return gradient * (torch.special.ndtr(x) + x * density)


gelu = torch.nn.functional.gelu
torch.manual_seed(0)
x = torch.randn(64, dtype=torch.float64, requires_grad=True)
print("gradcheck:", torch.autograd.gradcheck(GELU.apply, (x,)))
(ours,) = torch.autograd.grad(GELU.apply(x).sum(), x)
(theirs,) = torch.autograd.grad(gelu(x).sum(), x)
print(f"largest difference from PyTorch's slope: {(ours - theirs).abs().max():.1e}")
slope = actscope.activation("gelu").slope_at(x.detach().numpy())
print(f"and from the catalogue's:                {np.abs(ours.numpy() - slope).max():.1e}")

exact, tanh = actscope.activation("gelu"), actscope.activation("gelu_tanh")
at = np.linspace(-8, 8, 1_600_001)
value, slope = tanh(at) - exact(at), tanh.slope_at(at) - exact.slope_at(at)
for name, error in (("value", value), ("slope", slope)):
    worst = np.abs(error).argmax()
    print(f"tanh form, largest error of the {name}: {abs(error[worst]):.1e} at x = {at[worst]:.2f}")
print(f"a step of bfloat16 at 1 is {2.0**-7:.1e}, of float16 {2.0**-10:.1e}")

big = torch.randn(1_000_000, requires_grad=True)


def step(f):
    return lambda: torch.autograd.grad(f(big).sum(), big)


WAYS = {
    "PyTorch's own": step(gelu),
    "ours": step(GELU.apply),
    "tanh form": step(lambda x: gelu(x, approximate="tanh")),
    "ReLU": step(torch.relu),
}
torch.set_num_threads(1)
seconds = interleaved(WAYS, rounds=15)
first = seconds["PyTorch's own"]
print("\nforward and backward of a million numbers, one thread, time over that of PyTorch's own")
for name, times in seconds.items():
    low, middle, high = np.quantile(times / first, (0.25, 0.5, 0.75))
    print(f"{name:<14} {middle:5.2f} (middle half {low:.2f} to {high:.2f})  (timed)")

if len(sys.argv) > 1:
    plt.style.use("actscope.figures.actscope")
    figure, axes = plt.subplots(figsize=(7.6, 4.0), layout="constrained")
    axes.plot(at, value, color="#0072B2", label="value")
    axes.plot(at, slope, "--", color="#0072B2", label="slope")
    axes.set(xlabel="x", ylabel="tanh form − exact", xlim=(-6, 6))
    axes.set_title("What GELU's tanh form gets wrong")
    axes.legend(loc="upper right")
    figure.savefig(sys.argv[1], dpi=120)
