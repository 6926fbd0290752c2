"""What a vector activation is: a function of a whole vector, with its Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from actscope.activations._base import Floats, Interval, Onnx, as_floats
from actscope.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class VectorActivation:
    """A function of vectors (the last axis) and every fact that the project knows about it.

    It stands in two forms: `f`, which is stable and which the library uses, and `naive`, which is
    the formula as printed in textbooks and which the library never uses: it overflows.

    Attributes:
        name: the record's name, equal to its file's.
        label: the name in figures and tables ("Softmax").
        formula: component i of f(x).
        derivative: the entry ∂f_i/∂x_j of the Jacobian.
        f: the function in its stable form, (..., n) to (..., n).
        jacobian: the Jacobian in its stable form, (..., n) to (..., n, n), [i, j] being ∂f_i/∂x_j.
        naive: the function as the formula says.
        naive_jacobian: the Jacobian as the derivative says, from the naive values.
        range: the values that a component takes, for n ≥ 2.
        use_case: where the field uses it, one line.
        source: the text that introduced it.
        torch: `torch(torch_module, x)`, its PyTorch twin.
        onnx: its ONNX operator.

    Example:
        >>> from actscope.activations import activation
        >>> softmax = activation("softmax")
        >>> softmax([0.0, 0.0])
        array([0.5, 0.5])
        >>> softmax.jacobian_at([0.0, 0.0])
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
    """

    name: str
    label: str
    formula: str
    derivative: str
    f: Callable[[Floats], Floats]
    jacobian: Callable[[Floats], Floats]
    naive: Callable[[Floats], Floats]
    naive_jacobian: Callable[[Floats], Floats]
    range: Interval
    use_case: str
    source: str
    torch: Callable[..., Any]
    onnx: Onnx

    def __call__(self, x: ArrayLike) -> Floats:
        """f(x) over the last axis; float32 stays float32. NaN or +∞ in a vector gives NaN."""
        return self._apply(self.f, x)

    def jacobian_at(self, x: ArrayLike) -> Floats:
        """The Jacobian at x, (..., n, n): entry [i, j] = ∂f_i/∂x_j."""
        return self._apply(self.jacobian, x)

    def compare(self, x: ArrayLike) -> pd.DataFrame:
        """The naive and the stable form side by side at one vector of logits, (n,).

        Example:
            >>> from actscope.activations import activation
            >>> activation("softmax").compare([1000.0, 999.0])
                logit  naive    stable
            0  1000.0    NaN  0.731059
            1   999.0    NaN  0.268941
        """
        import pandas as pd

        logits = np.asarray(x)
        if logits.ndim != 1:
            raise InputError(f"{self.name}: x has shape {logits.shape}: expected one vector, (n,)")
        forms = {"naive": self._apply(self.naive, x), "stable": self(x)}
        return pd.DataFrame({"logit": as_floats(x), **forms})

    def _apply(self, function: Callable[[Floats], Floats], x: ArrayLike) -> Floats:
        array = as_floats(x)
        if array.ndim == 0 or array.shape[-1] == 0:
            raise InputError(
                f"{self.name}: x has shape {array.shape}: expected vectors of at least one logit "
                "along the last axis"
            )
        with np.errstate(all="ignore"):  # the naive form is meant to fail, and to show how
            return function(array)
