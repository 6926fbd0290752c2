"""`elementwise`: what an activation costs by itself, beside copying its numbers."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.activations._lookup import elementwise as find
from actscope.engine.checks import whole
from actscope.errors import BadSpec, UnknownName
from actscope.guests import need
from actscope.maths.statistics import Interval, bootstrap
from actscope.maths.timing import interleaved, own_time

if TYPE_CHECKING:
    import pandas as pd

Call = Callable[[], Any]
ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu")
ELEMENTS = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8)
COPY = "copy"
FREE = 1.25  # times the copy's time for the same bytes; up to there memory is what is waited for
FLOAT = 4  # bytes
PATIENCE = 10.0  # seconds that the rounds of one group should take at most
BLOCK = 64  # numbers; sizes are rounded up to whole blocks, which fill the engine's vectors


@dataclass(frozen=True)
class Speed:
    """One function of one library at one size.

    Attributes:
        ns: nanoseconds an element: the median over the rounds, with its interval.
        ratio: over the time that copying as many bytes takes, in the same rounds.
    """

    ns: Interval
    ratio: Interval


@dataclass(frozen=True, eq=False, repr=False)
class Elementwise:
    """What `elementwise` measured.

    Attributes:
        speeds: by (activation, library, "value" or "slope", elements).
        copy: by elements, the machine's copy: GB/s, read and written together, with its interval.
        notes: what was left out, in words.
    """

    speeds: dict[tuple[str, str, str, int], Speed]
    copy: dict[int, Interval]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = dict.fromkeys(name for name, *_ in self.speeds)
        return f"Elementwise({', '.join(names)}; up to {max(self.copy):,} elements)"

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """One row for each activation, library, value or slope, and size."""
        import pandas as pd

        return pd.DataFrame(
            {
                "activation": name,
                "library": library,
                "what": what,
                "elements": n,
                "ns": s.ns.value,
                "ns_low": s.ns.low,
                "ns_high": s.ns.high,
                "over_copy": s.ratio.value,
                "over_copy_low": s.ratio.low,
                "over_copy_high": s.ratio.high,
                "memory_bound": s.ratio.value <= FREE,
            }
            for (name, library, what, n), s in self.speeds.items()
        )

    def to_json(self) -> str:
        """The table, the copy's bandwidth and the notes."""
        import json

        copy = {n: [i.value, i.low, i.high] for n, i in self.copy.items()}
        rows = json.loads(self.table.to_json(orient="records"))
        return json.dumps({"copy_gb_s": copy, "notes": self.notes, "table": rows}, indent=1)

    def _repr_html_(self) -> str:
        import html

        shown = self.table.to_html(index=False, float_format="{:.3g}".format, max_rows=40)
        return f"<p>{html.escape(repr(self))}</p>{shown}"


