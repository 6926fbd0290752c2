"""What each torch function is to the probe: an activation, a part of one, a producer, or nothing.

A function is known by its name, so that `torch.relu`, `Tensor.relu_`, `F.relu` and the exported
`aten.relu.default` are one thing.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# How much of an activation an elementwise function is. PLAIN bends nothing by itself; PART bends
# only inside something larger (exp in 1/(1 + exp(-x))); HINGE is an activation when it follows a
# layer with weights (clamp, where, sin); ALWAYS is one wherever it stands.
PLAIN, PART, HINGE, ALWAYS = range(4)

_ALWAYS = """relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh softplus softsign
hardtanh hardswish hardsigmoid hardshrink softshrink tanhshrink log_sigmoid threshold prelu rrelu
rrelu_with_noise erf"""
_HINGE = """clamp clamp_min clamp_max where maximum minimum max min fmax fmin sin cos abs
heaviside sign gt lt ge le atan asinh sinh cosh sinc erfc ndtr log_ndtr logaddexp"""
_PART = "exp expm1 exp2 square"
_PLAIN = """add sub rsub mul div rdiv pow rpow neg log log1p sqrt rsqrt reciprocal to float
half bfloat16 double type_as type clone eq ne logical_not logical_and logical_or bitwise_not
bitwise_and bitwise_or masked_fill"""
LEVELS = {
    name: level
    for level, names in ((ALWAYS, _ALWAYS), (HINGE, _HINGE), (PART, _PART), (PLAIN, _PLAIN))
    for name in names.split()
}
EXPONENTIALS = words("exp expm1 exp2")
# an exponential below one of these is more than an exponential, a polynomial below one of those
# more than a polynomial
ABOVE_EXP = words("log log1p reciprocal rdiv")
ABOVE_POWER = words("exp expm1 exp2 log log1p sqrt rsqrt reciprocal rdiv")

# by which a bias or a mask of numbers may be put on
MASKING = words("add sub mul div where masked_fill")

SOFTMAX = words("softmax log_softmax softmin _softmax _log_softmax _safe_softmax")
GATED = frozenset(["glu"])

# new name -> how it is written elsewhere in torch
_OTHER = {
    "sigmoid": "special_expit expit",
    "log_sigmoid": "logsigmoid log_sigmoid_forward",
    "threshold": "_threshold",
    "prelu": "_prelu_kernel",
    "clamp": "clip",
    "div": "true_divide divide __truediv__ __itruediv__ __div__",
    "rdiv": "__rdiv__ __rtruediv__",
    "mul": "multiply __mul__ __rmul__ __imul__",
    "add": "__add__ __radd__ __iadd__",
    "sub": "subtract __sub__ __isub__",
    "rsub": "__rsub__",
    "pow": "__pow__ __ipow__ float_power",
    "rpow": "__rpow__",
    "neg": "negative __neg__",
    "gt": "greater __gt__",
    "lt": "less __lt__",
    "ge": "greater_equal __ge__",
    "le": "less_equal __le__",
    "erf": "special_erf",
    "abs": "absolute __abs__",
    "to": "_to_copy",
    "erfc": "special_erfc",
    "ndtr": "special_ndtr",
    "log_ndtr": "special_log_ndtr",
    "sinc": "special_sinc",
    "atan": "arctan",
    "asinh": "arcsinh",
}
CANONICAL = {other: name for name, others in _OTHER.items() for other in others.split()}

# how far from behind the units of a layer's output lie, or 0: right after the batch
_UNITS = {
    1: """linear addmm matmul mm bmm baddbmm einsum layer_norm rms_norm native_layer_norm
embedding __matmul__ __rmatmul__ bilinear lstm gru rnn_tanh rnn_relu lstm_cell gru_cell
rnn_tanh_cell rnn_relu_cell embedding_bag multi_head_attention_forward
scaled_dot_product_attention""",
    0: """convolution _convolution batch_norm group_norm instance_norm native_batch_norm
