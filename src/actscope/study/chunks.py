"""How a plan is cut into chunks, and what a trial is thought to cost."""

from __future__ import annotations

from collections.abc import Iterator

from actscope.study.cell import Cell
from actscope.study.fields import ALL
from actscope.study.progress import Tally
from actscope.study.work import Chunk

SECONDS, TRIALS, BYTES = 2.0, 1024, 1 << 27  # of a chunk: what a kill may lose, what it may need
FIRST = 0.25  # seconds of the first two; they double until SECONDS, so that rows come in soon
RATE = 5e10  # operations a second, a guess for cutting chunks only
OVERHEAD = 2e-4  # seconds a trial besides
MEASURE = 1e-3  # seconds for one layer, metric and format of one network
ALL_POINTS = 1800  # of a set of fixed size, for estimates


def operations(cell: Cell) -> float:
    """Floating-point operations of one trial: six a weight and point, two where it is tested."""
    net = cell.net()
    points = ALL_POINTS if cell.points == ALL else cell.points
    learnt = points * (1.0 - cell.test_share) * cell.epochs
    tested = points * cell.test_share * min(cell.curve + 1, cell.epochs)
    slopes = 40 * sum(net.hidden)
    return float((6 * net.parameters + slopes) * learnt + (2 * net.parameters + slopes) * tested)


def measurements(cell: Cell) -> int:
    """How many numbers the layer traces of one trial hold."""
    if cell.trace is None:
        return 0
    t = cell.trace
    return len(t.epochs(cell.epochs)) * len(t.metrics) * len(t.formats) * (cell.depth + 1)


def cost(cell: Cell) -> float:
    """Seconds of one trial, roughly."""
    return operations(cell) / RATE + OVERHEAD + MEASURE * measurements(cell)


def memory(cell: Cell) -> float:
    """Bytes that one trial needs while its chunk runs."""
    copies = 6 + (len(cell.trace.epochs(cell.epochs)) if cell.trace else 0)
    return 8.0 * (cell.epochs + copies * cell.net().parameters + 20 * cell.curve) + 200.0 * (
        5 + measurements(cell)
    )


def chunks(tally: Tally) -> Iterator[Chunk]:
    """What is not stored, in the order of the plan, a chunk of a few seconds at a time."""
    given = 0
    held: list[tuple[Cell, tuple[int, ...]]] = []
    count, seconds, size = 0, 0.0, 0.0
    for at, cell in enumerate(tally.plan.cells):
        missing = tally.missing(at)
        if not missing:
            continue
        each, need = cost(cell), memory(cell)
        while missing:
            aim = min(SECONDS, FIRST * 2.0 ** (given // 2))
            room = min(TRIALS - count, int((aim - seconds) / each), int((BYTES - size) / need))
            if room < 1 and held:
                yield Chunk(tuple(held))
                held, count, seconds, size, given = [], 0, 0.0, 0.0, given + 1
                continue
            part, missing = missing[: max(1, room)], missing[max(1, room) :]
            held.append((cell, part))
            count, seconds = count + len(part), seconds + each * len(part)
            size += need * len(part)
    if held:
        yield Chunk(tuple(held))
