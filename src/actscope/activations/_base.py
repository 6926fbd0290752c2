"""What an activation is: an elementwise function, its slope, and the facts about both."""

from __future__ import annotations

import copyreg
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import BadParameter, InputError

Floats = NDArray[np.floating[Any]]
# f(x, *values): x an array of floats, values the parameters in the order of the record
Elementwise = Callable[..., Floats]


@dataclass(frozen=True)
class Interval:
    """An interval of real numbers; an end that is attained is closed.

    Example:
        >>> print(Interval(0.0, float("inf"), low_attained=True))
        [0, ∞)
        >>> 3.0 in Interval(0.0, 1.0)
        False
    """

    low: float
    high: float
    low_attained: bool = False
    high_attained: bool = False

    def __contains__(self, value: float) -> bool:
        above = value >= self.low if self.low_attained else value > self.low
        below = value <= self.high if self.high_attained else value < self.high
        return above and below

    def __str__(self) -> str:
        left, right = "[" if self.low_attained else "(", "]" if self.high_attained else ")"
        ends = (f"{v:.4g}".replace("inf", "∞").replace("-", "−") for v in (self.low, self.high))
        return f"{left}{', '.join(ends)}{right}"


@dataclass(frozen=True)
class Param:
    """A number that an activation takes: its default, the values allowed, what it means."""

    name: str
    default: float
    allowed: Interval
    meaning: str


class Facts(TypedDict, total=False):
    """The facts of an activation that may depend on its parameters."""

    range: Interval
    kinks: tuple[float, ...]
    zero_centred: bool
    monotonic: bool
    onnx: Onnx | None


class Rule(NamedTuple):
    """What the parameters have to satisfy together: in words, and as a function of their values."""

    text: str
    holds: Callable[..., bool]


class Onnx(NamedTuple):
    """The ONNX operator that computes f, at opset 20.

    `attributes` and `inputs` (the constants that follow x) are functions of the values.
    """

    operator: str
    attributes: Callable[..., dict[str, float | str]] = lambda *values: {}
    inputs: Callable[..., tuple[float, ...]] = lambda *values: ()


