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

if TYPE_CHECKING:  # from the file itself where a module has the name, for the reference
    from actscope.activations import Activation as Activation
    from actscope.activations import activation as activation
    from actscope.activations import shape as shape
    from actscope.app import explore as explore
    from actscope.article import reproduce as reproduce
    from actscope.assessment.assess import assess as assess
    from actscope.assessment.dead_units import dead_units as dead_units
    from actscope.claims import claim as claim
    from actscope.claims import ledger as ledger
    from actscope.costs.cost import cost as cost
    from actscope.engine import Net as Net
    from actscope.engine import Training as Training
    from actscope.engine.api import train as train
    from actscope.engine.session import Session as Session
    from actscope.engine.trace import trace as trace
    from actscope.exports import export as export
    from actscope.exports import to_torch as to_torch
    from actscope.probe import LightningWatch as LightningWatch
    from actscope.probe import TrainerWatch as TrainerWatch
    from actscope.probe import inspect as inspect
    from actscope.probe import swap as swap
    from actscope.probe import try_swaps as try_swaps
    from actscope.probe import watch as watch
    from actscope.report.study import study_report as study_report
    from actscope.searches import search as search
    from actscope.searches.predict import predict as predict
    from actscope.study import Study as Study

__version__ = "0.1.0"

# public name -> the module that hands it on
_PUBLIC = {
    "Activation": "actscope.activations",
    "LightningWatch": "actscope.probe",
    "Net": "actscope.engine",
    "Session": "actscope.engine.session",
    "Study": "actscope.study",
    "TrainerWatch": "actscope.probe",
    "Training": "actscope.engine",
    "activation": "actscope.activations",
    "assess": "actscope.assessment",
    "claim": "actscope.claims",
    "cost": "actscope.costs",
    "dead_units": "actscope.assessment.dead_units",
    "explore": "actscope.app",
    "export": "actscope.exports",
    "inspect": "actscope.probe",
    "ledger": "actscope.claims",
    "predict": "actscope.searches",
    "reproduce": "actscope.article",
    "search": "actscope.searches",
    "shape": "actscope.activations",
    "study_report": "actscope.report.study",
    "swap": "actscope.probe",
    "to_torch": "actscope.exports",
    "trace": "actscope.engine.trace",
    "train": "actscope.engine.api",
    "try_swaps": "actscope.probe",
    "watch": "actscope.probe",
}

__all__ = [
    "Activation",
    "LightningWatch",
    "Net",
    "Session",
    "Study",
    "TrainerWatch",
    "Training",
    "activation",
    "assess",
    "claim",
    "cost",
    "dead_units",
    "explore",
    "export",
    "inspect",
    "ledger",
    "predict",
    "reproduce",
    "search",
    "shape",
    "study_report",
    "swap",
    "to_torch",
    "trace",
    "train",
    "try_swaps",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'actscope' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
