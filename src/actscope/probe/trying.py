"""Swap a model's activations for others and measure each on the same data: `try_swaps`."""

from __future__ import annotations

import collections
import copy
import itertools
import math
import random
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from actscope.activations import Activation, elementwise
from actscope.errors import ActscopeError, InputError
from actscope.probe.batches import Batch, batches_of, first_tensor, loss_of
from actscope.probe.held import kept
from actscope.probe.keep import random_kept
from actscope.probe.load import said
from actscope.probe.nested import leaves
from actscope.probe.report import Report
from actscope.probe.survey import inspect
from actscope.probe.swapping import swap
from actscope.probe.tracker import unwrap
from actscope.probe.tried import MEASURES, Tried, tried
from actscope.probe.twins import with_twin

Train = Callable[[Any, list[Any], int], Any]


def try_swaps(
    model: Any,
    data: Any,
    activations: str | Activation | Sequence[str | Activation],
    labels: Any = None,
    loss: Any = None,
    *,
    train: Train | None = None,
    steps: int = 0,
    seeds: int | Iterable[int] = 1,
    at: str = "",
    reinit: str | None = "critical",
    batches: int | None = None,
    progress: Callable[[], object] | None = None,
    **settings: Any,
) -> Tried:
    """Measure a model with its own activations and with others, before and after fine-tuning.

    For each activation a copy of the model is made, its activations swapped, measured, trained
    for some steps by your own function, and measured again: on the same data, from the same
    seeds. The first row is a copy with nothing swapped and nothing drawn anew. The model itself
    is left as it was.

    Args:
        model: any torch.nn.Module.
        data: as for `inspect`; a loader is read once, and all of it kept.
        activations: what to swap in, as for `swap`: names, "silu(beta=1.7)", typed expressions
            such as `"x*sigmoid(1.7*x)"`, Activations.
        labels: of one batch, as for `inspect`.
        loss: as for `inspect`.
        train: `train(model, batches, steps)` trains the model it is given in place, or returns
            the trained one; `batches` is a list with the items of a loader, or with one
            (data, labels) pair (the data alone where there are no labels). Before each call
            torch's, NumPy's and Python's random states are set from the seed, and the model is
            in train mode.
        steps: handed to `train`; at least 1 with it.
        seeds: how many, or which. They set the weights drawn anew and the random states of
            training. From two on, the table holds means with 95 % intervals.
        at: what is swapped out: a site, a pattern of sites or an activation's name, as for
            `swap`; the activation that the model has most of if empty.
        reinit: of the swapped models: "critical" draws the weights in front of activations anew,
            None keeps them. To tell the weights' part from the activation's, try the model's own
            activation too.
        batches: taken from a loader; all if None.
        progress: called after each model that was measured.
        settings: others of `inspect`: units, rows, select, ignore, thresholds.

    Returns:
        A `Tried`: `.table`, `.reports`, `.to_json()`, `.summary()`.

    Raises:
        InputError: `train` is missing, raises or returns something else; nothing is there to
            swap; or as for `inspect` and `swap`.
        UnknownName: there is no such activation.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> _ = torch.manual_seed(0)
        >>> model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
        >>> x = torch.randn(64, 4)
        >>> def train(model, batches, steps):
        ...     step = torch.optim.SGD(model.parameters(), 0.5)
        ...     for i in range(steps):
        ...         x, y = batches[i % len(batches)]
        ...         step.zero_grad()
        ...         nn.functional.cross_entropy(model(x), y).backward()
        ...         step.step()
        >>> found = try_swaps(model, x, ["gelu"], (x[:, 0] > 0).long(), "cross_entropy",
        ...                   train=train, steps=20)
        >>> found.table.index.tolist()
        ['as it is (relu)', 'gelu']
        >>> bool((found.table["loss_after"] < found.table["loss"]).all())
        True

    Source: own, docs/inspect.md.
    """
    root, numbers = unwrap(model), _seeds(seeds)
    _check_training(train, steps)
    records = _records(activations)
    items = _Items(root, data, labels, batches)
    with random_kept():
        own = inspect(root, items.inspected(), None, _loss(loss), **settings)
        out = at or _most(own)
        swapped = _swapped(own, out)
        name = ", ".join(sorted({own.rows[s]["activation"] for s in swapped}))
        runs: dict[str, list[dict[str, float]]] = {}
        reports: dict[str, Report] = {}
        for label, record in {f"as it is ({name})": None, **records}.items():
            runs[label] = []
            for seed in numbers:
                made = copy.deepcopy(root)
                if record is not None:
                    made = swap(root, {out: record}, data=items.first, reinit=reinit, seed=seed)
                row, report = _measured(made, items, loss, swapped, own, settings)
                reports.setdefault(label, report)
                if train is not None:
                    trained = _trained(made, items, train, steps, seed)
                    after, _ = _measured(trained, items, loss, swapped, own, settings)
                    row |= {f"{key}_after": value for key, value in after.items()}
                runs[label].append(row)
                if progress is not None:
                    progress()
    return tried(runs, reports, steps if train is not None else 0, numbers, out, reinit)


