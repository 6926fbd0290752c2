"""What a pass over a model tells its listener: calls of activations, and what stayed hidden."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from actscope.probe.expressions import Expression, Source


@dataclass(eq=False)
class Call:
    """One activation applied once.

    Attributes:
        path: the module's path ("" for the root), or the activation module's own.
        kind: "module", "function", "composed" or "softmax".
        expression: what was computed, ready to be replayed; None for softmax and GLU.
        label: a name for what has no expression.
        output: the result, alive for the length of the listener's call.
        z: the input, or None where it is gone.
        source: where the input came from, with rows kept from before it was overwritten.
        gated: its output is multiplied by another tensor, of its shape or broadcast.
        seconds: the time it took.
        serial: the number, in the pass, of the call of torch that completed it.
        module: the module that it is, or None.
        core: the activation alone, where this is a straight line of one, or one of a straight line
            (50 * tanh(x / 50)): it is the site unless the whole has a name of its own.
        cored: the listener took the core.
    """

    path: str
    kind: str
    expression: Expression | None
    label: str
    output: Any
    z: Any
    source: Source | None
    gated: bool
    seconds: float
    serial: int
    module: Any = None
    core: Call | None = field(default=None, init=False)
    cored: bool = field(default=False, init=False)

    @property
    def dim(self) -> int | None:
        """The dimension of the units, where a layer told."""
        if self.source is None or self.source.dim is None:
            return None
        return self.source.dim + self.source.mapped


@dataclass(slots=True, frozen=True)
class Opaque:
    """Something that may hold activations and cannot be looked into.

    Attributes:
        path: the module that does it ("" for the root).
        what: what is hidden.
        way_out: how to let it be seen.
    """

    path: str
    what: str
    way_out: str


class Listener(Protocol):
    """What a tracker reports to."""

    def begin(self, root: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A forward pass starts."""

    def site(self, call: Call) -> Any:
        """An activation was applied; returns what `gradient` takes if none can be had yet."""

    def gradient(self, site: Any, tensor: Any) -> None:
        """A checkpoint runs again: this tensor is the site's output, now with a gradient."""

    def rows(self, tensor: Any, dim: int | None) -> Any:
        """Sampled rows of a tensor that is about to be overwritten."""

    def opaque(self, found: Opaque) -> None:
        """Something cannot be looked into."""

    def embedded(self, tensor: Any) -> None:
        """An embedding was looked up."""

    def loss(self, name: str, tensor: Any, squashed: str | None) -> None:
        """A loss function is called on a tensor."""

    def end(self, seconds: float) -> None:
        """The forward pass ended; seconds without the listener's own."""
