"""From a name to a metric."""

from __future__ import annotations

from actscope.metrics._base import Metric
from actscope.shelf import Shelf

SHELF: Shelf[Metric] = Shelf("actscope.metrics", "metric")


def metric(name: str | Metric) -> Metric:
    """The metric of this name.

    Raises:
        UnknownName: no metric has it.

    Example:
        >>> sorted(metric("cka").blind_to)
        ['permutation', 'rotation', 'scaling', 'shift']
    """
    return SHELF.get(name) if isinstance(name, str) else name
