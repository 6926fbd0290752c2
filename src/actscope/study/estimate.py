"""What a study will take, measured on a few of its own networks."""

from __future__ import annotations

import dataclasses
import functools
import sys
import time
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from actscope.study.cell import Cell
from actscope.study.chunks import BYTES, measurements, memory, operations
from actscope.study.plan import Plan
from actscope.study.work import Chunk, run_chunk

SAMPLES = 8  # cells that are tried, of different programs where there are several
NETWORKS, TRACED = 32, 4  # in a try
AIM = 2e9  # operations of a try
ROW, POINT, MEASUREMENT = 180, 8, 9  # bytes on disk


@dataclass(frozen=True)
class Estimate:
    """What a study will take.

    Attributes:
        seconds: of work with so many workers that have a core each, compiling included.
        memory: bytes in RAM at the peak.
        disk: bytes of the study folder.
    """

    seconds: float
    memory: float
    disk: float


def estimate(plan: Plan, workers: int) -> Estimate:
    """Train some networks of a few cells for a few epochs, and reckon from that.

    Processor time is what is measured, so that a machine that is busy otherwise gives the same.

    Args:
        plan: what is to be done.
        workers: chunks at once.

    Returns:
        An estimate; within a factor of about two.
    """
    groups: dict[Hashable, list[Cell]] = {}
    for cell in plan.cells:
        groups.setdefault(_program(cell), []).append(cell)
    leaders = [max(cells, key=operations) for cells in groups.values()]
    step = max(1, -(-len(leaders) // SAMPLES))
    chosen = leaders[::step]
    rest = sorted(set(plan.cells) - set(chosen), key=operations)  # the small ones of a few programs
    chosen += rest[:: max(1, len(rest) // (SAMPLES - len(chosen)))] if len(chosen) < 3 else []
    tried = {cell: _try(cell) for cell in chosen[:SAMPLES]}
    compiling = sum(t.compiling for t in tried.values()) / len(tried)
    training = measuring = disk = 0.0
    for cell in plan.cells:
        like = tried[max(tried, key=functools.partial(_likeness, cell))]
        training += operations(cell) / like.rate + like.overhead
        measuring += like.each * measurements(cell)
        disk += ROW + POINT * min(cell.curve, cell.epochs) + MEASUREMENT * measurements(cell)
    chunk = max(min(BYTES, memory(c) * len(plan.seeds)) for c in plan.cells)
    # metrics are many short NumPy calls, in which threads mostly wait for Python's lock
    return Estimate(
        (training * len(plan.seeds) + compiling * len(groups)) / workers
        + measuring * len(plan.seeds),
        _resident() + chunk * 2 * (workers + 1) + plan.trials,
        disk * len(plan.seeds),
    )


def _program(cell: Cell) -> Hashable:
    """What the engine compiles anew: kinds of layers, not their number."""
    net = cell.net()
    ends = zip(net.sizes[:-1], net.sizes[1:], (*cell.activations, None), strict=True)
    settings = (cell.norm, cell.residual, cell.optimiser, cell.dtype, cell.training().loss)
    return (frozenset(ends), *settings)


def _likeness(cell: Cell, other: Cell) -> tuple[float, float]:
    """How much of what decides a cell's rate another shares; then, how close its size is."""
    same = ("activations", "optimiser", "norm", "residual", "data", "width", "dtype")
    shared = sum(getattr(cell, name) == getattr(other, name) for name in same)
    shared += set(cell.activations) == set(other.activations)
    return float(shared), -abs(np.log(operations(cell) / operations(other)))


@dataclass(frozen=True)
class _Try:
    """Operations a second, seconds a trial besides, seconds a measurement, seconds to compile."""

    rate: float
    overhead: float
    each: float
    compiling: float


def _try(cell: Cell) -> _Try:
    """Train a few networks of a cell: to compile, then to time, then with traces."""
    seeds = tuple(range(NETWORKS))
    short = dataclasses.replace(cell, epochs=1, curve=0, trace=None)
    first = _time(short, seeds)
    fixed = min(_time(short, seeds), first)
    aim = max(2.0, AIM / (operations(short) * NETWORKS))
    plain = dataclasses.replace(short, epochs=int(min(aim, max(cell.epochs, 2))))
    took = max(_time(plain, seeds), 1.02 * fixed)
    done = (operations(plain) - operations(short)) * NETWORKS
    each = 0.0
    if cell.trace is not None:
        few = seeds[:TRACED]
        traced = dataclasses.replace(short, trace=dataclasses.replace(cell.trace, every=0))
        more = max(_time(traced, few) - fixed * TRACED / NETWORKS, 0.0)
        each = more / (measurements(traced) * TRACED)
    return _Try(done / (took - fixed), fixed / NETWORKS, each, first - fixed)


def _time(cell: Cell, seeds: tuple[int, ...]) -> float:
    """Seconds of processor time."""
    began = time.process_time()
    run_chunk(Chunk(((cell, seeds),)), threads=1)
    return time.process_time() - began


def _resident() -> float:
    """The most memory that this process has had, in bytes."""
    try:
        import resource
    except ImportError:
        return 3e8
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
