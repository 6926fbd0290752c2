"""Two processes measure halves of the data; each gets the report over all of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from actscope.probe import inspect
from actscope.probe.collector import Collector, Measures
from actscope.probe.merge import merged, state_of
from actscope.probe.tracker import Tracker

# One process imports all, and becomes as many as are asked for.
MANY = """
import os, sys, traceback
import numba, pandas, sklearn.metrics, torch, torch._dynamo, torch.distributed
from actscope.activations import activation
from actscope.probe import inspect, watch
activation("relu")
script, port, out, *ranks = sys.argv[1:]
children = []
for rank in map(int, ranks):
    children.append(os.fork())
    if not children[-1]:
        try:
            exec(script, {"rank": rank, "port": port, "out": out, "__name__": "script"})
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""

TWO = """
import torch, torch.distributed as dist
from torch import nn
from actscope.probe import inspect
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3))
x, y = torch.randn(90, 6), torch.randint(0, 3, (90,))
half = slice(0, 60) if rank == 0 else slice(60, 90)
ddp = nn.parallel.DistributedDataParallel(model)
report = inspect(ddp, [(x[half], y[half])], loss="cross_entropy", full=False)
open(f"{out}/{rank}.json", "w").write(report.to_json())
dist.destroy_process_group()
"""


def _port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _run(script: str, ranks: Iterable[int], out: Path) -> list[str]:
    """What each rank of a script left in its file."""
    words = [sys.executable, "-W", "ignore", "-c", MANY, script, str(_port()), str(out)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    words += map(str, ranks)
    with subprocess.Popen(words, env=env, stderr=-1, text=True, start_new_session=True) as run:
        try:
            _, error = run.communicate(timeout=120)
        finally:  # a rank that waits for one that failed
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 0, error
    return [(out / f"{rank}.json").read_text() for rank in ranks]


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_two_gloo_processes(tmp_path: Path) -> None:
    one, two = _run(TWO, (0, 1), tmp_path)
    assert one == two
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3)
    )
    x, y = torch.randn(90, 6), torch.randint(0, 3, (90,))
    whole = inspect(model, [(x[:60], y[:60]), (x[60:], y[60:])], loss="cross_entropy", full=False)
    both = json.loads(one)
    assert both["counts"] == {"batches": 2, "examples": 90}
    for site, row in whole.rows.items():
        for column in ("mean", "std", "least", "most", "zeros", "dead", "gradient", "rows",
                       "distance_input", "angle_before", "calls"):  # fmt: skip
            got, expected = both["sites"][site][column], row[column]
            if got is None:
                assert np.isnan(expected)
            else:
                np.testing.assert_allclose(got, expected, rtol=1e-5, err_msg=f"{site} {column}")


THREE = """
import json, torch, torch.distributed as dist
from contextlib import nullcontext
from torch import nn
from torch.nn import functional as F
from actscope.errors import InputError
from actscope.probe import inspect, watch
if rank >= 0:
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=3)
wrap = lambda m: m if rank < 0 else nn.parallel.DistributedDataParallel(m, **UNUSED)
UNUSED = {"find_unused_parameters": True}
KEPT = ("mean", "std", "least", "most", "zeros", "dead", "gradient", "gradient_zeros", "rows",
        "distance_input", "angle_before", "calls", "shape", "gradient_ratio", "dtype")

class Branched(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 3)
    def forward(self, x):
        h = torch.relu(self.a(x))
        h = self.b(h)
        return self.c(torch.tanh(h) if float(x.detach()[:1].sum()) > 0 else F.gelu(h))

torch.manual_seed(0)
model, x = Branched(), torch.randn(4000, 6)
y = (x[:, 1] > 0).long()
x[:2500, 0], x[2500:, 0] = 9.0, -40.0  # the last part takes the other branch
parts = [[slice(0, 2100), slice(2100, 2200), slice(2200, 2200)], [], [slice(2500, 4000)]]
mine = sum(parts, []) if rank < 0 else parts[rank]
report = inspect(wrap(model), [(x[s], y[s]) for s in mine], loss="cross_entropy")
found = {"report": {k: {c: r[c] for c in KEPT} for k, r in report.rows.items()}}
found["probe"] = report.rows[":relu"]["probe"]

whole = wrap(model)
with watch(whole, every=2, merged=True, updates=False) as w:
    for step in range(4):
        for s in [slice(0, 200), slice(200, 300), slice(300, 330)][rank:][: 1 if rank >= 0 else 3]:
            quiet = whole.no_sync() if rank >= 0 and step % 2 == 0 else nullcontext()
            with quiet:
                F.cross_entropy(whole(x[s]), y[s]).backward()
columns = ["step", "site", "rows", "mean", "gradient"]
found["watch"] = [[str(v) for v in row] for row in w.table[columns].values.tolist()]

try:
    bad = y + 5 if rank == 1 else y
    inspect(wrap(model), [(x[:50], bad[:50])], loss="cross_entropy")
except (IndexError, InputError) as error:
    found["error"] = f"{type(error).__name__}: {error}"
open(f"{out}/{rank}.json", "w").write(json.dumps(found))
if rank >= 0:
    dist.barrier()
    dist.destroy_process_group()
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_three_processes_with_unequal_data(tmp_path: Path) -> None:
    """Other sizes, an empty batch, no batch at all, a site that one process alone has, an error."""
    alone, *ranks = map(json.loads, _run(THREE, (-1, 0, 1, 2), tmp_path))
    assert set(alone["report"]) == {":relu", ":gelu", ":tanh"}
    for found in ranks:
        assert set(found["report"]) == set(alone["report"])
        for site, row in alone["report"].items():
            for column, expected in row.items():
                got = found["report"][site][column]
                same = got == expected or got == pytest.approx(expected, rel=1e-5, nan_ok=True)
                assert same, (site, column, got, expected)
        assert found["watch"] == ranks[0]["watch"]
    # 2,000 of the first process's 2,200 examples are kept, and labels have to fit them
    assert [found["probe"] > 0.9 for found in (alone, *ranks)] == [True] * 4
    assert [row[:3] for row in ranks[0]["watch"]] == [
        ["0", ":relu", "330"], ["0", ":tanh", "330"], ["2", ":relu", "330"], ["2", ":tanh", "330"],
    ]  # fmt: skip
    said = [found["error"] for found in ranks]
    assert said[1].startswith("IndexError")
    assert [s.startswith("InputError: process 1 of 3") for s in said] == [True, False, True]


def test_merging_is_adding() -> None:
    """Moments of parts, merged, against moments of the whole, about different shifts."""
    model = nn.Sequential(nn.Linear(6, 16), nn.Softplus())
    parts = [torch.randn(20, 6), 5.0 + torch.randn(31, 6), torch.randn(3, 6)]

    def run(batches):
        listener = Collector(Measures(rows=64))
        tracker = Tracker(model, listener)
        tracker.attach()
        with torch.no_grad():
            for batch in batches:
                model(batch)
        tracker.detach()
        return listener

    whole = run(parts)
    each = [run([p]) for p in parts]
    joined = merged([state_of(c) for c in each], each[0])
    a, b = whole.sites["1"].moments.numbers(), joined.sites["1"].moments.numbers()
    for name in a:
        np.testing.assert_allclose(b[name], a[name], rtol=1e-5, atol=1e-9)
    assert joined.sites["1"].moments.rows == 54
    assert joined.sites["1"].identity.record is whole.sites["1"].identity.record
    rows = {tuple(r) for r in whole.sites["1"].rows_out.array()}
    assert {tuple(r) for r in joined.sites["1"].rows_out.array()} == rows
