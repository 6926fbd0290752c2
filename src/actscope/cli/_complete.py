"""What a shell offers for a value: names, from listing folders; nothing heavy is imported.

A shell runs the whole program at each press of Tab, so this has to be over before it is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import actscope
from actscope.shelf import Named, Shelf

Offer = Callable[[str], list[str]]

BUILTIN = Path(actscope.__file__).parent / "study" / "builtin"


def one_of(*packages: str) -> Offer:
    """Offer a name of these shelves.

    Args:
        packages: shelves by the folders of their records, "activations".

    Example:
        >>> one_of("inits")("l")
        ['lecun', 'lsuv']
    """

    def offer(incomplete: str) -> list[str]:
        return _beginning(incomplete, _names(packages))

    return offer


def some_of(*packages: str) -> Offer:
    """Offer a name for the last of several that are separated by commas.

    Example:
        >>> some_of("inits")("he,l")
        ['he,lecun', 'he,lsuv']
    """

    def offer(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        if before.count("(") > before.count(")"):  # inside an expression
            return []
        names = [name for name in _names(packages) if name not in before.split(",")]
        return [before + comma + name for name in _beginning(last, names)]

    return offer


def builtin_study(incomplete: str) -> list[str]:
    """Offer a study that comes with the package.

    Example:
        >>> builtin_study("res")
        ['rescue']
    """
    return _beginning(incomplete, sorted(path.stem for path in BUILTIN.glob("*.toml")))


def _names(packages: Iterable[str]) -> list[str]:
    shelves = (Shelf[Named](f"actscope.{package}", "") for package in packages)
    return sorted(name for shelf in shelves for name in shelf.names())


def _beginning(start: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(start)]