def elementwise(
    activations: Sequence[str | Activation] = ACTIVATIONS,
    *,
    elements: Sequence[int] = ELEMENTS,
    libraries: Sequence[str] = ("NumPy", "PyTorch", "ONNX Runtime", "engine"),
    rounds: int = 9,
    progress: Callable[[str], object] | None = None,
) -> Elementwise:
    """Nanoseconds an element of activations and their slopes, beside the machine's copy.

    float32, one thread. A value reads x and writes y, 8 bytes an element, as a copy does. A
    slope does so too, but for PyTorch's, which is the backward pass and reads a gradient as
    well, 12 bytes. What takes at most 1.25 times as long as copying as many bytes is bound by
    memory: in a fused operation it would be free.

    Args:
        activations: names, typed expressions or records.
        elements: how many numbers at once, rounded up to whole blocks of 64. Sizes for which the
            machine has not the memory are left out, with a note.
        libraries: of "NumPy" (the record's own formula), "PyTorch" and "ONNX Runtime" (their own
            operator where they have one) and "engine" (its SIMD lanes).
        rounds: measurements of each, fewer for sizes at which they would take longer than 10 s.
        progress: called with a line of words before each step.

    Raises:
        UnknownName, BadSpec: an argument that cannot be.
        MissingExtra: a library is not installed.

    Example:
        >>> found = elementwise(["relu", "x*tanh(x)"], elements=[1000], libraries=["NumPy"])
        >>> len(found.table), bool((found.table.ns > 0).all())
        (4, True)
    """
    records = [find(a) for a in activations]
    sizes = sorted({-(-whole("elements", n, 1, 10**10) // BLOCK) * BLOCK for n in elements})
    for library in libraries:
        if library not in LIBRARIES:
            raise UnknownName("library", library, LIBRARIES)
        need(*EXTRAS.get(library, ()))
    if not (records and sizes and libraries):
        raise BadSpec("elementwise", (), "at least one activation, size and library")
    whole("rounds", rounds, 1, 1000)
    fits = [n for n in sizes if FLOAT * n * (6 + 3 * len(records)) <= free_memory() / 2]
    notes = [
        f"{n:,} elements left out: more than half of the free memory" for n in sizes[len(fits) :]
    ]
    speeds: dict[tuple[str, str, str, int], Speed] = {}
    copy: dict[int, Interval] = {}
    for n in fits:
        for library in libraries:
            if progress is not None:
                progress(f"{library}, {n:,} elements")
            for what, calls, moved in LIBRARIES[library](records, n):
                before = [s.ns.value for k, s in speeds.items() if k[1:3] == (library, what)]
                turn = 1e-9 * n * sum(before[-len(calls) :])  # seconds of a round, about
                count = max(1, min(rounds, int(PATIENCE / max(turn, 1e-9))))
                found, bandwidth = _measure(calls, n, moved, count)
                speeds |= {(name, library, what, n): s for name, s in found.items()}
                copy.setdefault(n, bandwidth)
    return Elementwise(speeds, copy, tuple(notes))


def free_memory() -> float:
    """Bytes that are free now; 8 GB where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return 8e9


def _measure(
    calls: Mapping[str, Call], n: int, moved: int, rounds: int
) -> tuple[dict[str, Speed], Interval]:
    """Time calls beside a copy: their speeds, and the copy's GB/s."""
    x, y = np.ones(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    beside = {COPY: lambda: np.copyto(y, x), **calls}
    seconds = interleaved(beside, rounds=rounds, least=5e-4, clock=own_time)
    copied = seconds.pop(COPY)
    floor = copied * moved / (2 * FLOAT)
    found = {
        name: Speed(_median(taken / n * 1e9), _median(taken / floor))
        for name, taken in seconds.items()
    }
    return found, _median(2 * FLOAT * n / copied / 1e9)


def _median(values: NDArray[np.float64]) -> Interval:
    if len(values) < 2:
        return Interval(float(values[0]), float(values[0]), float(values[0]), 0.95, len(values))
    return bootstrap(values, np.median, rng=0, resamples=1000)


Group = tuple[str, dict[str, Call], int]  # what, the calls by activation, bytes an element
Library = Callable[[Sequence[Activation], int], Iterator[Group]]


def _points(n: int) -> NDArray[np.float32]:
    return np.resize(np.random.default_rng(0).standard_normal(1 << 16).astype(np.float32), n)


def _numpy(records: Sequence[Activation], n: int) -> Iterator[Group]:
    x = _points(n)
    values: dict[str, Call] = {a.key: functools.partial(a, x) for a in records}
    yield "value", values, 2 * FLOAT
    slopes: dict[str, Call] = {a.key: functools.partial(a.slope_at, x) for a in records}
    yield "slope", slopes, 2 * FLOAT


def _torch(records: Sequence[Activation], n: int) -> Iterator[Group]:
    from actscope.exports.torch_module import torch_factory, with_torch

    torch_factory()
    from actscope.probe import running

    x, twins = _points(n), [with_torch(a) for a in records]
    for what, maker, moved in (("value", running.elementwise, 2), ("slope", running.slope, 3)):
        with running.threads(1):
            yield what, {a.key: maker(a, x) for a in twins}, moved * FLOAT


def _onnx(records: Sequence[Activation], n: int) -> Iterator[Group]:
    from actscope.exports.onnx_file import alone, session_of

    x = _points(n)
    for slope in (False, True):
        calls: dict[str, Call] = {}
        for a in records:
            session = session_of(alone(a, slope=slope))
            calls[a.key] = functools.partial(session.run, None, {"x": x})
        yield "slope" if slope else "value", calls, 2 * FLOAT


def _engine(records: Sequence[Activation], n: int) -> Iterator[Group]:
    from actscope.engine.workspace import aligned

    x, y = (aligned((n,), np.dtype(np.float32)) for _ in range(2))
    x[:] = _points(n)
    for which, what in enumerate(("value", "slope")):
        calls: dict[str, Call] = {}
        for a in records:
            function = lanes_of(a)[which]
            calls[a.key] = functools.partial(function, x.ctypes.data, y.ctypes.data, n)
        yield what, calls, 2 * FLOAT


@functools.lru_cache(maxsize=256)
def lanes_of(record: Activation) -> tuple[Callable[..., None], Callable[..., None]]:
    """The activation and its slope as compiled loops over arrays of float32: (x, y, count).

    x and y are addresses that vectors may lie at, count is a multiple of 64.
    """
    from actscope.engine.compile import Library as Compiled
    from actscope.engine.emit import Code
    from actscope.engine.lanes import LaneType
    from actscope.engine.layers import phi
    from actscope.engine.train import host_lanes

    code = Code("elementwise")
    lanes = LaneType("float32", host_lanes("float32"))
    flight = lanes.times(4)  # four vectors at once, as the engine's own loops have them
    for which, name in enumerate(("value", "slope")):
        with code.function(name, "ppi") as (x, y, count):
            x, y = x.to(flight), y.to(flight)
            with code.loop(count // flight.count) as i:
                y[i] = phi(record, x[i])[which]
    library = Compiled(str(code))
    made = []
    for name in ("value", "slope"):
        function = library.function(name, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        function.library = library  # the code lives as long as what calls it
        made.append(function)
    return made[0], made[1]


EXTRAS = {"PyTorch": ("torch",), "ONNX Runtime": ("onnx",)}
LIBRARIES: dict[str, Library] = {
    "NumPy": _numpy,
    "PyTorch": _torch,
    "ONNX Runtime": _onnx,
    "engine": _engine,
}
