"""Where in people's own code a site stands: file and line, as code hosts need them."""

from __future__ import annotations

import inspect
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from actscope.errors import ActscopeError
from actscope.probe.load import named


@dataclass(frozen=True)
class Origin:
    """A line of a file.

    Attributes:
        file: its absolute path.
        line: counted from 1.
    """

    file: str
    line: int


def origins_of(root: Any, sites: Iterable[str]) -> dict[str, Origin]:
    """{site: where it stands}, without those in code that is not the user's own.

    A module stands where the nearest class of the user's own, upwards from it, sets the attribute
    that holds it; a call stands in the forward of the module that its name begins with.

    Args:
        root: the model.
        sites: names as in a report; others ("loss") stand where the model's class does.
    """
    found = {site: _origin(root, site) for site in sites}
    return {site: origin for site, origin in found.items() if origin is not None}


def _origin(root: Any, site: str) -> Origin | None:
    path, call, _ = site.partition("#")[0].partition(":")
    chain = [root]
    steps = path.split(".") if path else []
    for step in steps:
        if step not in getattr(chain[-1], "_modules", {}):
            break
        chain.append(chain[-1]._modules[step])
    child = ""  # of the module looked at, on the way to the site
    for depth in range(len(chain) - 1, -1, -1):
        kind: Any = type(chain[depth])
        lines = _own_lines(kind)
        if lines is not None:
            return _within(lines, child, bool(call) and not child)
        child = steps[depth - 1] if depth else child
    return None


def _within(lines: tuple[str, int, tuple[str, ...]], child: str, forward: bool) -> Origin:
    """The line of a class that sets an attribute, or of its forward; its first line without."""
    file, first, text = lines
    wanted = rf"\s*self\.{re.escape(child)}\b\s*(:[^=]*)?=[^=]" if child else r"\s*def forward\("
    if child or forward:
        for number, line in enumerate(text):
            if re.match(wanted, line):
                return Origin(file, first + number)
    return Origin(file, first)


@lru_cache(maxsize=256)
def _own_lines(kind: Any) -> tuple[str, int, tuple[str, ...]] | None:
    """A class's file, first line and text; None where it is not the user's own."""
    try:
        file = inspect.getsourcefile(kind)
        text, first = inspect.getsourcelines(kind)
    except (TypeError, OSError):  # made at run time, or typed in
        return None
    if file is None or _foreign(Path(file)):
        return None
    return str(Path(file).resolve()), max(first, 1), tuple(text)


def _foreign(file: Path) -> bool:
    """Whether a file is of an installed package, of Python, or no file."""
    places = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    places.add(str(Path(__file__).parents[1]))
    parts = set(file.parts)
    inside = any(file.is_relative_to(place) for place in places)
    return inside or bool(parts & {"site-packages", "dist-packages"}) or not file.is_file()


def origin_of_name(text: str) -> Origin | None:
    """Where the model that a text names (see `load_model`) is made; None where that is not known.

    Args:
        text: a file or folder, or "pkg.module:factory" of a module that has been imported.
    """
    path = Path(text)
    if path.exists():
        config = path / "config.json" if path.is_dir() else path
        return Origin(str(config.resolve()), 1)
    try:
        made = named(text)
    except ActscopeError:
        return None
    try:
        file, line = inspect.getsourcefile(made), inspect.getsourcelines(made)[1]
    except (TypeError, OSError):  # a model, not what makes one
        file, line = getattr(sys.modules.get(text.partition(":")[0]), "__file__", None), 1
    return None if file is None else Origin(str(Path(file).resolve()), max(line, 1))
