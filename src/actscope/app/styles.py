"""How activations look, as the page is told: the one table of colours, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actscope.activations._base import Activation
from actscope.figures.colours import series_styles


def series(activations: Sequence[Activation], names: Sequence[str]) -> list[dict[str, Any]]:
    """Name, label, colours and dash of each activation of a chart.

    Args:
        activations: what the names stand for.
        names: as the user gave them.

    Example:
        >>> from actscope.activations import activation
        >>> series([activation("relu")], ["relu"])[0]["colour"]
        '#D55E00'
    """
    styles = series_styles([phi.key for phi in activations])
    return [
        {
            "name": name,
            "label": label_of(phi),
            "colour": style.colour,
            "dark": style.dark,
            "dash": list(style.dash),
            "marker": style.marker,
        }
        for phi, name, style in zip(activations, names, styles, strict=True)
    ]


def label_of(phi: Activation) -> str:
    """The label, with the parameters that are not at their default.

    Example:
        >>> from actscope.activations import activation
        >>> label_of(activation("leaky_relu", slope=0.1))
        'Leaky ReLU (slope=0.1)'
    """
    changed = phi.key[len(phi.name) :]
    return f"{phi.label} {changed}".rstrip()
