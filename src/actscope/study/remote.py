"""A study at an fsspec URL: an object store, a web server, an archive. It is read, never written.

A chunk file is named after its bytes, so a copy that was once fetched whole is never stale: files
are copied to a temporary folder when they are first asked for, and DuckDB reads the copies.
Studies are written to folders of this machine, whose lock keeps two writers apart.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from actscope.errors import InputError, OutputError
from actscope.guests import guest
from actscope.study.store import RECORD, SUFFIX, TRIALS, Store, is_whole

URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+(://|::)")


class RemoteStore(Store):
    """A study folder at a URL.

    Args:
        url: as `fsspec` takes it: "memory://a-study", "http://…", "zip://a-study::/b.zip".

    Raises:
        InputError: fsspec knows no such protocol, or lacks what it needs for it.
        MissingExtra: fsspec is not installed.
    """

    mend = "Copy the study there again, whole"

    def __init__(self, url: str) -> None:
        url_to_fs = guest("fsspec.core", "study").url_to_fs
        copies = tempfile.mkdtemp(prefix="actscope-remote-")
        weakref.finalize(self, shutil.rmtree, copies, ignore_errors=True)
        super().__init__(copies)
        self.shown = url.rstrip("/") if not url.endswith("://") else url
        try:
            with _readable(url):
                self._fs, root = url_to_fs(url)
        except FileNotFoundError as error:  # of what the URL is inside of
            raise InputError(f"{url} cannot be read: {error}; expected a URL of a study") from None
        self._root: str = root.rstrip("/")
        self.trials.mkdir()

    def record(self) -> dict[str, Any] | None:
        """What `study.json` says now; None if there is none."""
        path = self.folder / RECORD
        try:
            with _readable(self.shown):
                path.write_bytes(self._fs.cat_file(self._at(RECORD)))
        except FileNotFoundError:
            path.unlink(missing_ok=True)
        return super().record()

    def files(self) -> list[Path]:
        """Copies of the chunk files that are there now."""
        there = self._names()
        for path in super().files():
            if path.name not in there:
                path.unlink()
        for name in there:
            copy = self.trials / name
            if copy.exists() and is_whole(copy):
                continue
            with _readable(self.shown):
                copy.write_bytes(self._fs.cat_file(self._at(f"{TRIALS}/{name}")))
        return super().files()

    def _names(self) -> set[str]:
        try:
            with _readable(self.shown):
                self._fs.invalidate_cache()
                listed = self._fs.ls(self._at(TRIALS), detail=False)
        except FileNotFoundError:
            return set()
        names = (unquote(str(path)).rstrip("/").rpartition("/")[2] for path in listed)
        return {n for n in names if n.endswith(SUFFIX) and not n.startswith(".")}

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if self._root else name

    def prepare(self) -> None:
        """Refuse.

        Raises:
            OutputError: always.
        """
        raise OutputError(_ELSEWHERE.format(self.shown))


_ELSEWHERE = (
    "{}: studies are written to a folder of this machine, whose lock keeps two writers apart: name "
    "a folder, then copy it there; query, report and export read it from the URL"
)


@contextlib.contextmanager
def _readable(url: str) -> Iterator[None]:
    """Turn whatever a file system raises into an error that names the URL; absence is passed on."""
    try:
        yield
    except FileNotFoundError:
        raise
    except ImportError as error:
        raise InputError(f"{url}: {error}") from None
    except Exception as error:  # each file system has its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{url} cannot be read: {reason}; expected the folder of a study, or an fsspec URL of "
            "one, such as s3://bucket/rescue-study"
        ) from None


def readable(place: str | Path) -> Store:
    """The study at a path or URL, to read."""
    path = _local(place)
    return Store(path) if path is not None else RemoteStore(str(place))


def writable(place: str | Path) -> Store:
    """The study folder at a path, to write.

    Raises:
        OutputError: it is a URL of another place.
    """
    path = _local(place)
    if path is None:
        raise OutputError(_ELSEWHERE.format(place))
    return Store(path)


def local_folder(place: str | Path, what: str) -> Path:
    """The path that something is to be written to.

    Raises:
        OutputError: it is a URL of another place.
    """
    path = _local(place)
    if path is None:
        raise OutputError(f"{place}: {what} is written to a folder of this machine: name one")
    return path


def _local(place: str | Path) -> Path | None:
    """The path, of a file:// URL too; None for the URL of another place."""
    if isinstance(place, Path) or not URL.match(place):
        return Path(place)
    if place.startswith("file://"):
        return Path(unquote(place.removeprefix("file://").removeprefix("localhost")))
    return None
