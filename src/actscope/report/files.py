"""Write files whole or not at all."""

from __future__ import annotations

import contextlib
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
    """Write files into a folder: each under another name first, then renamed.

    A reader never sees half a file; a file of the same name is replaced, others stay.

    Args:
        folder: an existing folder.
        contents: file name to bytes.

    Returns:
        The paths, in the order given.

    Raises:
        OutputError: a file cannot be written; what was there before is untouched.
    """
    paths = []
    for name, content in contents.items():
        path = folder / name
        try:
            _write(path, content)
        except OSError as error:
            raise OutputError(_cannot(path, error)) from None
        paths.append(path)
    return paths


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".actscope-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)  # what an ordinary new file would have
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _cannot(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot write to {path}: {reason}. Name a folder that can be written to"
