"""What a function that is not elementwise tells of its result: units, weight, where it is from."""

from __future__ import annotations

import dataclasses
import weakref
from typing import Any

import torch
from torch import nn

from actscope.probe import functions
from actscope.probe.expressions import Expression, Layer
from actscope.probe.functions import Plan
from actscope.probe.notes import Note, Notes


def note_layer(
    notes: Notes,
    plan: Plan,
    result: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    place: int,
) -> None:
    """Note the result of a product with a weight.

    Args:
        notes: of the pass.
        plan: of the function.
        result: the tensor that it gave back.
        args: what it was called with.
        kwargs: the same, by name.
        place: the number of the call in the pass.
    """
    where, inputs = plan.weight or (0, "")
    weight = args[where] if len(args) > where else kwargs.get("weight")
    layer = None
    if isinstance(weight, torch.Tensor) and weight.ndim >= 2:
        layer = Layer(weakref.ref(weight), inputs, True, place)
    notes.put(result, None, result.ndim - plan.units if plan.units else 1, True, layer)


def note_result(
    notes: Notes,
    plan: Plan,
    result: Any,
    args: tuple[Any, ...],
    tensors: list[Any],
    place: int,
) -> None:
    """Note a result of anything else that is not elementwise.

    Args:
        notes: of the pass.
        plan: of the function.
        result: a tensor that it gave back.
        args: what it was called with.
        tensors: those among them.
        place: the number of the call in the pass.
    """
    if plan.units is not None:
        dim = result.ndim - plan.units if plan.units else 1
        if plan.name == "einsum" and isinstance(args[0], str):
            dim = _einsum_dim(args[0], result, tensors)
        notes.put(result, None, dim, True, _layer_of(notes, plan, tensors, place))
    elif plan.name in functions.CONSTANTS:
        notes.put(result, constant=True, uniform=plan.name in functions.UNIFORM)
    elif tensors:
        _note_other(notes, plan, result, _first_data(notes, tensors))


def _note_other(notes: Notes, plan: Plan, result: Any, first: Any) -> None:
    """Note the result of what is neither a layer nor makes numbers, by what holds of its data."""
    if plan.name == "logsumexp":
        notes.expression(first)
    known = notes.get(first)
    if known is None:
        return
    if plan.name not in functions.REDUCTIONS:
        _passed_on(notes, known, plan, result, first)
    elif (total := _total(known, plan)) is not None:
        notes.put(result, total=total)


def _total(known: Note, plan: Plan) -> Expression | None:
    """The exponential that a call sums up, or what the numbers it is given are sums of."""
    made = known.expression
    exponential = made is not None and made.name in functions.EXPONENTIALS
    summed = plan.name == "logsumexp" or (exponential and plan.name in functions.SUMS)
    return made if summed else known.total


def is_softmax(notes: Notes, plan: Plan, args: tuple[Any, ...]) -> str:
    """What a call completes: "softmax", "log_softmax" or "".

    exp(x) / Σ exp(x) is the one, x - logsumexp(x) the other.
    """
    name = {"div": "softmax", "sub": "log_softmax"}.get(plan.name, "")
    above, below = (notes.get(a) for a in (*args, None, None)[:2])
    if not name or above is None or below is None or below.expression is None:
        return ""
    total, over = below.expression.source.total, above.expression
    return name if total is not None and over is not None and _equal(total, over) else ""


def _equal(a: Expression, b: Expression) -> bool:
    """Whether two expressions are one, or the same function of the same thing, called twice."""
    return a is b or (
        a.name in functions.EXPONENTIALS
        and (a.source, a.name, a.args, a.kwargs) == (b.source, b.name, b.args, b.kwargs)
    )


def _first_data(notes: Notes, tensors: list[Any]) -> Any:
    """The first of these tensors that holds data, as in cat([zeros, x]); else the very first."""
    known = notes.get(tensors[0])
    if known is None or not known.constant:
        return tensors[0]
    data = (t for t in tensors if t.is_floating_point() and not notes.is_constant(t))
    return next(data, tensors[0])


