"""actscope: what an activation function does to the geometry of a network, and what it costs.

Every public name is imported when it is first used, so that `import actscope` stays light.

Example:
    >>> import actscope
    >>> float(actscope.activation("gelu")(1.0).round(4))
    0.8413
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actscope.activations import Activation as Activation
    from actscope.activations import activation as activation
    from actscope.activations import shape as shape
    from actscope.engine import Net as Net
    from actscope.engine import Training as Training
    from actscope.engine import train as train

__version__ = "0.1.0"

# public name -> the module that hands it on
_PUBLIC = {
    "Activation": "actscope.activations",
    "Net": "actscope.engine",
    "Training": "actscope.engine",
    "activation": "actscope.activations",
    "shape": "actscope.activations",
    "train": "actscope.engine",
}

__all__ = ["Activation", "Net", "Training", "activation", "shape", "train"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'actscope' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
