"""Made data for each claim: for which it holds, holds under a condition, does not, is open.

One module a group of claims, each with CASES: {claim: {outcome: numbers}}.
"""

import importlib
import pkgutil

from claim_cases._made import F, H, O, Q

__all__ = ["F", "H", "O", "Q", "all_cases"]


def all_cases():
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        for name, cases in importlib.import_module(f"{__name__}.{module.name}").CASES.items():
            assert name not in found, f"{name} has cases in two modules"
            found[name] = cases
    return found