_native_batch_norm_legit_no_training native_group_norm""",
    2: "conv1d conv_transpose1d",
    3: "conv2d conv_transpose2d",
    4: "conv3d conv_transpose3d",
}
UNITS = {name: place for place, names in _UNITS.items() for name in names.split()}
# what follows a convolution or a matrix product and keeps its units where they are
REDUCTIONS = words(
    """mean sum var std norm amax amin var_mean std_mean vector_norm linalg_vector_norm cumsum
    prod logsumexp argmax argmin any all topk sort nansum aminmax"""
)
# sums that a softmax by hand divides by; index_select and the like hand them on
SUMS = words("sum scatter_add index_add scatter_reduce segment_reduce index_reduce")
# what a hidden layer's output goes to: there a polynomial is an activation, elsewhere a square is
# part of a distance, a norm, a loss
ONWARD = words(
    """linear conv1d conv2d conv3d batch_norm layer_norm group_norm dropout flatten view reshape
    avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d"""
)
# functions that move dimensions: what was known of the units is no longer
MOVES = words("permute transpose t T mT swapaxes movedim moveaxis flatten einsum rearrange")

_ATTENTION = (
    "the softmax inside fused attention",
    'load the model with attn_implementation="eager" (Hugging Face), or call softmax yourself',
)
# fused kernels whose inside no hook can see, with the way to see it
FUSED = {
    "scaled_dot_product_attention": _ATTENTION,
    "flex_attention": _ATTENTION,
    "lstm": ("the gates of an LSTM", "write the cell with torch.sigmoid and torch.tanh"),
    "gru": ("the gates of a GRU", "write the cell with torch.sigmoid and torch.tanh"),
    "lstm_cell": ("the gates of an LSTM cell", "write the cell with torch.sigmoid and torch.tanh"),
    "gru_cell": ("the gates of a GRU cell", "write the cell with torch.sigmoid and torch.tanh"),
    "rnn_tanh": ("the tanh of every step of an RNN", "write the loop over steps with torch.tanh"),
    "rnn_relu": ("the ReLU of every step of an RNN", "write the loop over steps with torch.relu"),
    "rnn_tanh_cell": ("the tanh of an RNN cell", "write the cell with torch.tanh"),
    "rnn_relu_cell": ("the ReLU of an RNN cell", "write the cell with torch.relu"),
}
SCRIPTED = "give the original nn.Module, before torch.jit.script or trace"
LISTS = "call the function on each tensor of the list"
MASKED = ("values written through a mask (x[x < 0] = …)", "write it as torch.where(x < 0, …, x)")
COMPLEX = "apply it to the real and the imaginary part"
# Python functions of torch that call activations: run again with the probe looking inside
COMPOSITES = frozenset(["multi_head_attention_forward", "gumbel_softmax"])
# what is squashed into probabilities, and the logarithms that the rules do not want behind it
PROBABILITIES = words("softmax sigmoid")
LOGS = words("log log2 log10")
# losses, whose input the rules look at
LOSSES = words(
    """cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss
    l1_loss smooth_l1_loss huber_loss nll_loss_nd cross_entropy_loss"""
)
_IGNORED = words(
    """__get__ __set__ __delete__ size dim stride numel is_floating_point is_complex element_size
    is_contiguous get_device data_ptr storage_offset untyped_storage is_inference
    _set_grad_enabled register_hook __repr__ __str__ __format__ __len__ nelement ndimension
    __hash__ backward is_same_size tolist item __bool__ __int__ __float__ __index__ is_nonzero
    requires_grad_ detach_ __contains__ retain_grad"""
)
# properties that are another view of the same numbers
PROPERTIES = words("data T mT")

# functions that make a tensor without writing to it
EMPTY = words("empty empty_like empty_strided new_empty new_empty_strided empty_permuted")
# functions that make a tensor of numbers, not of data
CONSTANTS = words(
    """zeros ones full zeros_like ones_like full_like tensor arange eye empty new_zeros new_ones
    new_full new_tensor scalar_tensor linspace as_tensor"""
)
UNIFORM = words(
    "zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full scalar_tensor"
)
VIEWS = words("view reshape squeeze unsqueeze flatten contiguous __getitem__ data detach")
# name -> the argument that is the layer's weight, and where its inputs are counted
WEIGHTS: dict[str, tuple[int, str]] = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), (1, "rest")),
    **dict.fromkeys((f"conv_transpose{k}d" for k in (1, 2, 3)), (1, "transposed")),
    **dict.fromkeys(("matmul", "mm", "bmm", "__matmul__"), (1, "first")),
    "addmm": (2, "first"),
}
NORMS = words(
    """layer_norm rms_norm native_layer_norm batch_norm group_norm instance_norm native_batch_norm
    _native_batch_norm_legit_no_training native_group_norm"""
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do when a function of this name is called.

    Attributes:
        name: the canonical name ("sigmoid").
        ignored: reads a property only; uses up nothing.
        level: PLAIN to ALWAYS for an elementwise function, −1 for any other.
        in_place: the first argument is overwritten.
        told: a fused kernel, a loss, a logarithm, an activation of a list of tensors: the listener
            hears of it before it runs.
        composite: a Python function of torch that is run again with the probe looking inside.
        spread: softmax or GLU: an activation that is not elementwise.
        switch: turns gradients on or off.
        writes: may write to a tensor that it is given, as `targets` says.
        puts: puts values into its first argument, which stays what it is (copy_, x[i] = …).
        units: of a layer: where its output's units lie (see `UNITS`); None for any other.
        weight: of a layer: which argument its weight is, and where that counts its inputs.
    """

    name: str
    ignored: bool = False
    level: int = -1
    in_place: bool = False
    told: bool = False
    composite: bool = False
    spread: bool = False
    switch: bool = False
    writes: bool = False
    puts: bool = False
    units: int | None = None
    weight: tuple[int, str] | None = None


