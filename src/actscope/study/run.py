"""Runs a study: skips what is stored, has the rest trained in chunks, stores each as it comes."""

from __future__ import annotations

import contextlib
import datetime
import functools
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from actscope.engine.checks import whole
from actscope.errors import BadSpec, InputError
from actscope.guests import need
from actscope.study.chunks import chunks
from actscope.study.executors._lookup import executor as find_executor
from actscope.study.lock import locked
from actscope.study.machine import commit, machine, versions
from actscope.study.plan import Plan, Study
from actscope.study.progress import Progress, Tally
from actscope.study.remote import writable
from actscope.study.result import StudyResult
from actscope.study.store import Damage, Store
from actscope.study.work import Chunk, run_chunk

COLUMNS = ["cell", "seed", "test_accuracy", "test_loss", "error"]


def run(
    study: Study,
    out: str | Path | None = None,
    executor: str = "local",
    workers: int | None = None,
    address: str | None = None,
    progress: Callable[[Progress], object] | None = None,
    on_damage: Callable[[Damage], object] | None = None,
    retry_errors: bool = False,
) -> StudyResult:
    """Train what is not stored yet.

    Ctrl-C once lets the chunks in flight finish and be stored; twice drops them.

    Args:
        study: what to train.
        out: its folder, or None for a temporary one that goes with the result.
        executor: where the work is done.
        workers: chunks that run at once.
        address: of a cluster.
        progress: called when rows are stored.
        on_damage: called with each chunk file that was damaged and has been set aside.
        retry_errors: whether stored trials that ended in an error are trained again.

    Raises:
        KeyboardInterrupt: after Ctrl-C; its text says how far the study is.
    """
    record = find_executor(executor)
    need("study", *record.extras)
    if address is not None and not record.addressed:
        raise BadSpec("address", address, f"nothing: the executor {executor!r} has no address")
    if workers is not None:
        whole("workers", workers, 1, 1024)
    store = writable(tempfile.mkdtemp(prefix="actscope-study-") if out is None else out)
    store.prepare()
    began = time.process_time()
    with locked(store.folder):
        plan = study.plan()
        for damage in store.clean():
            if on_damage is not None:
                on_damage(damage)
        tally = Tally(plan)
        _count_stored(store, tally)  # before anything is dropped: it may be another study's
        if retry_errors and store.drop_errors():
            tally = Tally(plan)
            _count_stored(store, tally)
        book = _open_record(store, study, plan, executor)
        with _stop_flag() as stop:
            items = _until(stop, chunks(tally))
            share = max(1, record.workers(address) // (workers or record.workers(address)))
            task = functools.partial(run_chunk, threads=share)
            _work(record.run(task, items, workers, address), store, tally, progress)
        _close_record(store, book, tally, began)
        if stop.is_set() and tally.now().trials_done < plan.trials:
            raise KeyboardInterrupt(_stopped(store, tally.now()))
    return StudyResult(store, temporary=out is None)


def _work(
    results: Iterator[tuple[Chunk, Any]],
    store: Store,
    tally: Tally,
    progress: Callable[[Progress], object] | None,
) -> None:
    """Store every chunk's rows as they come."""
    if progress is not None:
        progress(tally.now())
    for _, rows in results:
        store.add(rows)
        tally.count(rows, new=True)
        if progress is not None:
            progress(tally.now())


def _count_stored(store: Store, tally: Tally) -> None:
    """Take note of what is stored.

    Raises:
        InputError: the folder holds trials that are not of this plan.
    """
    import pyarrow.parquet as pq

    strangers = 0
    for path in store.files():
        strangers += tally.count(pq.read_table(path, columns=COLUMNS), new=False)
    if strangers:
        raise InputError(
            f"{store.folder} holds another study: {strangers} of its trials are not in this one. "
            "A study may grow (more seeds, more values), but not lose what is stored: name "
            "another folder"
        )


def _open_record(store: Store, study: Study, plan: Plan, executor: str) -> dict[str, Any]:
    """Write down the spec and that a run begins."""
    book = store.record() or {"runs": []}
    book |= {
        "name": study.name,
        "spec": study.spec(),
        "cells": len(plan.cells),
        "trials": plan.trials,
    }
    begun = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    book["runs"].append(
        {
            "began": begun,
            "ended": None,
            "executor": executor,
            "versions": versions(),
            "machine": machine(),
            "commit": commit(),
        }
    )
    store.write_record(book)
    return book


def _close_record(store: Store, book: dict[str, Any], tally: Tally, began: float) -> None:
    """Write down how the run ended; processor time is this process's alone."""
    now = tally.now()
    ended = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    book["runs"][-1] |= {
        "ended": ended,
        "seconds": round(now.seconds, 2),
        "processor_seconds": round(time.process_time() - began, 2),
        "trained": now.new,
        "stored": now.trials_done,
        "errors": now.errors,
    }
    store.write_record(book)


def _stopped(store: Store, now: Progress) -> str:
    return f"stopped: {now.trials_done:,} of {now.trials:,} trials are stored in {store.folder}"


def _until(stop: threading.Event, items: Iterator[Chunk]) -> Iterator[Chunk]:
    """The items, until somebody says stop."""
    for item in items:
        if stop.is_set():
            return
        yield item


@contextlib.contextmanager
def _stop_flag() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second is a KeyboardInterrupt as always."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals belong to the main thread
        return

    def note(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        if sys.stderr.isatty():
            print("stopping after the chunks in flight; Ctrl-C again drops them", file=sys.stderr)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
