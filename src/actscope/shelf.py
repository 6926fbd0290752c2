"""A shelf: a folder whose files are a catalogue, one RECORD a file.

Adding a file adds the thing: to the library, the command line, the docs and the tests, which
all walk the shelf. Files whose name starts with an underscore are not records, nor are folders.
Other packages add records through the entry-point group that the shelf names.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from actscope.errors import InputError, UnknownName


class Named(Protocol):
    """Anything with a name: what a shelf holds."""

    @property
    def name(self) -> str:
        """The record's name, equal to its file's."""


T = TypeVar("T", bound=Named)


class Shelf(Generic[T]):
    """The records of one folder, found by listing it and imported when asked for.

    Args:
        package: the dotted name of the folder ("actscope.activations").
        kind: what one record is called in messages ("activation").

    Listing the names imports no record; `get` imports one, iterating imports all.

    Example:
        >>> shelf = Shelf("actscope.activations", "activation")
        >>> "relu" in shelf.names()
        True
        >>> shelf.get("relu").name
        'relu'
    """

    def __init__(self, package: str, kind: str) -> None:
        self.package, self.kind = package, kind

    @functools.cached_property
    def _plugins(self) -> dict[str, importlib.metadata.EntryPoint]:
        return {e.name: e for e in importlib.metadata.entry_points(group=self.package)}

    @functools.cached_property
    def _files(self) -> frozenset[str]:
        top, *inner = self.package.split(".")
        spec = importlib.util.find_spec(top)  # of a folder inside, it would import the outer ones
        assert spec is not None, self.package
        folders = [str(Path(f, *inner)) for f in spec.submodule_search_locations or ()]
        modules = pkgutil.iter_modules(folders)
        return frozenset(m.name for m in modules if not (m.ispkg or m.name.startswith("_")))

    def names(self) -> tuple[str, ...]:
        """Every record's name, sorted."""
        return tuple(sorted(self._files | self._plugins.keys()))

    def get(self, name: str) -> T:
        """The record of this name.

        Raises:
            UnknownName: no file and no entry point has it; the message names the nearest.
            InputError: an entry point's record carries another name than the entry point.
        """
        if name in self._files:
            record: T = importlib.import_module(f"{self.package}.{name}").RECORD
        elif name in self._plugins:
            record = self._plugins[name].load()
        else:
            raise UnknownName(self.kind, name, self.names())
        if record.name != name:
            raise InputError(f"{self.kind} {name!r}: its record is named {record.name!r}")
        return record

    def __iter__(self) -> Iterator[T]:
        """Every record, in the order of the names."""
        return map(self.get, self.names())
