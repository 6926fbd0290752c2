"""`to_torch`: a network of the engine as a PyTorch module."""

from __future__ import annotations

import importlib
from typing import Any

from actscope.activations._base import Activation
from actscope.engine.spec import NORM_EPSILON, Weights
from actscope.exports.source import network_of
from actscope.guests import need


def to_torch(
    source: Any,
    *,
    network: int = 0,
    weights: Weights | None = None,
    seed: int = 0,
    init: str = "article",
    data: Any = None,
    dtype: str | None = None,
) -> Any:
    """A network as a torch.nn.Module with the engine's outputs, ready to be trained further.

    Args:
        source: a Result of train(), whose trained network it is; a Net; or a study of one cell
            (a Study, a mapping of its fields, or the path of its TOML file). A Net and a study
            give an untrained network, with the weights that the engine would start from.
        network: which network of a Result.
        weights: of a Net.
        seed: of the first weights of a Net or a study.
        init: the rule for a Net's first weights; a study has its own.
        data: (points, inputs), for an init that looks at points.
        dtype: "float32", "float64", or None for the type that it was trained in.

    Returns:
        A module from (batch, inputs) to logits (batch, outputs). Activations of the catalogue
        are PyTorch's functions, typed expressions functions of PyTorch from the same tree, with
        the engine's slopes.

    Raises:
        InputError: the source is none of these, the network diverged, or weights do not fit.
        MissingExtra: PyTorch is not installed.

    Example:
        >>> import torch, actscope
        >>> net = actscope.Net(2, hidden=(8, 8), activations="x*sigmoid(1.7*x)")
        >>> module = actscope.to_torch(net, seed=3)
        >>> module(torch.zeros(5, 2)).shape
        torch.Size([5, 1])
        >>> sum(p.numel() for p in module.parameters()) == net.parameters
        True

    Source: own.
    """
    factory = torch_factory()
    chosen = network_of(
        source, network=network, weights=weights, seed=seed, init=init, data=data, dtype=dtype
    )
    net, held = chosen.net, chosen.weights
    return factory.Perceptron(
        held.W,
        held.b,
        held.gamma,
        held.beta,
        net.activations,
        net.skips,
        NORM_EPSILON,
        chosen.dtype,
    )


def torch_factory() -> Any:
    """The file of the probe that makes modules.

    Raises:
        MissingExtra: PyTorch is not installed.
    """
    return _of_probe("factory")


def with_torch(record: Activation) -> Activation:
    """The activation with a PyTorch twin: its own, or one made of its formula.

    Raises:
        MissingExtra: PyTorch is not installed.
    """
    twinned: Activation = _of_probe("twins").with_twin(record)
    return twinned


def _of_probe(name: str) -> Any:
    need("torch")
    return importlib.import_module(f"actscope.probe.{name}")