def _seeds(seeds: Any) -> tuple[int, ...]:
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not numbers or not all(type(s) is int and 0 <= s < 2**32 for s in numbers):
        raise InputError(
            f"seeds = {seeds!r}: expected how many (at least 1), or a list of whole numbers"
        )
    return numbers


def _check_training(train: Any, steps: Any) -> None:
    if type(steps) is not int or steps < 0:
        raise InputError(f"steps = {steps!r}: expected a whole number of at least 1")
    if train is None and steps:
        raise InputError(
            f"steps = {steps} without a training function: give train=, a function of "
            "(model, batches, steps)"
        )
    if train is not None and not callable(train):
        raise InputError(
            f"train is {type(train).__name__}: expected a function of (model, batches, steps)"
        )
    if train is not None and not steps:
        raise InputError("train was given without steps: expected steps of at least 1")


def _records(activations: Any) -> dict[str, Activation]:
    one = isinstance(activations, (str, Activation))
    records = [with_twin(elementwise(a)) for a in ([activations] if one else activations)]
    if not records:
        raise InputError("activations is empty: expected at least one name, such as ['gelu']")
    return {record.key: record for record in records}


# -- data ---------------------------------------------------------------------------------------


class _Items:
    """The data, read once: as an inspection takes them, as `train` does, and as calls."""

    def __init__(self, root: Any, data: Any, labels: Any, most: int | None) -> None:
        whole = isinstance(data, (torch.Tensor, np.ndarray, tuple, Mapping))
        if whole:
            self.trained = [data if labels is None else (data, labels)]
        elif isinstance(data, Iterable) and not isinstance(data, (str, bytes)):
            self.trained = list(itertools.islice(data, most))
        kept = data if whole or not isinstance(data, Iterable) else self.trained
        self.calls: list[Batch] = list(batches_of(root, kept, labels))
        if not self.calls:
            raise InputError("data holds no batch: expected at least one")
        first = self.calls[0]
        self.first = first.args or first.kwargs

    def inspected(self) -> list[Any]:
        """Pairs for `inspect`, the labels as a column.

        Of a list of class labels it would work out the probe, which takes most of the time and
        is not in the table.
        """
        return [(list(b.args) if b.args else b.kwargs, _column(b.labels)) for b in self.calls]


def _column(labels: Any) -> Any:
    return labels[:, None] if _is_list(labels) else labels


def _is_list(labels: Any) -> bool:
    return isinstance(labels, torch.Tensor) and labels.ndim == 1 and not labels.is_floating_point()


def _loss(loss: Any) -> Any:
    """The loss for `inspect`, which takes the labels' column as a list again."""
    if loss is None:
        return None

    def on_list(output: Any, labels: Any) -> Any:
        column = isinstance(labels, torch.Tensor) and labels.shape[1:] == (1,)
        whole = column and not labels.is_floating_point()
        return loss_of(output, labels[:, 0] if whole else labels, loss)

    return on_list


# -- one model ----------------------------------------------------------------------------------


def _most(report: Report) -> str:
    """The activation that most sites have; the first of several."""
    names = [row["activation"] for row in report.rows.values() if row["kind"] != "softmax"]
    if not names:
        raise InputError("the model has no activation that could be swapped: none was found")
    return str(collections.Counter(names).most_common(1)[0][0])


