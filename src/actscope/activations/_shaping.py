"""Shaped activations: any activation made fit for a given depth by two scales and two shifts."""

from __future__ import annotations

import functools
import math
import re
from typing import Any

import numpy as np

from actscope.activations._base import Activation, Facts, Floats, Interval, Param, Rule
from actscope.activations._lookup import elementwise
from actscope.errors import BadParameter
from actscope.maths import gaussian, shaping
from actscope.maths.shaping import ETA, TAU, ZETA, Network, Shaping

_ANY, _POSITIVE = Interval(-math.inf, math.inf), Interval(0.0, math.inf)
_PARAMS = (
    Param("input_scale", 1.0, _POSITIVE, "multiplies the input"),
    Param("input_shift", 0.0, _ANY, "is added to the scaled input"),
    Param("output_shift", 0.0, _ANY, "is added to the output"),
    Param("output_scale", 1.0, _POSITIVE, "multiplies the shifted output"),
)


def shape(
    activation: str | Activation,
    depth: int | None = None,
    *,
    method: str = "dks",
    network: Network | None = None,
    zeta: float = ZETA,
    tau: float = TAU,
    eta: float = ETA,
) -> Activation:
    """The activation, scaled and shifted so that a network of this depth keeps its geometry.

    output_scale·(φ(input_scale·x + input_shift) + output_shift), with the four numbers of Deep
    Kernel Shaping or Tailored Activation Transformations. It goes with weights of variance
    1/fan_in (σw = 1) and biases of 0: lengths then hold and angles hardly move.

    Args:
        activation: a name, an expression or an activation; φ keeps its parameters, but the slope
            of leaky_relu is set here.
        depth: number of hidden layers of a plain network, at least 1.
        method: "dks" (mean 0, and angles that open a little) or "tat" (angles that hold to
            first order; for leaky_relu only its slope and scale are set).
        network: instead of the depth, how the layers are put together: `network(x, layer)`, as
            `actscope.maths.shaping.residual` makes it.
        zeta: dks: C'(1) over the whole network, above 1.
        tau: tat: C''(1) over the whole network, above 0.
        eta: tat for leaky_relu: C(0) over the whole network, in (0, 1).

    Returns:
        An Activation with the four numbers as parameters, behind those of φ.

    Raises:
        UnknownName, BadExpression: no such activation.
        BadParameter: an argument is out of range; or not one of depth and network is given.
        InputError: φ cannot be shaped so (ReLU).

    Example:
        >>> a = shape("tanh", depth=50)
        >>> round(a.settings["output_scale"], 6), a([-1.0, 0.0, 1.0]).round(4)
        (10.604448, array([-0.9992,  0.0649,  0.9975]))

    Source: Martens et al. 2021, Rapid training of deep neural networks without skip connections
    or normalization layers using Deep Kernel Shaping; Zhang, Botev & Martens 2022, Deep learning
    without shortcuts: shaping the kernel with tailored rectifiers.
    """
    if (depth is None) == (network is None):
        raise BadParameter("shape needs either depth (of a plain network) or network, and not both")
    if method not in ("dks", "tat"):
        raise BadParameter(f"method = {method!r}: expected 'dks' or 'tat'")
    base = elementwise(activation)
    whole = network if network is not None else shaping.plain(_whole_number(depth))
    if base.name == "leaky_relu":
        base, numbers = _leaky(base, whole, method, zeta, eta)
    else:
        target = (
            shaping.local_slope(whole, zeta)
            if method == "dks"
            else shaping.local_curvature(whole, tau)
        )
        numbers = shaping.solve(
            lambda x: base.f(x, *base.values),
            lambda x: base.df(x, *base.values),
            base.kinks,
            method=method,
            target=target,
        )
    return _shaped(base, numbers, method)


def _whole_number(depth: Any) -> int:
    if isinstance(depth, bool) or not isinstance(depth, (int, np.integer)):
        raise BadParameter(f"depth = {depth!r}: expected a whole number of at least 1")
    return int(depth)


