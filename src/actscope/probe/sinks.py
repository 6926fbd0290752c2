"""Where the rows of a watched training go: Parquet, TensorBoard, Weights & Biases, a function."""

from __future__ import annotations

import atexit
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from actscope.errors import InputError, OutputError
from actscope.guests import guest

Rows = list[dict[str, Any]]


@runtime_checkable
class Sink(Protocol):
    """Takes the rows of each look, one row a site."""

    def write(self, step: int, rows: Rows) -> None:
        """Take the rows of one look."""

    def close(self) -> None:
        """Training is over."""


def sink_of(to: Any) -> Sink:
    """The sink that a value names.

    Args:
        to: a Sink, a function of (step, rows), "file.parquet", "tensorboard:folder" or "wandb".

    Raises:
        InputError: it is none of these.
        MissingExtra: the package that it needs is not installed.
    """
    if isinstance(to, Sink):
        return to
    if callable(to):
        return Function(to)
    text = str(to)
    if text.endswith(".parquet"):
        return Parquet(Path(text))
    if text.startswith("tensorboard:"):
        return TensorBoard(text.partition(":")[2])
    if text == "wandb":
        return WandB()
    raise InputError(
        f"to = {to!r}: expected file.parquet, tensorboard:folder, wandb, a function of "
        "(step, rows), or a list of these"
    )


class Function:
    """Calls a function with (step, rows)."""

    def __init__(self, function: Callable[[int, Rows], Any]) -> None:
        self.function = function

    def write(self, step: int, rows: Rows) -> None:
        """Call it."""
        self.function(step, rows)

    def close(self) -> None:
        """Nothing to do."""


class Parquet:
    """One Parquet file that is whole at every moment: written beside itself, then renamed.

    All rows so far are written at each look, unless the last writing took more than a
    twentieth of the time since: then they wait for a later look, or the end, of the training or of
    Python. A kill loses no other rows.

    Args:
        path: of the file; one that is there is replaced, a folder that is missing made.

    Raises:
        OutputError: the folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self.arrow = guest("pyarrow", "probe")
        self.parquet = guest("pyarrow.parquet", "probe")
        self.path, self.part = path, path.with_name(path.name + ".part")
        try:  # before the training, not at its first look
            path.parent.mkdir(parents=True, exist_ok=True)
            self.part.touch()
            self.part.unlink()
        except OSError as error:
            raise self._refused(error) from None
        self.tables: list[Any] = []
        self.unwritten = False
        self.ended = self.took = 0.0

    def go_on(self, step: int) -> None:
        """Keep the rows of the file that is there from before this step: a training is resumed.

        Raises:
            OutputError: it is no Parquet file.
        """
        if self.tables or not self.path.is_file():
            return
        try:
            there = self.parquet.read_table(self.path)
            self.tables = [there.filter(self.arrow.compute.field("step") < step)]
        except (OSError, self.arrow.ArrowException) as error:
            raise OutputError(
                f"{self.path}: the training is resumed, and this holds no rows of it ({error}): "
                "give another file"
            ) from None

    def write(self, step: int, rows: Rows) -> None:
        """Add rows.

        Raises:
            OutputError: the file cannot be written.
        """
        if not rows:
            return
        columns = {name: [_plain(row[name]) for row in rows] for name in rows[0]}
        schema = self.arrow.schema([(n, self._type(n, v)) for n, v in columns.items()])
        self.tables.append(self.arrow.table(columns, schema=schema))
        if not self.unwritten:  # a trainer that raises does not close its callbacks
            atexit.register(self.close)
        self.unwritten = True
        if time.monotonic() - self.ended >= 20.0 * self.took:
            self._store()

    def _store(self) -> None:
        start = time.monotonic()
        # permissive: what a resumed training finds may be another version's
        whole = self.arrow.concat_tables(self.tables, promote_options="permissive")
        self.tables = [whole.combine_chunks()]
        try:
            self.parquet.write_table(self.tables[0], self.part)
            self.part.replace(self.path)
        except OSError as error:
            raise self._refused(error) from None
        atexit.unregister(self.close)
        self.unwritten, self.ended = False, time.monotonic()
        self.took = self.ended - start

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: cannot be written ({error}): give another file")

    def _type(self, name: str, values: list[Any]) -> Any:
        first = values[0]
        if name == "step":
            return self.arrow.int64()
        if isinstance(first, bool):
            return self.arrow.bool_()
        return self.arrow.string() if isinstance(first, str) else self.arrow.float64()

    def close(self) -> None:
        """Write what is not yet written."""
        if self.unwritten:
            self._store()


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, bool)) else float(value)


def scalars(rows: Rows) -> dict[str, float]:
    """{"site/column": number} of the finite numbers of rows."""
    return {
        f"{row['site']}/{name}": float(value)
        for row in rows
        for name, value in row.items()
        if name not in {"step", "site"}
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    }


class TensorBoard:
    """Scalars for TensorBoard, one for every site and column.

    Args:
        folder: of the event file.
    """

    def __init__(self, folder: str) -> None:
        self.writer = guest("torch.utils.tensorboard", "probe").SummaryWriter(folder)

    def write(self, step: int, rows: Rows) -> None:
        """Write the scalars."""
        for name, value in scalars(rows).items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush the events."""
        self.writer.close()


class WandB:
    """Scalars for the Weights & Biases run that is open, drawn over the training's steps.

    The run keeps count of its own steps, which are calls of `log`.
    """

    def __init__(self) -> None:
        self.run = guest("wandb", "wandb").run
        if self.run is None:
            raise InputError('to = "wandb": no run is open: call wandb.init(…) first')
        self.run.define_metric("actscope/*", step_metric="actscope/step")

    def write(self, step: int, rows: Rows) -> None:
        """Log the scalars."""
        named = {f"actscope/{name}": value for name, value in scalars(rows).items()}
        self.run.log({"actscope/step": step, **named})

    def close(self) -> None:
        """The run stays open: it is the user's."""
