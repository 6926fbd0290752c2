"""From a name or a typed expression to an Activation."""

from __future__ import annotations

from actscope.activations._base import Activation
from actscope.shelf import Shelf

SHELF: Shelf[Activation] = Shelf("actscope.activations", "activation")


def activation(name: str | Activation, **settings: float) -> Activation:
    """The activation of this name, with these parameters."""
    record = SHELF.get(name) if isinstance(name, str) else name
    return record.with_params(**settings) if settings else record
