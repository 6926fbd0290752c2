"""Factors that begin at 0, or near it, by design: the branch in front of one opens in training.

Residual branches that end in a batch norm with weight 0, ReZero, SkipInit, adaLN-Zero: nothing in
front of the factor gets a gradient, but the factor itself does, and so opens with the first step of
the optimiser. LayerScale begins at 1e-5 or so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from actscope.probe.dense import has_memory

# what multiplies, by the last part of its name; biases, tokens and positions are added
FACTORS = ("gamma", "lambda", "alpha", "scale", "gain", "gate")
FEW = 64  # numbers of a weight that are looked at before all of them are
SMALL = 1e-3  # a factor a channel that is this small was meant to be


def closed(root: Any) -> dict[int, str]:
    """The names, by id, of what a model multiplies by, can train, and has at 0 or near it.

    Weights count if all of their numbers are 0, factors a channel up to SMALL. What is meant is
    there in every block of a list; a matrix of zeros that stands alone is a fault.
    """
    alike: dict[str, list[tuple[str, Any, bool]]] = {}
    for name, p in root.named_parameters():
        alike.setdefault(_pattern(name), []).append((name, p, _is_closed(name, p)))
    return {
        id(p): name
        for group in alike.values()
        if all(zero for _, _, zero in group)
        for name, p, _ in group
        if p.requires_grad and (_is_vector(p) or len(group) > 1)
    }


def _pattern(name: str) -> str:
    """What a parameter is called in every block: "layer1.*.bn2.weight"."""
    parts = name.split(".")
    number = next((i for i, part in enumerate(parts) if part.isdigit()), None)
    return ".".join("*" if i == number else part for i, part in enumerate(parts))


def _is_vector(parameter: Any) -> bool:
    return bool(parameter.numel() == max(parameter.shape, default=1))


def _is_closed(name: str, parameter: Any) -> bool:
    own = name.rpartition(".")[2].lower()
    factor = any(word in own for word in FACTORS)
    if not (factor or own.endswith("weight")) or is_lazy(parameter) or not has_memory(parameter):
        return False
    if parameter.numel() == 0:
        return False
    most = SMALL if factor and _is_vector(parameter) else 0.0
    with torch.no_grad():
        flat = parameter.detach().reshape(-1)
        return all(bool((part.abs() <= most).all()) for part in (flat[:FEW], flat))


def opening(
    gates: dict[int, str], parameters: Iterable[Any], gradients: Iterable[Any]
) -> frozenset[str]:
    """Those of them that a backward pass gave a gradient."""
    pairs = zip(parameters, gradients, strict=True)
    return frozenset(
        gates[id(p)] for p, g in pairs if id(p) in gates and g is not None and bool(g.any())
    )


def waits_for(site: str, gates: Iterable[str]) -> bool:
    """Whether a site lies in the block of one of these: "layer1.0.act" for "layer1.0.bn2.weight".

    A block is what a number names, as in a list of modules; the outermost module without one.
    """
    parts = site.partition(":")[0].partition("#")[0].split(".")
    return any(parts[: len(block)] == block for block in map(_block, gates))


def _block(gate: str) -> list[str]:
    parts = gate.split(".")[:-1]
    number = next((i for i, part in enumerate(parts) if part.isdigit()), 0)
    return parts[: number + 1]
