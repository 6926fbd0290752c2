"""What is known of the tensors that live during one forward pass, by their identity."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

import torch

from actscope.probe.expressions import Expression, Layer, Source, version_of


@dataclass(eq=False)
class Note:
    """What is known of one tensor.

    Attributes:
        ref: a weak reference to it, since ids are used again.
        expression: what it is of its source, once it has been used elementwise.
        dim: the dimension of its units, if a layer told.
        weighted: whether it comes from a layer with weights.
        layer: the layer whose weight stands last before it, or None.
        constant: made of numbers, not of data.
        uniform: all its numbers are equal.
        made_by: the activation that the values come from, through views alone.
        squashed: "softmax", "log_softmax" or "sigmoid" where the values are such a function's.
        total: the exponential that its numbers are sums of (see `Source`).
        stretch: the part of the pass without gradients in which it was made, or None.
    """

    ref: weakref.ref[Any]
    expression: Expression | None = None
    dim: int | None = None
    weighted: bool = False
    layer: Layer | None = None
    constant: bool = field(default=False, init=False)
    uniform: bool = field(default=False, init=False)
    squashed: str | None = field(default=None, init=False)
    made_by: Expression | None = field(default=None, init=False)
    total: Expression | None = field(default=None, init=False)
    stretch: Any = field(default=None, init=False)


class Notes:
    """The notes of one pass.

    Attributes:
        stretch: what new notes are marked with (see `checkpoints`).
    """

    def __init__(self) -> None:
        self.held: dict[int, Note] = {}
        self.stretch: Any = None

    def get(self, tensor: Any) -> Note | None:
        """The note of a tensor; None for one that nothing is known of."""
        note = self.held.get(id(tensor))
        return note if note is not None and note.ref() is tensor else None

    def put(
        self,
        tensor: Any,
        expression: Expression | None = None,
        dim: int | None = None,
        weighted: bool = False,
        layer: Layer | None = None,
        **more: Any,
    ) -> Note:
        """Note what is known of a tensor."""
        note = Note(weakref.ref(tensor), expression, dim, weighted, layer)
        if more:
            vars(note).update(more)
        if self.stretch is not None:
            note.stretch = self.stretch
        self.held[id(tensor)] = note
        return note

    def is_constant(self, tensor: Any) -> bool:
        """Whether a tensor is known to be made of numbers, not of data."""
        note = self.get(tensor)
        return note is not None and note.constant

    def squashed(self, tensor: Any) -> str | None:
        """The squashing function whose values a tensor holds: sigmoid, softmax, log_softmax."""
        note = self.get(tensor)
        if note is None:
            return None
        if note.expression is not None and note.expression.name == "sigmoid":
            return "sigmoid"
        return note.squashed

    def made_by(self, tensor: Any) -> str:
        """The site that a tensor is the output of, views apart; "" for none."""
        note = self.get(tensor)
        made = (note.made_by or note.expression) if note is not None else None
        return made.site if made is not None else ""

    def expression(self, tensor: Any) -> Expression | None:
        """The expression that a tensor is; a fresh one becomes a source. None for a constant."""
        note = self.held.get(id(tensor))  # as `get` does, once less for every activation
        if note is None or note.ref() is not tensor:
            if (tensor.numel() == 1 and tensor.ndim == 0) or isinstance(tensor, torch.nn.Parameter):
                return None
            note = self.put(tensor)
        if note.constant:
            return None
        if note.expression is None:
            source = Source(note.dim, note.weighted, note.layer, version_of(tensor))
            source.total = note.total
            note.expression = Expression(source)
        return note.expression
