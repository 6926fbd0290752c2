"""Three sentences, one for each account, that follow from the numbers by fixed rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from actscope.assessment.measured import WHOLE, Accounts

# Distance fidelity at the deepest layer, as a share of what a linear reader finds after the first.
KEPT, LOST = 0.9, 0.1
# First-layer gradient over the last layer's, in powers of ten either way.
ARRIVES, VANISHES = 1.0, 3.0
MANTISSA = {"float32": 23, "float16": 10, "bfloat16": 7, "fp8_e4m3": 3, "fp8_e5m2": 2}


def middle(values: np.ndarray) -> float:
    """The median of what is not NaN; NaN where nothing is."""
    held = values[~np.isnan(values)]
    return float(np.median(held)) if held.size else float("nan")


def verdict(accounts: Mapping[str, Accounts]) -> tuple[str, str, str]:
    """One sentence for each account.

    Rules: the exact account says "keeps" where the median fidelity at the deepest layer is at
    least 0.9 of the first layer's, "loses" below 0.1, else "thins out". The format account names
    the first depth at which the median bits needed exceed a format's mantissa. The optimiser's
    account says "arrives" where the median ratio of first-layer to last-layer gradient lies
    within a factor of 10 of 1, "vanishes" or "explodes" beyond a factor of 1000, else "shrinks"
    or "grows".

    Args:
        accounts: by init; the first one leads, the others follow where they say something else.

    Returns:
        Exact, format, optimiser.
    """
    return (
        _together("Exact", {init: _exact(a) for init, a in accounts.items()}),
        _together("In the number format", {init: _format(a) for init, a in accounts.items()}),
        _together(
            "As the optimiser sees it", {init: _optimiser(a) for init, a in accounts.items()}
        ),
    )


Found = tuple[str, str, str]  # the state, what is said of it, the numbers behind it


def _together(account: str, found: Mapping[str, Found]) -> str:
    """One sentence from what each init gave: inits of one state share what is said of it."""
    states: dict[str, list[str]] = {}
    for init, (state, _, _) in found.items():
        states.setdefault(state, []).append(init)
    clauses = []
    for inits in states.values():
        named = [f"{i}: " if len(inits) > 1 else "" for i in inits]
        numbers = "; ".join(n + found[i][2] for n, i in zip(named, inits, strict=True))
        clauses.append(f"with {_and(inits)} weights {found[inits[0]][1]} ({numbers})")
    return f"{account}, {'; '.join(clauses)}."


def _and(names: Sequence[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


def _exact(a: Accounts) -> Found:
    whole = a.fidelity[WHOLE]
    values = [middle(whole[:, d]) for d in a.depths]
    start, end = middle(whole[:, 1]), values[-1]
    share = end / start if start > 0 else float("nan")
    state = "is kept" if share >= KEPT else "is lost" if not share >= LOST else "thins out"
    numbers = f"R² {_by_depth(values, a.depths, '.2f')}, {start:.2f} after layer 1"
    return state, f"the distance to the boundary {state}", numbers


def _format(a: Accounts) -> Found:
    needed = [middle(a.bits_needed[:, i]) for i in range(len(a.depths))]
    held = [(d, b) for d, b in zip(a.depths, needed, strict=True) if not np.isnan(b)]
    short = [
        f"{name} at depth {next(d for d, b in held if b > bits)}"
        for name, bits in MANTISSA.items()
        if name in a.fidelity and any(b > bits for _, b in held)
    ]
    words = f"95 % of it no longer fits {_and(short)}" if short else "95 % of it fits every format"
    if len(held) < len(needed):
        gone = next(d for d, b in zip(a.depths, needed, strict=True) if np.isnan(b))
        words += f", and at depth {gone} nothing is left to round"
    bits = _by_depth(needed, a.depths, ".0f").replace("nan", "–")
    return words, words, f"mantissa bits needed {bits}"


def _optimiser(a: Accounts) -> Found:
    ratios = [middle(a.gradients[d][:, 1]) for d in a.depths]
    with np.errstate(divide="ignore"):
        power = float(np.log10(ratios[-1]))
    if np.isnan(power):
        state = "is not a number"
    elif abs(power) <= ARRIVES:
        state = "arrives"
    else:
        far = abs(power) > VANISHES
        state = ("vanishes" if far else "shrinks") if power < 0 else "explodes" if far else "grows"
    numbers = f"first layer over last {_by_depth(ratios, a.depths, '.2g')}"
    return state, f"the gradient {state}", numbers


def _by_depth(values: Sequence[float], depths: Sequence[int], form: str) -> str:
    """Numbers and where they hold: "0.99, 0.93 at depths 2, 8"."""
    numbers = ", ".join(format(v, form) for v in values)
    return f"{numbers} at depth{'s' * (len(depths) > 1)} {', '.join(map(str, depths))}"
