"""The columns of a study's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# what a cell is; `compare` and `cells` group by these
CELL = (
    "activation",
    "depth",
    "width",
    "init",
    "optimiser",
    "lr",
    "epochs",
    "batch",
    "weight_decay",
    "data",
    "points",
    "test_share",
    "data_seed",
    "norm",
    "residual",
    "dtype",
)
LISTS = ("curve", "trace")


def schema() -> pa.Schema:
    """One row a trial.

    id; cell (the hash of all that is not the seed); the settings; seed; parameters (how many
    numbers are learnt); loss (running loss of the last epoch); train_loss, train_accuracy,
    test_loss, test_accuracy (at the end, over the whole sets; accuracies are null for a
    regression); diverged_at (null: it did not); linear_floor (what a linear model reaches on the
    test set: accuracy, or for a regression the loss); failed (diverged, or no better than that);
    error (null: none; else everything measured is null); curve and trace (lists).
    """
    import pyarrow as pa

    curve = pa.struct([("epoch", pa.int32()), ("loss", pa.float32()), ("accuracy", pa.float32())])
    trace = pa.struct(
        [
            ("epoch", pa.int32()),
            ("layer", pa.int16()),
            ("metric", pa.string()),
            ("format", pa.string()),
            ("value", pa.float64()),
        ]
    )
    kinds = {
        "depth": pa.int16(), "width": pa.int16(), "lr": pa.float64(), "epochs": pa.int32(),
        "batch": pa.int32(), "weight_decay": pa.float64(), "points": pa.int32(),
        "test_share": pa.float64(), "data_seed": pa.int64(), "norm": pa.bool_(),
        "residual": pa.bool_(),
    }  # fmt: skip
    settings = [(name, kinds.get(name, pa.string())) for name in CELL]
    numbers = ("loss", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
    return pa.schema(
        [
            ("id", pa.string()),
            ("cell", pa.string()),
            *settings,
            ("noise", pa.float64()),
            ("seed", pa.int64()),
            ("parameters", pa.int32()),
            *((name, pa.float64()) for name in numbers),
            ("diverged_at", pa.int32()),
            ("linear_floor", pa.float64()),
            ("failed", pa.bool_()),
            ("error", pa.string()),
            ("curve", pa.list_(curve)),
            ("trace", pa.list_(trace)),
        ]
    )
