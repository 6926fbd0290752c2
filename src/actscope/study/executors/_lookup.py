"""From a name to an executor."""

from __future__ import annotations

from actscope.shelf import Shelf
from actscope.study.executors._base import Executor

SHELF: Shelf[Executor] = Shelf("actscope.study.executors", "executor")


def executor(name: str) -> Executor:
    """The executor of this name.

    Raises:
        UnknownName: no executor has it.

    Example:
        >>> executor("local").addressed
        False
    """
    return SHELF.get(name)