def _leaky(
    base: Activation, network: Network, method: str, zeta: float, eta: float
) -> tuple[Activation, Shaping]:
    if method == "dks":
        slope, numbers = shaping.leaky_relu_dks(shaping.local_slope(network, zeta))
    else:
        slope = shaping.leaky_relu_slope(network, eta)
        numbers = Shaping(1.0, 0.0, 0.0, math.sqrt(2.0 / (1.0 + slope**2)))
    return base.with_params(slope=slope), numbers


def _shaped(base: Activation, numbers: Shaping, method: str) -> Activation:
    """The record of output_scale·(φ(input_scale·x + input_shift) + output_shift)."""
    values = (*base.values, *map(float, numbers))
    facts = functools.partial(_facts, base)
    f, df = _functions(base.f, base.df)
    torch = base.torch
    rule = base.rule
    inner = "(input_scale*x + input_shift)"
    formula, derivative = (
        re.sub(r"\(x\)|\bx\b", inner, text) for text in (base.formula, base.derivative)
    )

    def twin(library: Any, x: Any, *given: float) -> Any:
        *own, scale_in, shift_in, shift_out, scale_out = given
        assert torch is not None
        return scale_out * (torch(library, scale_in * x + shift_in, *own) + shift_out)

    return type(
        base
    )(  # a typed expression stays one
        name=f"shaped_{base.name}" if base.name.isidentifier() else f"shaped({base.name})",
        label=f"{base.label} ({method.upper()})",
        formula=f"output_scale*({formula} + output_shift)",
        derivative=f"output_scale*input_scale*({derivative})",
        f=f,
        df=df,
        **facts(*values),
        facts=facts,
        use_case="deep plain networks without normalisation or shortcuts",
        source={
            "dks": "Martens et al. 2021, Rapid training of deep neural networks without skip "
            "connections or normalization layers using Deep Kernel Shaping",
            "tat": "Zhang, Botev & Martens 2022, Deep learning without shortcuts: shaping the "
            "kernel with tailored rectifiers",
        }[method],
        torch=None if torch is None else twin,
        params=(*base.params, *_PARAMS),
        values=values,
        rule=None if rule is None else Rule(rule.text, lambda *v: rule.holds(*v[:-4])),
        made=(_shaped, (base, numbers, method)),
    )


@functools.lru_cache(maxsize=256)
def _functions(base_f: Any, base_df: Any) -> tuple[Any, Any]:
    """The shaped f and df; the same two for the same φ, so that they are compiled only once."""

    def f(x: Floats, *values: float) -> Floats:
        *own, scale_in, shift_in, shift_out, scale_out = values
        y: Floats = scale_out * (base_f(scale_in * x + shift_in, *own) + shift_out)
        return y

    def df(x: Floats, *values: float) -> Floats:
        *own, scale_in, shift_in, _, scale_out = values
        y: Floats = (scale_out * scale_in) * base_df(scale_in * x + shift_in, *own)
        return y

    return f, df


def _facts(base: Activation, *values: float) -> Facts:
    """What the scales and shifts make of the facts of φ."""
    *own, scale_in, shift_in, shift_out, scale_out = values
    inner = base.with_params(**{p.name: v for p, v in zip(base.params, own, strict=True)})
    low, high = (scale_out * (end + shift_out) for end in (inner.range.low, inner.range.high))
    kinks = tuple((k - shift_in) / scale_in for k in inner.kinks)
    whole = Interval(low, high, inner.range.low_attained, inner.range.high_attained)
    f, _ = _functions(base.f, base.df)
    mean = gaussian.mean(lambda z: f(z, *values), kinks).value
    second = gaussian.mean(lambda z: f(z, *values) ** 2, kinks).value
    return {
        "range": whole,
        "kinks": kinks,
        "zero_centred": abs(mean) <= 1e-10 * math.sqrt(second),
        "monotonic": inner.monotonic,
        "onnx": None,
    }
