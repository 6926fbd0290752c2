"""Put other activations into a copy of a model: `swap`."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from actscope.activations import Activation, activation
from actscope.errors import InputError
from actscope.maths.lengths import gain
from actscope.probe import modules
from actscope.probe.tracker import unwrap


class Elementwise(nn.Module):  # type: ignore[misc]
    """An activation of the catalogue as a module.

    Args:
        record: it needs a PyTorch twin.

    Raises:
        InputError: the record has no PyTorch twin.
    """

    def __init__(self, record: Activation) -> None:
        super().__init__()
        if record.torch is None:
            raise InputError(f"{record.key} has no PyTorch twin: expected one of the catalogue")
        self.record = record

    def forward(self, x: Any) -> Any:
        """Apply it."""
        assert self.record.torch is not None
        return self.record.torch(torch, x, *self.record.values)

    def extra_repr(self) -> str:
        """The activation's key."""
        return self.record.key

    def __deepcopy__(self, memo: Any) -> Elementwise:
        return Elementwise(self.record)  # records are shared: their functions cannot be copied


def swap(
    model: Any,
    changes: Mapping[str, str | Activation],
    *,
    reinit: str | None = None,
    share: bool = False,
    seed: int = 0,
) -> Any:
    """A new model with other activations; the old one stays as it is.

    Activation modules are replaced. An activation that is a call inside a forward (`F.relu`)
    cannot be taken out of it: a change that would have to is refused with what to do.

    Args:
        model: any torch.nn.Module.
        changes: from a module's path, a pattern of paths, or an activation's name, to the new
            activation: {"relu": "gelu"}, {"layers.*.act": "silu"}. Paths go before names.
        reinit: "critical" draws the weights of every Linear and convolution that stands in front
            of an activation module anew, so that inputs of variance 1 stay so: normal with
            σw = the gain E[φ²]^(−1/2) of the activation module before it (1 where there is none),
            biases 0. None keeps the weights.
        share: the new model's parameters and buffers are the old one's, not copies.
        seed: of the weights drawn anew; torch's random state is not used.

    Returns:
        A module of the model's class.

    Raises:
        InputError: nothing matches, the new activation has no PyTorch twin, or reinit is unknown
            or asked for together with share.
        UnknownName: there is no such activation.

    Example:
        >>> from torch import nn
        >>> swap(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), {"relu": "silu"})[1]
        Elementwise(silu)
    """
    if reinit not in (None, "critical"):
        raise InputError(f"reinit = {reinit!r}: expected 'critical' or None")
    if reinit and share:
        raise InputError(
            "reinit with share=True would change the old model's weights: give one of them"
        )
    root = unwrap(model)
    new = _copied(root, share)
    names = dict(new.named_modules(remove_duplicate=False))
    found = {n: _name(m) for n, m in names.items() if _is_activation(m)}
    used: set[str] = set()
    for path, name in found.items():
        key = _change(path, name, changes)
        if key is not None:
            used.add(key)
            parent, _, last = path.rpartition(".")
            record = activation(changes[key])
            setattr(names[parent], last, Elementwise(record).train(names[path].training))
    missing = [key for key in changes if key not in used]
    if missing:
        has = ", ".join(f"{p} ({n})" for p, n in list(found.items())[:12]) or "none"
        raise InputError(
            f"no activation module matches {missing[0]!r}: the model has {has}. An activation "
            "called inside a forward (F.relu) has to become a module first: self.act = nn.ReLU()"
        )
    if reinit:
        _reinitialise(new, seed)
    return new


def _copied(root: Any, share: bool) -> Any:
    """A copy of a model, with its own parameters or with the old one's."""
    memo: dict[int, Any] = {}
    if share:
        memo = {id(t): t for t in (*root.parameters(), *root.buffers())}
    return copy.deepcopy(root, memo)


def _is_activation(module: Any) -> bool:
    if isinstance(module, Elementwise):
        return True
    return any(
        modules.kind_of(module, torch.zeros(shape)) == "activation"
        for shape in ((2, _width(module)), (2, _width(module), 2, 2))
    )


def _width(module: Any) -> int:
    """Channels that an activation with a number a channel needs."""
    sizes = [p.numel() for p in module.parameters()] if not module._modules else []
    return int(max([3, *(s for s in sizes if s > 1)]))


def _name(module: Any) -> str:
    if isinstance(module, Elementwise):
        return module.record.name
    from actscope.probe.expressions import Expression, Source
    from actscope.probe.identity import identify

    source = Expression(Source(None, False, None, 0))
    call = Expression(
        source.source, modules.name_of(module), modules.caller(module), (source,), module_path=""
    )
    identity = identify(call, (2, _width(module)), "cpu")
    if identity is None:
        return type(module).__name__
    return identity.record.name if identity.record is not None else identity.name


def _change(path: str, name: str, changes: Mapping[str, Any]) -> str | None:
    """The key of the change that a module is meant by."""
    if path in changes:
        return path
    for key in changes:
        if key != name and ("." in key or "*" in key) and fnmatch.fnmatch(path, key):
            return key
    return name if name in changes else None


def _reinitialise(model: Any, seed: int) -> None:
    """Draw the weights in front of each activation anew; neighbours by order of registration."""
    rng = torch.Generator().manual_seed(seed)
    layers = [m for m in model.modules() if not m._modules]
    for i, layer in enumerate(layers):
        if not isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd)):
            continue
        after = layers[i + 1] if i + 1 < len(layers) else None
        if after is None or not _is_activation(after):
            continue
        behind = i > 0 and _is_activation(layers[i - 1])
        scale = (_gain(layers[i - 1]) if behind else 1.0) / layer.weight[0].numel() ** 0.5
        with torch.no_grad():
            drawn = torch.randn(layer.weight.shape, generator=rng) * scale
            layer.weight.copy_(drawn)
            if layer.bias is not None:
                layer.bias.zero_()


def _gain(module: Any) -> float:
    """The gain of an activation module."""
    record = module.record if isinstance(module, Elementwise) else activation(_name(module))
    return gain(record, record.kinks)
