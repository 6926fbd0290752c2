"""Local: threads of this process. What other executors are measured against."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from actscope.study.executors._base import Executor


def cores(address: str | None = None) -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    task: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int | None = None,
    address: str | None = None,
) -> Iterator[tuple[Any, Any]]:
    """See `Run`. Compiled code runs without Python's lock, so threads are enough."""
    count = workers or cores()
    source = iter(items)
    pool = ThreadPoolExecutor(count, thread_name_prefix="actscope-study")
    flying: dict[Future[Any], Any] = {}
    try:
        while True:
            while len(flying) <= count:  # one more than workers: it waits while rows are written
                item = next(source, flying)  # `flying` itself marks the end
                if item is flying:
                    break
                flying[pool.submit(task, item)] = item
            if not flying:
                return
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in done:
                yield flying.pop(future), future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


RECORD = Executor(
    name="local",
    summary="threads of this process",
    run=run,
    workers=cores,
)
