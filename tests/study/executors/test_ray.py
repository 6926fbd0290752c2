"""The Ray executor keeps the same promises, and outlives its workers, its nodes and its driver."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from actscope.errors import InputError
from actscope.study import Study, StudyResult
from actscope.study.executors import SHELF
from actscope.study.file import dumps
from actscope.testing import ExecutorPromises

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore:::ray", "ignore::ResourceWarning")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Two nodes of one core each on this machine; every test of the file connects to them."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


class TestRay(ExecutorPromises):
    executor = "ray"


def slow(item):
    """Leave the worker's process number, wait, answer."""
    folder, i = item
    (folder / f"{i}.{os.getpid()}").touch()
    time.sleep(0.3)
    return i


def test_a_worker_killed_in_the_middle_is_replaced(tmp_path):
    items = [(tmp_path, i) for i in range(12)]
    killed = []

    def kill():
        while len(killed) < 3:
            time.sleep(0.25)
            started = sorted(tmp_path.iterdir(), key=lambda p: p.stat().st_mtime_ns)
            if started:
                pid = int(started[-1].suffix[1:])
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                except ProcessLookupError:
                    continue

    killer = threading.Thread(target=kill)
    killer.start()
    results = [i for _, i in SHELF.get("ray").run(slow, items, 2, None)]
    killer.join()
    assert len(killed) == 3
    assert sorted(results) == list(range(12))
    assert len(list(tmp_path.iterdir())) > 12  # something was begun twice


def test_a_node_that_is_lost_loses_nothing(tmp_path, cluster):
    node = cluster.add_node(num_cpus=2)
    items = [(tmp_path, i) for i in range(16)]
    results = []
    for _, i in SHELF.get("ray").run(slow, items, 4, None):
        results.append(i)
        if len(results) == 3:
            cluster.remove_node(node, allow_graceful=False)
    assert sorted(results) == list(range(16))


def test_a_driver_that_is_killed_is_resumed(tmp_path, cluster):
    """benchmarks/study_faults.py does it twenty times, with clusters of the driver's own too."""
    study = Study(activation="relu", lr=[0.05, 0.1, 0.2], epochs=400, width=16, seeds=160, curve=4)
    (tmp_path / "slow.toml").write_text(dumps(study))
    words = [sys.executable, "-m", "actscope", "study", tmp_path / "slow.toml"]
    words += ["--out", tmp_path / "s", "--executor", "ray", "--address", cluster.address]
    trials = tmp_path / "s" / "trials"
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as driver:
        while driver.poll() is None and not list(trials.glob("[!.]*.parquet")):
            time.sleep(0.01)
        assert driver.poll() is None, driver.communicate()
        driver.kill()
    stored = StudyResult(tmp_path / "s").table()
    assert 0 < len(stored) < study.plan().trials
    done = study.run(tmp_path / "s", executor="ray", workers=2)
    assert done.runs[0]["ended"] is None
    assert done.runs[1]["trained"] == study.plan().trials - len(stored)
    assert done.table().equals(study.run().table())


def test_a_search_is_that_of_this_machine():
    pytest.importorskip("optuna")
    from actscope.searches import search

    settings = {
        "depth": 1, "width": 4, "points": 100, "epochs": 4, "seeds": 2, "trials": 4, "together": 4,
        "activations": ("relu", "tanh"), "inits": ("gain",), "grammar": False, "finalists": 2,
        "final_seeds": 3, "elements": {"relu": 1.0, "tanh": 2.0, "layer normalisation": 3.0,
        "addition": 0.5, "multiply_add": 0.1},
    }  # fmt: skip
    here, there = (search("moons", **settings, executor=name) for name in ("local", "ray"))
    assert there.candidates.equals(here.candidates)
    assert there.ranking.equals(here.ranking)


def test_no_cluster_at_the_address(cluster):
    ray.shutdown()
    try:
        with pytest.raises(InputError, match="no Ray cluster at"):
            list(SHELF.get("ray").run(slow, [], 1, "nothing-of-this-sort"))
    finally:
        ray.init(address=cluster.address, log_to_driver=False)
