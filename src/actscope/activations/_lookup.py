"""From a name or a typed expression to its record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, overload

from actscope.activations._base import Activation
from actscope.activations.vectors._base import VectorActivation
from actscope.errors import BadParameter, InputError, UnknownName
from actscope.shelf import Shelf

SHELF: Shelf[Activation] = Shelf("actscope.activations", "activation")
# What `Activation.key` prints: name(parameter=value, …)
_PAIR = r"\s*\w+\s*=[^,=()]*"
LONGEST_KEY = 1000  # characters
_KEY = re.compile(rf"\s*(\w+)\s*\(({_PAIR}(?:,{_PAIR})*)\)\s*")

VECTORS: Shelf[VectorActivation] = Shelf("actscope.activations.vectors", "vector activation")


@overload
def activation(name: Literal["softmax", "log_softmax"]) -> VectorActivation: ...  # type: ignore[overload-overlap]
@overload
def activation(name: str | Activation, **settings: float) -> Activation: ...
def activation(
    name: str | Activation | VectorActivation, **settings: float
) -> Activation | VectorActivation:
    """The activation of this name, or that this expression says, with these parameters.

    Args:
        name: a name of the catalogue; or one with its parameters, as tables print it, such as
            "leaky_relu(slope=0.1)"; or an expression of x, such as `x*sigmoid(1.7*x)`; or an
            activation, which is returned with the parameters changed.
        settings: its parameters by name; those not given keep their values. In an expression,
            numbers for the names in it besides x, pi and e.

    Returns:
        The activation. softmax and log_softmax act on whole vectors and give a VectorActivation;
        who needs an elementwise one, calls `elementwise`.

    Raises:
        UnknownName: no record has this name; the message names the nearest.
        BadExpression: neither a name nor an expression of the language.
        BadParameter: no such parameter, or a value that its record does not allow.

    Example:
        >>> activation("leaky_relu", slope=0.1)(-2.0).item()
        -0.2
        >>> activation("x*sigmoid(2*x)").slope_at(0.0).item()
        0.5
        >>> activation("rellu")
        Traceback (most recent call last):
            ...
        actscope.errors.UnknownName: unknown activation 'rellu': did you mean 'relu'? ...

    Source: each record names its own (`source`); typed expressions are differentiated by SymPy.
    """
    if isinstance(name, str):
        name = name.strip() or name
        if name in VECTORS.names():
            name = VECTORS.get(name)
    if isinstance(name, VectorActivation):
        if settings:
            raise BadParameter(f"{name.name} has no parameter {min(settings)!r}: it takes none")
        return name
    if isinstance(name, Activation):
        return name.with_params(**settings)
    if not isinstance(name, str):
        raise InputError(f"activation {name!r}: expected a name, an expression or an Activation")
    return _named(name, settings)


def _named(name: str, settings: Mapping[str, float]) -> Activation:
    """The elementwise activation of this name, key or expression."""
    if name in SHELF.names():
        return SHELF.get(name).with_params(**settings)
    if name.isidentifier() and name != "x":
        raise UnknownName("activation", name, [*SHELF.names(), *VECTORS.names()])
    if len(name) <= LONGEST_KEY and (found := _KEY.fullmatch(name)):
        return SHELF.get(found[1]).with_params(**{**_settings(name, found[2]), **settings})
    from actscope.activations._expression import parse

    return parse(name, settings)


def _settings(key: str, pairs: str) -> dict[str, float]:
    """{"slope": 0.1} from "slope=0.1", the inside of a key's brackets."""
    settings = {}
    for pair in pairs.split(","):
        name, _, value = (part.strip() for part in pair.partition("="))
        try:
            settings[name] = float(value)
        except ValueError:
            raise BadParameter(
                f"{key!r}: {name} = {value!r} is not a number; expected as in leaky_relu(slope=0.1)"
            ) from None
    return settings


def elementwise(name: str | Activation, **settings: float) -> Activation:
    """As `activation`, but softmax and log_softmax are refused.

    Raises:
        InputError: it acts on whole vectors; and what `activation` raises.

    Example:
        >>> elementwise("softmax")
        Traceback (most recent call last):
            ...
        actscope.errors.InputError: softmax acts on whole vectors: expected an elementwise ...
    """
    record: Activation | VectorActivation = activation(name, **settings)
    if isinstance(record, VectorActivation):
        raise InputError(
            f"{record.name} acts on whole vectors: expected an elementwise activation, such as relu"
        )
    return record
