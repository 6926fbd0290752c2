"""From a name to a data set."""

from __future__ import annotations

from typing import Any

from actscope.datasets._base import Dataset
from actscope.shelf import Shelf

SHELF: Shelf[Dataset] = Shelf("actscope.datasets", "data set")


def dataset(name: str | Dataset, **settings: Any) -> Dataset:
    """The data set of this name, with these parameters.

    Args:
        name: a name of the shelf, or a Dataset.
        settings: its parameters, by name.

    Raises:
        UnknownName: no data set has this name.
        BadParameter: it has no such parameter, or the value is not allowed.

    Example:
        >>> dataset("moons", noise=0.3).key
        'moons(noise=0.3)'
    """
    record = SHELF.get(name) if isinstance(name, str) else name
    return record.with_params(**settings) if settings else record
