"""Losses on lanes: for one point, the loss, its gradient in the logits, whether it is right.

`reference.py` holds the same formulas in NumPy.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from actscope.engine.emit import Code, Pointer
from actscope.engine.lanes import Lane
from actscope.engine.specials import log1p_of_share

# loss(code, logits, targets, outputs, epsilon, slope) -> (loss of the point, 1.0 if right)
# where slope(j, value) takes the gradient of the point's loss in logit j.
Loss = Callable[..., tuple[Lane, Lane]]


def bce(
    code: Code, z: Pointer, y: Pointer, outputs: int, epsilon: Lane | None, slope: Any
) -> tuple[Lane, Lane]:
    """log(1 + e^z) − y·z, or −log(p + ε), −log(1 − p + ε); right if every output is."""

    def one(j: Any) -> tuple[Lane, Any]:
        logit, target = z[j], y[j]
        tail = np.exp(-abs(logit))
        below = tail + 1.0
        positive = logit >= 0.0
        p = positive.choose(1.0, tail) / below
        slope(j, p - target)
        yes = target > 0.5
        right = (yes & positive) | (~yes & (logit < 0.0))
        if epsilon is None:
            return logit.most(0.0) - target * logit + log1p_of_share(tail), right
        q = positive.choose(tail, 1.0) / below
        return -np.log(yes.choose(p, q) + epsilon), right

    return _total(code, z, outputs, one)


def mse(
    code: Code, z: Pointer, y: Pointer, outputs: int, epsilon: Lane | None, slope: Any
) -> tuple[Lane, Lane]:
    """(z − y)², without a notion of right: NaN."""

    def one(j: Any) -> tuple[Lane, Any]:
        error = z[j] - y[j]
        slope(j, 2.0 * error)
        return error * error, error == error

    total, _ = _total(code, z, outputs, one)
    return total, total.same(float("nan"))


def _total(code: Code, z: Pointer, outputs: int, one: Any) -> tuple[Lane, Lane]:
    """The sum of the outputs' losses, and whether all are right."""
    total, right = code.variable(z[0].same(0.0)), code.variable(z[0].same(1.0))
    with code.loop(outputs) as j:
        loss, good = one(j)
        total.set(total.get() + loss)
        right.set(good.choose(right.get(), 0.0))
    return total.get(), right.get()


def cross_entropy(
    code: Code, z: Pointer, y: Pointer, outputs: int, epsilon: Lane | None, slope: Any
) -> tuple[Lane, Lane]:
    """The loss log Σⱼ exp(zⱼ − m) − (z_label − m), m the largest logit.

    A point is right if the first of the largest logits is the label's.
    """
    label = y[0]
    top, best = code.variable(z[0]), code.variable(label.same(0.0))
    with code.loop(outputs, 1) as j:
        larger = z[j] > top.get()
        top.set(np.maximum(top.get(), z[j]))
        best.set(larger.choose(label.same(j), best.get()))
    m = top.get()
    total, chosen = code.variable(m.same(0.0)), code.variable(m.same(0.0))
    with code.loop(outputs) as j:
        total.set(total.get() + np.exp(z[j] - m))
        chosen.set((label == label.same(j)).choose(z[j] - m, chosen.get()))
    whole = total.get()
    with code.loop(outputs) as j:
        p = np.exp(z[j] - m) / whole
        slope(j, p - (label == label.same(j)).choose(1.0, 0.0))
    right = ((best.get() == label) & (m == m)).choose(1.0, 0.0)
    return np.log(whole) - chosen.get(), right


LOSSES: dict[str, Loss] = {"bce": bce, "cross_entropy": cross_entropy, "mse": mse}
