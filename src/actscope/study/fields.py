"""What a study's fields may hold, each brought to one canonical form; errors name the field.

The canonical form is what trial ids are made of: two spellings of one thing (1 and 1.0, defaults
left out or written down, keys in another order, blanks in an expression) become the same.
"""

from __future__ import annotations

import functools
import hashlib
import numbers
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from actscope.activations._base import Activation
from actscope.activations._lookup import SHELF as ACTIVATIONS
from actscope.activations._lookup import elementwise
from actscope.datasets._base import Dataset
from actscope.datasets._lookup import SHELF as DATASETS
from actscope.engine.checks import choice, flag, number, whole
from actscope.errors import ActscopeError, BadSpec, InputError, UnknownName

Setting = float | int | str | bool
ALL = 0  # as `points`: every point that the data set has
MOST_SEEDS = 10_000_000
_NUMBER = re.compile(r"(?<![\w.])(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(?![\w.])")


@dataclass(frozen=True, order=True)
class Named:
    """A catalogue entry with all its settings, or a typed expression.

    Attributes:
        name: the record's name, or the expression without blanks.
        settings: every setting, sorted by name; empty for an expression.
        label: how tables show it: settings that are at their default left out.
    """

    name: str
    settings: tuple[tuple[str, Setting], ...]
    label: str

    def content(self) -> dict[str, Setting]:
        """What an id is made of."""
        return {"name": self.name, **dict(self.settings)}

    def to_toml(self) -> str | dict[str, Setting]:
        """What a TOML file says for it."""
        return self.content() if self.settings else self.name


def several(key: str, value: Any, one: Callable[[str, Any], Any]) -> tuple[Any, ...]:
    """A value, or a list of different ones, each checked by `one`."""
    alone = isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable)
    items = [value] if alone else list(value)
    if not items:
        raise BadSpec(f"Study.{key}", [], "at least one value")
    found: dict[Any, int] = {}
    for i, item in enumerate(items):
        place = f"Study.{key}" if alone else f"Study.{key}[{i}]"
        canonical = one(place, item)
        if canonical in found:
            way = (
                " (one for each layer is a list in the list: [[…]])" if key == "activation" else ""
            )
            raise BadSpec(
                place, item, f"values that differ: it says what [{found[canonical]}] says{way}"
            )
        found[canonical] = i
    return tuple(found)


def wholes(key: str, value: Any, low: int, high: int | None = None) -> tuple[int, ...]:
    """Whole numbers of [low, high]."""
    return several(key, value, lambda place, v: whole(place, v, low, high))


def reals(key: str, value: Any) -> tuple[float, ...]:
    """Finite numbers of at least 0."""
    return several(key, value, lambda place, v: number(place, v) + 0.0)  # −0 becomes 0


def flags(key: str, value: Any) -> tuple[bool, ...]:
    """True, False or both."""
    return several(key, value, flag)


def choices(key: str, value: Any, known: tuple[str, ...]) -> tuple[str, ...]:
    """Names out of `known`."""

    def one(place: str, v: Any) -> str:
        if not isinstance(v, (str, type, np.dtype)):
            raise BadSpec(place, v, f"one of {', '.join(known)}")
        return choice(place, v, known)

    return several(key, value, one)


