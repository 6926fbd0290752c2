"""What is searched: an activation for each hidden layer, init, normalisation, residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actscope.activations._base import Activation
from actscope.activations._lookup import elementwise
from actscope.engine.checks import flag, whole
from actscope.engine.spec import MAX_DEPTH
from actscope.errors import BadSpec
from actscope.inits._lookup import SHELF as INITS
from actscope.searches.grammar import JOIN, SCALES, UNARY, Sentence
from actscope.study.fields import choices, flags

# bounded, unbounded, smooth, kinked, periodic; and parametrised members. Each stands for a family
# whose other members differ from it by less than seeds do.
PALETTE = (
    "relu", "leaky_relu(slope=0.1)", "leaky_relu(slope=0.3)", "elu", "selu", "gelu", "silu",
    "silu(beta=1.7)", "softplus", "tanh", "sin", "softsign",
)  # fmt: skip
TYPED = "expression"  # stands for the candidate's own sentence of the grammar
SENTENCE: dict[str, tuple[str | float, ...]] = {
    "left": tuple(UNARY),
    "right": tuple(UNARY),
    "scale": SCALES,
    "join": tuple(JOIN),
}
Value = str | float | bool


@dataclass(frozen=True)
class Choice:
    """One point of a space.

    Attributes:
        activations: for each hidden layer a name, a key such as "silu(beta=1.7)", or a typed
            expression.
        init: a name of the inits shelf.
        norm: layer normalisation.
        residual: skip connections.
    """

    activations: tuple[str, ...]
    init: str
    norm: bool = False
    residual: bool = False

    @property
    def phi(self) -> str:
        """The activations in words, runs of equal layers folded: "relu×3/tanh"."""
        runs: list[list[Any]] = []
        for name in self.activations:
            if runs and runs[-1][0] == name:
                runs[-1][1] += 1
            else:
                runs.append([name, 1])
        if len(runs) == 1:
            return str(runs[0][0])
        return "/".join(f"{name}×{n}" if n > 1 else str(name) for name, n in runs)

    @property
    def label(self) -> str:
        """The choice in words."""
        extras = [name for name in ("norm", "residual") if getattr(self, name)]
        return ", ".join([self.phi, self.init, *extras])

    def fields(self) -> dict[str, Any]:
        """The fields of a Study that say it."""
        layers = [_entry(name) for name in self.activations]
        entry = layers[0] if len(set(self.activations)) == 1 else layers
        return {
            "activation": [entry],
            "depth": len(self.activations),
            "init": self.init,
            "norm": self.norm,
            "residual": self.residual,
        }


def _entry(name: str) -> Any:
    """A layer's activation as a Study takes it; settings by name where it has some."""
    record = elementwise(name)
    return {"name": record.name, **record.settings} if record.settings else name


@dataclass(frozen=True)
class Space:
    """All networks of one depth that a search may try.

    Args:
        depth: hidden layers, 1 to 64.
        activations: what a layer may have: names, keys or typed expressions.
        inits: names of inits.
        norm: whether layer normalisation may be on; False or True fixes it.
        residual: the same for skip connections.
        grammar: whether a candidate may have one expression of the grammar besides.
        hybrid: an activation for every layer; False has one for all of them.

    Raises:
        BadSpec: a field that cannot be; the message names it.
        UnknownName, BadExpression: no such activation.

    Example:
        >>> space = Space(depth=2, activations=("relu", "tanh"), inits=("gain",), grammar=False)
        >>> space.names()
        ('layer1', 'layer2', 'init', 'norm', 'residual')
        >>> space.choice({"layer1": "relu", "layer2": "tanh", "init": "gain",
        ...               "norm": False, "residual": False}).label
        'relu/tanh, gain'
    """

    depth: int
    activations: tuple[str, ...] = PALETTE
    inits: tuple[str, ...] = ("article", "critical", "orthogonal")
    norm: tuple[bool, ...] = (False, True)
    residual: tuple[bool, ...] = (False, True)
    grammar: bool = True
    hybrid: bool = True

    def __post_init__(self) -> None:
        whole("depth", self.depth, 1, MAX_DEPTH)
        flag("grammar", self.grammar)
        flag("hybrid", self.hybrid)
        if not self.activations and not self.grammar:
            raise BadSpec("activations", [], "at least one, or the grammar")
        keys = tuple(_key(name) for name in self.activations)
        if len(set(keys)) < len(keys):
            raise BadSpec("activations", list(keys), "activations that differ")
        object.__setattr__(self, "activations", keys)
        try:
            object.__setattr__(self, "inits", choices("init", self.inits, INITS.names()))
            for name in ("norm", "residual"):
                object.__setattr__(self, name, flags(name, getattr(self, name)))
        except BadSpec as error:
            error.args = (str(error).removeprefix("Study."),)
            raise

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the variables that say an activation."""
        return tuple(f"layer{l + 1}" for l in range(self.depth)) if self.hybrid else ("layers",)

    def variables(self) -> dict[str, tuple[Value, ...]]:
        """What each variable may be."""
        phis = (*self.activations, TYPED) if self.grammar else self.activations
        found: dict[str, tuple[Value, ...]] = dict.fromkeys(self.layers, phis)
        found |= {"init": self.inits, "norm": self.norm, "residual": self.residual}
        return found | (SENTENCE if self.grammar else {})

    def names(self) -> tuple[str, ...]:
        """The variables in order."""
        return tuple(self.variables())

    @property
    def size(self) -> int:
        """How many points it has; a sentence that no layer uses counts once."""
        layers, rest = len(self.layers), len(self.inits) * len(self.norm) * len(self.residual)
        known = len(self.activations)
        if not self.grammar:
            return int(known**layers) * rest
        sentences = len(UNARY) ** 2 * len(SCALES) * len(JOIN)
        return int(known**layers + ((known + 1) ** layers - known**layers) * sentences) * rest

    def choice(self, values: Mapping[str, Value]) -> Choice:
        """The point with these values.

        Raises:
            BadSpec: a variable is missing or has another value than it may have.
        """
        for name, allowed in self.variables().items():
            if name not in values or values[name] not in allowed:
                raise BadSpec(name, values.get(name), f"one of {', '.join(map(str, allowed))}")
        phis = [str(values[name]) for name in self.layers]
        if TYPED in phis:
            parts = {name: values[name] for name in SENTENCE}
            text = Sentence(**parts).text  # type: ignore[arg-type]
            phis = [text if phi == TYPED else phi for phi in phis]
        every = tuple(phis) if self.hybrid else tuple(phis) * self.depth
        return Choice(every, str(values["init"]), bool(values["norm"]), bool(values["residual"]))

    def uniform(self, activation: str, init: str | None = None) -> dict[str, Value]:
        """The values of a network with one activation in all layers, plain where it may be."""
        values = {name: allowed[0] for name, allowed in self.variables().items()}
        values |= dict.fromkeys(self.layers, activation)
        return values | {
            "init": init or self.inits[0],
            "norm": min(self.norm),
            "residual": min(self.residual),
        }


def _key(name: str | Activation) -> str:
    """The one spelling of an activation: the catalogue's key, or the expression as typed."""
    record = elementwise(name)
    return record.key if record.name.isidentifier() else str(name)