def _einsum_dim(equation: str, result: Any, tensors: list[Any]) -> int:
    """Where an einsum puts the letter that its weight alone has; the last where none is seen."""
    left, _, right = equation.replace(" ", "").partition("->")
    operands = left.split(",")
    weights = [o for o, t in zip(operands, tensors, strict=False) if isinstance(t, nn.Parameter)]
    for letter in reversed(weights[0] if weights else ""):
        if letter in right and sum(letter in o for o in operands) == 1 and letter != ".":
            behind = right[right.index(letter) + 1 :]
            return int(result.ndim - 1 - len(behind)) if "." not in behind else result.ndim - 1
    return int(result.ndim - 1)


def _layer_of(notes: Notes, plan: Plan, tensors: list[Any], place: int) -> Layer | None:
    """The layer that an einsum is; a norm hands on the one before it."""
    if plan.name in functions.NORMS:
        known = notes.get(tensors[0]) if tensors else None
        layer = known.layer if known is not None else None
        return dataclasses.replace(layer, plain=False) if layer is not None else None
    if plan.name == "einsum":
        weight = next((t for t in tensors if isinstance(t, nn.Parameter)), None)
        return Layer(weakref.ref(weight), "", True, place) if weight is not None else None
    return None


def _followed(plan: Plan, result: Any, first: Any, dim: int) -> int | None:
    """Where a view has a dimension of what it is a view of: the one of that size and stride."""
    if plan.name not in functions.VIEWS | functions.MOVES or first.is_nested or not result.ndim:
        return None
    size, step = first.shape[dim], first.stride(dim)
    found = [d for d in range(result.ndim) if (result.shape[d], result.stride(d)) == (size, step)]
    if len(found) == 1:
        return found[0]
    # units cut into heads: those of one head lie on the last dimension
    cut = dim == first.ndim - 1 and result.ndim > first.ndim and size % result.shape[-1] == 0
    return result.ndim - 1 if cut else None


def _passed_on(notes: Notes, known: Note, plan: Plan, result: Any, first: Any) -> None:
    """What holds of the first argument and still holds of the result."""
    dim = known.dim
    if dim is not None and (plan.name in functions.MOVES or result.ndim != first.ndim):
        dim = _followed(plan, result, first, dim)
    view = plan.name in functions.VIEWS
    kept = view or plan.name == "dropout"
    notes.put(
        result,
        dim=dim,
        weighted=known.weighted,
        layer=known.layer if kept and dim is not None else None,
        constant=known.constant,
        uniform=known.uniform and plan.name in _STILL,
        squashed=notes.squashed(first),
        made_by=(known.made_by or known.expression) if view else None,
        total=_total(known, plan),
    )


def note_sum(notes: Notes, plan: Plan, result: Any, tensors: list[Any], constant: bool) -> None:
    """Note the result of an elementwise function of several sources."""
    found = [n for t in tensors if (n := notes.get(t)) is not None]
    weighted = [n for n in found if n.weighted]
    layers = [n.layer for n in weighted if n.layer is not None]
    layer = max(layers, key=lambda known: known.place, default=None)
    alone = plan.name == "add" and len(weighted) == 1  # a bias added by hand
    if layer is not None and not alone:
        layer = dataclasses.replace(layer, plain=False) if plan.name in _SUMS else None
    notes.put(
        result,
        constant=constant,
        uniform=constant and bool(found) and all(n.uniform for n in found),
        # a sum with a residual branch: the layer added last tells
        dim=weighted[-1].dim if weighted else None,
        weighted=bool(weighted),
        layer=layer,
    )


def note_written(notes: Notes, plan: Plan, tensors: list[Any]) -> None:
    """Note that values were put into the first of these tensors: it is data now, if they are."""
    target, *values = tensors
    found = [n for t in values if (n := notes.get(t)) is not None]
    data = len(found) < len(values) or any(not n.constant for n in found)
    for tensor in (target, target._base):
        known = notes.get(tensor)
        if known is None or tensor is None:
            continue
        last = any(n.dim == t.ndim - 1 for t in values if (n := notes.get(t)) is not None)
        notes.put(
            tensor,
            dim=known.dim if known.dim is not None else tensor.ndim - 1 if last else None,
            weighted=known.weighted or any(n.weighted for n in found),
            constant=known.constant and not data,
            total=next((t for n in found if (t := _total(n, plan)) is not None), None),
        )


_SUMS = frozenset(["add", "sub"])
_STILL = functions.VIEWS | functions.MOVES | frozenset(["expand", "repeat", "to", "clone"])
