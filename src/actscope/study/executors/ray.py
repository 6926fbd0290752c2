"""Ray: tasks on a cluster, an existing one or one that is started on this machine.

A task is idempotent, so Ray runs it again when its worker or its node dies. Rows come back as
Arrow tables, and only the driver writes.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from actscope.errors import InputError
from actscope.guests import guest
from actscope.study.executors import local
from actscope.study.executors._base import Executor

RETRIES = 10  # of a task whose worker dies; a task that always kills its worker ends
POLL = 1.0  # seconds; between two, Ctrl-C is heard


@contextlib.contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected: as it is if the process is connected already, else for this block only.

    Raises:
        MissingExtra: Ray is not installed.
        InputError: there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray = guest("ray", "ray")
    mine = not ray.is_initialized()
    if mine:
        try:
            ray.init(
                address=address or "local",
                include_dashboard=None if address else False,
                configure_logging=True,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(
                f"no Ray cluster at {address or 'this machine'} ({error}): give the address "
                "host:port of a running one, or none to start one here"
            ) from None
    try:
        yield ray
    finally:
        if mine:
            ray.shutdown()


def cores(address: str | None = None) -> int:
    """The cluster's cores; without an address those of this machine, where one is started."""
    if address is None:
        return local.cores()
    with _cluster(address) as ray:
        return int(ray.cluster_resources().get("CPU", 1))


def run(
    task: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int | None = None,
    address: str | None = None,
) -> Iterator[tuple[Any, Any]]:
    """See `Run`."""
    with _cluster(address) as ray:
        count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_call)
        shared, source = ray.put(task), iter(items)
        flying: dict[Any, Any] = {}
        try:
            while True:
                while len(flying) <= count:
                    item = next(source, flying)  # `flying` itself marks the end
                    if item is flying:
                        break
                    flying[remote.remote(shared, item)] = item
                if not flying:
                    return
                done, _ = ray.wait(list(flying), num_returns=1, timeout=POLL)
                for reference in done:
                    yield flying.pop(reference), _got(ray, reference)
        finally:
            for reference in flying:
                ray.cancel(reference)


def _call(task: Callable[[Any], Any], item: Any) -> Any:
    return task(item)


def _got(ray: Any, reference: Any) -> Any:
    """A task's result; what it raised is raised as it was."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None


RECORD = Executor(
    name="ray",
    summary="tasks on a Ray cluster, started on this machine if no address is given",
    run=run,
    workers=cores,
    addressed=True,
    session=_cluster,
    extras=("ray",),
)