@dataclass(frozen=True, kw_only=True)
class Activation:
    """One elementwise activation function and every fact that the project knows about it.

    `f` and `df` are written once, with NumPy ufuncs (and those of `maths/special.py`), as
    functions of `x` and the parameters' values; NumPy, scalar Numba and the engine's SIMD lanes
    run the same two functions. At a kink `df` takes the value that PyTorch's gradient takes. A
    parameter counts in x's type, as in PyTorch: for float32, a threshold of 2.13 is the nearest
    float32.

    Attributes:
        name: the record's name, equal to its file's.
        label: the name in figures and tables ("Leaky ReLU").
        formula: f in the language of typed expressions; parameters by name.
        derivative: df in the same language.
        f: the function, `f(x, *values)`.
        df: its slope, `df(x, *values)`.
        range: the values f takes over the real line.
        kinks: points where f or f' jumps, ascending.
        zero_centred: whether E[f(z)] = 0 for a standard normal z.
        monotonic: whether f never falls (weakly increasing).
        use_case: where the field uses it, one line.
        source: the paper or text that introduced it.
        torch: `torch(torch_module, x, *values)`, its PyTorch twin, or None.
        onnx: its ONNX operator, or None.
        params: what it takes.
        values: one number for each of those, the defaults unless given.
        facts: those of the facts above that depend on the parameters, as a function of their
            values; they replace what is given above, and agree with it at the defaults.
        rule: what the parameters have to satisfy together, or None.
        made: the function and its arguments that make the activation, for one that is built and
            not listed: how it is unpickled.

    Example:
        >>> from actscope.activations import activation
        >>> leaky = activation("leaky_relu", slope=0.1)
        >>> leaky([-2.0, 3.0])
        array([-0.2,  3. ])
        >>> leaky.slope_at([-2.0, 3.0])
        array([0.1, 1. ])

    Source: each record names its own (`source`).
    """

    name: str
    label: str
    formula: str
    derivative: str
    f: Elementwise
    df: Elementwise
    range: Interval
    kinks: tuple[float, ...] = ()
    zero_centred: bool
    monotonic: bool
    use_case: str
    source: str
    torch: Callable[..., Any] | None = None
    onnx: Onnx | None = None
    params: tuple[Param, ...] = ()
    values: tuple[float, ...] = ()
    facts: Callable[..., Facts] | None = None
    rule: Rule | None = None
    made: tuple[Callable[..., Any], tuple[Any, ...]] | None = field(
        default=None, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        new = not self.values
        if new:
            object.__setattr__(self, "values", tuple(p.default for p in self.params))
        for name, fact in (self.facts(*self.values) if self.facts else {}).items():
            if new and fact != getattr(self, name):
                raise InputError(
                    f"record {self.name}: {name} is {getattr(self, name)}, but its facts say "
                    f"{fact} at the default parameters: make them agree"
                )
            object.__setattr__(self, name, fact)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """By name and values, or by how it was made: its functions need not be picklable."""
        from actscope.activations._lookup import SHELF

        if self.made is not None:
            return _again, (*self.made, self.values)
        if self.name in SHELF.names() and SHELF.get(self.name).f is self.f:
            return _again, (SHELF.get, (self.name,), self.values)
        # of neither kind: field by field, so its functions have to be picklable
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined]

    def __call__(self, x: ArrayLike) -> Floats:
        """f(x), elementwise; integers become float64, float32 stays float32. NaN gives NaN."""
        return _apply(self.f, x, self.values)

    def slope_at(self, x: ArrayLike) -> Floats:
        """df(x), elementwise, of x's shape and type."""
        return _apply(self.df, x, self.values)

    @property
    def settings(self) -> MappingProxyType[str, float]:
        """The parameters' values by name."""
        pairs = zip(self.params, self.values, strict=True)
        return MappingProxyType({p.name: v for p, v in pairs})

    @property
    def key(self) -> str:
        """The name together with every parameter that is not at its default."""
        pairs = zip(self.params, self.values, strict=True)
        changed = [f"{p.name}={v!r}" for p, v in pairs if v != p.default]
        return f"{self.name}({', '.join(changed)})" if changed else self.name

    def with_params(self, **settings: float) -> Activation:
        """The same activation with these parameters.

        Raises:
            BadParameter: the activation has no such parameter, or its value is not allowed.
        """
        known = {p.name: p for p in self.params}
        for name, value in settings.items():
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none"
                raise BadParameter(f"{self.name} has no parameter {name!r}: {takes}")
            _check(self.name, known[name], value)
        values = tuple(
            float(settings.get(p.name, v)) for p, v in zip(self.params, self.values, strict=True)
        )
        if self.rule is not None and not self.rule.holds(*values):
            given = ", ".join(f"{p.name}={v:g}" for p, v in zip(self.params, values, strict=True))
            raise BadParameter(f"{self.name}({given}) is not allowed: expected {self.rule.text}")
        return dataclasses.replace(self, values=values)


def _again(make: Callable[..., Activation], args: tuple[Any, ...], values: Any) -> Activation:
    """An activation from what makes it, with the values that it had when it was pickled."""
    made = make(*args)
    return made if made.values == values else dataclasses.replace(made, values=values)


def _check(owner: str, param: Param, value: Any) -> None:
    """Raise BadParameter unless `value` is a finite number that `param` allows."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, bool
    )
    if not number or not np.isfinite(value) or float(value) not in param.allowed:
        raise BadParameter(
            f"{owner}: {param.name} = {value!r} is not allowed: expected a number in "
            f"{param.allowed} ({param.meaning}; default {param.default:g})"
        )


def as_floats(x: ArrayLike) -> Floats:
    """`x` as an array of floats: float32 and float64 keep their type, others become float64."""
    try:
        array = np.asarray(x)
    except ValueError:  # rows of several lengths
        raise InputError("x is no array: expected a number, or rows of one length") from None
    if array.dtype.kind not in "fiub":
        raise InputError(f"x holds {array.dtype} values: expected real numbers")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _apply(function: Elementwise, x: ArrayLike, values: tuple[float, ...]) -> Floats:
    with np.errstate(over="ignore", under="ignore"):  # a value beyond the type is ±∞, or 0
        return np.asarray(function(as_floats(x), *values))  # 0-d too: ufuncs make it a scalar
