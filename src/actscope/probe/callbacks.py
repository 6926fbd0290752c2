"""What the callbacks for trainers share: watches on the parts of a model that are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import nn

from actscope.errors import InputError
from actscope.probe import table
from actscope.probe.sinks import Parquet, Sink
from actscope.probe.watching import Row, sinks_of, watch


class Watches:
    """Watches on a module and on its children, of which the outermost that is called looks.

    A trainer may call the model itself or, as many LightningModules do in `training_step`, only
    what the model holds.

    Args:
        module: what the trainer trains.
        clock: gives the number of the training step.
        at: the path of the part to watch, "" for whatever is called.
        sinks: where rows go besides memory.
        settings: of every watch.

    Raises:
        InputError: the module has no such part.
    """

    def __init__(
        self,
        module: Any,
        clock: Callable[[], int],
        at: str,
        sinks: list[Sink],
        settings: dict[str, Any],
    ) -> None:
        self.inside = 0
        self.history: list[Row] = []
        self.handles: list[Any] = []
        self.sinks = sinks
        self.watches = [
            watch(part, clock=clock, to=self.sinks, prefix=path, **settings)
            for path, part in _parts(module, at)
        ]
        for one in self.watches:
            one.history, one.closes = self.history, False
            self._only_outermost(one)
            one.__enter__()
            # registered after the watch's own and put in front of them: `inside` is right there
            self.handles += [
                one.root.register_forward_pre_hook(self._enter, prepend=True),
                one.root.register_forward_hook(self._leave, always_call=True),
            ]

    def _only_outermost(self, one: watch) -> None:
        due = one._tracker.due
        one._tracker.due = lambda: self.inside == 1 and due()

    def _enter(self, *_: Any) -> None:
        self.inside += 1

    def _leave(self, *_: Any) -> None:
        self.inside -= 1

    def finish(self) -> None:
        """The step is over: hand its rows on."""
        for one in self.watches:
            one.finish()

    def close(self) -> None:
        """Take the hooks off and close the sinks."""
        for handle in self.handles:
            handle.remove()
        self.handles = []
        for one in self.watches:
            one.__exit__(None, None, None)
        self.watches = []
        for sink in self.sinks:
            sink.close()


def _parts(module: Any, at: str) -> Iterable[tuple[str, Any]]:
    """The part that was asked for; else the module and its children, lists of modules opened."""
    if at:
        try:
            yield at, module.get_submodule(at)
        except AttributeError:
            known = ", ".join(n for n, _ in list(module.named_children())[:12])
            raise InputError(
                f"at = {at!r}: {type(module).__name__} has no such part: expected a path, such as "
                f"{known or '…'}"
            ) from None
        return
    yield "", module
    waiting = list(module.named_children())
    while waiting:
        path, part = waiting.pop(0)
        if isinstance(part, (nn.ModuleList, nn.ModuleDict)):
            waiting += [(f"{path}.{name}", child) for name, child in part.named_children()]
        elif any(True for _ in part.children()):
            yield path, part


class Told:
    """What both callbacks hold: settings before training, rows during and after it.

    Attributes:
        history: one {column: value} for every look and site.
    """

    def __init__(self, every: int, to: Any, at: str, settings: dict[str, Any]) -> None:
        if type(every) is not int or every < 1:
            raise InputError(f"every = {every!r}: expected a whole number of at least 1")
        self.every, self.to, self.at = every, to, at
        self.settings = {"every": every, **settings}
        self.history: list[Row] = []
        self.sinks: list[Sink] | None = None  # those of the first training serve the next too
        self.watches: Watches | None = None

    def start(self, module: Any, clock: Callable[[], int], writes: bool) -> None:
        """Training begins, or is resumed.

        Args:
            module: what is trained.
            clock: gives the number of the training step.
            writes: whether this process writes to the sinks.
        """
        self.stop()
        if self.sinks is None:
            self.sinks = sinks_of(self.to if writes else None)
        if resumed := clock():
            for sink in self.sinks:
                if isinstance(sink, Parquet):
                    sink.go_on(resumed)
        self.watches = Watches(module, clock, self.at, self.sinks, self.settings)
        self.watches.history[:] = self.history
        self.history = self.watches.history

    def stop(self) -> None:
        """Take every hook off the model and close the sinks; also for after an error."""
        watches, self.watches = self.watches, None
        if watches is not None:
            watches.close()

    @property
    def table(self) -> Any:
        """A pandas DataFrame, one row for every look and site."""
        import pandas as pd

        return pd.DataFrame(self.history, columns=["step", "site", *table.COLUMNS, "update"])
