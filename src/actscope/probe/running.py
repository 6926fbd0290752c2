"""Run modules and activations of PyTorch as plain calls on arrays, to be timed by others."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch

from actscope.activations import Activation


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use so many threads while the block runs; compiled code keeps it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def caller(module: Any, x: Any, dtype: str = "float32") -> Callable[[], Any]:
    """A call of a module on one batch, without gradients.

    Args:
        module: in the type that it is to run in.
        x: (batch, inputs), an array.
        dtype: "float32", "float64" or "bfloat16".
    """
    held = torch.as_tensor(x).to(getattr(torch, dtype))

    def call() -> Any:
        with torch.inference_mode():
            return module(held)

    return call


def outputs(module: Any, x: Any, dtype: str = "float32") -> Any:
    """What a module gives for a batch, as an array of float64."""
    return caller(module, x, dtype)().double().numpy()


def in_type(module: Any, dtype: str) -> Any:
    """A copy of a module whose numbers have another type."""
    import copy

    return copy.deepcopy(module).to(getattr(torch, dtype))


def compiled(module: Any) -> Callable[[Any], Any]:
    """The module compiled by TorchInductor, for batches of any size.

    What is compiled is kept with a function's code, and each call goes through the list of what
    is kept there; so each module gets a function with code of its own.

    Raises:
        Exception: of many types, when it is first called and there is no C++ compiler.
    """

    def forward(x: Any) -> Any:
        return module(x)

    code = forward.__code__.replace(co_name=f"forward_{id(module)}")
    own = types.FunctionType(code, forward.__globals__, code.co_name, None, forward.__closure__)
    return torch.compile(own, dynamic=True)  # type: ignore[no-any-return]


def elementwise(record: Activation, x: Any) -> Callable[[], Any]:
    """A call of an activation's PyTorch twin, without gradients."""
    held, twin = torch.as_tensor(x), record.torch
    assert twin is not None

    def call() -> Any:
        with torch.inference_mode():
            return twin(torch, held, *record.values)

    return call


def slope(record: Activation, x: Any) -> Callable[[], Any]:
    """A call of the backward pass of an activation alone: a gradient in, a gradient out."""
    held = torch.as_tensor(x).clone().requires_grad_()
    twin, gradient = record.torch, torch.ones_like(held)
    assert twin is not None
    y = twin(torch, held, *record.values)
    return lambda: torch.autograd.grad(y, held, gradient, retain_graph=True)


def model_of(text: str, seed: int) -> Any:
    """The model that a text names (see `load_model`), in eval mode, its weights drawn from a seed.

    Raises:
        InputError: there is no such model.
    """
    from actscope.probe.load import load_model

    torch.manual_seed(seed)
    model = load_model(text)
    # an exported program has the mode that it was made in
    return model if isinstance(model, torch.fx.GraphModule) else model.eval()


def model_call(model: Any, batch: Any) -> Callable[[], Any]:
    """A call of a model on a batch as `inspect` takes it, without gradients."""
    from actscope.probe.batches import batches_of

    first = next(iter(batches_of(model, batch, None, 1)))

    def call() -> Any:
        with torch.no_grad():
            return model(*first.args, **first.kwargs)

    return call
