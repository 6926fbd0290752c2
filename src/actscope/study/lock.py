"""One writer a study folder: a lock that the system drops when its holder dies, however it dies."""

from __future__ import annotations

import datetime
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actscope.errors import OutputError

NAME = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a study folder while the block runs. Readers need no lock.

    The lock is POSIX flock on the file `lock`, whose text says who holds it. It is gone with its
    process, so nothing has to be cleared after a kill.

    Raises:
        OutputError: another process holds it (the message says which), or it cannot be made.
    """
    import fcntl

    path = folder / NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(f"cannot lock {folder}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"{folder} is being written to by {_holder(path)}: wait until it is done, or name "
                "another --out; queries can be made meanwhile"
            ) from None
        _sign(handle, folder)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)  # drops the lock


def _sign(handle: int, folder: Path) -> None:
    """Write down who holds it."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(who).encode(), 0)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from None


def _holder(path: Path) -> str:
    """Who holds the lock, in words."""
    try:
        who = json.loads(path.read_text("utf8"))
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # between its lock and its signature
        return "another process"
