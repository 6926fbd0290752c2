"""The product of slopes that a gradient passes on its way down, in logarithms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from actscope.activations._base import Activation, Floats
from actscope.engine.checks import whole
from actscope.errors import BadParameter

MOST_DEPTH = 100_000
SIDES = {"used": 0.0, "left": -math.inf, "right": math.inf}


@dataclass(frozen=True, eq=False)
class SlopeProduct:
    """|slope| to the power of the number of layers, which no depth takes below the smallest float.

    Attributes:
        slope: the factor of one layer: |φ'(x)|, or the root of E[φ'(x)²] for a random x.
        log10: (depth + 1,), log10 of the product after 0, 1, … layers; −∞ for an exact 0.
        zero_share: how probable it is that the product over all layers is exactly 0.
    """

    slope: float
    log10: Floats
    zero_share: float

    @property
    def value(self) -> float:
        """The product over all layers as a float: 0 below 5e-324, which `log10` tells apart."""
        try:
            return self.slope ** (len(self.log10) - 1)
        except OverflowError:
            return math.inf


def slope_product(phi: Activation, depth: int, x: float, side: str = "used") -> SlopeProduct:
    """|φ'(x)|^l for l = 0 … depth: every layer sees the same x, every weight is 1.

    Args:
        phi: the activation.
        depth: the number of layers, 1 to 100,000.
        x: what each of them is applied to.
        side: at a kink, "left" or "right" takes the one-sided slope, "used" the one that a
            gradient takes.

    Raises:
        BadParameter, BadSpec: an argument that cannot be.

    Example:
        >>> from actscope.activations import activation
        >>> product = slope_product(activation("sigmoid"), 600, 0.0)
        >>> product.value, round(float(product.log10[-1]), 1)
        (0.0, -361.2)
    """
    if side not in SIDES or not math.isfinite(x):
        raise BadParameter(
            f"x = {x!r}, side = {side!r}: expected a number, and used, left or right"
        )
    at = x if side == "used" else float(np.nextafter(x, SIDES[side]))
    slope = abs(float(phi.slope_at(at)))
    return SlopeProduct(slope, _powers(slope, depth), float(slope == 0.0))


def slope_product_of_normal(
    phi: Activation, depth: int, mean: float = 0.0, std: float = 1.0
) -> SlopeProduct:
    """E[φ'(x)²]^(l/2) for l = 0 … depth: every layer sees an x ~ N(mean, std²) of its own.

    It is the root mean square of the product over all paths, which is what the norm of a gradient
    follows when its weights keep lengths. A single path may well differ: `zero_share` says how
    many are exactly 0.

    Args:
        phi: the activation.
        depth: the number of layers, 1 to 100,000.
        mean: of x.
        std: of x, positive.

    Raises:
        BadParameter, BadSpec: an argument that cannot be.
        InputError: φ' is not finite somewhere.

    Example:
        >>> from actscope.activations import activation
        >>> relu = slope_product_of_normal(activation("relu"), 10)
        >>> round(relu.value, 5), round(relu.zero_share, 4)
        (0.03125, 0.999)
    """
    from actscope.maths import gaussian

    if not (math.isfinite(mean) and 0.0 < std < math.inf):
        raise BadParameter(f"x ~ N({mean!r}, {std!r}²): expected finite numbers, std positive")
    kinks = [(kink - mean) / std for kink in phi.kinks]
    squared = gaussian.mean(lambda z: phi.slope_at(mean + std * z) ** 2, kinks, scale=std).value
    none = gaussian.mean(
        lambda z: (phi.slope_at(mean + std * z) == 0.0).astype(float), kinks, scale=std
    ).value
    slope = math.sqrt(max(squared, 0.0))
    passes = 1.0 - min(max(none, 0.0), 1.0)
    return SlopeProduct(slope, _powers(slope, depth), 1.0 - passes**depth)


def _powers(slope: float, depth: int) -> Floats:
    """log10 of slope^l for l = 0 … depth; NaN stays NaN."""
    whole("depth", depth, 1, MOST_DEPTH)
    layers = np.arange(depth + 1, dtype=np.float64)
    if slope == 0.0:
        return np.where(layers > 0, -math.inf, 0.0)
    return np.where(layers > 0, layers * math.log10(slope) if slope == slope else math.nan, 0.0)
