"""The catalogue as a table, and the readings of one activation at chosen points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from actscope.activations._base import Activation
from actscope.activations._lookup import SHELF, VECTORS, elementwise

if TYPE_CHECKING:
    import pandas as pd


def catalogue() -> pd.DataFrame:
    """Every elementwise activation of the catalogue, one row each, sorted by name.

    Returns:
        A table indexed by name, with columns label, formula, derivative, range, kinks,
        zero_centred, monotonic, parameters, use_case and source.

    Example:
        >>> catalogue().loc["tanh", ["formula", "range"]].to_list()
        ['tanh(x)', '(−1, 1)']
    """
    import pandas as pd

    rows = [facts(record) for record in SHELF]
    return pd.DataFrame(rows).set_index("name")


def facts(one: Activation) -> dict[str, str | bool]:
    """What a record says, each fact ready for print."""
    return {
        "name": one.name,
        "label": one.label,
        "formula": one.formula,
        "derivative": one.derivative,
        "range": str(one.range),
        "kinks": ", ".join(f"{k:g}" for k in one.kinks) or "none",
        "zero_centred": one.zero_centred,
        "monotonic": one.monotonic,
        "parameters": ", ".join(f"{k} = {v:g}" for k, v in one.settings.items()),
        "use_case": one.use_case,
        "source": one.source,
    }


def readings(one: str | Activation, x: Sequence[float]) -> pd.DataFrame:
    """Value and slopes of an activation at chosen points.

    Args:
        one: an activation, a catalogue name or a typed expression.
        x: the points, (n,).

    Returns:
        A table (n rows) with columns x, value, slope (the one used in training), slope_left and
        slope_right (they differ at a kink only).

    Example:
        >>> readings("relu", [0.0])[["value", "slope", "slope_left", "slope_right"]].to_dict("list")
        {'value': [0.0], 'slope': [0.0], 'slope_left': [0.0], 'slope_right': [1.0]}
    """
    import pandas as pd

    record = elementwise(one)
    points = np.asarray(x, dtype=np.float64)
    return pd.DataFrame(
        {
            "x": points,
            "value": record(points),
            "slope": record.slope_at(points),
            "slope_left": record.slope_at(np.nextafter(points, -np.inf)),
            "slope_right": record.slope_at(np.nextafter(points, np.inf)),
        }
    )


def catalogue_page() -> str:
    """The catalogue as a page of Markdown, docs/catalogue.md.

    Example:
        >>> catalogue_page().splitlines()[0]
        '# The catalogue'
    """
    rows = [facts(record) for record in SHELF]
    lines = [
        "# The catalogue",
        "",
        "Written by `make docs` from the records in `src/actscope/activations/`. Formulas are in",
        "the language of typed expressions; parameters are shown at their defaults.",
        "",
        "| name | formula | derivative | range | kinks | E f(z) = 0 | never falls | use |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ticks = ("yes" if row[fact] else "no" for fact in ("zero_centred", "monotonic"))
        named = f"`{row['name']}`" + (f" ({row['parameters']})" if row["parameters"] else "")
        cells = [named, f"`{row['formula']}`", f"`{row['derivative']}`", row["range"], row["kinks"]]
        lines.append("| " + " | ".join(map(str, [*cells, *ticks, row["use_case"]])) + " |")
    lines += [
        "",
        "Functions of whole vectors, each in a naive and a stable form; only the stable one",
    ]
    lines += ["is used:", "", "| name | component i | entry i, j of the Jacobian | range | use |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| `{v.name}` | `{v.formula}` | `{v.derivative}` | {v.range} | {v.use_case} |"
        for v in VECTORS
    ]
    lines += ["", "## Sources", ""]
    lines += [f"- `{row['name']}`: {row['source']}" for row in rows]
    lines += [f"- `{v.name}`: {v.source}" for v in VECTORS]
    return "\n".join(lines) + "\n"
