"""The bench keeps what it measured, where it should, and takes trials that others trained."""

import os

import numpy as np
import pytest

from actscope.claims import _bench
from actscope.claims._bench import Bench, cache_folder
from actscope.errors import InputError, OutputError
from actscope.study import Study

SMALL = {"epochs": 4, "points": 40, "seeds": 3, "curve": 0}


def test_the_cache_folder_honours_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("ACTSCOPE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "actscope"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "actscope"
    monkeypatch.setenv("ACTSCOPE_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_what_was_measured_is_not_measured_again(tmp_path):
    made = []

    def make():
        made.append(1)
        return {"x": np.arange(3.0)}

    for _ in range(2):
        np.testing.assert_array_equal(Bench(tmp_path).kept("x", make)["x"], np.arange(3.0))
    assert made == [1]
    Bench(tmp_path).kept("y", make)
    assert made == [1, 1]


def test_other_code_means_measuring_anew(tmp_path, monkeypatch):
    first = Bench(tmp_path).folder
    monkeypatch.setattr(_bench, "fingerprint", lambda: "other")
    assert Bench(tmp_path).folder != first


def test_without_a_cache_nothing_is_left():
    bench = Bench(None)
    folder = bench.folder
    bench.kept("x", lambda: {"x": 1.0})
    assert any(folder.iterdir())
    del bench
    assert not folder.exists()


def test_a_cache_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="ACTSCOPE_CACHE"):
        Bench(tmp_path / "file")


def test_a_study_is_trained_once(tmp_path):
    steps = []
    bench = Bench(tmp_path, progress=lambda words, share: steps.append(share))
    first = bench.study(Study(**SMALL)).table()
    again = bench.study(Study(**SMALL, name="another name"))
    assert len(again.runs) == 2
    assert again.runs[-1]["trained"] == 0
    assert again.table().equals(first)
    assert steps[-1] == 1.0


def test_trials_of_given_study_folders_are_taken_by_their_id(tmp_path):
    Study(**{**SMALL, "seeds": 2}, lr=[0.05, 0.5]).run(tmp_path / "theirs")
    bench = Bench(tmp_path / "cache", studies=[tmp_path / "theirs"])
    result = bench.study(Study(**SMALL))
    assert len(result) == 3
    assert result.runs[-1]["trained"] == 1
    alone = Study(**SMALL).run().table()
    assert result.table().equals(alone)


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(InputError, match="no study folder"):
        Bench(tmp_path, studies=[tmp_path])


@pytest.mark.skipif(os.name != "posix", reason="locks of this kind are POSIX")
def test_two_benches_of_one_cache_wait_for_each_other(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: len(Bench(tmp_path).study(Study(**SMALL))), range(2)))
    assert found == [3, 3]
