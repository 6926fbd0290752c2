"""One writer a folder: said by name, and free again when the writer is gone."""

import os
import signal
import subprocess
import sys

import pytest

from actscope.errors import OutputError
from actscope.study import StudyResult
from actscope.study.lock import locked

HOLD = """
import sys
from pathlib import Path
from actscope.study.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_holds_it(holder, tmp_path):
    with (
        pytest.raises(OutputError, match=rf"by process {holder.pid} on \S+ since 20"),
        locked(tmp_path),
    ):
        raise AssertionError("two hold it")


def test_a_killed_holder_holds_nothing(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with locked(tmp_path):
        pass


def test_a_lock_is_free_after_the_block_and_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), locked(tmp_path):
            1 / 0  # noqa: B018
    with (
        locked(tmp_path),
        pytest.raises(OutputError, match=f"process {os.getpid()}"),
        locked(tmp_path),
    ):
        raise AssertionError("held twice")
    assert (tmp_path / "lock").read_bytes() == b""


def test_while_one_writes_others_read_and_none_writes(stored):
    result = StudyResult(stored)
    with locked(stored):
        assert len(result.table()) == 24
        with pytest.raises(OutputError, match="wait until it is done"):
            result.study.run(stored)
