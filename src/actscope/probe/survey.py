"""Look at a model while it runs on real batches: `inspect`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from actscope.errors import InputError
from actscope.probe import table
from actscope.probe.batches import Batch, batches_of, first_tensor, loss_of
from actscope.probe.collector import Collector, Measures, Units
from actscope.probe.dense import has_memory
from actscope.probe.findings import Settings, findings_of
from actscope.probe.gates import closed, opening
from actscope.probe.held import Held
from actscope.probe.keep import backward, random_kept, unchanged
from actscope.probe.merge import failed, gathered
from actscope.probe.nested import leaves
from actscope.probe.origins import origins_of
from actscope.probe.report import Report
from actscope.probe.rules._base import Seen
from actscope.probe.tracker import Tracker
from actscope.probe.wrappers import group_of, is_sharded, unwrap

PROBED = 2000  # examples kept for the probe


def inspect(
    model: Any,
    data: Any,
    labels: Any = None,
    loss: Any = None,
    *,
    units: Units = None,
    rows: int = 512,
    batches: int | None = None,
    full: bool = True,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    thresholds: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Report:
    """Measure every activation of a model on real data, and say what is wrong with it.

    The model is left as it was, to the bit: parameters, buffers, gradients, modes, hooks and
    random states, also when its forward raises. It runs in the mode (train or eval) it is in.

    Of a DistributedDataParallel model each process looks at its own data, all have to call
    this, and each gets the report over all; where one raises, all do. One process alone gives
    `model.module`. While it looks, nn.TransformerEncoder takes its
    ordinary path and compiled parts run eagerly.

    Args:
        model: any torch.nn.Module; a compiled or wrapped one is looked at inside its wrapper.
        data: one batch (a tensor or array, a tuple of positional arguments, a mapping of keyword
            arguments) or a loader of batches, whose pairs are (inputs, labels).
        labels: of one batch: (n,) whole numbers for the probe and the loss, or numbers.
        loss: "cross_entropy", "bce", "bce_with_logits", "mse" or a function of (output, labels);
            None takes the model's own (`output.loss`). Without a loss nothing is known of
            gradients.
        units: the dimension of the units, for all sites or by pattern of their names
            ({"encoder.*": 1}); worked out from the layers before if None.
        rows: rows kept per site for spectra, quantiles, number formats; at least 8.
        batches: batches taken from a loader; all if None.
        full: False leaves out number formats, mean field, probe and repeated units.
        select: codes, prefixes of codes or names of the rules that run ("ACT1"); all if empty.
        ignore: the same for rules left out, everywhere or at some sites ("ACT101@conv*").
        thresholds: {"dead_units.fraction": 0.1}.
        seed: of the samples; the random states of torch and NumPy are not used.

    Returns:
        A Report: `.table`, `.findings`, `.opaque`, `.to_json()`, `.summary()`.

    Raises:
        InputError: the data, labels or loss cannot be used; the message says what is expected.
        UnknownName: no rule has a selected code.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> with torch.no_grad():
        ...     _ = model[0].bias[:3].fill_(-100.0)
        >>> report = inspect(model, torch.randn(64, 4, generator=torch.Generator().manual_seed(0)))
        >>> report.rows["1"]["activation"], report.rows["1"]["units"], report.rows["1"]["dead"]
        ('relu', 8, 3)
        >>> [f.rule for f in report.findings]
        ['dead_units']

    Source: own, docs/inspect.md; the page of each rule in docs/findings says what it rests on.
    """
    _check(model, rows)
    group = group_of(model)
    settings = Settings(tuple(select), tuple(ignore), thresholds)
    wanted = Measures(rows=rows, inputs=full, pooled=PROBED if full else 0, units=units, seed=seed)
    root = unwrap(model)
    collector = Collector(wanted, {id(p): n for n, p in root.named_parameters()})
    fresh = any(map(_fresh, root.modules()))
    with random_kept():
        try:
            targets = _run(root, collector, batches_of(root, data, labels, batches), loss)
        except Exception as error:
            if group is not None:
                failed(error, group)
            raise
        if group is not None:
            collector, targets = gathered(collector, targets, group)
        if collector.batches == 0:
            raise InputError("data holds no batch: expected at least one")
        report = report_of(collector, settings, targets, full, type(root).__name__, fresh)
    return replace(report, origins=origins_of(root, {f.site for f in report.findings}))


def _check(model: Any, rows: int) -> None:
    if not isinstance(model, torch.nn.Module):
        raise InputError(
            f"model is {type(model).__name__}: expected a torch.nn.Module; for a function that "
            "makes one, call it first"
        )
    if any(p.is_meta for p in model.parameters()):
        raise InputError(
            "the model has weights on the meta device, which hold no numbers: load them first, or "
            'model.to_empty(device="cpu") and initialise them'
        )
    if is_sharded(model):
        raise InputError(
            "the model is sharded (FSDP): each process holds a piece of the weights; inspect it "
            "before it is sharded, with the gathered state dict"
        )
    if rows < 8:
        raise InputError(f"rows = {rows}: expected at least 8")


def _fresh(module: Any) -> bool:
    """Whether it is a batch norm that uses the statistics it was made with."""
    counted = getattr(module, "num_batches_tracked", None)
    batch_norm = isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
    return batch_norm and not module.training and counted is not None and int(counted) == 0


def _run(root: Any, collector: Collector, batches: Iterable[Batch], loss: Any) -> dict[int, Any]:
    """Run the model over the batches; returns the labels by number of the batch."""
    tracker = Tracker(root, collector)
    targets: dict[int, Any] = {}
    wanted = [p for p in root.parameters() if p.requires_grad]
    with unchanged(root) as held, tracker.alone():
        tracker.attach()
        try:
            for batch in batches:
                given = Held((), leaves((batch.args, batch.kwargs, batch.labels)))
                tracker.known.held = held, given
                number = collector.batches
                try:
                    if callable(loss):  # which may call backward itself
                        _aside(tracker)
                    gradients = _one(tracker, collector, batch, loss, wanted)
                    if gradients:
                        collector.opening |= opening(closed(root), wanted, gradients)
                finally:
                    given.restore()
                known = _numbers(batch.labels)
                if known is not None:
                    targets[number] = known
        finally:
            tracker.detach()
            collector.release()
    return targets


def _one(
    tracker: Tracker, collector: Collector, batch: Batch, loss: Any, parameters: list[Any]
) -> list[Any]:
    """One batch; returns the gradients of the parameters, none without a loss."""
    graph = loss is not None or "labels" in batch.kwargs
    with contextlib.nullcontext() if graph else torch.no_grad():
        output = tracker.root(*batch.args, **batch.kwargs)
        with tracker.loss() as last:
            value = loss_of(output, batch.labels, loss)
            if last is not None and not collector.output_site:
                with torch._C.DisableTorchFunction(), contextlib.suppress(InputError):
                    collector.output_site = last.notes.made_by(first_tensor(output))
        if value is None:
            return []
        if value.numel() != 1:
            raise InputError(
                f"the loss has shape {tuple(value.shape)}: expected one number, a mean over the "
                "batch"
            )
        if value.requires_grad and parameters:
            reentrant = last is not None and last.sites.stretches
            if reentrant:
                _aside(tracker)
            return backward(value.reshape(()), parameters, reentrant)
        return []


def _numbers(labels: Any) -> Any:
    """Labels as an array; None for what is no array of numbers (boxes, words)."""
    if isinstance(labels, torch.Tensor):
        plain = has_memory(labels)
        labels = labels.detach().cpu()
        return (labels.float() if labels.is_floating_point() else labels).numpy() if plain else None
    try:
        array = np.asarray(labels)
    except ValueError:  # lists of several lengths
        return None
    return array if array.dtype.kind in "iufb" and array.ndim else None


def _aside(tracker: Tracker) -> None:
    for held in tracker.known.held:
        held.aside()


def report_of(
    collector: Collector,
    settings: Settings,
    targets: Mapping[int, Any] | None = None,
    full: bool = True,
    name: str = "",
    fresh: bool = False,
) -> Report:
    """The report over what a collector kept.

    Args:
        collector: after the last batch.
        settings: of the rules.
        targets: labels of the batches, by number.
        full: number formats, mean field, probe, repeated units.
        name: of the model, for the title.
        fresh: as in `Seen`.
    """
    labels, least = _labels(targets or {})
    # small matrices: threads cost more than they give
    with _threads().limit(limits=1, user_api="blas"):
        known, per_unit = table.rows_of(collector, labels if full else None, full)
    seen = Seen(
        known,
        per_unit,
        tuple(collector.losses.values()),
        collector.output_site,
        least,
        collector.input_rows.array(),
        fresh,
        frozenset(collector.opening),
    )
    return Report(
        name,
        known,
        per_unit,
        findings_of(seen, settings),
        tuple(collector.opaques.values()),
        {"batches": collector.batches, "examples": collector.examples},
        {s.name: s.rows_out.array() for s in collector.sites.values()},
    )


@functools.cache
def _threads() -> Any:
    """What sets the number of threads; looking for the libraries takes a millisecond."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


def _labels(targets: Mapping[int, Any]) -> tuple[Mapping[int, Any] | None, float | None]:
    """Class labels for the probe by batch, or None; the least target of a regression, or None."""
    parts = list(targets.values())
    if parts and parts[0].dtype.kind == "f":
        return None, min((float(t.min()) for t in parts if t.size), default=None)
    whole = bool(parts) and all(t.ndim == 1 for t in parts)
    return (targets if whole else None), None
