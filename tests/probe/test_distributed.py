"""Two processes measure halves of the data; each gets the report over all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from actscope.probe import inspect
from actscope.probe.collector import Collector, Measures
from actscope.probe.merge import merged, state_of
from actscope.probe.tracker import Tracker

SCRIPT = """
import sys, torch, torch.distributed as dist
from torch import nn
from actscope.probe import inspect
rank, port, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
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


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_two_gloo_processes(tmp_path: Path) -> None:
    port = str(_port())
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(rank), port, str(tmp_path)],
            env=env,
            stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]
    for run in runs:
        _, error = run.communicate(timeout=120)
        assert run.returncode == 0, error.decode()
    one, two = ((tmp_path / f"{r}.json").read_text() for r in range(2))
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