def plan_of(func: Callable[..., Any]) -> Plan:
    """The plan of a torch function, read off its name."""
    raw = getattr(func, "__name__", "") or ""
    if hasattr(func, "overloadpacket"):  # aten.relu.default
        raw = func.overloadpacket.__name__
    if raw == "__get__":  # of a property
        raw = getattr(getattr(func, "__self__", None), "__name__", "")
        return Plan(raw, ignored=raw not in PROPERTIES)
    if raw in _IGNORED:
        return Plan(raw, ignored=True, switch=raw == "_set_grad_enabled")
    in_place = (raw.endswith("_") and not raw.endswith("__")) or raw.startswith("__i")
    name = raw.rstrip("_") if in_place and not raw.startswith("__") else raw
    name = CANONICAL.get(name, name)
    level = LEVELS.get(name, -1)
    return Plan(
        name,
        level=level,
        in_place=in_place,
        told=name in FUSED or name in LOSSES or name in LOGS or level_of_list(name) >= HINGE,
        composite=name in COMPOSITES and hasattr(func, "__code__"),
        spread=name in SOFTMAX or name in GATED,
        writes=in_place or name in _WRITERS or LEVELS.get(name) == ALWAYS,
        puts=raw == "__setitem__" or (in_place and level < PLAIN),
        units=UNITS.get(name),
        weight=WEIGHTS.get(name),
    )


def level_of_list(name: str) -> int:
    """How much of an activation `_foreach_tanh` and its kin are; −1 for any other function."""
    alone = name.removeprefix("_foreach_")
    return LEVELS.get(alone, -1) if alone != name else -1


# functions that write without saying so in their name; embeddings where max_norm is given
_WRITERS = words("__setitem__ embedding embedding_bag dropout dropout1d dropout2d dropout3d")


def targets(plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """What a call writes to: `out`, the first argument of a function in place, all of a list."""
    out = kwargs.get("out")
    found = list(out) if isinstance(out, (list, tuple)) else [out]
    if plan.name in ("embedding", "embedding_bag"):
        renormed = kwargs.get("max_norm", args[3] if len(args) > 3 else None) is not None
        return [*found, *args[:2], kwargs.get("weight")] if renormed else found
    if plan.name.startswith(("_foreach", "_fused")):
        return [*found, *(t for a in args if isinstance(a, (list, tuple)) for t in a)]
    if plan.in_place or plan.name == "__setitem__" or is_in_place(plan, args, kwargs):
        found.append(args[0] if args else kwargs.get("input"))
    return found


def is_in_place(plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a functional's `inplace` was given (`F.relu(x, True)`)."""
    last = len(args) > 1 and args[-1] is True
    return kwargs.get("inplace") is True or (last and plan.level == ALWAYS)


def sets_masked(args: tuple[Any, ...]) -> bool:
    """Whether x[mask] = number is called: a mask of the shape of x."""
    x, mask, value = args
    masked = isinstance(mask, torch.Tensor) and mask.dtype == torch.bool and mask.shape == x.shape
    return masked and (not isinstance(value, torch.Tensor) or value.ndim == 0)


def set_masked(x: Any, mask: Any, value: Any) -> Any:
    """x[mask] = value, as an elementwise function in place."""
    x[mask] = value
    return x


SET_MASKED = Plan("masked_fill", level=PLAIN, in_place=True)


@functools.cache
def opened(func: Callable[..., Any]) -> Callable[..., Any]:
    """A composite of torch.nn.functional that does not hand itself over to the mode again."""
    assert isinstance(func, types.FunctionType)
    names = {**func.__globals__}
    for name in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"):
        names[name] = lambda *_: False
    copy = types.FunctionType(
        func.__code__, names, func.__name__, func.__defaults__, func.__closure__
    )
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy
