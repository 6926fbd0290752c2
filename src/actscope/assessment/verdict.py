"""Three sentences, one for each account, that follow from the numbers by fixed rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from actscope.assessment.measured import WHOLE, Accounts

# Distance fidelity at the deepest layer, as a share of the best there was on the way.
KEPT, LOST = 0.9, 0.1
# A number format keeps it where this share of the float64 fidelity is left, and below the least
# fidelity there is nothing to keep.
FITS, LEAST = 0.95, 0.1
# First-layer gradient over the last layer's, in powers of ten either way.
ARRIVES, VANISHES = 1.0, 3.0


def middle(values: np.ndarray) -> float:
    """The median of what is not NaN; NaN where nothing is."""
    held = values[~np.isnan(values)]
    return float(np.median(held)) if held.size else float("nan")


def verdict(accounts: Mapping[str, Accounts]) -> tuple[str, str, str]:
    """One sentence for each account.

    Rules: the exact account says "kept" where the median fidelity at the deepest layer is at
    least 0.9 of the largest one at layer 1 and the depths asked for, "lost" below 0.1 of it (or
    where even that one is below 0.1), else "thins out". The format account names, for each format
    that was measured, the first depth at which its median fidelity is under 0.95 of float64's. The
    optimiser's account says "arrives" where the median ratio of first-layer to last-layer gradient
    lies within a factor of 10 of 1, "vanishes" or "explodes" beyond a factor of 1000, else
    "shrinks" or "grows".

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
    best = max((v for v in (start, *values) if not np.isnan(v)), default=0.0)
    share = end / best if best >= LEAST else float("nan")
    state = "is kept" if share >= KEPT else "is lost" if not share >= LOST else "thins out"
    numbers = f"R² {_by_depth(values, a.depths, '.2f')}, {start:.2f} after layer 1"
    return state, f"the distance to the boundary {state}", numbers


def _format(a: Accounts) -> Found:
    needed = [middle(a.bits_needed[:, i]) for i in range(len(a.depths))]
    whole = {d: middle(a.fidelity[WHOLE][:, d]) for d in a.depths}
    held = [d for d in a.depths if whole[d] >= LEAST]
    short: dict[int, list[str]] = {}
    for kind, fidelity in a.fidelity.items():
        fails = [d for d in held if not middle(fidelity[:, d]) >= FITS * whole[d]]
        if fails:
            short.setdefault(fails[0], []).append(kind)
    numbers = f"mantissa bits needed {_by_depth(needed, a.depths, '.3g').replace('nan', '–')}"
    if not held:
        nothing = "there is nothing left to round"
        return nothing, nothing, numbers
    places = [f"{_and(short[d])} at depth {d}" for d in sorted(short)]
    words = "95 % of it " + (
        f"no longer fits {', '.join(places)}" if short else "fits every format"
    )
    if len(held) < len(a.depths):
        gone = next(d for d in a.depths if d not in held)
        words += f", and at depth {gone} there is nothing left to round"
    return words, words, numbers


def _optimiser(a: Accounts) -> Found:
    ratios = [middle(a.gradients[d][:, 1]) for d in a.depths]
    with np.errstate(divide="ignore"):
        power = float(np.log10(ratios[-1]))
    if np.isnan(power):
        state = "has no ratio, being 0 or not finite"
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
