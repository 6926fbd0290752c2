"""A study in a TOML file: read with errors that name file, line and key; and written back.

Every key of the file is a field of `Study`; `[trace]` is a `Trace`, and every `[[grid]]` says some
of the lists anew, for a study that is the union of grids. Keys that are not there have their
defaults, and the name is the file's. The files in `builtin/` come with the package.
"""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from actscope.errors import BadSpec, InputError, UnknownName
from actscope.study.plan import AXES, Study
from actscope.study.traces import Trace

# what people write for a field, where the spelling is too far for a nearest match
ALSO = {
    "learning_rate": "lr",
    "learning_rates": "lr",
    "optimizer": "optimiser",
    "layers": "depth",
    "hidden": "width",
    "units": "width",
    "dataset": "data",
    "layer_norm": "norm",
    "skip": "residual",
    "precision": "dtype",
    "metrics": "trace.metrics",
}


LONGEST_LINE = 100


def load(path: str | Path) -> Study:
    """The study that a TOML file describes.

    Raises:
        InputError: the file cannot be read.
        BadSpec: a key or a value that cannot be; the message names file, line and key, what is
            expected, and for a key that does not exist the nearest one.
    """
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"cannot read {file}: {error.strerror}; expected a TOML file that describes a study"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: byte {error.start} is no UTF-8; expected a TOML file") from None
    return loads(text, str(file), file.stem)


def builtins() -> tuple[str, ...]:
    """The names of the studies that come with the package."""
    folder = importlib.resources.files("actscope.study") / "builtin"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


def builtin(name: str) -> Study:
    """A study that comes with the package.

    Raises:
        UnknownName: there is none of this name.

    Example:
        >>> builtin("rescue").seeds
        range(0, 20)
    """
    if name not in builtins():
        raise UnknownName("built-in study", name, builtins())
    return loads(builtin_text(name), f"{name}.toml", name)


def builtin_text(name: str) -> str:
    """The file of a built-in study, with its comments."""
    folder = importlib.resources.files("actscope.study") / "builtin"
    return (folder / f"{name}.toml").read_text("utf8")


def loads(text: str, source: str = "study.toml", name: str = "study") -> Study:
    r"""The study that TOML text describes.

    Args:
        text: the TOML.
        source: what messages call it.
        name: the study's, if the text gives none.

    Raises:
        BadSpec: as `load` says.

    Example:
        >>> loads("lr = [0.1, 1]\nseeds = 5").plan()
        Plan(2 cells, 10 trials)
        >>> loads("lr = [0.1, -1]")
        Traceback (most recent call last):
        ...
        actscope.errors.BadSpec: study.toml:1: lr[1] = -1: expected a finite number ≥ 0
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSpec(source, "text", f"TOML ({error})") from None
    _check_keys(given, text, source)
    try:
        return Study(**{"name": re.sub(r"[^\w .+-]", "-", name)} | given)
    except BadSpec as error:
        key = error.field.removeprefix("Study").removeprefix(".")
        line = line_of(text, key, given)
        place = f"{source}:{line}: " if line else f"{source}: "
        error.args = (place + str(error).removeprefix("Study."),)
        raise


def _check_keys(given: Mapping[str, Any], text: str, source: str) -> None:
    """Raise BadSpec for a key that no study has."""
    tables: list[tuple[str, Mapping[str, Any], list[str]]] = [("", given, _names(Study))]
    if isinstance(given.get("trace"), Mapping):
        tables.append(("trace.", given["trace"], _names(Trace)))
    if isinstance(given.get("grid"), list):
        parts = enumerate(given["grid"])
        tables += [(f"grid[{i}].", g, [*AXES]) for i, g in parts if isinstance(g, Mapping)]
    for prefix, table, known in tables:
        for key, value in table.items():
            if key in known:
                continue
            near = ALSO.get(key.lower()) or UnknownName("key", key, known).nearest
            hint = f"did you mean {near!r}? " if near else ""
            place = f"{source}:{line_of(text, prefix + key, given)}: {prefix}{key}"
            what = "one value for the whole study" if key in _names(Study) else "no such key"
            raise BadSpec(place, value, f"{what}. {hint}Keys: {', '.join(known)}")


def _names(owner: Any) -> list[str]:
    return [f.name for f in dataclasses.fields(owner)]


def line_of(text: str, field: str, given: Mapping[str, Any]) -> int | None:
    """The line that a field stands on, from 1; None if it is not in the text.

    Args:
        text: the TOML.
        field: "lr", "lr[2]", "data[1].noise", "trace.metrics[0]", "grid[1].lr": the line of the
            key, or where its list goes over several lines, the first line from there with the
            value's text.
        given: what the TOML says.
    """
    parts = tuple(p for p in re.split(r"[.\[\]]+", field) if p)
    places = list(_places(text))
    found, start = 0, None
    for path, number in places:
        if len(path) > found and parts[: len(path)] == path:
            found, start = len(path), number
    if start is None or len(parts) == found:
        return start
    end = min((number for _, number in places if number > start), default=None)
    return _further(text.splitlines(), start, end, parts, given)


def _places(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every table's and every key's path, with its line: ("grid", "1", "lr"), 7."""
    table: tuple[str, ...] = ()
    tables: dict[str, int] = {}
    depth = 0  # of brackets that are open at the line's start
    for number, line in enumerate(text.splitlines(), 1):
        bare = _STRING_OR_COMMENT.sub(lambda m: "" if m[0][0] == "#" else m[0], line)
        heading = re.match(r"\s*(\[\[?)\s*([\w.\"-]+)\s*\]\]?\s*$", bare)
        key = re.match(r"\s*([\w.\"-]+)\s*=", bare)
        if depth == 0 and heading:
            name = heading[2].replace('"', "")
            table = tuple(name.split("."))
            if heading[1] == "[[":
                table = (*table, str(tables.get(name, 0)))
                tables[name] = tables.get(name, 0) + 1
            yield table, number
            continue
        if depth == 0 and key:
            yield (*table, *key[1].replace('"', "").split(".")), number
        marks = _STRING_OR_COMMENT.sub("", line)
        depth += sum(marks.count(c) for c in "[{") - sum(marks.count(c) for c in "]}")


