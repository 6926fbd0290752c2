"""`train`: networks of any shapes and settings, sorted into blocks, trained, put back in order."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from numpy.typing import ArrayLike, NDArray

from actscope.engine import prepare
from actscope.engine.checks import whole
from actscope.engine.gather import Sheet, joined
from actscope.engine.result import Group, Result
from actscope.engine.spec import Net, Raw, Training, Weights
from actscope.engine.tasks import Task, crew_of, run, task_of
from actscope.errors import BadSpec
from actscope.inits._base import Init
from actscope.inits._lookup import init as find_init

LANES = (4, 8, 16)
CHUNK_NETWORKS = 4096  # at most so many at once, so that progress is reported now and then


def train(
    nets: Net | Sequence[Net],
    data: Any,
    training: Training | Sequence[Training] = Training(),  # noqa: B008  # frozen
    *,
    seeds: int | Sequence[int] | range | NDArray[Any] = 0,
    init: str | Init = "article",
    weights: Weights | Sequence[Weights] | None = None,
    orders: ArrayLike | None = None,
    threads: int | None = None,
    lanes: int | None = None,
    loss_every: int = 0,
    trace_every: int = 0,
    snapshots: Iterable[int] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Train many small networks at once.

    `nets`, `training`, `seeds` and `weights` go side by side: one of each makes a network, and
    a single one stands for all. A network's seed alone decides its first weights and the order
    of its data, so it comes out the same, bit for bit, alone or among thousands, whatever the
    number of threads and lanes.

    Args:
        nets: the shapes.
        data: (x, y) or (x, y, x_test, y_test), or an object with those names (x_train and
            y_train do too): x (points, inputs), y (points,) or (points, outputs).
        training: how they are trained.
        seeds: one whole number is one seed; range(1000) makes a thousand networks.
        init: the rule that draws the first weights: a name of `actscope.inits`, or a record.
        weights: where to start instead: one Weights (with or without a leading axis of
            networks) or one for each network.
        orders: the order of the data, (epochs, points) or (networks, epochs, points) indices,
            instead of the one that the seed gives.
        threads: how many run at once; all cores by default. It changes no result.
        lanes: 4, 8 or 16 networks in a SIMD block; what the CPU has by default. It changes no
            result.
        loss_every: losses and accuracies over the whole sets every so many epochs; 0: at the
            end only. The running loss is always kept, for every epoch.
        trace_every: gradient norms and activations per layer every so many epochs; 0: never.
        snapshots: epochs of which the weights are kept; 0 is before training.
        progress: called with (networks done, networks in all).

    Returns:
        The losses, weights and traces of every network, in the order given. A network that
        meets a NaN or an infinity is part of the result, with its epoch in `diverged_at`.

    Raises:
        BadSpec: data, weights, orders or seeds that do not fit; the message names what.
        UnknownName: no such init.
        InputError: an init that does not apply to an activation.

    Example:
        >>> x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> result = train(Net(2), (x, [0, 1, 1, 0]), Training(lr=0.5), seeds=range(3))
        >>> result.loss.shape
        (3, 800)
        >>> result.weights(0).W[0].shape
        (2, 8)

    Source: own, docs/decisions/0002-engine.md; optimisers and losses in docs/mathematics.md.
    """
    from actscope.engine.train import available_cores

    began = time.perf_counter()
    for name, value in (("threads", threads), ("lanes", lanes)):
        if value is not None:
            whole(name, value, 1)
    if lanes is not None and lanes not in LANES:
        raise BadSpec("lanes", lanes, f"one of {', '.join(map(str, LANES))}")
    if not isinstance(init, (str, Init)):
        raise BadSpec("init", init, "the name of an init, or an Init")
    points = prepare.as_data(data)
    crew = crew_of(nets, training, seeds, weights)
    plans = {
        epochs: prepare.schedule(epochs, loss_every, trace_every, snapshots)
        for epochs in {t.epochs for t in crew.trainings}
    }
    start = find_init(init)
    tasks = [task_of(crew, rows, points, orders) for rows in crew.alike()]
    sheet = Sheet(crew.nets, crew.trainings, plans.values())

    def work(task: Task, part: slice, inner: int) -> Raw:
        return run(task, part, start, plans[task.training.epochs], inner, lanes)

    kept: dict[tuple[int, int], tuple[Weights, tuple[Weights, ...]]] = {}
    done = 0
    with contextlib.closing(_spread(tasks, work, threads or available_cores())) as finished:
        for i, part, raw in finished:
            rows = tasks[i].rows[part]
            sheet.write(rows, raw, plans[tasks[i].training.epochs])
            kept[i, part.start] = raw.weights, raw.snapshots
            done += len(rows)
            if progress is not None:
                progress(done, len(crew.nets))
    return Result(
        nets=crew.nets,
        trainings=crew.trainings,
        seeds=crew.seeds,
        init=start.name if weights is None else "given",
        epochs_at=sheet.epochs_at,
        traces_at=sheet.traces_at,
        snapshots_at=next(iter(plans.values())).snapshots_at,
        diverged_at=sheet.diverged_at,
        seconds=time.perf_counter() - began,
        groups=tuple(_group(i, task, kept) for i, task in enumerate(tasks)),
        **sheet.arrays,
    )


def _group(i: int, task: Task, kept: dict[tuple[int, int], Any]) -> Group:
    """The weights of a task's chunks, one after the other."""
    chunks = [kept.pop(key) for key in sorted(k for k in kept if k[0] == i)]
    finals, shots = zip(*chunks, strict=True)
    return Group(task.rows, joined(finals), tuple(joined(s) for s in zip(*shots, strict=True)))


def _spread(
    tasks: Sequence[Task], work: Callable[[Task, slice, int], Raw], threads: int
) -> Generator[tuple[int, slice, Raw]]:
    """Run all chunks of all tasks: (which task, its chunk, what it gave), as they finish.

    One task uses all threads for its own blocks. Several tasks, which may have a block or two
    each, go side by side with a thread each, in chunks small enough to end together.
    """
    if len(tasks) == 1 or threads == 1:
        for i, task in enumerate(tasks):
            for part in task.parts(CHUNK_NETWORKS):
                yield i, part, work(task, part, threads)
        return
    share = -(-sum(len(t.rows) for t in tasks) // (4 * threads))
    most = min(CHUNK_NETWORKS, -(-share // 16) * 16)
    with ThreadPoolExecutor(threads) as pool:
        try:
            running = {
                pool.submit(work, task, part, 1): (i, part)
                for i, task in enumerate(tasks)
                for part in task.parts(most)
            }
            for future in as_completed(running):
                yield *running.pop(future), future.result()
        finally:  # after an error or Ctrl-C nothing new starts
            pool.shutdown(cancel_futures=True)
