"""Heavy guests: the packages of the extras, imported when something needs them.

Who is going to need an extra calls `need` before anything is measured or written, so that what is
missing is said at once and in one line; who uses a package imports it where it is used.
"""

from __future__ import annotations

import importlib
from typing import Any

from actscope.errors import MissingExtra

# extra -> what it is good for cannot be done without these
GUESTS = {
    "app": ("starlette", "uvicorn", "websockets"),
    "notebook": ("anywidget", "traitlets"),
    "onnx": ("onnx", "onnxruntime"),
    "ray": ("ray",),
    "search": ("optuna",),
    "study": ("pyarrow.parquet", "duckdb"),
    "torch": ("torch",),
}


def need(*extras: str) -> None:
    """Import all of these extras.

    Args:
        extras: keys of `GUESTS`.

    Raises:
        MissingExtra: one is not installed; the message names it.

    Example:
        >>> need("study")
    """
    for extra in extras:
        for module in GUESTS[extra]:
            guest(module, extra)


def guest(module: str, extra: str) -> Any:
    """A module that an extra brings.

    Args:
        module: its dotted name.
        extra: the extra that brings it.

    Raises:
        MissingExtra: it, or what it stands on, is not installed.

    Example:
        >>> guest("pyarrow.parquet", "study").__name__
        'pyarrow.parquet'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:  # it is missing, or broken: the cause stays with the error
        raise MissingExtra((error.name or module).partition(".")[0], extra) from error
