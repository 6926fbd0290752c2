"""Killed, interrupted, started twice: nothing lost, nothing twice, the same rows in the end."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from actscope.study import StudyResult
from actscope.study.file import dumps, load
from actscope.study.store import Store

KILLS = 2  # benchmarks/study_faults.py does 20


def start(file, folder):
    return subprocess.Popen(
        [sys.executable, "-m", "actscope", "study", str(file), "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def slow(study, tmp_path_factory):
    """A study of many chunks: the file, and its rows when nothing disturbs it."""
    folder = tmp_path_factory.mktemp("slow")
    made = study(
        activation="relu", lr=[0.05, 0.1, 0.2], epochs=400, points=400, width=16, seeds=160
    )
    (folder / "slow.toml").write_text(dumps(made))
    return folder / "slow.toml", made.run().table()


def has_chunks(folder, least):
    return len(list((folder / "trials").glob("[!.]*.parquet"))) >= least


def wait_for(condition, process):
    while process.poll() is None and not condition():
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()


def test_killed_at_random_moments_it_loses_chunks_in_flight_at_most(slow, tmp_path):
    file, rows = slow
    folder, rng = tmp_path / "s", random.Random(0)
    for kill in range(KILLS):
        process = start(file, folder)
        had = len(Store(folder).files())
        wait_for(lambda least=had + kill % 2: has_chunks(folder, least), process)
        time.sleep(rng.random() * 0.3)
        process.kill()
        process.communicate()
        assert Store(folder).check() == []
        assert len(Store(folder).files()) >= had
        if Store(folder).record() is not None:
            stored = StudyResult(folder).table()
            assert stored.id.is_unique
            assert set(stored.id) <= set(rows.id)
    done = load(file).run(folder)
    assert done.table().equals(rows)
    assert done.runs[-1]["trained"] < len(rows)  # what was stored was not trained again


def test_ctrl_c_stores_what_is_in_flight_and_says_how_to_go_on(slow, tmp_path):
    file, rows = slow
    process = start(file, tmp_path / "s")
    wait_for(lambda: has_chunks(tmp_path / "s", 1), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    stored = len(StudyResult(tmp_path / "s").table())
    assert 0 < stored < len(rows)
    assert f"stopped: {stored:,} of {len(rows):,} trials are stored" in err
    assert "to go on, give the same command again" in err
    assert "Traceback" not in err
    assert load(file).run(tmp_path / "s").table().equals(rows)


def test_of_two_processes_one_is_told_who_is_at_work(slow, tmp_path):
    file, rows = slow
    first = start(file, tmp_path / "s")
    wait_for(lambda: has_chunks(tmp_path / "s", 1), first)
    first.send_signal(signal.SIGSTOP)  # so that it is at work still when the second looks
    second = start(file, tmp_path / "s")
    _, err = second.communicate(timeout=60)
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert f"is being written to by process {first.pid}" in err
    assert len(StudyResult(tmp_path / "s").table()) > 0  # a question meanwhile
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert load(file).run(tmp_path / "s").table().equals(rows)


def test_an_interrupt_in_this_process_keeps_what_is_stored(study, tmp_path):
    made = study(activation="relu", lr=[0.1, 0.2], epochs=400, points=400, width=16, seeds=160)

    sent = []

    def interrupt(now):
        if now.new and not sent:
            sent.append(os.kill(os.getpid(), signal.SIGINT))

    with pytest.raises(KeyboardInterrupt, match="trials are stored in"):
        made.run(tmp_path / "s", progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert 0 < len(StudyResult(tmp_path / "s").table()) < made.plan().trials