def _swapped(report: Report, out: str) -> list[str]:
    """The sites that are swapped out; all that are no softmax where `out` names none."""
    from actscope.probe.swapping import key_of

    rows = {s: r for s, r in report.rows.items() if r["kind"] != "softmax"}
    names = {s: {r["activation"], r["activation"].partition("(")[0]} for s, r in rows.items()}
    return [s for s in rows if key_of(s, names[s], {out: None}) is not None] or list(rows)


def _trained(model: Any, items: _Items, train: Train, steps: int, seed: int) -> Any:
    """A model after training, in the mode it was in."""
    modes = {name: module.training for name, module in model.named_modules()}
    model.train()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what the user's function may draw from
    torch.manual_seed(seed)
    name = getattr(train, "__name__", "train")
    try:
        with torch.enable_grad():
            given = train(model, list(items.trained), steps)
    except ActscopeError:
        raise
    except Exception as error:
        raise InputError(
            f"the training function {name!r} raised {said(error)}; expected "
            f"{name}(model, batches, steps) to train the model in place"
        ) from error
    if given is not None and not isinstance(given, torch.nn.Module):
        raise InputError(
            f"the training function {name!r} gave a {type(given).__name__}: expected None (the "
            "model is trained in place) or the trained model"
        )
    model = model if given is None else unwrap(given)
    for path, module in model.named_modules():
        module.training = modes.get(path, module.training)
    return model


def _measured(
    model: Any, items: _Items, loss: Any, swapped: list[str], own: Report, settings: Any
) -> tuple[dict[str, float], Report]:
    """A model's row of numbers, and its report."""
    report = inspect(model, items.inspected(), None, _loss(loss), **settings)
    rows = [r for r in report.rows.values() if r["kind"] != "softmax"]
    before = [s for s, r in own.rows.items() if r["kind"] != "softmax"]
    at = before.index(swapped[-1]) if len(rows) == len(before) else len(rows) - 1
    last = rows[at] if rows else {}
    known: Callable[[str], list[float]] = lambda name: [
        r[name] for r in rows if not math.isnan(r[name])
    ]
    gradients = known("gradient_ratio")
    numbers: dict[str, float] = {
        "findings": float(len(report.findings)),
        "dead": float(sum(known("dead"))),
        "saturated": float(np.mean(known("saturated"))) if known("saturated") else math.nan,
        "rank": last.get("rank", math.nan),
        "distance": last.get("distance_input", math.nan),
        "gradient_ratio": gradients[0] if gradients else math.nan,
        **_scores(model, items, loss),
    }
    assert set(numbers) == set(MEASURES)
    return numbers, report


def _scores(model: Any, items: _Items, loss: Any) -> dict[str, float]:
    """Mean loss and accuracy over the batches, in eval mode."""
    modes = [(m, m.training) for m in model.modules()]
    total = right = 0.0
    examples = counted = 0
    try:
        model.eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an inspection of the same batch showed them
            for batch in items.calls:
                with kept(leaves((batch.args, batch.kwargs))):
                    output = model(*batch.args, **batch.kwargs)
                value = loss_of(output, batch.labels, loss)
                size = len(batch.labels) if batch.labels is not None else 1
                if value is not None:
                    total += float(value) * size
                    examples += size
                hits = _hits(output, batch.labels, loss)
                if hits is not None:
                    right += float(hits.sum())
                    counted += hits.numel()
    finally:
        for module, training in modes:
            module.training = training
    nan = math.nan
    return {
        "loss": total / examples if examples else nan,
        "accuracy": right / counted if counted else nan,
    }


def _hits(output: Any, labels: Any, loss: Any) -> Any:
    """Which examples are told right, or None where the labels are no classes."""
    if not isinstance(labels, torch.Tensor) or not labels.numel():
        return None
    scores = first_tensor(output)
    if not labels.is_floating_point() and labels.ndim == 1 and scores.ndim == 2:
        return scores.argmax(1) == labels if scores.shape[1] > 1 else None
    if loss in ("bce", "bce_with_logits") and scores.numel() == labels.numel():
        edge = 0.5 if loss == "bce" else 0.0
        return (scores.reshape(-1) > edge) == (labels.reshape(-1) > 0.5)
    return None
