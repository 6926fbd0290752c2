"""The shelf of panels, and the panels in the order of their tabs."""

from __future__ import annotations

from actscope.app.panels._base import Panel
from actscope.shelf import Shelf

SHELF: Shelf[Panel] = Shelf("actscope.app.panels", "panel")


def in_order() -> list[Panel]:
    """Every panel, as the tabs show them.

    Example:
        >>> [panel.name for panel in in_order()][0]
        'activation'
    """
    return sorted(SHELF, key=lambda panel: panel.order)
