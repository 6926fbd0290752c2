"""100,000 trials: the store stays small, a question takes less than a second, memory is flat."""

import os
import time
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from actscope.study import Study, StudyResult
from actscope.study.chunks import chunks
from actscope.study.progress import Tally
from actscope.study.store import Store
from actscope.study.work import Chunk, run_chunk

COUNT, EACH = 100_000, 1000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Rows of the usual make, 20 points of curve each, with numbers that do not compress."""
    study = Study(activation=["relu", "tanh"], lr=[0.1, 0.5], width=4, points=80, seeds=COUNT // 4)
    cell = study.plan().cells[0]
    few = dict.fromkeys(range(EACH))
    real = run_chunk(Chunk(((cell, tuple(few)),))).to_pydict()
    store = Store(tmp_path_factory.mktemp("large") / "s")
    store.prepare()
    store.write_record(
        {"name": "large", "spec": study.spec(), "cells": 4, "trials": COUNT, "runs": []}
    )
    rng = np.random.default_rng(0)
    schema = run_chunk(Chunk(((cell, (0,)),))).schema
    for number in range(COUNT // EACH):
        cell = study.plan().cells[number % 4]
        seeds = range(number // 4 * EACH, (number // 4 + 1) * EACH)
        columns = real | {
            "id": [cell.trial_id(s) for s in seeds],
            "cell": [cell.id] * EACH,
            "seed": list(seeds),
            "lr": [cell.lr] * EACH,
            "activation": [cell.activation] * EACH,
        }
        for name in ("loss", "train_loss", "test_loss"):
            columns[name] = rng.random(EACH).tolist()
        losses = rng.random((EACH, 20)).tolist()
        columns["curve"] = [
            [{**point, "loss": loss} for point, loss in zip(curve, row, strict=True)]
            for curve, row in zip(real["curve"], losses, strict=True)
        ]
        store.add(pa.Table.from_pydict(columns, schema=schema))
    return store


def test_the_store_is_small(large):
    assert sum(p.stat().st_size for p in large.folder.rglob("*") if p.is_file()) < 100e6


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT activation, lr, count(*), avg(test_accuracy) FROM trials GROUP BY ALL",
        "SELECT * FROM cells",
        "SELECT activation, epoch, avg(loss) FROM curves GROUP BY ALL",
    ],
)
def test_a_question_takes_less_than_a_second(large, sql):
    result = StudyResult(large)
    best = np.inf
    for _ in range(3):  # the machine may be busy with other tests
        began = time.process_time()
        assert len(result.query(sql)) >= 4
        best = min(best, (time.process_time() - began) / (os.cpu_count() or 1))
    assert best < 1.0


def test_all_trials_are_there_once(large):
    answer = StudyResult(large).query("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM trials")
    assert (answer.n[0], answer.ids[0]) == (COUNT, COUNT)


def test_what_a_run_remembers_of_a_trial_is_a_byte():
    """The tally and the chunks of a plan ten times as large take ten times a byte a trial."""

    def peak(seeds):
        study = Study(lr=[0.1, 0.5], seeds=seeds)
        plan = study.plan()
        tracemalloc.start()
        tally = Tally(plan)
        first = next(chunks(tally))
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert first.trials <= 1024
        return held

    assert peak(1_000_000) - peak(100_000) < 3 * 1_800_000
