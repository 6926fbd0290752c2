"""Look at a model every so many steps while it trains: `watch`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from actscope.errors import InputError
from actscope.probe import table
from actscope.probe.collector import Collector, Measures, Units
from actscope.probe.merge import gathered
from actscope.probe.sinks import Sink, sink_of
from actscope.probe.stack import NO_FUNCTIONS
from actscope.probe.tracker import Tracker, unwrap
from actscope.probe.updates import Updates
from actscope.probe.wrappers import group_of

Row = dict[str, Any]


class watch:
    """Measure a model's activations at every k-th forward pass of a training loop.

    The loop stays as it is: hooks on the root count forward passes made in train mode, and at
    every k-th one measure outputs and, in the backward pass that follows, gradients. What was
    measured is complete, and goes to the sinks, when the next forward pass begins or the block
    ends. Nothing of the model is changed or put back: this is the user's own run.

    Args:
        model: any torch.nn.Module; wrappers are looked into.
        every: forward passes from one look to the next, at least 1.
        to: where rows go besides memory: a sink, a function of (step, rows), "file.parquet",
            "tensorboard:folder", "wandb", or a list of these.
        geometry: ranks and distances too, from samples of 256 rows.
        updates: how far the step moves each weight, |Δw|/|w|.
        units: the dimension of the units, as for `inspect`.
        only_training: forward passes in eval mode are neither counted nor measured.
        clock: a function that gives the number of the training step; `every` then counts these,
            from the multiples of `every`, and of each step the first forward pass is measured.
            Trainers have one; a loop with gradient accumulation needs one.
        merged: of a DistributedDataParallel model, rows over the data of all processes, the same
            in each: all have to watch the same steps. Else each process has rows of its own.
        prefix: put in front of sites and weights, for a part of a larger model ("encoder").

    Raises:
        InputError: `every` is below 1, or `to` is none of these.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
        >>> step = torch.optim.SGD(model.parameters(), 0.1)
        >>> with watch(model, every=2) as w:
        ...     for _ in range(5):
        ...         step.zero_grad()
        ...         model(torch.ones(3, 4)).mean().backward()
        ...         step.step()
        >>> w.table[["step", "site"]].values.tolist()
        [[0, '1'], [2, '1'], [4, '1']]

    Source: own, docs/inspect.md.
    """

    def __init__(
        self,
        model: Any,
        every: int = 100,
        to: Any = None,
        *,
        geometry: bool = False,
        updates: bool = True,
        units: Units = None,
        only_training: bool = True,
        clock: Callable[[], int] | None = None,
        merged: bool = False,
        prefix: str = "",
    ) -> None:
        if not isinstance(model, torch.nn.Module):
            raise InputError(f"model is {type(model).__name__}: expected a torch.nn.Module")
        if type(every) is not int or every < 1:
            raise InputError(f"every = {every!r}: expected a whole number of at least 1")
        self.root, self.every, self.updates = unwrap(model), every, updates
        self.only_training, self.clock, self.prefix = only_training, clock, prefix
        self.measures = Measures(rows=256 if geometry else 0, pairs=geometry, units=units)
        self.group = group_of(model) if merged else None
        self.history: list[Row] = []
        self.sinks = sinks_of(to)
        self.closes = True  # whether the sinks are this watch's own
        self.step = -1
        self._next: int | None = None  # the step of the next look
        self._names = {id(p): n for n, p in self.root.named_parameters()}
        self._identities: dict[Any, Any] = {}
        self._current: Collector | None = None
        self._moved: Updates | None = None
        self._tracker = Tracker(self.root, Collector(self.measures))
        self._tracker.due = self._due

    def __enter__(self) -> watch:
        self._tracker.attach()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._tracker.detach()
        self.finish()
        if self.closes:
            for sink in self.sinks:
                sink.close()

    def _due(self) -> bool:
        if self.only_training and not self.root.training:
            return False
        step = self.step + 1 if self.clock is None else self.clock()
        if step == self.step:
            return False  # a further forward pass of one step
        self.step = step
        self.finish()
        if self._next is None:  # a training that is resumed at step 5 with every=3: 6
            self._next = step + -step % self.every
        if step < self._next:
            return False
        self._next = step - step % self.every + self.every
        self._current = Collector(self.measures, self._names, self._identities)
        self._tracker.listener = self._current
        if self.updates:
            with NO_FUNCTIONS():
                self._moved = Updates(self.root)
        self._seen = self.step
        return True

    def finish(self) -> None:
        """Hand on the look before, whose backward pass and step are over.

        The next forward pass does it too; a trainer that says when a step ends need not wait.
        """
        collector, self._current = self._current, None
        if collector is None:
            return
        collector.release()
        if self.group is not None:
            collector, _ = gathered(collector, {}, self.group)
        with torch.no_grad(), NO_FUNCTIONS():
            known, _ = table.rows_of(collector, full=False)
            moved = self._moved.ratios() if self._moved is not None else {}
        self._moved = None
        rows: list[Row] = []
        for site, row in known.items():
            update = moved.get(row["weight"], float("nan"))
            if self.prefix:
                site = f"{self.prefix}{'' if site.startswith(':') else '.'}{site}"
                row = row | {"weight": f"{self.prefix}.{row['weight']}" if row["weight"] else ""}
            rows.append({"step": self._seen, "site": site, **row, "update": update})
        self.history += rows
        for sink in self.sinks:
            sink.write(self._seen, rows)

    @property
    def table(self) -> Any:
        """A pandas DataFrame, one row for every look and site."""
        import pandas as pd

        columns = ["step", "site", *table.COLUMNS, "update"]
        return pd.DataFrame(self.history, columns=columns)


def sinks_of(to: Any) -> list[Sink]:
    """The sinks that `to` names."""
    if to is None:
        return []
    several = isinstance(to, Iterable) and not isinstance(to, (str, bytes)) and not callable(to)
    return [sink_of(one) for one in (to if several else [to])]
