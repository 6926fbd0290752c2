"""`swaps`: what the activations of a PyTorch model cost, and what others in their place would."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.activations._base import Activation
from actscope.activations._lookup import elementwise
from actscope.engine.checks import whole
from actscope.errors import InputError
from actscope.exports.torch_module import torch_factory, with_torch
from actscope.maths.statistics import Interval, bootstrap
from actscope.maths.timing import interleaved, own_time

if TYPE_CHECKING:
    import pandas as pd

OTHERS = ("relu", "leaky_relu", "hard_swish", "silu", "gelu", "gelu_tanh", "tanh", "sigmoid")
ROUNDS = 15
LOOKS = 5  # inspections whose median share counts


@dataclass(frozen=True)
class Held:
    """One kind of activation in the model.

    Attributes:
        name: its key, or what PyTorch calls it where it is none of the catalogue.
        sites: how many places hold it.
        share: of the forward time, spent in it.
    """

    name: str
    sites: int
    share: float


@dataclass(frozen=True)
class Swap:
    """All activations of one kind replaced by another.

    Attributes:
        old, new: their keys.
        ratio: forward time with the new one over that with the old one, both put in the same way,
            in the same rounds.
    """

    old: str
    new: str
    ratio: Interval


@dataclass(frozen=True, eq=False, repr=False)
class ModelCost:
    """What `swaps` found.

    Attributes:
        model: its class.
        seconds: of a forward pass, with the interval.
        held: the activations in it.
        activation_bytes, total_bytes: read and written in a forward pass by the operators that
            are activations, and by all.
        swaps: what each change does to the time.
        notes: what could not be measured, in words.
    """

    model: str
    seconds: Interval
    held: tuple[Held, ...]
    activation_bytes: int
    total_bytes: int
    swaps: tuple[Swap, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"ModelCost({self.model}: {sum(h.sites for h in self.held)} activations, "
            f"{self.share:.0%} of the forward time, {self.traffic_share:.0%} of the traffic)"
        )

    @property
    def share(self) -> float:
        """Part of the forward time spent in activations."""
        return math.fsum(h.share for h in self.held if h.share == h.share)

    @property
    def traffic_share(self) -> float:
        """Part of the bytes moved that activations move."""
        return self.activation_bytes / self.total_bytes if self.total_bytes else float("nan")

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """One row a swap: forward time over the present one's, with its interval."""
        import pandas as pd

        share = {h.name: h.share for h in self.held}
        return pd.DataFrame(
            [
                {
                    "old": s.old,
                    "share": share[s.old],
                    "new": s.new,
                    "time": s.ratio.value,
                    "low": s.ratio.low,
                    "high": s.ratio.high,
                }
                for s in self.swaps
            ],
            columns=["old", "share", "new", "time", "low", "high"],
        )

    def to_json(self) -> str:
        """Everything."""
        import dataclasses
        import json

        about = {"share": self.share, "traffic_share": self.traffic_share}
        return json.dumps({**dataclasses.asdict(self), **about}, indent=1)

    def _repr_html_(self) -> str:
        import html

        shown = self.table.to_html(index=False, float_format="{:.3g}".format)
        return f"<p>{html.escape(repr(self))}</p>{shown}"


def swaps(
    model: Any,
    data: Any,
    *,
    to: Sequence[str | Activation] = OTHERS,
    rounds: int = ROUNDS,
    progress: Callable[[str], object] | None = None,
) -> ModelCost:
    """What the activations of a PyTorch model cost, and what each swap would change.

    The shares of time are those of `inspect`. Each swap is measured: two copies of the model, one
    with its own activation and one with the other, put in by `swap` in the same way, run in turn
    on one thread. Nothing is trained: what a swap does to accuracy is another question.

    Args:
        model: a torch.nn.Module; it is left as it was.
        data: one batch, as for `inspect`.
        to: the activations to put in, by name, expression or record.
        rounds: measurements of each.
        progress: called with a line of words before each step.

    Raises:
        InputError: the data cannot be used, or the model holds no activation.
        MissingExtra: PyTorch is not installed.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 8))
        >>> found = swaps(net, torch.zeros(32, 64), to=["relu"], rounds=3)
        >>> [(s.old, s.new) for s in found.swaps], found.activation_bytes
        ([('gelu', 'relu')], 65536)
    """
    torch_factory()
    from actscope.probe import running
    from actscope.probe.survey import inspect
    from actscope.probe.traffic import traffic

    whole("rounds", rounds, 2, 1000)
    records = [with_torch(elementwise(a)) for a in to]
    say = progress or (lambda words: None)
    say("looking at the model")
    with running.threads(1):
        call = running.model_call(model, data)
        call()  # the first pass pays for what is made only once
        held = _held([inspect(model, data, full=False).rows for _ in range(LOOKS)])
        if not held:
            raise InputError(
                "the model holds no activation that can be seen: expected one with modules such as "
                "nn.ReLU, or calls such as F.relu"
            )
        moved = traffic(call)
        seconds = interleaved({"model": call}, rounds=rounds, clock=own_time)["model"]
        found: list[Swap] = []
        notes: list[str] = []
        for one in held:
            say(f"swapping {one.name}")
            try:
                found += _swapped(model, data, one.name, records, rounds)
            except InputError as error:
                notes.append(f"{one.name} was not swapped: {error}")
    return ModelCost(
        type(model).__name__, _median(seconds), held, moved.activations, moved.total,
        tuple(found), tuple(notes),
    )  # fmt: skip


def _held(looks: Sequence[Any]) -> tuple[Held, ...]:
    """The activations of a model that was looked at several times, largest share first."""
    sites: dict[str, int] = {}
    for row in looks[0].values():
        sites[str(row["activation"])] = sites.get(str(row["activation"]), 0) + 1
    shares = {
        name: [
            math.fsum(r["share"] for r in rows.values() if str(r["activation"]) == name)
            for rows in looks
        ]
        for name in sites
    }
    held = [Held(name, count, float(np.median(shares[name]))) for name, count in sites.items()]
    return tuple(sorted(held, key=lambda h: -h.share))


def _swapped(
    model: Any, data: Any, old: str, records: Sequence[Activation], rounds: int
) -> list[Swap]:
    """The model with each activation in the place of `old`, timed in turn with `old` put back."""
    from actscope.probe import running
    from actscope.probe.swapping import swap

    own = with_torch(elementwise(old))
    others = {r.key: r for r in records if r.key != own.key}
    calls = {
        key: running.model_call(swap(model, {own.name: r}, data=data, share=True), data)
        for key, r in {own.key: own, **others}.items()
    }
    seconds = interleaved(calls, rounds=rounds, clock=own_time)
    base = seconds.pop(own.key)
    return [Swap(old, key, _median(taken / base)) for key, taken in seconds.items()]


def _median(values: Any) -> Interval:
    return bootstrap(values, np.median, rng=0, resamples=2000)
