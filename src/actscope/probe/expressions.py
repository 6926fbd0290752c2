"""Elementwise expressions of one tensor: followed while a forward pass builds them.

`0.5*x*(1 + torch.tanh(x))` is six calls of torch. Each becomes an `Expression` over the same
`Source`; when something that is not elementwise uses the result, the whole of it is one site.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from actscope.probe import functions
from actscope.probe.functions import ALWAYS, HINGE, PART, PLAIN, Plan
from actscope.probe.transforms import bare, running

_CASTS = functions.words("to float half bfloat16 double type_as type clone")


@dataclass(slots=True, eq=False)
class Layer:
    """The layer whose weight stands last before a tensor.

    Attributes:
        weight: a weak reference to it.
        inputs: where the weight counts the inputs of a unit: "rest" of its dimensions behind the
            first, "first" before the last, "transposed" all but the second; "" if unknown.
        plain: nothing but its bias and views lie between: no norm, no residual sum.
        place: counts calls of a pass, so that the later of two layers can be told.
    """

    weight: weakref.ref[Any]
    inputs: str
    plain: bool
    place: int

    @property
    def fan_in(self) -> int:
        """Inputs of one unit; 0 if unknown."""
        weight = self.weight()
        shape: tuple[int, ...] = () if weight is None else tuple(weight.shape)
        if self.inputs == "rest":
            return math.prod(shape[1:])
        if self.inputs == "transposed":
            return shape[0] * math.prod(shape[2:])
        return shape[-2] if self.inputs == "first" else 0


@dataclass(eq=False)
class Source:
    """The tensor that an expression starts from, and what is known of where it came from.

    Attributes:
        dim: the dimension of its units, or None where the shape has to decide.
        weighted: whether a layer with weights made it.
        layer: that layer, or None.
        version: torch's count of in-place changes when the expression began.
        rows: rows sampled before an in-place function overwrote it, or None.
        total: the exponential that the numbers are sums of (logsumexp: of whose exponential).
        mapped: dimensions in front of its own, in the tensors that are measured (see `transforms`).
    """

    dim: int | None
    weighted: bool
    layer: Layer | None
    version: int
    rows: Any = field(default=None, init=False)
    total: Expression | None = field(default=None, init=False)
    mapped: int = field(default=0, init=False)


@dataclass(eq=False)
class Expression:
    """One elementwise function of a source: the source itself where `func` is None.

    Attributes:
        name: the function's canonical name.
        func: what to call with `args` and `kwargs`, in which an Expression stands for its value.
        level: how much of an activation it is (see `functions`).
        seconds: time spent in its calls.
        emitted: reported already.
        module_path: the path of the activation module that it is, or None.
        gated: multiplied by another tensor, of its shape or broadcast.
        exponential: there is an exp in it.
        bends: its own function is what makes an activation of it.
        frame: the call of a module in which it was made.
        site: the name that the listener gave it.
        serial: the number, in the pass, of the call that completed it.
    """

    source: Source
    name: str = "x"
    func: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    level: int = PLAIN
    seconds: float = field(default=0.0, init=False)
    emitted: bool = field(default=False, init=False)
    module_path: str | None = field(default=None, init=False)
    gated: bool = field(default=False, init=False)
    exponential: bool = field(default=False, init=False)
    bends: bool = field(default=False, init=False)
    frame: Any = field(default=None, init=False)
    site: str = field(default="", init=False)
    serial: int = field(default=0, init=False)


SMALL = 1e-3  # a lower bound up to this is there for the sake of division


def level_of(plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, bool]:
    """How much of an activation a function is, of arguments among which expressions stand.

    Returns:
        The level, and whether the function itself, not what is below it, makes an activation of it.
    """
    parts = [a for a in (*args, *kwargs.values()) if isinstance(a, Expression)]
    below, own = max((p.level for p in parts), default=PLAIN), plan.level
    if plan.name in ("clamp", "clamp_min") and _guards(args, kwargs):
        own = PLAIN
    elif len(parts) > 1 if plan.name == "mul" else plan.name == "pow" and _power(args):
        own = PART
    if below == PART and _joins(plan, args, parts):
        own = HINGE
    return max(below, own), own >= HINGE


def _guards(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a clamp only keeps a number away from zero, in front of a logarithm or a root."""
    low = kwargs.get("min", args[1] if len(args) > 1 else None)
    high = kwargs.get("max", args[2] if len(args) > 2 else None)
    return high is None and isinstance(low, float) and 0 < low <= SMALL


def _power(args: tuple[Any, ...]) -> bool:
    """Whether x ** n is a polynomial that bends."""
    power = args[1] if len(args) > 1 else None
    return isinstance(power, (int, float)) and power > 1


def _joins(plan: Plan, args: tuple[Any, ...], parts: list[Expression]) -> bool:
    """Whether a function makes of an exponential or a polynomial what is neither."""
    if plan.name in ("mul", "div") and len(parts) > 1:
        return any(p.exponential for p in parts) or plan.name == "div"
    if plan.name == "div":  # a number over it
        return not isinstance(args[0], Expression)
    exponential = any(p.exponential for p in parts)
    return plan.name in (functions.ABOVE_EXP if exponential else functions.ABOVE_POWER)


