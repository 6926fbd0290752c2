"""How long networks take in ONNX Runtime and PyTorch, measured in turn, one thread."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.costs.quantised import int8
from actscope.errors import BadSpec, UnknownName
from actscope.exports.onnx_file import serialised, session_of
from actscope.exports.source import Network
from actscope.exports.torch_module import to_torch
from actscope.guests import need
from actscope.maths.statistics import Interval, bootstrap
from actscope.maths.timing import interleaved, own_time

Call = Callable[[], Any]
# what runs a network -> (the runtime's name in tables, its number format)
RUNTIMES = {
    "onnx": ("ONNX Runtime", "float32"),
    "onnx-int8": ("ONNX Runtime", "int8"),
    "torch": ("PyTorch", "float32"),
    "torch-bf16": ("PyTorch", "bfloat16"),
    "compiled": ("PyTorch compiled", "float32"),
    "compiled-bf16": ("PyTorch compiled", "bfloat16"),
}
DEFAULT = ("onnx", "onnx-int8", "torch", "torch-bf16", "compiled")
BATCHES = (1, 256, 100_000)
ROUNDS = 21
LEAST = 2e-3  # seconds of one measurement at least


@dataclass(frozen=True)
class Taken:
    """The time of one network in one runtime at one batch size.

    Attributes:
        seconds: of a batch: the median over the rounds, with its interval.
        ratio: over the time of the partner's network in the same rounds; None without partner.
    """

    seconds: Interval
    ratio: Interval | None


@dataclass(frozen=True)
class Timed:
    """Every measurement, by (network, runtime, batch), and what could not be measured, in words."""

    taken: dict[tuple[str, str, int], Taken]
    notes: list[str] = field(default_factory=list)


def check(runtimes: Sequence[str], batches: Sequence[int]) -> None:
    """Raise unless the runtimes are known and installed, and the batches are sizes."""
    from actscope.engine.checks import whole

    for name in runtimes:
        if name not in RUNTIMES:
            raise UnknownName("runtime", name, RUNTIMES)
    if not runtimes or not batches:
        raise BadSpec("runtimes" if not runtimes else "batches", (), "at least one")
    for batch in batches:
        whole("batches", batch, 1, 10_000_000)
    need("onnx")
    if any("onnx" not in name for name in runtimes):
        need("torch")


def time_networks(
    networks: Mapping[str, Network],
    points: NDArray[Any],
    partner: str,
    *,
    runtimes: Sequence[str] = DEFAULT,
    batches: Sequence[int] = BATCHES,
    rounds: int = ROUNDS,
    progress: Callable[[str], object] | None = None,
) -> Timed:
    """Time networks beside one another.

    In each runtime and at each batch size all networks take turns, round after round, so that a
    noisy machine slows all of them alike; a ratio is that of two times of the same round. A call
    is what a program would make: `session.run` with an array, `module(x)` with a tensor. The
    time of Python's call is in it, which is most of it at batch 1.

    Args:
        networks: by name.
        points: (points, inputs) like those that the networks are for; they make up the batches,
            over and over, and calibrate int8.
        partner: the name of the network that the others are compared with, or one that is not
            there.
        runtimes: names of `RUNTIMES`.
        batches: sizes.
        rounds: how often each is timed.
        progress: called with a line of words now and then.
    """
    notes: list[str] = []
    say = progress or (lambda words: None)
    taken: dict[tuple[str, str, int], Taken] = {}
    with _one_thread(runtimes):
        makers = _makers(networks, points, runtimes, notes, say)
        # a runtime by itself: the first call after another runtime's finds the caches cold
        for runtime, batch in itertools.product(runtimes, batches):
            x = np.resize(points, (batch, points.shape[1])).astype(np.float32)
            calls = {name: make(x) for (name, where), make in makers.items() if where == runtime}
            if calls:
                say(f"timing {len(calls)} networks, {' '.join(RUNTIMES[runtime])}, batch {batch:,}")
            seconds = interleaved(calls, rounds=rounds, least=LEAST, clock=own_time)
            for name, mine in seconds.items():
                beside = seconds.get(partner)
                taken[name, runtime, batch] = Taken(
                    _median(mine), None if beside is None else _median(mine / beside)
                )
    return Timed(taken, notes)


def _median(values: NDArray[np.float64]) -> Interval:
    return bootstrap(values, np.median, rng=0, resamples=2000)


@contextlib.contextmanager
def _one_thread(runtimes: Sequence[str]) -> Iterator[None]:
    if all("onnx" in name for name in runtimes):
        yield
        return
    from actscope.probe import running

    with running.threads(1):
        yield


Maker = Callable[[NDArray[Any]], Call]


def _makers(
    networks: Mapping[str, Network],
    points: NDArray[Any],
    runtimes: Sequence[str],
    notes: list[str],
    say: Callable[[str], object],
) -> dict[tuple[str, str], Maker]:
    """For each network and runtime what makes a call of a batch; a runtime that fails is noted."""
    makers: dict[tuple[str, str], Maker] = {}
    for runtime in runtimes:
        made: dict[tuple[str, str], Maker] = {}
        try:
            for name, network in networks.items():
                if runtime.startswith("compiled"):
                    say(f"compiling {name} ({RUNTIMES[runtime][1]})")
                made[name, runtime] = _maker(network, runtime, points)
        except Exception as error:  # TorchInductor's have many types
            if not runtime.startswith("compiled"):
                raise
            first = str(error).strip().partition("\n")[0][:160]
            notes.append(
                f"PyTorch compiled ({RUNTIMES[runtime][1]}) was not measured: torch.compile needs "
                f"a C++ compiler that works; it said: {first}"
            )
            continue
        makers |= made
    return makers


def _maker(network: Network, runtime: str, points: NDArray[Any]) -> Maker:
    if runtime.startswith("onnx"):
        content = serialised(network)
        session = session_of(int8(content, points) if runtime == "onnx-int8" else content)
        return lambda x: lambda: session.run(None, {"x": x})
    from actscope.probe import running

    module = to_torch(network.net, weights=network.weights)
    dtype = RUNTIMES[runtime][1]
    if dtype != "float32":
        module = running.in_type(module, dtype)
    if runtime.startswith("compiled"):
        module = running.compiled(module)
        for batch in (1, 2):  # all the code it will need: batches of one are a case of their own
            running.caller(module, points[:1].repeat(batch, axis=0), dtype)()
    return lambda x: running.caller(module, x, dtype)
