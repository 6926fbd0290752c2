"""What a rule is: a check over what was measured, with its page in its file's docstring."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.probe.gates import waits_for
from actscope.probe.geometry import ranks

SEVERITIES = ("info", "warning", "error")


@dataclass(frozen=True)
class Seen:
    """What rules look at.

    Attributes:
        rows: {site: {column: value}}, in the order of the forward pass (see `table.COLUMNS`).
        units: {site: {name: (units,)}}: mean, var, least, most, low, high.
        losses: the loss functions that were called on the model's output.
        output_site: the site whose output is the model's, or "".
        targets_least: the smallest target of a model trained on numbers, or None.
        inputs: (n, d) rows of the network's input, or empty.
        fresh: whether a batch norm in eval mode has seen no batch yet, and so normalises nothing:
            what a signal does on its way through says nothing of the network then.
        opening: factors that are 0, or near it, and get a gradient (see `gates`).
    """

    rows: Mapping[str, Mapping[str, Any]]
    units: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)
    losses: tuple[Any, ...] = ()
    output_site: str = ""
    targets_least: float | None = None
    inputs: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    fresh: bool = False
    opening: frozenset[str] = frozenset()

    @functools.cached_property
    def input_rank(self) -> float:
        """Effective rank of the network's input, NaN if unknown; worked out when it is asked."""
        return ranks(self.inputs)[0]

    def waits(self, site: str) -> bool:
        """Whether a site is in a block of which a factor, 0 by design, opens in training."""
        return waits_for(site, self.opening)

    def gradients(self) -> list[tuple[float, str, Mapping[str, Any]]]:
        """(the gradient's norm over the last site's, site, row) of the sites that one reaches.

        Without gates, and without blocks that open in training: they are not the last site either.
        """
        rows = [
            (r["gradient_ratio"], s, r)
            for s, r in self.on_the_way()
            if r["gradient"] > 0.0 and not is_gate(r) and not self.waits(s)
        ]
        last = rows[-1][0] if rows and self.opening else 1.0
        return [(ratio / last, site, row) for ratio, site, row in rows]

    def hidden(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The sites that apply an elementwise function or a gate: all but softmax."""
        return ((s, r) for s, r in self.rows.items() if r["kind"] != "softmax")

    def on_the_way(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The hidden sites a signal passes through; none where a batch norm is fresh."""
        return iter(()) if self.fresh else self.hidden()


@dataclass(frozen=True)
class Found:
    """What a rule's check reports: where, what, and the numbers that say so."""

    site: str
    message: str
    evidence: Mapping[str, float | int | str]


# bounded functions: between layers they shrink differences, as gates they multiply something
SQUASHING = frozenset(["sigmoid", "tanh", "hard_sigmoid", "hard_tanh", "softsign", "erf"])


def is_gate(row: Mapping[str, Any]) -> bool:
    """Whether a site's output is a share that something else is multiplied by."""
    return bool(row["gated"]) and row["activation"] in SQUASHING


Site = tuple[str, Mapping[str, Any]]


def runs(sites: Iterable[Site], ill: Container[str]) -> Iterator[list[Site]]:
    """Sites one behind the other that have the same fault: what the first has, others inherit."""
    for wrong, run in itertools.groupby(sites, lambda site: site[0] in ill):
        if wrong:
            yield list(run)


def and_behind(run: list[Site]) -> str:
    """The sites of a run behind its first, as the end of a message."""
    if len(run) == 1:
        return ""
    many = f"at the {len(run) - 1} sites behind it, up to {run[-1][0]}"
    return f"; also {many if len(run) > 2 else f'at {run[-1][0]} behind it'}"


Check = Callable[[Seen, Mapping[str, float]], Iterator[Found]]


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        name: equal to its file's.
        code: stable, what select and ignore take ("ACT101").
        severity: "info", "warning" or "error".
        check: `check(seen, thresholds)` gives what it finds.
        cause: the likely cause, one sentence.
        todo: what to do, one sentence.
        thresholds: the numbers it compares with; each can be set by `code.name`.
    """

    name: str
    code: str
    severity: str
    check: Check
    cause: str
    todo: str
    thresholds: Mapping[str, float] = field(default_factory=dict)


def percent(part: float) -> str:
    """A fraction as text: "25 %", "0.4 %"."""
    return f"{100 * part:.3g} %"
