"""What a study will take, measured on a few of its own networks."""

from __future__ import annotations

import dataclasses
import sys
import time
from dataclasses import dataclass

from actscope.study.cell import Cell
from actscope.study.chunks import BYTES, OVERHEAD, measurements, memory, operations
from actscope.study.plan import Plan
from actscope.study.work import Chunk, run_chunk

SAMPLES = 3  # cells that are tried, spread over the plan
NETWORKS = 16
ROW, POINT, MEASUREMENT = 180, 8, 9  # bytes on disk


@dataclass(frozen=True)
class Estimate:
    """What a study will take.

    Attributes:
        seconds: of work with so many workers, compiling included.
        memory: bytes in RAM at the peak.
        disk: bytes of the study folder.
    """

    seconds: float
    memory: float
    disk: float


def estimate(plan: Plan, workers: int) -> Estimate:
    """Train some networks of a few cells for a few epochs, and reckon from that.

    Args:
        plan: what is to be done.
        workers: chunks at once.

    Returns:
        An estimate; within a factor of about two where cells are alike.
    """
    step = max(1, len(plan.cells) // SAMPLES)
    tried = [_try(cell) for cell in plan.cells[::step][:SAMPLES]]
    rate = sum(t.operations for t in tried) / sum(t.seconds for t in tried)
    compiling = sum(t.compiling for t in tried) / len(tried)
    numbers = sum(t.numbers for t in tried)
    each = sum(t.measuring for t in tried) / numbers if numbers else 0.0
    seconds = disk = 0.0
    for cell in plan.cells:
        seconds += operations(cell) / rate + OVERHEAD + each * measurements(cell)
        disk += ROW + POINT * min(cell.curve, cell.epochs) + MEASUREMENT * measurements(cell)
    programs = len(
        {(c.entry, c.optimiser, c.norm, c.residual, c.dtype, c.data) for c in plan.cells}
    )
    chunk = max(min(BYTES, memory(c) * len(plan.seeds)) for c in plan.cells)
    return Estimate(
        seconds * len(plan.seeds) / workers + compiling * programs,
        _resident() + chunk * 2 * (workers + 1) + plan.trials,
        disk * len(plan.seeds),
    )


@dataclass(frozen=True)
class _Try:
    operations: float
    seconds: float
    compiling: float
    numbers: int
    measuring: float


def _try(cell: Cell) -> _Try:
    """Train a few networks of a cell: to compile, then to time, then with traces."""
    seeds = tuple(range(NETWORKS))
    short = dataclasses.replace(cell, epochs=1, curve=0, trace=None)
    first = _time(short, seeds)
    aim = max(1.0, 2e9 / (operations(short) * NETWORKS))
    plain = dataclasses.replace(short, epochs=int(min(aim, cell.epochs)))
    took = max(_time(plain, seeds) - OVERHEAD * NETWORKS, 1e-6)
    done = operations(plain) * NETWORKS
    if cell.trace is None:
        return _Try(done, took, first, 0, 0.0)
    traced = dataclasses.replace(plain, trace=dataclasses.replace(cell.trace, every=0))
    return _Try(
        done, took, first, measurements(traced) * NETWORKS, max(_time(traced, seeds) - took, 0.0)
    )


def _time(cell: Cell, seeds: tuple[int, ...]) -> float:
    began = time.perf_counter()
    run_chunk(Chunk(((cell, seeds),)), threads=1)
    return time.perf_counter() - began


def _resident() -> float:
    """The most memory that this process has had, in bytes."""
    try:
        import resource
    except ImportError:
        return 3e8
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
