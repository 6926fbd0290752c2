"""One batch or a loader, in any of the usual forms, as calls of a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from actscope.errors import InputError
from actscope.probe.nested import leaves, mapped


@dataclass(frozen=True)
class Batch:
    """What a model is called with, and the labels of the examples, if known."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    labels: Any = None


def batches_of(
    model: Any, data: Any, labels: Any = None, most: int | None = None
) -> Iterator[Batch]:
    """The batches in `data`.

    Args:
        model: whose device and float type arrays are given.
        data: a tensor or array (one batch), a tuple of them (positional arguments of one batch),
            a mapping (keyword arguments of one batch), or an iterable of batches: a loader, whose
            pairs are inputs and labels.
        labels: of one batch; a loader gives its own.
        most: batches taken; all if None.

    Raises:
        InputError: `data` is none of these, or labels are given beside a loader.
    """
    anchor = next((p for p in model.parameters() if p.is_floating_point()), None)
    if isinstance(data, (torch.Tensor, np.ndarray, tuple, Mapping)):
        yield _one(data, labels, anchor)
        return
    if isinstance(data, (str, bytes)) or not isinstance(data, Iterable):
        raise InputError(
            f"data is {type(data).__name__}: expected a tensor, a tuple or mapping of tensors, "
            "or a loader that gives them"
        )
    if labels is not None:
        raise InputError(
            "labels were given beside a loader: expected a loader of (inputs, labels) pairs, "
            "or one batch with labels"
        )
    for number, item in enumerate(data):
        if most is not None and number >= most:
            return
        if isinstance(item, (tuple, list)) and len(item) == 2:
            yield _one(
                item[0] if not isinstance(item[0], list) else tuple(item[0]), item[1], anchor
            )
        elif isinstance(item, list):
            yield _one(tuple(item), None, anchor)
        else:
            yield _one(item, None, anchor)


def _one(item: Any, labels: Any, anchor: Any) -> Batch:
    labels = _moved(labels, anchor)
    if isinstance(item, Mapping):
        kwargs = {str(k): _moved(v, anchor) for k, v in item.items()}
        return Batch((), kwargs, kwargs.get("labels") if labels is None else labels)
    args = item if isinstance(item, tuple) else (item,)
    return Batch(tuple(_moved(a, anchor) for a in args), {}, labels)


def _moved(value: Any, anchor: Any) -> Any:
    """Arrays as tensors of the model's float type, tensors on the model's device, in containers.

    Objects with a `to` of their own (a tokenizer's batch, a graph) are moved by it.
    """
    if anchor is None:
        return mapped(value, lambda v: torch.as_tensor(v) if isinstance(v, np.ndarray) else v)

    def move(one: Any) -> Any:
        if isinstance(one, np.ndarray):
            one = torch.as_tensor(one)
            one = one.to(anchor.dtype) if one.is_floating_point() else one
        tensors = leaves(one)
        if all(t.device == anchor.device for t in tensors):
            return one
        own = isinstance(one, torch.Tensor) or callable(getattr(one, "to", None))
        return one.to(anchor.device) if own else one

    return mapped(value, move)


LOSSES: dict[str, Any] = {
    "cross_entropy": torch.nn.functional.cross_entropy,
    "bce": torch.nn.functional.binary_cross_entropy,
    "bce_with_logits": torch.nn.functional.binary_cross_entropy_with_logits,
    "mse": torch.nn.functional.mse_loss,
}


def loss_of(output: Any, labels: Any, loss: Any) -> Any:
    """The loss of one batch, or None where none is asked for and the model gives none.

    Args:
        output: of the model; its first tensor, or `logits`, goes into the loss.
        labels: of the batch.
        loss: a name of LOSSES, a function of (output, labels), or None for the model's own
            (`output.loss`, as Hugging Face models give it).

    Raises:
        InputError: a loss is asked for and the batch has no labels, or its name is unknown.
    """
    if loss is None:
        own = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
        return own if isinstance(own, torch.Tensor) else None
    if labels is None:
        raise InputError(
            "a loss was given without labels: expected labels=…, or a loader of "
            "(inputs, labels) pairs"
        )
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise InputError(f"loss = {loss!r}: expected one of {', '.join(LOSSES)}, or a function")
        first = first_tensor(output)
        if loss in ("bce", "bce_with_logits", "mse"):
            labels = labels.to(first.dtype).reshape(first.shape)
        return LOSSES[loss](first, labels)
    return loss(output, labels)


def first_tensor(output: Any) -> Any:
    """The tensor that a model's output is about: `logits`, or the first one found.

    Raises:
        InputError: there is none.
    """
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        found = output.get("logits", next((v for v in output.values() if leaves(v)), None))
    elif isinstance(output, (tuple, list)):
        found = next((v for v in output if leaves(v)), None)
    else:
        found = getattr(output, "logits", None)
        found = next(iter(leaves(output)), None) if found is None else found
    if found is None or found is output:
        raise InputError(
            f"the model gives a {type(output).__name__} without a tensor: give loss=… as a "
            "function of (output, labels)"
        )
    return first_tensor(found)
