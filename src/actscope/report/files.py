"""Write files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from actscope.errors import OutputError


def ready_folder(folder: Path) -> Path:
    """Make a folder if it is not there, and find out now whether files can be written to it.

    Returns:
        Its absolute path.

    Raises:
        OutputError: it cannot be made or written to; the message says why.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".actscope-"):
            pass
    except OSError as error:
        raise OutputError(_cannot(folder, error)) from None
    return folder.resolve()


def write_files(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder: all of them under other names first, then renamed.

    A reader never sees half a file, nor an interrupted or full disk half of the files; a file of
    the same name is replaced, others stay.

    Args:
        folder: an existing folder.
        contents: file name to bytes.

    Returns:
        The paths, in the order given.

    Raises:
        OutputError: a file cannot be written; what was there before is untouched.
    """
    paths = [folder / name for name in contents]
    waiting: list[Path] = []
    path = folder
    try:
        for path, content in zip(paths, contents.values(), strict=True):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            waiting.append(_new_file(folder))
            _fill(waiting[-1], content)
        for path, temporary in zip(paths, waiting, strict=True):
            temporary.replace(path)
    except OSError as error:
        raise OutputError(_cannot(path, error)) from None
    finally:
        for temporary in waiting:
            with contextlib.suppress(OSError):
                temporary.unlink()  # those that were not renamed
    return paths


def _new_file(folder: Path) -> Path:
    """An empty file under a name that nothing else has."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".actscope-")
    os.close(handle)
    return Path(name)


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)  # what an ordinary new file would have


def _cannot(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot write to {path}: {reason}. Name a folder that can be written to"
