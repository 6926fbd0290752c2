"""A study's folder: what was asked, who ran it, and one Parquet file for each finished chunk.

```
NAME-study/
  study.json           the spec as asked for, and a record of every run: versions, machine, commit
  trials/<digest>.parquet
  damaged/             files that were found truncated, changed or doubled, moved out of the way
  lock
```

A chunk file's name is the SHA-256 of its bytes (the first 128 bits), so that a file which was cut
short or changed is recognised without trusting what it says. Files are written under another
name, synced and renamed: a kill at any moment leaves whole files only, and at most a temporary
one, which the next writer removes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actscope.errors import InputError, OutputError
from actscope.study.schema import schema

if TYPE_CHECKING:
    import pyarrow as pa

TRIALS, DAMAGED, RECORD = "trials", "damaged", "study.json"
TEMPORARY, SUFFIX = ".part-", ".parquet"
DIGEST_LENGTH = 32


@dataclass(frozen=True)
class Damage:
    """A chunk file that cannot be used, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path.name}: {self.reason}"


class Store:
    """A study folder, to read; and for who holds its lock, to write.

    Args:
        folder: where it is, or is to be.

    Attributes:
        shown: the place as a person would type it.
        mend: what to do about damaged files.
    """

    mend = (
        "Run the study again with the same folder: the damaged files are set aside and their "
        "trials trained anew"
    )

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.shown = Path(folder), str(folder)
        self.trials = self.folder / TRIALS

    def files(self) -> list[Path]:
        """The chunk files, by name."""
        return sorted(p for p in self.trials.glob(f"*{SUFFIX}") if not p.name.startswith("."))

    def record(self) -> dict[str, Any] | None:
        """What `study.json` says; None if there is none.

        Raises:
            InputError: it cannot be read as such.
        """
        path = f"{self.shown.rstrip('/')}/{RECORD}"
        try:
            found = json.loads((self.folder / RECORD).read_text("utf8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} is no record of a study ({error}): mend it, or name another folder"
            ) from None
        if not isinstance(found, dict) or "spec" not in found or "runs" not in found:
            raise InputError(f"{path} is no record of a study: expected the keys spec and runs")
        return found

    def check(self) -> list[Damage]:
        """Chunk files whose bytes are not those that were written."""
        found = ((path, _damage(path)) for path in self.files())
        return [Damage(path, reason) for path, reason in found if reason]

    def sound(self) -> list[Path]:
        """The chunk files, all of them whole.

        Raises:
            InputError: one is damaged; the message names each.
        """
        files = self.files()
        found = [Damage(path, reason) for path in files if (reason := _damage(path))]
        if found:
            names = "; ".join(map(str, found))
            raise InputError(f"{self.shown}/{TRIALS}: {len(found)} damaged: {names}. {self.mend}")
        self.check_columns(files)
        return files

    def check_columns(self, files: Iterable[Path]) -> None:
        """Raise InputError for a chunk file with other columns than this version writes."""
        import pyarrow.parquet as pq

        for path in files:
            if not pq.read_schema(path).equals(schema()):
                raise InputError(
                    f"{self.shown}/{TRIALS}/{path.name}: its columns are those of another version "
                    "of actscope: name another folder, or use the version that study.json names"
                )

    def ids(self, path: Path) -> list[str]:
        """The ids of the trials in a chunk file."""
        import pyarrow.parquet as pq

        ids: list[str] = pq.read_table(path, columns=["id"]).column("id").to_pylist()
        return ids

    # --- for who holds the lock

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            OutputError: it cannot be made, or is something else already.
        """
        with _said(self.folder):
            known = not self.folder.exists() or (self.folder / RECORD).exists()
            if not known and any(not _ours(p.name) for p in self.folder.iterdir()):
                raise OutputError(
                    f"{self.folder} holds other files and is no study: name a new folder, or that "
                    "of a study"
                )
            self.trials.mkdir(parents=True, exist_ok=True)

    def clean(self) -> list[Damage]:
        """Remove what a killed writer left half-written; set damaged files aside.

        Returns:
            The damaged files, at the place where they lay.
        """
        with _said(self.folder):
            for path in (*self.trials.glob(f"{TEMPORARY}*"), *self.folder.glob(f"{TEMPORARY}*")):
                path.unlink()
            damage, seen = self.check(), set[str]()
            bad = {d.path for d in damage}
            for path in self.files():
                if path in bad:
                    continue
                ids = self.ids(path)
                twice = sum(i in seen for i in ids)
                if twice:
                    damage.append(Damage(path, f"{twice} of its trials lie in another file too"))
                seen.update(ids)
            for found in damage:  # nothing is thrown away
                aside = self.folder / DAMAGED
                aside.mkdir(exist_ok=True)
                found.path.replace(aside / found.path.name)
        self.check_columns(self.files())
        return damage

    def drop_errors(self) -> int:
        """Forget the trials that ended in an error, so that they are trained again.

        Each file that holds some is written anew without them before it is removed. After a kill
        between the two, `clean` finds trials twice and sets one of the files aside.

        Returns:
            How many were dropped.
        """
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        dropped = 0
        for path in self.files():
            errors = pq.read_table(path, columns=["error"]).column("error")
            if errors.null_count == len(errors):
                continue
            rows = pq.read_table(path)
            kept = rows.filter(pc.is_null(rows.column("error")))
            if len(kept):
                self.add(kept)
            with _said(self.folder):
                path.unlink()
            dropped += len(rows) - len(kept)
        return dropped

    def stored(self) -> Iterator[str]:
        """The id of every stored trial."""
        for path in self.files():
            yield from self.ids(path)

    def add(self, rows: pa.Table) -> Path:
        """Write a chunk's rows as one file.

        Raises:
            OutputError: it cannot be written; nothing is half-written.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd")
        content = sink.getvalue().to_pybytes()
        path = self.trials / f"{_digest(content)}{SUFFIX}"
        write_whole(path, content)
        return path

    def write_record(self, record: dict[str, Any]) -> None:
        """Write `study.json` anew.

        Raises:
            OutputError: it cannot be written; what was there stays.
        """
        text = json.dumps(record, indent=1, ensure_ascii=False)
        write_whole(self.folder / RECORD, text.encode("utf8"))


def _ours(name: str) -> bool:
    """Whether a study's folder may hold such a file before there is a record."""
    return name in (TRIALS, DAMAGED, "lock") or name.startswith(TEMPORARY)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]


def is_whole(path: Path) -> bool:
    """Whether a chunk file's bytes are those that its name stands for."""
    return not _damage(path)


def _damage(path: Path) -> str:
    """Why a chunk file cannot be trusted; empty if it can."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if _digest(content) == path.stem:
        return ""
    whole = content[:4] == content[-4:] == b"PAR1"
    return "its content was changed" if whole else "it is cut short"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name, sync it, rename it.

    Raises:
        OutputError: it cannot be written; what was there before stays.
    """
    with _said(path.parent):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            Path(temporary).chmod(0o666 & ~mask)  # what an ordinary new file would have
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@contextlib.contextmanager
def _said(folder: Path) -> Iterator[None]:
    """Turn the system's refusal into an error that says what to do."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}. What is stored stays whole; "
            "make room or name another folder, then give the same command again"
        ) from None