_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*')


def _further(
    lines: list[str], start: int, end: int | None, parts: tuple[str, ...], given: Mapping[str, Any]
) -> int:
    """The line of a part of a value that begins on line `start`; on line `end` comes the next."""
    value: Any = given
    for part in parts:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError, ValueError):
            break
    inner = parts[-1] if not parts[-1].isdigit() else None
    wanted = [inner] if inner and isinstance(value, Mapping) else _spellings(value)
    for number in range(start, end or len(lines) + 1):
        line = lines[number - 1]
        body = line.partition("=")[2] if number == start else line
        if any(re.search(rf"(?<![\w.]){re.escape(w)}(?![\w.])", body) for w in wanted):
            return number
    return start


def _spellings(value: Any) -> list[str]:
    """How a value may stand in a file."""
    if isinstance(value, Mapping):
        return [text for v in value.values() for text in _spellings(v)][:1]
    if isinstance(value, list):
        return [text for v in value for text in _spellings(v)][:1]
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, str):
        return [json.dumps(value, ensure_ascii=False), f"'{value}'", value]
    return [str(value), repr(value)]


def dumps(study: Study) -> str:
    """The study as TOML; `loads` gives the same study back.

    Example:
        >>> print(dumps(loads("activation = ['relu', 'tanh']")).splitlines()[1])
        activation = ["relu", "tanh"]
    """
    spec = study.spec()
    trace, grid = spec.pop("trace", None), spec.pop("grid", [])
    tables = [("[trace]", trace)] if trace is not None else []
    tables += [("[[grid]]", given) for given in grid]
    usual = Study().spec()
    for key in [k for k in spec if grid and all(k in given for given in grid)]:
        if spec[key] == usual[key]:  # every grid says it anew
            del spec[key]
    lines = [_line(key, value) for key, value in spec.items()]
    for heading, table in tables:
        lines += ["", heading, *(_line(key, value) for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any) -> str:
    """A key and its value; a long list has one item a line."""
    line = f"{key} = {_toml(value)}"
    if len(line) <= LONGEST_LINE or not isinstance(value, (list, tuple)):
        return line
    return "\n".join((f"{key} = [", *(f"  {_toml(item)}," for item in value), "]"))


def _toml(value: Any) -> str:
    """One value in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)