def share(key: str, value: Any) -> float:
    """A number strictly between 0 and 1."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0.0 < value < 1.0:
        raise BadSpec(f"Study.{key}", value, "a number between 0 and 1, such as 0.25")
    return float(value)


def activations(value: Any) -> tuple[tuple[Named, ...], ...]:
    """Activations: each entry is one for all layers (length 1), or a list with one a layer."""

    def one(place: str, v: Any) -> tuple[Named, ...]:
        if isinstance(v, Sequence) and not isinstance(v, str):
            if len(v) < 2:
                raise BadSpec(place, v, "two or more, one for each layer; or a name alone")
            return tuple(_activation(f"{place}[{i}]", part) for i, part in enumerate(v))
        return (_activation(place, v),)

    return several("activation", value, one)


def _activation(place: str, value: Any) -> Named:
    """A name, an expression, a table {name = …, parameters} or a record of the catalogue."""
    if isinstance(value, Activation):
        known = value.name in ACTIVATIONS.names()
        value = {"name": value.name, **value.settings} if known else value.key
    name, settings = _table(place, value, "an activation's name, an expression, or {name = …}")
    try:
        record = elementwise(name, **settings)
    except (InputError, TypeError) as error:
        raise BadSpec(place, value, f"an activation or an expression ({error})") from None
    if record.name in ACTIVATIONS.names() and record.name == name:
        return Named(name, tuple(sorted(record.settings.items())), record.key)
    text = _NUMBER.sub(_plain, re.sub(r"\s+", "", name))
    chosen = tuple(sorted((k, float(v)) for k, v in settings.items()))
    shown = ", ".join(f"{k}={v:g}" for k, v in chosen)
    return Named(text, chosen, f"{text} [{shown}]" if chosen else text)


def _plain(match: re.Match[str]) -> str:
    """One spelling for a number in an expression: .5, 0.50 and 5e-1 are 0.5; 2.0 is 2."""
    value = float(match[0])
    return str(int(value)) if value.is_integer() and value < 1e15 else repr(value)


def data_sets(value: Any) -> tuple[Named, ...]:
    """Data sets: names, or tables {name = …, parameters}."""

    def one(place: str, v: Any) -> Named:
        if isinstance(v, Dataset):
            if v.name not in DATASETS.names() or v.scale is not None:
                raise BadSpec(
                    place, v.name, "a data set of the shelf, not scaled: studies scale it"
                )
            v = {"name": v.name, **v.settings}
        name, settings = _table(place, v, "a data set's name, or {name = …, parameters}")
        try:
            return named(DATASETS.get(name).with_params(**settings))
        except UnknownName as error:
            raise BadSpec(place, v, f"a data set ({error})") from None
        except ActscopeError as error:
            raise BadSpec(place, v, f"parameters that fit ({error})") from None

    return several("data", value, one)


def named(law: Dataset) -> Named:
    """A data set as a canonical entry."""
    cast: dict[str, Setting] = {}
    for p in law.params:
        value = type(p.default)(law.settings[p.name])
        cast[p.name] = value + 0.0 if isinstance(value, float) else value  # −0 becomes 0
    return Named(law.name, tuple(sorted(cast.items())), law.key)


def file_digest(entry: Named) -> str | None:
    """SHA-256 of the file that a data set reads its points from, if a setting names one."""
    path = dict(entry.settings).get("path")
    if not path:
        return None
    stat = Path(str(path)).stat()
    return _sha256(str(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _sha256(path: str, size: int, changed: int) -> str:
    """Of a file; size and time of change make a changed file a new question."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _table(place: str, value: Any, expected: str) -> tuple[str, dict[str, Any]]:
    """A name and its settings, from "name" or {"name": …, setting: …}."""
    if isinstance(value, str) and value.strip():
        return value.strip(), {}
    if not isinstance(value, Mapping):
        raise BadSpec(place, value, expected)
    rest = {str(k): v for k, v in value.items() if k != "name"}
    name = value.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadSpec(f"{place}.name", name, expected)
    return name.strip(), rest


def points(value: Any) -> tuple[int, ...]:
    """How many points are drawn; "all" is every point of a set of fixed size."""

    def one(place: str, v: Any) -> int:
        if v == "all":
            return ALL
        try:
            return whole(place, v, 8, 1_000_000)
        except BadSpec:
            raise BadSpec(place, v, 'a whole number, 8 to 1000000, or "all"') from None

    return several("points", value, one)


def seeds(value: Any) -> tuple[int, ...] | range:
    """Seeds: n stands for 0 … n − 1; {start, count}; or a list."""
    highest = 2**63 - 1
    if isinstance(value, range) and value.step == 1 and value.start >= 0 and len(value):
        value = {"start": value.start, "count": len(value)}
    if isinstance(value, Mapping):
        unknown = sorted(set(value) - {"start", "count"})
        if unknown or "count" not in value:
            raise BadSpec("Study.seeds", dict(value), "{start = 0, count = 20}")
        start = whole("Study.seeds.start", value.get("start", 0), 0, highest - MOST_SEEDS)
        count = whole("Study.seeds.count", value["count"], 1, MOST_SEEDS)
        return range(start, start + count)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return several("seeds", value, lambda place, v: whole(place, v, 0, highest))
    try:
        return range(whole("Study.seeds", value, 1, MOST_SEEDS))
    except BadSpec:
        form = (
            f"how many (1 to {MOST_SEEDS}), a list such as [3, 5, 8], or {{start = 0, count = 20}}"
        )
        raise BadSpec("Study.seeds", value, form) from None


def text(key: str, value: Any) -> str:
    """A name that can be a part of a file's name."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w][\w .+-]{0,79}", value):
        raise BadSpec(f"Study.{key}", value, "1 to 80 letters, digits, blanks and any of . + - _")
    return value
