"""Look inside people's own PyTorch models. The only folder that knows PyTorch.

The names below are imported when they are first used; without PyTorch that says how to install it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from actscope.guests import need

if TYPE_CHECKING:
    from actscope.probe.callbacks_hugging_face import TrainerWatch as TrainerWatch
    from actscope.probe.callbacks_lightning import LightningWatch as LightningWatch
    from actscope.probe.report import Report as Report
    from actscope.probe.survey import inspect as inspect
    from actscope.probe.swapping import swap as swap
    from actscope.probe.tried import Tried as Tried
    from actscope.probe.trying import try_swaps as try_swaps
    from actscope.probe.watching import watch as watch

_NAMES = {
    "LightningWatch": "callbacks_lightning",
    "Report": "report",
    "TrainerWatch": "callbacks_hugging_face",
    "Tried": "tried",
    "inspect": "survey",
    "swap": "swapping",
    "try_swaps": "trying",
    "watch": "watching",
}

__all__ = [
    "LightningWatch",
    "Report",
    "TrainerWatch",
    "Tried",
    "inspect",
    "swap",
    "try_swaps",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'actscope.probe' has no attribute {name!r}")
    need("torch")
    value = getattr(importlib.import_module(f"actscope.probe.{_NAMES[name]}"), name)
    globals()[name] = value
    return value
