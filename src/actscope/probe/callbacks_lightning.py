"""Watch the activations of a model that Lightning's Trainer trains: `LightningWatch`."""

from __future__ import annotations

import importlib
from typing import Any

from actscope.errors import MissingExtra
from actscope.probe.callbacks import Told
from actscope.probe.collector import Units
from actscope.probe.sinks import Rows, scalars


def _callback() -> Any:
    """Lightning's class of callbacks, under the name that is installed."""
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            return importlib.import_module(name).Callback
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
    raise MissingExtra("lightning", "lightning")


Callback: Any = _callback()


class LightningWatch(Callback):  # type: ignore[misc]
    """A callback that measures activations every so many training steps, as `watch` does.

    Looks at the LightningModule, or at what its `training_step` calls of it. Steps are the
    trainer's `global_step`. Under several processes each keeps its own rows, and the first
    writes to the sinks.

    Args:
        every: steps from one look to the next.
        to: sinks, as for `watch`; "logger" is the trainer's own loggers.
        at: the path of the part to look at; "" for what is called.
        geometry: ranks and distances too, from samples of 256 rows.
        updates: how far the step moves each weight, |Δw|/|w|.
        units: the dimension of the units, as for `inspect`.

    Raises:
        MissingExtra: Lightning is not installed.
        InputError: as for `watch`; the module has no part `at`.

    Example:
        >>> LightningWatch(every=50, to="run.parquet").every
        50

    Source: own, docs/inspect.md.
    """

    def __init__(
        self,
        every: int = 100,
        to: Any = None,
        *,
        at: str = "",
        geometry: bool = False,
        updates: bool = True,
        units: Units = None,
    ) -> None:
        super().__init__()
        settings = {"geometry": geometry, "updates": updates, "units": units}
        self._loggers = _ToLoggers()
        several = list(to) if isinstance(to, (list, tuple)) else [] if to is None else [to]
        named = [
            self._loggers if isinstance(one, str) and one == "logger" else one for one in several
        ]
        self.told = Told(every, named, at, settings)
        self.every = every

    @property
    def history(self) -> list[dict[str, Any]]:
        """One {column: value} for every look and site."""
        return self.told.history

    @property
    def table(self) -> Any:
        """A pandas DataFrame, one row for every look and site."""
        return self.told.table

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Put the hooks on."""
        self._loggers.trainer = trainer
        self.told.start(pl_module, lambda: int(trainer.global_step), trainer.is_global_zero)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Take them off."""
        self.told.stop()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Take them off."""
        self.told.stop()


class _ToLoggers:
    """A sink: the loggers of the trainer that trains."""

    def __init__(self) -> None:
        self.trainer: Any = None

    def write(self, step: int, rows: Rows) -> None:
        """Log one number a site and column."""
        for logger in self.trainer.loggers:
            logger.log_metrics(scalars(rows), step=step)

    def close(self) -> None:
        """The loggers are the trainer's."""
