"""Where claims are measured: what was measured once is kept and not measured again.

Trained networks are studies, kept as study folders; other measurements are NumPy archives. Both
lie in a cache folder (`ACTSCOPE_CACHE`, else `XDG_CACHE_HOME`/actscope, else ~/.cache/actscope),
under names made of their content, the package's version and the code that decides the numbers.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import InputError, OutputError
from actscope.guests import need

if TYPE_CHECKING:
    from actscope.study.plan import Study
    from actscope.study.progress import Progress
    from actscope.study.result import StudyResult

# floors whose code decides what a network's training or a layer's measurement gives
DECISIVE = ("maths", "activations", "metrics", "datasets", "inits", "engine", "article")
STUDY_FILES = ("cell", "fields", "points", "traces", "work")
Arrays = dict[str, NDArray[Any]]


def cache_folder() -> Path:
    """The user's cache folder of actscope.

    Example:
        >>> cache_folder().is_absolute()
        True
    """
    own = os.environ.get("ACTSCOPE_CACHE")
    if own:
        return Path(own).expanduser().resolve()
    xdg = os.environ.get("XDG_CACHE_HOME")
    root = Path(xdg) if xdg and Path(xdg).is_absolute() else Path.home() / ".cache"
    return root / "actscope"


@functools.cache
def fingerprint() -> str:
    """A hash of the version and of the code that decides the numbers."""
    root = Path(__file__).parents[1]
    files = [p for floor in DECISIVE for p in sorted((root / floor).rglob("*.py"))]
    files += [root / "study" / f"{name}.py" for name in STUDY_FILES]
    digest = hashlib.sha256(importlib.metadata.version("actscope").encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Bench:
    """Measures, and keeps what it measured.

    Args:
        cache: the folder; by default the user's. None keeps nothing beyond this process.
        studies: study folders whose trials are taken where they are the same.
        progress: called with words and a share in [0, 1] while something is measured.

    Raises:
        OutputError: the cache folder cannot be made.
        InputError: one of `studies` is no study folder.
    """

    def __init__(
        self,
        cache: Path | str | None = "user",
        studies: Iterable[Path] = (),
        progress: Callable[[str, float], object] = lambda words, share: None,
    ) -> None:
        if cache is None:
            root = Path(tempfile.mkdtemp(prefix="actscope-claims-"))
            weakref.finalize(self, shutil.rmtree, root, ignore_errors=True)
        else:
            root = cache_folder() if cache == "user" else Path(cache)
        self.folder = root / "claims" / fingerprint()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot keep measurements in {self.folder}: {error.strerror}. Name a folder that "
                "can be written to with ACTSCOPE_CACHE"
            ) from None
        self.studies, self.progress = tuple(studies), progress
        for folder in self.studies:
            _check(folder)

    def study(self, study: Study) -> StudyResult:
        """A study's trials, trained where they are not known yet.

        Raises:
            MissingExtra: DuckDB or PyArrow is not installed.
        """
        need("study")
        spec = study.spec()
        text = json.dumps({**spec, "name": ""}, sort_keys=True)
        place = self.folder / f"study-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

        def show(now: Progress) -> None:
            done = now.trials_done / max(now.trials, 1)
            self.progress(f"{now.trials_done:,} of {now.trials:,} networks", done)

        with _alone(place.with_suffix(".lock")):
            if self.studies and not place.exists():
                self._take(study, place)
            return study.run(place, progress=show)

    def _take(self, study: Study, place: Path) -> None:
        """Copy the trials that given study folders hold already."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        from actscope.study.store import Store

        wanted, into = set(study.plan().ids()), Store(place)
        for folder in self.studies:
            for path in Store(folder).sound():
                rows = pq.read_table(path)
                found = [i in wanted for i in rows.column("id").to_pylist()]
                if any(found):
                    kept = rows.filter(np.array(found)) if not all(found) else rows
                    wanted -= set(kept.column("id").to_pylist())
                    kept = kept.filter(pc.is_null(kept.column("error")))  # errors are tried again
                    into.prepare()
                    into.add(kept)

    def kept(
        self, name: str, make: Callable[[], Mapping[str, ArrayLike]], timed: bool = False
    ) -> Arrays:
        """Arrays by name, made once.

        Args:
            name: what they are, unique with its settings; changes when `make` does.
            make: makes them.
            timed: whether they are times, which belong to this machine.
        """
        from actscope.study.store import write_whole

        mark = f"{platform.node()} {platform.processor()} {os.cpu_count()}" if timed else ""
        digest = hashlib.sha256(f"{name}\n{mark}\n{_code(make)}".encode()).hexdigest()[:16]
        path = self.folder / f"{digest}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as archive:
                return dict(archive)
        arrays = {key: np.asarray(value) for key, value in make().items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        write_whole(path, buffer.getvalue())
        return arrays


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a file's lock; who comes second waits, and finds the study trained."""
    import fcntl

    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _code(function: Callable[..., object]) -> str:
    """The text of the file that a function comes from: an edited claim is measured anew."""
    plain = function.func if isinstance(function, functools.partial) else function
    return Path(plain.__code__.co_filename).read_text("utf8")


def _check(folder: Path) -> None:
    from actscope.study.store import Store

    need("study")
    if Store(folder).record() is None:
        raise InputError(
            f"{folder} is no study folder: expected one that `actscope study FILE.toml` wrote"
        )
