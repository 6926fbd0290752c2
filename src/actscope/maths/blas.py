"""How many threads the linear algebra under NumPy and SciPy uses."""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@functools.lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:
    """The BLAS libraries in this process; to find them takes 5 ms, as long as a small trace."""
    return ThreadpoolController().select(user_api="blas")


class _OneThread:
    """Single-threaded BLAS while anyone is inside.

    The limit is one for the whole process, and several calls may be under way at once: the first
    to come in sets it, the last to leave gives back what was there.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                # a library comes with a module, so they are looked for again after an import
                self._limit = _libraries(len(sys.modules)).limit(limits=1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._limit is not None:
                self._limit.restore_original_limits()


# Around a pool of threads that multiply small matrices: BLAS threads inside of ours wait for each
# other, ten times as long as the work takes. It also fixes the order of the sums.
ONE_BLAS_THREAD = _OneThread()
