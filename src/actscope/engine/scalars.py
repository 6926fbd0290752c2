"""An activation as two compiled functions of one float64: the third machine of its formula.

They are C functions: Python calls them, and so does code that Numba compiles (Numba takes ctypes
functions as they are), which is how a loop over points of one's own uses a record's formula.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import ctypes
from collections.abc import Callable

from llvmlite import ir

from actscope.activations._base import Activation
from actscope.engine.compile import Library
from actscope.engine.emit import Code
from actscope.engine.lanes import Lane, LaneType
from actscope.engine.layers import phi

Scalar = Callable[[float], float]


def compile_scalar(activation: Activation) -> tuple[Scalar, Scalar]:
    """The activation and its slope, compiled.

    Args:
        activation: a record of the catalogue or a typed expression.

    Returns:
        f and df, each a ctypes function from a float to a float. The code lives as long as
        either of them.

    Example:
        >>> from actscope.activations import activation
        >>> f, df = compile_scalar(activation("sigmoid"))
        >>> f(0.0), df(0.0)
        (0.5, 0.25)
    """
    code, lanes = Code("scalars"), LaneType("float64", 1)
    double = ir.DoubleType()
    for i, name in enumerate(("f", "df")):
        fn = ir.Function(code.module, ir.FunctionType(double, [double]), name=name)
        code.builder = ir.IRBuilder(fn.append_basic_block("entry"))
        x = Lane(code, lanes, lanes.splat(code, fn.args[0]).ir)
        y = phi(activation, x)[i]
        code.builder.ret(code.builder.extract_element(y.ir, ir.IntType(32)(0)))
    library = Library(str(code))
    made = []
    for name in ("f", "df"):
        function = library.function(name, ctypes.c_double, result=ctypes.c_double)
        function.library = library
        made.append(function)
    return made[0], made[1]
