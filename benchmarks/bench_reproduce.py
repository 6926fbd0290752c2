"""`actscope reproduce`, cold, against the article's script doing the same work.

Both run as new processes, in turn, so that a noisy machine slows both alike. The peer trains the
two networks and draws five PNG at the article's settings; `actscope reproduce` does that and also
writes five SVG, the page and the numbers. Both must reach the same losses.

    python benchmarks/bench_reproduce.py [ROUNDS]
"""

import csv
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEER = Path(__file__).parent / "peers" / "two_moons.py"


def run(command):
    """Wall seconds and processor seconds of a process, and what it prints."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, worked, done.stdout


def losses_of(folder):
    """The last losses that `actscope reproduce` wrote."""
    with (folder / "losses.csv").open(encoding="utf8") as file:
        return [float(v) for v in list(csv.reader(file))[-1][1:]]


def measure(rounds, folder):
    """(wall, processor) seconds of both commands, in turn; the first round is not counted."""
    ours = [sys.executable, "-m", "actscope", "reproduce", "--out", str(folder / "ours")]
    peer = [sys.executable, str(PEER), str(folder)]
    taken = {"actscope reproduce": [], "article's script": []}
    for i in range(rounds + 1):
        for name, command in zip(taken, (ours, peer), strict=True):
            *times, said = run(command)
            if i:
                taken[name].append(times)
    for mine, theirs in zip(losses_of(folder / "ours"), said.split(), strict=True):
        assert abs(mine - float(theirs)) < 1e-9, (mine, theirs)
    return taken


def line(name, values, unit):
    """One line of the table: median, least and most."""
    low, middle, high = min(values), statistics.median(values), max(values)
    print(f"  {name:20} {middle:6.2f} {unit}  ({low:.2f} to {high:.2f})")
    return middle


def main():
    """Print medians, ranges and the ratio round by round; exit with 1 if the peer is faster."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        taken = measure(rounds, Path(folder))
    found = []
    for column, what in enumerate(("wall clock", "processor time")):
        print(f"{what}, {rounds} runs each")
        ours, peer = ([times[column] for times in runs] for runs in taken.values())
        for name, times in zip(taken, (ours, peer), strict=True):
            line(name, times, "s")
        found.append(line("ratio", [p / o for o, p in zip(ours, peer, strict=True)], "×"))
    return 0 if min(found) > 1 else 1


if __name__ == "__main__":
    sys.exit(main())
