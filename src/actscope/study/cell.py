"""A cell: everything about a network but its seed, and the ids of its trials.

A trial's id is the first 80 bits of the SHA-256 of its cell's content, written as JSON with
sorted keys, and its seed. Nothing else goes in: not the study's name, not the order of the grid,
not the version of Python or of any library, not the machine.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import threading
from dataclasses import dataclass
from typing import Any

from actscope.activations._base import Activation
from actscope.activations._lookup import elementwise
from actscope.datasets._base import Dataset
from actscope.datasets._lookup import dataset
from actscope.engine.spec import Net, Training
from actscope.study import fields
from actscope.study.fields import Named
from actscope.study.traces import Trace

FORMAT = 1  # of the content of ids; a change of what a setting means raises it
ID_LENGTH = 20
_BUILDING = threading.Lock()  # typed expressions go through SymPy, which knows no threads


@dataclass(frozen=True)
class Cell:
    """All trials that differ only in their seed: everything about a network but that.

    Attributes:
        activations: one for each hidden layer.
        entry: the activations as the study lists them: one, or one a layer.
    """

    activations: tuple[Named, ...]
    entry: tuple[Named, ...]
    depth: int
    width: int
    init: str
    optimiser: str
    lr: float
    epochs: int
    batch: int
    weight_decay: float
    data: Named
    points: int
    test_share: float
    data_seed: int
    norm: bool
    residual: bool
    dtype: str
    trace: Trace | None
    curve: int

    @property
    def content(self) -> dict[str, Any]:
        """Everything that decides the cell's rows, in its canonical form."""
        data = self.data.content()
        digest = fields.file_digest(self.data)
        if digest is not None:  # the points count, not where the file lies
            data = {**data, "path": digest}
        plain = {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if f.name not in ("activations", "entry", "data", "trace")
        }
        return plain | {
            "format": FORMAT,
            "activations": [a.content() for a in self.activations],
            "data": data,
            "trace": None if self.trace is None else self.trace.content(),
        }

    @functools.cached_property
    def _text(self) -> bytes:
        text = json.dumps(self.content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return text.encode("ascii")

    @functools.cached_property
    def id(self) -> str:
        """The hash of the content."""
        return hashlib.sha256(self._text).hexdigest()[:ID_LENGTH]

    def trial_id(self, seed: int) -> str:
        """The id of the trial with this seed."""
        return hashlib.sha256(self._text + b"\n%d" % seed).hexdigest()[:ID_LENGTH]

    @property
    def activation(self) -> str:
        """The activations in words: one where all layers have the same, else all, with slashes."""
        labels = [a.label for a in self.activations]
        return labels[0] if len(set(labels)) == 1 else "/".join(labels)

    def law(self) -> Dataset:
        """The data set with its parameters."""
        return dataset(self.data.name, **dict(self.data.settings))

    def net(self) -> Net:
        """The network's shape."""
        law = self.law()
        phis = [_phi(a) for a in self.activations]
        outputs = law.classes if law.classes > 2 else 1
        hidden = (self.width,) * self.depth
        return Net(law.dim, hidden, outputs, phis, self.norm, self.residual)

    def training(self) -> Training:
        """How it is trained; the loss is the one that fits the data set's classes."""
        classes = self.law().classes
        loss = "mse" if classes == 0 else "bce" if classes == 2 else "cross_entropy"
        return Training(
            loss=loss,
            optimiser=self.optimiser,
            lr=self.lr,
            epochs=self.epochs,
            batch=self.batch,
            weight_decay=self.weight_decay,
            dtype=self.dtype,
        )

    @property
    def block(self) -> tuple[Any, ...]:
        """Cells that agree in this are trained in one block: all but lr."""
        return tuple(getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "lr")


def _phi(entry: Named) -> Activation:
    with _BUILDING:
        return _built(entry)


@functools.lru_cache(maxsize=256)
def _built(entry: Named) -> Activation:
    return elementwise(entry.name, **dict(entry.settings))  # type: ignore[arg-type]
