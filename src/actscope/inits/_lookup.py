"""From a name to an init."""

from __future__ import annotations

from actscope.inits._base import Init
from actscope.shelf import Shelf

SHELF: Shelf[Init] = Shelf("actscope.inits", "init")


def init(name: str | Init) -> Init:
    """The init of this name.

    Raises:
        UnknownName: no init has it.

    Example:
        >>> init("lecun").label
        'LeCun'
    """
    return SHELF.get(name) if isinstance(name, str) else name
