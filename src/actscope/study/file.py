"""A study in a TOML file: read with errors that name file, line and key; and written back.

Every key of the file is a field of `Study`; `[trace]` is a `Trace`. Keys that are not there have
their defaults, and the name is the file's.
"""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actscope.errors import BadSpec, InputError, UnknownName
from actscope.study.plan import Study
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
    tables: list[tuple[str, Mapping[str, Any], Any]] = [("", given, Study)]
    if isinstance(given.get("trace"), Mapping):
        tables.append(("trace.", given["trace"], Trace))
    for prefix, table, owner in tables:
        known = [f.name for f in dataclasses.fields(owner)]
        for key, value in table.items():
            if key in known:
                continue
            near = ALSO.get(key.lower()) or UnknownName("key", key, known).nearest
            hint = f"did you mean {near!r}? " if near else ""
            place = f"{source}:{line_of(text, prefix + key, given)}: {prefix}{key}"
            raise BadSpec(place, value, f"no such key. {hint}Keys: {', '.join(known)}")


def line_of(text: str, field: str, given: Mapping[str, Any]) -> int | None:
    """The line that a field stands on, from 1; None if it is not in the text.

    Args:
        text: the TOML.
        field: "lr", "lr[2]", "data[1].noise", "trace.metrics[0]": the line of the key, or where
            its list goes over several lines, the first line from there with the value's text.
        given: what the TOML says.
    """
    parts = [p for p in re.split(r"[.\[\]]+", field) if p]
    lines = text.splitlines()
    table, start = "", None
    for number, line in enumerate(lines, 1):
        heading = re.match(r"\s*\[\[?\s*([\w.\"-]+)\s*\]\]?\s*(#.*)?$", line)
        if heading:
            table = heading[1].replace('"', "")
            if parts and table == ".".join(parts[:1]) and start is None:
                start = number
            continue
        key = re.match(r"\s*\"?([\w.-]+)\"?\s*=", line)
        if key and parts:
            full = f"{table}.{key[1]}" if table else key[1]
            if full == parts[0]:
                start = number
            if full == ".".join(parts[:2]) and table:
                start = number
    if start is None or len(parts) < 2:
        return start
    return _further(lines, start, parts, given)


def _further(lines: list[str], start: int, parts: list[str], given: Mapping[str, Any]) -> int:
    """The line of a part of a value that begins on line `start`."""
    value: Any = given
    for part in parts:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError, ValueError):
            break
    inner = parts[-1] if not parts[-1].isdigit() else None
    wanted = [inner] if inner and isinstance(value, Mapping) else _spellings(value)
    for number in range(start, len(lines) + 1):
        line = lines[number - 1]
        if number > start and re.match(r"\s*(\[[\w.\"]+\]\s*$|[\w.\"-]+\s*=)", line):
            break  # the next key
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
    trace = spec.pop("trace", None)
    lines = [f"{key} = {_toml(value)}" for key, value in spec.items()]
    if trace is not None:
        lines += ["", "[trace]", *(f"{key} = {_toml(value)}" for key, value in trace.items())]
    return "\n".join(lines) + "\n"


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