def version_of(tensor: Any) -> int:
    """Torch's count of in-place changes; 0 for tensors that keep none."""
    if running() is not None:
        tensor = bare(tensor)
    return 0 if tensor.is_inference() else int(tensor._version)


def _value(arg: Any, x: Any, seen: dict[int, Any]) -> Any:
    if isinstance(arg, Expression):
        return replay(arg, x, seen)
    if isinstance(arg, torch.Tensor):
        # a parameter with one number a channel stands by its mean
        value = arg.detach().to(device=x.device)
        value = value.to(x.dtype) if value.is_floating_point() else value
        return value if value.numel() == 1 else value.mean(dtype=x.dtype).reshape(1)
    return arg


def replay(expression: Expression, x: Any, seen: dict[int, Any] | None = None) -> Any:
    """The expression's value at other points.

    Args:
        expression: what to evaluate.
        x: floats of any shape, which take the source's place.
        seen: values already worked out, by the identity of their expression.
    """
    seen = {} if seen is None else seen
    if expression.func is None:
        return x.clone()
    if id(expression) not in seen:
        args = [_value(a, x, seen) for a in expression.args]
        kwargs = {k: _value(v, x, seen) for k, v in expression.kwargs.items()}
        if expression.name in _CASTS:  # a cast keeps the numbers; the table stays in float64
            seen[id(expression)] = args[0]
        else:
            if expression.name == "rrelu":  # with its mean slope, and no number drawn
                kwargs["training"] = False
            seen[id(expression)] = expression.func(*args, **kwargs)
    return seen[id(expression)].clone()


_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "gt": ">", "lt": "<"}
_SIGNS |= {"ge": ">=", "le": "<="}
_REVERSED = {"rsub": "-", "rdiv": "/", "rpow": "**"}


def _say(arg: Any) -> str:
    if isinstance(arg, Expression):
        return text(arg)
    if isinstance(arg, torch.Tensor):
        if isinstance(arg, torch.nn.Parameter) or arg.numel() != 1:
            return "p"
        return f"{arg.item():.4g}"
    if isinstance(arg, bool) or not isinstance(arg, (int, float)):
        return str(arg)
    return f"{arg:.4g}"


def text(expression: Expression) -> str:
    """The expression as one would write it, the source as x and learnt numbers as p."""
    if expression.func is None:
        return "x"
    if expression.name in _CASTS:
        return _say(expression.args[0])
    said = [_say(a) for a in expression.args]
    if expression.name == "neg":
        return f"-{_bracket(said[0])}"
    if len(said) == 2 and expression.name in _SIGNS:
        return f"{_bracket(said[0])} {_SIGNS[expression.name]} {_bracket(said[1])}"
    if len(said) == 2 and expression.name in _REVERSED:
        return f"{_bracket(said[1])} {_REVERSED[expression.name]} {_bracket(said[0])}"
    said += [f"{k}={_say(v)}" for k, v in expression.kwargs.items() if k != "inplace"]
    return f"{expression.name}({', '.join(said)})"


def _bracket(said: str) -> str:
    """Brackets around what is a sum, a product, …; not around one call or name."""
    depth = 0
    for i, char in enumerate(said):
        depth += (char == "(") - (char == ")")
        if char == " " and depth == 0 and i:
            return f"({said})"
    return said


def is_reported(expression: Expression) -> bool:
    """Whether an expression is an activation where it stands."""
    if expression.func is None or expression.emitted:
        return False
    if expression.level == ALWAYS:
        return True
    return expression.level == HINGE and expression.source.weighted


def learns(expression: Expression) -> bool:
    """Whether a parameter of the model is in it."""
    for part in (*expression.args, *expression.kwargs.values()):
        if isinstance(part, torch.nn.Parameter):
            return True
        if isinstance(part, Expression) and learns(part):
            return True
    return False


def is_polynomial(expression: Expression) -> bool:
    """Whether an expression is a polynomial of a layer's output, and not told of yet."""
    if expression.level != PART or expression.exponential or expression.emitted:
        return False
    return expression.source.weighted


# steps that bend nothing
LINES = functions.words("add sub rsub mul div neg") | _CASTS


def bending(expression: Expression) -> list[Expression]:
    """The calls in an expression that bend: an activation is each of them once."""
    found: dict[int, Expression] = {}
    left = [expression]
    while left:
        one = left.pop()
        if one.bends:
            found[id(one)] = one
        left += [p for p in (*one.args, *one.kwargs.values()) if isinstance(p, Expression)]
    return list(found.values())


def is_composed(expression: Expression) -> bool:
    """Whether more than one function makes the expression, casts not counted."""
    parts = [*expression.args, *expression.kwargs.values()]
    inner = [p for p in parts if isinstance(p, Expression) and p.func is not None]
    if expression.name in _CASTS:
        return any(is_composed(p) for p in inner)
    return any(p.name not in _CASTS or is_composed(p) for p in inner)
