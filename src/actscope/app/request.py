"""What a page asks for: every argument checked for its type and its bounds before it is used."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actscope.errors import BadSpec


@dataclass(frozen=True)
class Settings:
    """What whoever starts the explorer decides.

    Attributes:
        studies: the folder whose studies the results panel lists.
    """

    studies: Path = field(default_factory=Path)


@dataclass(frozen=True)
class Request:
    """The arguments of one question, and the settings of the explorer.

    Each method reads one argument: the default if it is absent, and BadSpec, one sentence that
    names it and what is expected, if it is not what is allowed. There is no other way to read
    one, so nothing unbounded comes in. Numbers may stand as texts, as they do in an address.

    Example:
        >>> Request({"depth": 10}).whole("depth", 1, 600)
        10
        >>> Request({"depth": 1e9}).whole("depth", 1, 600)
        Traceback (most recent call last):
            ...
        actscope.errors.BadSpec: depth = 1000000000.0: expected a whole number from 1 to 600
    """

    args: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    def number(
        self, name: str, low: float = -1e300, high: float = 1e300, default: float | None = None
    ) -> float:
        """A finite number from low to high."""
        value = _spelled(self.args.get(name, default))
        if not _is_number(value) or not low <= value <= high:
            raise BadSpec(name, _short(value), f"a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from low to high."""
        value = _spelled(self.args.get(name, default))
        if not _is_number(value) or value != int(value) or not low <= value <= high:
            raise BadSpec(name, _short(value), f"a whole number from {low} to {high}")
        return int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.args.get(name, default)
        if not isinstance(value, bool):
            raise BadSpec(name, _short(value), "true or false")
        return value

    def text(self, name: str, longest: int = 1000, default: str | None = None) -> str:
        """A text of at most `longest` characters."""
        value = self.args.get(name, default)
        if not isinstance(value, str):
            raise BadSpec(name, _short(value), f"a text of at most {longest:,} characters")
        if len(value) > longest:
            shown = f"{len(value):,} characters"
            raise BadSpec(name, shown, f"a text of at most {longest:,} characters")
        return value

    def choice(self, name: str, options: Sequence[str], default: str | None = None) -> str:
        """One of the options."""
        value = self.args.get(name, default)
        if value not in options:
            raise BadSpec(name, _short(value), f"one of {', '.join(options)}")
        return str(value)

    def texts(
        self, name: str, most: int, longest: int = 1000, default: Sequence[str] | None = None
    ) -> list[str]:
        """A list of at most `most` texts."""
        value = self.args.get(name, default)
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, (list, tuple)) or len(value) > most:
            raise BadSpec(name, _short(value), f"a list of at most {most} texts")
        part = Request({f"{name}[{i}]": entry for i, entry in enumerate(value)})
        return [part.text(f"{name}[{i}]", longest) for i in range(len(value))]

    def numbers(
        self, name: str, most: int, low: float = -1e300, high: float = 1e300
    ) -> list[float]:
        """A list of at most `most` numbers, each from low to high."""
        value = self.args.get(name)
        if not isinstance(value, (list, tuple)) or len(value) > most:
            raise BadSpec(name, _short(value), f"a list of at most {most:,} numbers")
        part = Request({f"{name}[{i}]": entry for i, entry in enumerate(value)})
        return [part.number(f"{name}[{i}]", low, high) for i in range(len(value))]


def _spelled(value: Any) -> Any:
    """A number that stands as a text, as in an address; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) and len(value) < 40 else value
    except ValueError:
        return value


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) < math.inf


def _short(value: Any) -> Any:
    """The value, or its beginning where it is long."""
    if isinstance(value, (int, float, bool)) and len(repr(value)) < 40:
        return value
    text = value if isinstance(value, str) else repr(value)
    return value if value is None else text if len(text) <= 60 else text[:59] + "…"
