"""What an executor is: a way to have one function done to many items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol


class Run(Protocol):
    """How an executor is called."""

    def __call__(
        self,
        task: Callable[[Any], Any],
        items: Iterable[Any],
        workers: int | None,
        address: str | None,
    ) -> Iterator[tuple[Any, Any]]:
        """Yield (item, task(item)) for every item, in any order.

        Args:
            task: a function that can be pickled; it may be called again for an item whose worker
                died, and gives the same then.
            items: what to do; the next one is taken when there is a worker for it, never far
                ahead, so that the source can end early.
            workers: how many items are worked on at once; None is as many as there are cores.
            address: of a cluster, for executors that have one.

        Raises:
            Exception: what a task raises, as it was raised.
        """


@dataclass(frozen=True, kw_only=True)
class Executor:
    """A named way to run tasks.

    Attributes:
        name: the record's name, equal to its file's.
        summary: where the work is done, one line.
        run: see `Run`.
        workers: `workers(address) -> how many` cores it would use by itself.
        addressed: whether it takes an address.
        session: `with session(address):` keeps what several runs share, such as a cluster that
            would be started for each of them.
        extras: the extras of actscope that it needs, keys of `guests.GUESTS`.
    """

    name: str
    summary: str
    run: Run
    workers: Callable[[str | None], int]
    addressed: bool = False
    session: Callable[[str | None], AbstractContextManager[Any]] = nullcontext
    extras: tuple[str, ...] = ()
