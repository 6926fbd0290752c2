"""Watch the activations of a model that Hugging Face's Trainer trains: `TrainerWatch`."""

from __future__ import annotations

from typing import Any

from actscope.guests import guest
from actscope.probe.callbacks import Told
from actscope.probe.collector import Units

TrainerCallback: Any = guest("transformers", "probe").TrainerCallback


class TrainerWatch(TrainerCallback):  # type: ignore[misc]
    """A callback that measures activations every so many training steps, as `watch` does.

    Steps are the trainer's `global_step`; of the batches of one step (gradient accumulation) the
    first is measured. Under several processes each keeps its own rows, and the first writes to
    the sinks. The Trainer tells callbacks of no error: call `stop()` when `train()` raised.

    Args:
        every: steps from one look to the next.
        to: sinks, as for `watch`.
        at: the path of the part to look at; "" for the whole model.
        geometry: ranks and distances too, from samples of 256 rows.
        updates: how far the step moves each weight, |Δw|/|w|.
        units: the dimension of the units, as for `inspect`.

    Raises:
        MissingExtra: transformers is not installed.
        InputError: as for `watch`; the model has no part `at`.

    Example:
        >>> TrainerWatch(every=50, to="run.parquet").every
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
        settings = {"geometry": geometry, "updates": updates, "units": units}
        self.told = Told(every, to, at, settings)
        self.every = every
        self.state: Any = None

    @property
    def history(self) -> list[dict[str, Any]]:
        """One {column: value} for every look and site."""
        return self.told.history

    @property
    def table(self) -> Any:
        """A pandas DataFrame, one row for every look and site."""
        return self.told.table

    def stop(self) -> None:
        """Take every hook off the model and close the sinks."""
        self.told.stop()

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Put the hooks on."""
        self.state = state
        clock = lambda: int(self.state.global_step)
        self.told.start(given["model"], clock, state.is_world_process_zero)

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """The optimiser has stepped: hand the rows on."""
        self.state = state
        if self.told.watches is not None:
            self.told.watches.finish()

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Take the hooks off."""
        self.told.stop()
