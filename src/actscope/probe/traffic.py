"""Bytes that the operators of a forward pass read and write, and those of its activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from actscope.probe.functions import HINGE, SOFTMAX, plan_of


@dataclass
class Traffic:
    """Bytes read and written in a forward pass.

    Attributes:
        total: by all operators.
        activations: by those that are activations: relu, gelu, softmax, a clamp, …
        calls: how many of these were called.
    """

    total: int = 0
    activations: int = 0
    calls: int = 0


class _Counter(TorchDispatchMode):  # type: ignore[misc]
    """Adds up the tensors that each operator takes and gives; views move nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.found = Traffic()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            moved = _bytes((args, kwargs or {})) + _bytes(result)
            plan = plan_of(func)
            self.found.total += moved
            if plan.level >= HINGE or plan.name in SOFTMAX:
                self.found.activations += moved
                self.found.calls += 1
        return result


def _bytes(held: Any) -> int:
    leaves = torch.utils._pytree.tree_leaves(held)
    return sum(t.numel() * t.element_size() for t in leaves if isinstance(t, torch.Tensor))


def traffic(call: Callable[[], Any]) -> Traffic:
    """Count what a call of a model moves, operator by operator.

    Every operator reads all of its tensors and writes its result, as eager PyTorch does; weights
    are among them. Kernels that fuse several count as one.

    Example:
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
        >>> x = torch.zeros(5, 2)
        >>> traffic(lambda: net(x))
        Traffic(total=256, activations=120, calls=1)
    """
    counter = _Counter()
    with torch.no_grad(), counter:
        call()
    return counter.found
