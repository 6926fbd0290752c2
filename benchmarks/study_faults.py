"""Kill a study with SIGKILL at random moments; it ends with what an undisturbed one has.

Run: python benchmarks/study_faults.py [KILLS] [EXECUTOR]. With the executor ray the driver is
killed, which has started a cluster on this machine; none of that cluster's processes may outlive
it by long. Prints a line a kill; ends with "ok" or an error.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from actscope.study import Study, StudyResult
from actscope.study.file import dumps, load
from actscope.study.store import Store

GONE = 300.0  # seconds that a killed driver's cluster may take to end


def alive(folder: Path) -> list[int]:
    """Processes that were started with ACTSCOPE_FAULTS=folder in their environment."""
    mark, found = f"ACTSCOPE_FAULTS={folder}".encode(), []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
        except OSError:
            continue
    return found


def main(kills: int, executor: str) -> None:
    """Run, kill, run again, compare."""
    study = Study(activation=["relu", "tanh"], lr=[0.05, 0.1, 0.5], width=16, seeds=400, epochs=400)
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        file, folder = Path(place) / "faults.toml", Path(place) / "s"
        file.write_text(dumps(study))
        rows = study.run(Path(place) / "whole").table()
        done, kill = 0, 0
        while kill < kills:
            words = [sys.executable, "-m", "actscope", "study", str(file), "--out", str(folder)]
            process = subprocess.Popen(
                [*words, "--executor", executor],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "ACTSCOPE_FAULTS": place},
            )
            if kill % 4:  # three of four once rows come in, one of four while it starts
                had = len(Store(folder).files())
                while process.poll() is None and len(Store(folder).files()) == had:
                    time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 2.0))
            if process.poll() is not None:  # complete before the kill: once more from the start
                assert process.returncode == 0
                assert StudyResult(folder).table().equals(rows)
                shutil.rmtree(folder)
                done += 1
                continue
            process.kill()
            process.wait()
            kill += 1
            killed = time.monotonic()
            while left := alive(Path(place)):
                assert time.monotonic() - killed < GONE, f"processes {left} outlive their driver"
                time.sleep(0.1)
            assert Store(folder).check() == []
            count = 0
            if Store(folder).record() is not None:
                stored = StudyResult(folder).table()
                count = len(stored)
                assert stored.id.is_unique
                assert set(stored.id) <= set(rows.id)
            print(f"kill {kill}: {count} of {len(rows)} trials are stored", flush=True)
        assert load(file).run(folder, executor=executor).table().equals(rows)
        print(f"ok: {kills} kills, {done + 1} studies completed, {len(rows)} equal rows each")


if __name__ == "__main__":
    given = [*sys.argv[1:], *("20", "local")[len(sys.argv) - 1 :]]
    main(int(given[0]), given[1])
